/* SPDX-License-Identifier: MIT */
/* Sockets that are nonblocking and close-on-exec from their first moment (Linux, the BSDs). */
#include "kernel-real.h"

#include <sys/socket.h>

int
fend__real_socket(int domain, int type, int protocol)
{
	return RETRY(socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

int
fend__real_accept(int fd, struct sockaddr *address, socklen_t *size)
{
	return RETRY(accept4(fd, address, size, SOCK_NONBLOCK | SOCK_CLOEXEC));
}
