/* SPDX-License-Identifier: MIT */
/*
 * A socket's readiness, which one holder has at a time, or a watch.
 *
 * There is one fend_io per socket, made by the first of them and kept, with an interest that
 * follows from what the holder or the watch, and the layers want: none as a rule when there is
 * neither. Events pass through the layers and then to the holder or the watch.
 *
 * The watch (socket-watch.c), which nearly every socket has that is not a stream's, is no more than
 * a function, called when nobody holds. An operation which says so may hold over it.
 *
 * Input that a layer holds is told by a task: as long as somebody wants it, the task is queued
 * again before each call, and so calls in each iteration, as a level-triggered descriptor would.
 * It is taken back when a call on the socket has emptied the layer.
 */
#include <fend-internal/socket.h>

#include <errno.h>

#include "socket.h"

static unsigned
interest(const struct fend_socket *socket)
{
	if (socket->holder)
		return socket->holder->interest;
	return socket->watch ? socket->watched : 0;
}

/* What the descriptor must report for that, as fend__layers_want(). */
static unsigned
want(const struct fend_socket *socket, bool *ret_held)
{
	unsigned wanted = interest(socket);

	*ret_held = false;
	return fend__socket_is_plain(socket) ? wanted : fend__layers_want(socket, wanted, ret_held);
}

/* Tell the holder, or else the watch: one is there. Afterwards nothing may be left of the socket. */
static inline void
tell(struct fend_socket *socket, unsigned events)
{
	struct fend__holder *holder = socket->holder;

	if (holder)
		holder->ops->ready(holder, events);
	else
		socket->watch(socket, events, socket->watch_data);
}

/* Pass events on: 0 for those a level holds without the descriptor. */
static __attribute__((noinline)) void
tell_through_layers(struct fend_socket *socket, unsigned events)
{
	unsigned wanted;

	events = fend__layers_ready(socket, events);
	fend__socket_update(socket);
	wanted = interest(socket);
	if (wanted && (events & (wanted | FEND_ERR | FEND_HUP)))
		tell(socket, events & (wanted | FEND_ERR | FEND_HUP));
}

/* Without layers the io's interest is the one on top, and its events are what is to be told. */
static void
on_io(struct fend_io *io, unsigned events, void *data)
{
	struct fend_socket *socket = data;

	if (fend__socket_is_plain(socket))
		tell(socket, events);
	else
		tell_through_layers(socket, events);
}

void
fend__socket_on_held(struct fend_task *task, void *data)
{
	struct fend_socket *socket = data;

	socket->layers->held_queued = false;
	tell_through_layers(socket, 0);
}

static void
queue_held(struct fend_socket *socket, bool held)
{
	struct layers *layers = socket->layers;

	if (!layers || held == layers->held_queued)
		return;
	if (held)
		layers->held_queued = fend_task_defer(socket->loop, &layers->held) >= 0;
	else
		layers->held_queued = fend_task_cancel(socket->loop, &layers->held) < 0;
}

int
fend__socket_update(struct fend_socket *socket)
{
	unsigned wanted;
	bool held;

	if (!socket->io)
		return 0;
	wanted = want(socket, &held);
	queue_held(socket, held);
	return wanted == fend_io_events(socket->io) ? 0 : fend_io_set(socket->io, wanted);
}

/* The first holder or watch: make the io, and belong to loop from now on. */
static int
start(struct fend_socket *socket, struct fend_loop *loop)
{
	bool held;
	int r;

	r = fend_io_new(loop, socket->fd, want(socket, &held), on_io, socket, &socket->io);
	if (r < 0)
		return r;
	socket->loop = fend__loop_hold(loop);
	queue_held(socket, held);
	return 0;
}

int
fend__socket_start(struct fend_socket *socket, struct fend_loop *loop)
{
	return socket->io ? fend__socket_update(socket) : start(socket, loop);
}

int
fend__socket_may_hold(const struct fend_socket *socket, const struct fend_loop *loop,
		      unsigned interest)
{
	int r = fend__socket_check(socket);

	if (r == 0)
		r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if ((socket->loop && socket->loop != loop) || (interest & ~SOCKET_INTEREST))
		return -EINVAL;
	return socket->holder ? -EBUSY : 0;
}

FEND_PUBLIC int
fend__socket_hold(struct fend_socket *socket, struct fend_loop *loop, struct fend__holder *holder,
		  bool over_watch)
{
	int r = fend__socket_may_hold(socket, loop, holder->interest);

	if (r < 0)
		return r;
	if (socket->watch && !over_watch)
		return -EBUSY;
	socket->holder = holder;
	r = fend__socket_start(socket, loop);
	if (r < 0)
		socket->holder = NULL;
	return r;
}

FEND_PUBLIC void
fend__socket_release(struct fend_socket *socket, struct fend__holder *holder)
{
	if (!socket || socket->holder != holder)
		return;
	socket->holder = NULL;
	fend__socket_changed(socket);
}

FEND_PUBLIC int
fend__socket_interest(struct fend_socket *socket, struct fend__holder *holder, unsigned interest)
{
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	if (interest & ~SOCKET_INTEREST)
		return -EINVAL;
	holder->interest = interest;
	return socket->holder == holder ? fend__socket_update(socket) : 0;
}

FEND_PUBLIC struct fend_loop *
fend__socket_loop(const struct fend_socket *socket)
{
	return socket ? socket->loop : NULL;
}

FEND_PUBLIC void
fend__socket_changed(struct fend_socket *socket)
{
	if (fend__socket_check(socket) == 0)
		fend__socket_update(socket);
}

void
fend__socket_unready(struct fend_socket *socket)
{
	struct fend__holder *holder = socket->holder;

	socket->holder = NULL;
	if (holder && holder->ops->gone)
		holder->ops->gone(holder);
	if (!socket->loop)
		return;
	if (socket->layers)
		fend_task_cancel(socket->loop, &socket->layers->held);
	socket->io = fend_io_free(socket->io);
}
