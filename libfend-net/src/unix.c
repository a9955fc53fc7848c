/* SPDX-License-Identifier: MIT */
/*
 * Descriptors over Unix sockets.
 *
 * Receiving always has room for as many as the kernel passes at once, and for what else it may say,
 * so that it is decided here which are surplus: what the kernel cuts off for lack of room it would
 * close as well, but a pidfd (SO_PASSPIDFD) takes the place of nothing and has to be closed here.
 *
 * Descriptors are refused on other sockets because TCP and UDP accept and drop them silently.
 */
#include <fend/unix.h>

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>

#include "socket.h"

/* Where the system cannot make them close-on-exec while they are received, it is done after. */
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

/* As in Linux 6.5; a C library may be older than the kernel. */
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

/* Descriptors; credentials, a security context and a time stamp that options may have asked for. */
#define FDS_SPACE CMSG_SPACE(FEND_FDS_MAX * sizeof(int))

union control {
	struct cmsghdr align;
	char bytes[FDS_SPACE + 512];
};

static int
check(struct fend_socket *socket)
{
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	r = fend__socket_domain(socket);
	if (r < 0)
		return r;
	return r == AF_UNIX && fend__socket_is_plain(socket) ? 0 : -EOPNOTSUPP;
}

FEND_PUBLIC ssize_t
fend_socket_send_fds(struct fend_socket *socket, const struct iovec *iov, int n, const int *fds,
		     size_t n_fds)
{
	union control control;
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_control = &control };
	struct cmsghdr *cmsg = &control.align;
	ssize_t size;
	int r;

	r = check(socket);
	if (r < 0)
		return r;
	size = fend__iov_size(iov, n);
	if (size < 0)
		return size;
	if (n_fds == 0)
		return fend_socket_sendv(socket, iov, n, 0);
	/* A stream would take descriptors without bytes, and lose them. */
	if (size == 0 || n_fds > FEND_FDS_MAX || !fds)
		return -EINVAL;
	memset(&control, 0, FDS_SPACE);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
	message.msg_iovlen = (size_t)n;
	message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	return fend__kernel->sendmsg(socket->fd, &message, MSG_DONTWAIT);
}

/* Keep fd, which is ours, if there is room and it can be made close-on-exec. */
static void
keep(struct fend_fds *fds, int fd)
{
	if (fds->n < fds->max && (MSG_CMSG_CLOEXEC != 0 || fend__kernel->set_cloexec(fd) >= 0)) {
		fds->fds[fds->n++] = fd;
		return;
	}
	fend__close(fd);
	fds->lost = true;
}

/* The descriptors in cmsg: into fds, or closed if fds is NULL. */
static void
take(const struct cmsghdr *cmsg, struct fend_fds *fds)
{
	size_t size = cmsg->cmsg_len - CMSG_LEN(0), at;

	for (at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + at, sizeof(fd));
		if (fds)
			keep(fds, fd);
		else
			fend__close(fd);
	}
}

FEND_PUBLIC ssize_t
fend_socket_recv_fds(struct fend_socket *socket, const struct iovec *iov, int n,
		     struct fend_fds *ret_fds)
{
	union control control;
	struct msghdr message = {
		.msg_iov = (struct iovec *)iov,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t size;

	size = check(socket);
	if (size < 0)
		return size;
	size = fend__iov_size(iov, n);
	if (size <= 0)
		return size < 0 ? size : -EINVAL;
	if (!ret_fds || (ret_fds->max > 0 && !ret_fds->fds))
		return -EINVAL;
	message.msg_iovlen = (size_t)n;
	size = fend__kernel->recvmsg(socket->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (size < 0)
		return size;
	ret_fds->n = 0;
	ret_fds->lost = message.msg_flags & MSG_CTRUNC;
	for (cmsg = CMSG_FIRSTHDR(&message); cmsg; cmsg = CMSG_NXTHDR(&message, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		if (cmsg->cmsg_type == SCM_RIGHTS)
			take(cmsg, ret_fds);
		else if (cmsg->cmsg_type == SCM_PIDFD)
			take(cmsg, NULL);
	}
	return size;
}

FEND_PUBLIC int
fend_socket_peer_credentials(const struct fend_socket *socket,
			     struct fend_credentials *ret_credentials)
{
	struct fend_address own;
	int r;

	if (!ret_credentials)
		return -EINVAL;
	r = fend_socket_getsockname(socket, &own);
	if (r < 0)
		return r;
	if (own.storage.ss_family != AF_UNIX)
		return -EOPNOTSUPP;
	return fend__peer_credentials(socket->fd, ret_credentials);
}
