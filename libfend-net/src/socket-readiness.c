/* SPDX-License-Identifier: MIT */
/*
 * A socket's readiness, which one holder has at a time.
 *
 * There is one fend_io per socket, made by the first hold and kept, with an interest that follows
 * from what the holder and the layers want: none as a rule when nobody holds. Events pass through
 * the layers and then to the holder.
 *
 * The watch (socket-watch.c) is a holder like any other, except that an operation which says so
 * may hold over it: socket->holder is then the operation's, and socket->watch gets it back.
 *
 * Input that a layer holds is told by a task: as long as somebody wants it, the task is queued
 * again before each call, and so calls in each iteration, as a level-triggered descriptor would.
 * It is taken back when a call on the socket has emptied the layer.
 */
#include <fend-internal/socket.h>

#include <errno.h>

#include "socket.h"

#define INTEREST (unsigned)(FEND_IN | FEND_OUT | FEND_PRI | FEND_RDHUP)

/* After the holder was called nothing may be left of the socket. */
static inline void
call_holder(const struct fend_socket *socket, unsigned events)
{
	struct fend__holder *holder = socket->holder;

	if (fend__unlikely(!holder || !holder->interest))
		return;
	events &= holder->interest | FEND_ERR | FEND_HUP;
	if (fend__likely(events))
		holder->ready(holder, events);
}

static __attribute__((noinline)) void
deliver_through_layers(struct fend_socket *socket, unsigned events)
{
	events = fend__layers_ready(socket, events);
	fend__socket_update(socket);
	call_holder(socket, events);
}

/* Pass events on: 0 for those a level holds without the descriptor. */
static inline void
deliver(struct fend_socket *socket, unsigned events)
{
	if (fend__socket_is_plain(socket))
		call_holder(socket, events);
	else
		deliver_through_layers(socket, events);
}

static void
on_io(struct fend_io *io, unsigned events, void *data)
{
	deliver(data, events);
}

void
fend__socket_on_held(struct fend_task *task, void *data)
{
	struct fend_socket *socket = data;

	socket->held_queued = false;
	deliver(socket, 0);
}

static void
queue_held(struct fend_socket *socket, bool held)
{
	if (held == socket->held_queued)
		return;
	if (held)
		socket->held_queued = fend_task_defer(socket->loop, &socket->held) >= 0;
	else
		socket->held_queued = fend_task_cancel(socket->loop, &socket->held) < 0;
}

int
fend__socket_update(struct fend_socket *socket)
{
	unsigned wanted = socket->holder ? socket->holder->interest : 0;
	bool held;

	if (!socket->io)
		return 0;
	wanted = fend__layers_want(socket, wanted, &held);
	queue_held(socket, held);
	return wanted == fend_io_events(socket->io) ? 0 : fend_io_set(socket->io, wanted);
}

/* The first holder: make the io, and belong to loop from now on. */
static int
start(struct fend_socket *socket, struct fend_loop *loop)
{
	bool held;
	unsigned wanted = fend__layers_want(socket, socket->holder->interest, &held);
	int r;

	r = fend_io_new(loop, socket->fd, wanted, on_io, socket, &socket->io);
	if (r < 0)
		return r;
	socket->loop = fend__loop_hold(loop);
	queue_held(socket, held);
	return 0;
}

FEND_PUBLIC int
fend__socket_hold(struct fend_socket *socket, struct fend_loop *loop, struct fend__holder *holder,
		  bool over_watch)
{
	struct fend__holder *before;
	int r;

	r = fend__socket_check(socket);
	if (r < 0)
		return r;
	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if ((socket->loop && socket->loop != loop) || (holder->interest & ~INTEREST))
		return -EINVAL;
	before = socket->holder;
	if (before && !(over_watch && before == &socket->watch.holder))
		return -EBUSY;
	socket->holder = holder;
	r = socket->io ? fend__socket_update(socket) : start(socket, loop);
	if (r < 0)
		socket->holder = before;
	return r;
}

FEND_PUBLIC void
fend__socket_release(struct fend_socket *socket, struct fend__holder *holder)
{
	if (!socket || socket->holder != holder)
		return;
	socket->holder = socket->watch.fn ? &socket->watch.holder : NULL;
	fend__socket_changed(socket);
}

FEND_PUBLIC int
fend__socket_interest(struct fend_socket *socket, struct fend__holder *holder, unsigned interest)
{
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	if (interest & ~INTEREST)
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
	if (holder && holder->gone)
		holder->gone(holder);
	if (!socket->loop)
		return;
	fend_task_cancel(socket->loop, &socket->held);
	socket->io = fend_io_free(socket->io);
}
