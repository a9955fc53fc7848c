/* SPDX-License-Identifier: MIT */
/* POSIX has no call that tells a host's addresses. */
#include "interfaces.h"

#include <errno.h>

int
fend__interfaces_read(struct interfaces *ret_interfaces)
{
	return -ENOTSUP;
}
