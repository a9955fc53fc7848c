/* SPDX-License-Identifier: MIT */
/* A watch: what hands a socket's events to the user while nothing holds its readiness. */
#include <fend/socket.h>

#include <errno.h>

#include "socket.h"

FEND_PUBLIC int
fend_socket_watch(struct fend_socket *socket, struct fend_loop *loop, unsigned events,
		  fend_socket_fn *fn, void *data)
{
	int r;

	r = fend__socket_check(socket);
	if (r < 0)
		return r;
	if (!fn)
		return -EINVAL;
	if (socket->watch)
		return -EBUSY;
	r = fend__socket_may_hold(socket, loop, events);
	if (r < 0)
		return r;
	socket->watch = fn;
	socket->watch_data = data;
	socket->watched = (unsigned short)events;
	r = fend__socket_start(socket, loop);
	if (r < 0)
		socket->watch = NULL;
	return r;
}

FEND_PUBLIC int
fend_socket_set_events(struct fend_socket *socket, unsigned events)
{
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	if (!socket->watch)
		return -ENOENT;
	if (events & ~SOCKET_INTEREST)
		return -EINVAL;
	socket->watched = (unsigned short)events;
	return fend__socket_update(socket);
}

FEND_PUBLIC void
fend_socket_unwatch(struct fend_socket *socket)
{
	if (!socket || !socket->watch)
		return;
	socket->watch = NULL;
	if (!socket->holder)
		fend__socket_changed(socket);
}
