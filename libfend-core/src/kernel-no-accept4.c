/* SPDX-License-Identifier: MIT */
/*
 * Stands in for kernel-accept4.c where sockets are made nonblocking and close-on-exec in steps of
 * their own. A program that another thread starts in between inherits the socket: POSIX.1-2008 has
 * no way around that.
 */
#include "kernel-real.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int
prepare(int fd)
{
	int err;

	if (fd < 0 || (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int
fend__real_socket(int domain, int type, int protocol)
{
	return prepare(RETRY(socket(domain, type, protocol)));
}

int
fend__real_accept(int fd, struct sockaddr *address, socklen_t *size)
{
	return prepare(RETRY(accept(fd, address, size)));
}
