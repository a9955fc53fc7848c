/* SPDX-License-Identifier: MIT */
#ifndef FEND_UNIX_H
#define FEND_UNIX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What Unix sockets alone can do (unix(7)): pass descriptors, and say who is at the other end. On
 * any other socket, and on one with layers, it is -EOPNOTSUPP.
 */
struct fend_socket;

/* How many descriptors one message carries at most. */
#define FEND_FDS_MAX 253

/*
 * Send bytes as fend_socket_sendv() does, and with the first of them n_fds descriptors, which are
 * borrowed: the receiver gets duplicates. They have been sent if this returns > 0; what is left of
 * the bytes then is sent without them. n_fds 0: just the bytes.
 *   -EINVAL        no byte to go with the descriptors; more than FEND_FDS_MAX
 *   -EBADF         one is not open
 *   -ETOOMANYREFS  too many are on their way, sent but not received
 */
ssize_t fend_socket_send_fds(struct fend_socket *socket, const struct iovec *iov, int n,
			     const int *fds, size_t n_fds);

/* Where to put descriptors: fds has room for max of them. The rest is the answer. */
struct fend_fds {
	int *fds;
	size_t max;
	size_t n;  /* how many came; they are the caller's to close */
	bool lost; /* more came than max, or than this process may open (RLIMIT_NOFILE) */
};

/*
 * Receive bytes as fend_socket_recvv() does, and the descriptors that were sent with them, which
 * come close-on-exec. Those that there is no room for are closed. One call returns the descriptors
 * of one send at most, with the first of its bytes, which others from before may precede. Whoever
 * does not expect descriptors calls fend_socket_recv(), which closes all that come. n and lost are
 * set also when 0 is returned, for the end, and untouched on failure.
 *   -EINVAL  no room for a byte
 */
ssize_t fend_socket_recv_fds(struct fend_socket *socket, const struct iovec *iov, int n,
			     struct fend_fds *ret_fds);

/* Who made the socket at the other end connect or listen (SO_PEERCRED); at that time, not now. */
struct fend_credentials {
	pid_t pid; /* 0: in a PID namespace not seen from here; may be another's by now */
	uid_t uid;
	gid_t gid;
};

/*
 * Who is at the other end of a connected socket.
 *   -ENOTCONN  never connected
 *   -ENOTSUP   a system without SO_PEERCRED
 */
int fend_socket_peer_credentials(const struct fend_socket *socket,
				 struct fend_credentials *ret_credentials);

#ifdef __cplusplus
}
#endif

#endif
