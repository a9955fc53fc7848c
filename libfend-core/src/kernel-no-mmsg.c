/* SPDX-License-Identifier: MIT */
/*
 * Stands in for kernel-mmsg.c where the system has no call that moves several messages. An error is
 * told if it is the first message's; that of a later one is met again by whoever goes on from there.
 */
#include "kernel-real.h"

#include <limits.h>

static int
each(ssize_t (*move)(int fd, struct msghdr *message, int flags), int fd,
     struct fend__message *messages, unsigned n, int flags)
{
	unsigned done;

	if (n > INT_MAX)
		n = INT_MAX;
	for (done = 0; done < n; done++) {
		ssize_t r = move(fd, &messages[done].header, flags);

		if (r < 0)
			return done > 0 ? (int)done : (int)r;
		messages[done].size = (unsigned)r;
	}
	return (int)done;
}

static ssize_t
recv_one(int fd, struct msghdr *message, int flags)
{
	return fend__kernel_real.recvmsg(fd, message, flags);
}

static ssize_t
send_one(int fd, struct msghdr *message, int flags)
{
	return fend__kernel_real.sendmsg(fd, message, flags);
}

int
fend__real_recvmmsg(int fd, struct fend__message *messages, unsigned n, int flags)
{
	return each(recv_one, fd, messages, n, flags);
}

int
fend__real_sendmmsg(int fd, struct fend__message *messages, unsigned n, int flags)
{
	return each(send_one, fd, messages, n, flags);
}
