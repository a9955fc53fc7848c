/* SPDX-License-Identifier: MIT */
/* A watch: the holder that hands a socket's events to the user. */
#include <fend/socket.h>

#include <errno.h>

#include "socket.h"

static void
watch_ready(struct fend__holder *holder, unsigned events)
{
	struct fend_socket *socket = fend__container_of(holder, struct fend_socket, watch.holder);

	socket->watch.fn(socket, events, socket->watch.data);
}

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
	if (socket->watch.fn)
		return -EBUSY;
	socket->watch.holder.interest = events;
	socket->watch.holder.ready = watch_ready;
	r = fend__socket_hold(socket, loop, &socket->watch.holder, false);
	if (r < 0)
		return r;
	socket->watch.fn = fn;
	socket->watch.data = data;
	return 0;
}

FEND_PUBLIC int
fend_socket_set_events(struct fend_socket *socket, unsigned events)
{
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	if (!socket->watch.fn)
		return -ENOENT;
	return fend__socket_interest(socket, &socket->watch.holder, events);
}

FEND_PUBLIC void
fend_socket_unwatch(struct fend_socket *socket)
{
	if (!socket || !socket->watch.fn)
		return;
	socket->watch.fn = NULL;
	fend__socket_release(socket, &socket->watch.holder);
}
