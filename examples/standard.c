/* SPDX-License-Identifier: MIT */
/*
 * The lowest number that is free is the one open(2) returns, so gaps are found and filled in order.
 * Each is opened for the direction in which it is not going to be used.
 */
#include "standard.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
standard_fill_gaps(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return -errno;
	}
	return 0;
}
