/* SPDX-License-Identifier: MIT */
/* The wake-up as an eventfd (Linux): one descriptor, which both ends share. */
#include "kernel-real.h"

#include <errno.h>
#include <sys/eventfd.h>

int
fend__real_wakeup(int ret_fds[2])
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	ret_fds[0] = ret_fds[1] = fd;
	return 0;
}
