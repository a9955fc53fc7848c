/* SPDX-License-Identifier: MIT */
/* Stands in for ancillary.c on other systems: nothing is known, and nothing can be asked. */
#include "ancillary.h"

#include <errno.h>

void
fend__ancillary_read(struct msghdr *message, struct fend_datagram *datagram)
{
}

int
fend__ancillary_write(int domain, const struct fend_datagram *datagram, union control *control,
		      struct msghdr *message)
{
	return -ENOTSUP;
}

int
fend__ancillary_segment_option(void)
{
	return -ENOTSUP;
}
