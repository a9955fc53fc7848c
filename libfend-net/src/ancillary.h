/* SPDX-License-Identifier: MIT */
#ifndef FEND_ANCILLARY_PRIVATE_H
#define FEND_ANCILLARY_PRIVATE_H

#include <sys/socket.h>

#include <fend/datagram.h>

/*
 * Ancillary data of a datagram. Room for what is read here and for what other options may add:
 * time stamps, the time to live, the count of what was dropped.
 */
union control {
	struct cmsghdr align;
	char bytes[320];
};

/* Take over what message says: local, interface, segment and tos, all zero so far. */
void fend__ancillary_read(struct msghdr *message, struct fend_datagram *datagram);

/*
 * Say what datagram asks for, on a socket of domain AF_INET or AF_INET6. -EINVAL: local is of
 * another family; -EMSGSIZE: segment; -ENOTSUP: not on this system.
 */
int fend__ancillary_write(int domain, const struct fend_datagram *datagram, union control *control,
			  struct msghdr *message);

/* The number of UDP_SEGMENT, or -ENOTSUP. */
int fend__ancillary_segment_option(void);

#endif
