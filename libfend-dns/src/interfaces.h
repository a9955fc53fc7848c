/* SPDX-License-Identifier: MIT */
#ifndef FEND_INTERFACES_H
#define FEND_INTERFACES_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"

/* An address of this host. */
struct own_address {
	struct host_address address;
	unsigned prefix; /* bits that it has in common with its network */
	bool deprecated; /* RFC 4862, 5.5.4 */
	bool home;       /* RFC 6275 */
};

/* Those of all interfaces. */
struct interfaces {
	struct own_address *addresses;
	size_t n;
};

/*
 * Ask the kernel: interfaces-netlink.c, or interfaces-none.c where there is no Netlink. -errno;
 * -ENOTSUP: this system cannot tell.
 */
int fend__interfaces_read(struct interfaces *ret_interfaces);
void fend__interfaces_clear(struct interfaces *interfaces);
/* NULL: it is no address of this host, or that is not known. */
const struct own_address *fend__interfaces_find(const struct interfaces *interfaces,
						const struct host_address *address);

#endif
