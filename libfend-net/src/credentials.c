/* SPDX-License-Identifier: MIT */
/* Who is at the other end of a Unix socket, as Linux says it: SO_PEERCRED in unix(7). */
#include <fend/unix.h>

#include <errno.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>

#include "socket.h"

int
fend__peer_credentials(int fd, struct fend_credentials *ret_credentials)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int r;

	r = fend__kernel->getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	if (r < 0)
		return r;
	/* A socket without a peer has nobody's; one of a user that has no number here has not. */
	if (peer.uid == (uid_t)-1 && peer.gid == (gid_t)-1)
		return -ENOTCONN;
	ret_credentials->pid = peer.pid;
	ret_credentials->uid = peer.uid;
	ret_credentials->gid = peer.gid;
	return 0;
}
