/* SPDX-License-Identifier: MIT */
/* The wake-up as a pipe, where there is no eventfd. A full pipe is readable, which is all it says. */
#include "kernel-real.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
fend__real_wakeup(int ret_fds[2])
{
	int fds[2], i;

	if (pipe(fds) < 0)
		return -errno;
	for (i = 0; i < 2; i++) {
		if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0 ||
		    fcntl(fds[i], F_SETFL, O_NONBLOCK) < 0) {
			int err = -errno;

			close(fds[0]);
			close(fds[1]);
			return err;
		}
	}
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return 0;
}
