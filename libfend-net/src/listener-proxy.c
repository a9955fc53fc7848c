/* SPDX-License-Identifier: MIT */
/*
 * Connections that have yet to send their PROXY header.
 *
 * What comes is peeked first. As long as the header is incomplete, all of it belongs to the header
 * and is received, so that the descriptor does not stay ready; once its length is known, exactly so
 * much is. The payload behind it is never touched.
 *
 * All wait for the same time, so the list is in the order of deadlines and one timer is enough. How
 * many may wait is limited: the listener accepts no more until one of them is done.
 */
#include "listener.h"

#include <fend-internal/kernel.h>

static void
unlist(struct waiting *waiting)
{
	struct fend_listener *listener = waiting->listener;

	*(waiting->previous ? &waiting->previous->next : &listener->first) = waiting->next;
	*(waiting->next ? &waiting->next->previous : &listener->last) = waiting->previous;
	listener->n_waiting--;
}

/* Take the socket out of its wait, which is over. */
static struct fend_socket *
release(struct waiting *waiting)
{
	struct fend_socket *socket = waiting->socket;

	unlist(waiting);
	fend__socket_release(socket, &waiting->holder);
	fend__release(waiting);
	return socket;
}

static void
refuse(struct waiting *waiting)
{
	waiting->listener->n_refused++;
	fend_socket_free(release(waiting));
}

static void
set_timer(struct fend_listener *listener)
{
	if (listener->first)
		fend_timer_at(listener->waiting_timer, listener->first->deadline);
	else
		fend_timer_stop(listener->waiting_timer);
}

/* Receive size bytes at most into data, all of which are there. */
static int
take(struct waiting *waiting, void *data, size_t size)
{
	ssize_t n = fend_socket_recv(waiting->socket, data, size, 0);

	if (n == 0)
		return -ECONNRESET;
	return (int)n;
}

/* Look at what has come. 0: go on; -EAGAIN: nothing more is there. */
static int
look(struct waiting *waiting)
{
	unsigned char *end = waiting->header + waiting->size;
	ssize_t n = fend_socket_peek(waiting->socket, end, sizeof(waiting->header) - waiting->size);
	size_t wanted;
	int r;

	if (n <= 0)
		return n == 0 ? -ECONNRESET : (int)n;
	r = fend__proxy_parse(waiting->header, waiting->size + (size_t)n, &waiting->proxy);
	if (r < 0 && r != -EAGAIN)
		return r;
	waiting->understood = r == 0;
	wanted = (size_t)n;
	if (waiting->understood && waiting->proxy.length - waiting->size < wanted)
		wanted = waiting->proxy.length - waiting->size;
	r = take(waiting, end, wanted);
	if (r < 0)
		return r;
	/* Fewer than were peeked is possible in principle; then it was not understood after all. */
	if ((size_t)r < wanted)
		waiting->understood = false;
	waiting->size += (size_t)r;
	waiting->skip = waiting->understood ? waiting->proxy.length - waiting->size : 0;
	return 0;
}

/* Drop what is left of a header that was understood. */
static int
skip(struct waiting *waiting)
{
	unsigned char rest[1024];
	int n = take(waiting, rest, waiting->skip < sizeof(rest) ? waiting->skip : sizeof(rest));

	if (n < 0)
		return n;
	waiting->skip -= (size_t)n;
	return 0;
}

static void
on_ready(struct fend__holder *holder, unsigned events)
{
	struct waiting *waiting = fend__container_of(holder, struct waiting, holder);
	struct fend_listener *listener = waiting->listener;
	int r = events & FEND_IN ? 0 : -ECONNRESET;

	while (r == 0 && !(waiting->understood && waiting->skip == 0))
		r = waiting->understood ? skip(waiting) : look(waiting);
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		refuse(waiting);
	} else {
		struct proxy proxy = waiting->proxy;
		struct fend_socket *socket = release(waiting);

		if (!fend__listener_hand_over(listener, socket, proxy.known ? &proxy.peer : NULL))
			return;
	}
	set_timer(listener);
	fend__listener_update(listener);
}

static const struct fend__holder_ops holder_ops = {
	.ready = on_ready,
};

int
fend__listener_wait_for_header(struct fend_listener *listener, struct fend_socket *socket)
{
	struct waiting *waiting = fend__calloc(1, sizeof(*waiting));
	int r = -ENOMEM;

	if (waiting) {
		waiting->holder.interest = FEND_IN;
		waiting->holder.ops = &holder_ops;
		r = fend__socket_hold(socket, listener->loop, &waiting->holder, false);
	}
	if (r < 0) {
		fend__release(waiting);
		fend_socket_free(socket);
		return r;
	}
	waiting->listener = listener;
	waiting->socket = socket;
	waiting->deadline = fend__time_add(fend__kernel->now(), listener->options.proxy_timeout);
	waiting->previous = listener->last;
	*(listener->last ? &listener->last->next : &listener->first) = waiting;
	listener->last = waiting;
	listener->n_waiting++;
	set_timer(listener);
	return 0;
}

void
fend__listener_on_waiting_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct fend_listener *listener = data;
	fend_time now = fend__kernel->now();

	while (listener->first && listener->first->deadline <= now)
		refuse(listener->first);
	set_timer(listener);
	fend__listener_update(listener);
}

void
fend__listener_drop_waiting(struct fend_listener *listener)
{
	while (listener->first)
		fend_socket_free(release(listener->first));
}
