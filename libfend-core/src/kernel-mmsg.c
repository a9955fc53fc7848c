/* SPDX-License-Identifier: MIT */
/* Several messages in one call, behind the kernel door (Linux, FreeBSD, NetBSD). */
#include "kernel-real.h"

#include <errno.h>
#include <sys/socket.h>

_Static_assert(sizeof(struct fend__message) == sizeof(struct mmsghdr) &&
		       offsetof(struct fend__message, size) == offsetof(struct mmsghdr, msg_len),
	       "the messages of the door are those of the system");

int
fend__real_recvmmsg(int fd, struct fend__message *messages, unsigned n, int flags)
{
	int done;

	do
		done = recvmmsg(fd, (struct mmsghdr *)messages, n, flags, NULL);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done;
}

int
fend__real_sendmmsg(int fd, struct fend__message *messages, unsigned n, int flags)
{
	int done;

	do
		done = sendmmsg(fd, (struct mmsghdr *)messages, n, flags | MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done;
}
