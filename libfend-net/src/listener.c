/* SPDX-License-Identifier: MIT */
/*
 * A listener: it holds the readiness of a listening socket and accepts what is there, a batch at a
 * time.
 *
 * Several things can say that it shall not listen now: the user, the limit on connections, the
 * back-off after an error of accept, the limit on PROXY headers awaited, a drain. Each has a field
 * of its own, and fend__listener_update() makes the interest follow from all of them; so none has
 * to know of the others. The same is asked between two connections of a batch.
 *
 * Any error of accept begins a back-off, known or not: the descriptor stays ready, and a loop that
 * asks again at once would do nothing else.
 *
 * The user's functions may free the listener. After each of them "gone" tells.
 */
#include "listener.h"

#include <netinet/in.h>

#include <fend-internal/deadline.h>
#include <fend-internal/kernel.h>

#define BATCH 64
#define PROXY_TIMEOUT FEND_SEC(5)
#define PROXY_WAITING 256
#define BACK_OFF_MIN FEND_MS(100)
#define BACK_OFF_MAX FEND_SEC(1)

#define FLAGS (unsigned)(FEND_LISTENER_REUSEPORT | FEND_LISTENER_V6ONLY | FEND_LISTENER_PROXY)

static bool
is_open(const struct fend_listener *listener)
{
	return listener->socket && !listener->paused && !listener->limited &&
	       !listener->backing_off && listener->n_waiting < listener->options.proxy_waiting_max;
}

void
fend__listener_update(struct fend_listener *listener)
{
	unsigned interest = is_open(listener) ? FEND_IN : 0;

	if (listener->socket && listener->holder.interest != interest)
		fend__socket_interest(listener->socket, &listener->holder, interest);
}

bool
fend__listener_hand_over(struct fend_listener *listener, struct fend_socket *socket,
			 const struct fend_address *peer)
{
	bool gone = false;

	listener->n_accepted++;
	listener->gone = &gone;
	listener->fn(listener, socket, peer, listener->data);
	if (gone)
		return false;
	listener->gone = NULL;
	return fend__loop_check(listener->loop) == 0;
}

/* A pause has begun. false: the listener or the loop is gone. */
static bool
tell_paused(struct fend_listener *listener, int err)
{
	bool gone = false;

	fend__listener_update(listener);
	listener->n_paused++;
	if (!listener->options.paused)
		return true;
	listener->gone = &gone;
	listener->options.paused(listener, err, listener->data);
	if (gone)
		return false;
	listener->gone = NULL;
	return fend__loop_check(listener->loop) == 0;
}

static void
back_off(struct fend_listener *listener, int err)
{
	listener->backing_off = true;
	fend_timer_after(listener->timer, listener->back_off);
	listener->back_off *= 2;
	if (listener->back_off > BACK_OFF_MAX)
		listener->back_off = BACK_OFF_MAX;
	tell_paused(listener, err);
}

static bool
is_full(const struct fend_listener *listener)
{
	return listener->options.connections_max &&
	       fend__tally_count(listener->tally) >= listener->options.connections_max;
}

/* Accept one connection. false: stop for now, or for ever. */
static bool
accept_one(struct fend_listener *listener)
{
	struct fend_address peer;
	struct fend_socket *socket;
	int r;

	r = fend_socket_accept(listener->socket, &peer, &socket);
	if (r == -EAGAIN)
		return false;
	if (r >= 0) {
		listener->back_off = BACK_OFF_MIN;
		fend__tally_add(listener->tally, socket);
		if (listener->options.flags & FEND_LISTENER_PROXY)
			r = fend__listener_wait_for_header(listener, socket);
		else if (!fend__listener_hand_over(listener, socket, &peer))
			return false;
	}
	if (r < 0) {
		back_off(listener, r);
		return false;
	}
	if (listener->socket && !listener->limited && is_full(listener)) {
		listener->limited = true;
		return tell_paused(listener, 0);
	}
	return true;
}

static void
on_ready(struct fend__holder *holder, unsigned events)
{
	struct fend_listener *listener = fend__container_of(holder, struct fend_listener, holder);
	unsigned n;

	if (!(events & FEND_IN)) {
		/* The descriptor could not be watched: ask again later. */
		back_off(listener, -EIO);
		return;
	}
	for (n = 0; n < listener->options.batch; n++) {
		if (!accept_one(listener))
			return;
		if (!is_open(listener)) {
			fend__listener_update(listener);
			return;
		}
	}
}

static const struct fend__holder_ops holder_ops = {
	.ready = on_ready,
};

static void
tell_drained(struct fend_listener *listener)
{
	fend_listener_drained_fn *drained = listener->drained;

	if (!drained)
		return;
	listener->drained = NULL;
	fend_timer_stop(listener->timer);
	drained(listener, fend__tally_count(listener->tally), listener->drained_data);
}

/* A connection was freed. */
static void
on_left(struct fend_task *task, void *data)
{
	struct fend_listener *listener = data;

	if (!listener->socket) {
		if (fend__tally_count(listener->tally) == 0)
			tell_drained(listener);
		return;
	}
	if (listener->limited && !is_full(listener)) {
		listener->limited = false;
		fend__listener_update(listener);
	}
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct fend_listener *listener = data;

	if (!listener->socket) {
		tell_drained(listener);
		return;
	}
	listener->backing_off = false;
	fend__listener_update(listener);
}

static int
take_options(struct fend_listener_options *options, const struct fend_listener_options *from)
{
	int r = fend__options_copy(options, sizeof(*options), from);

	if (r < 0)
		return r;
	if ((options->flags & ~FLAGS) || !fend__timeout_valid(options->proxy_timeout))
		return -EINVAL;
	if (!options->batch)
		options->batch = BATCH;
	if (!options->proxy_timeout)
		options->proxy_timeout = PROXY_TIMEOUT;
	if (options->proxy_timeout == FEND_FOREVER)
		options->proxy_timeout = INT64_MAX;
	if (!options->proxy_waiting_max)
		options->proxy_waiting_max = PROXY_WAITING;
	return 0;
}

/* All but its socket. */
static int
make(struct fend_loop *loop, const struct fend_listener_options *options, fend_listener_fn *fn,
     void *data, struct fend_listener **ret_listener)
{
	struct fend_listener *listener;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	listener = fend__calloc(1, sizeof(*listener));
	if (!listener)
		return -ENOMEM;
	listener->loop = fend__loop_hold(loop);
	listener->process = fend__process();
	listener->fn = fn;
	listener->data = data;
	listener->back_off = BACK_OFF_MIN;
	listener->holder.interest = FEND_IN;
	listener->holder.ops = &holder_ops;
	r = take_options(&listener->options, options);
	if (r >= 0)
		r = fend__tally_new(loop, on_left, listener, &listener->tally);
	if (r >= 0)
		r = fend_timer_new(loop, on_timer, listener, &listener->timer);
	if (r >= 0 && listener->options.flags & FEND_LISTENER_PROXY)
		r = fend_timer_new(loop, fend__listener_on_waiting_timer, listener,
				   &listener->waiting_timer);
	if (r < 0) {
		fend_listener_free(listener);
		return r;
	}
	if (listener->options.connections_max)
		fend__tally_notify(listener->tally, true);
	*ret_listener = listener;
	return 0;
}

static int
set_up(struct fend_listener *listener, int family)
{
	unsigned flags = listener->options.flags;
	int r = 0;

	if (family == AF_INET || family == AF_INET6)
		r = fend_socket_set_option_int(listener->socket, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r >= 0 && flags & FEND_LISTENER_REUSEPORT)
		r = fend_socket_set_option_name(listener->socket, "REUSEPORT", 1);
	if (r >= 0 && family == AF_INET6)
		r = fend_socket_set_option_int(listener->socket, IPPROTO_IPV6, IPV6_V6ONLY,
					       !!(flags & FEND_LISTENER_V6ONLY));
	return r;
}

static int
open_socket(struct fend_listener *listener, const struct fend_address *address)
{
	int family = address->storage.ss_family;
	int r;

	r = fend_socket_new(family, SOCK_STREAM, 0, &listener->socket);
	if (r >= 0)
		r = set_up(listener, family);
	if (r >= 0)
		r = fend__listener_bind(listener, address);
	if (r >= 0)
		r = fend_socket_listen(listener->socket, listener->options.backlog);
	if (r >= 0)
		r = fend_socket_getsockname(listener->socket, &listener->address);
	if (r >= 0)
		r = fend__socket_hold(listener->socket, listener->loop, &listener->holder, false);
	return r;
}

FEND_PUBLIC int
fend_listener_new(struct fend_loop *loop, const struct fend_address *address,
		  const struct fend_listener_options *options, fend_listener_fn *fn, void *data,
		  struct fend_listener **ret_listener)
{
	struct fend_listener *listener;
	int r;

	if (!address || address->size > sizeof(address->storage) || !fn || !ret_listener)
		return -EINVAL;
	r = make(loop, options, fn, data, &listener);
	if (r < 0)
		return r;
	r = open_socket(listener, address);
	if (r < 0) {
		fend_listener_free(listener);
		return r;
	}
	*ret_listener = listener;
	return 0;
}

/* Make a socket listen. If it does already, only change its backlog, if one was given. */
static int
listen_on(struct fend_listener *listener, struct fend_socket *socket)
{
	socklen_t size = sizeof(int);
	int listening = 0;
	int r;

	r = fend__kernel->getsockopt(fend_socket_fd(socket), SOL_SOCKET, SO_ACCEPTCONN, &listening,
				     &size);
	if (r >= 0 && (!listening || listener->options.backlog > 0))
		r = fend_socket_listen(socket, listener->options.backlog);
	if (r >= 0)
		r = fend_socket_getsockname(socket, &listener->address);
	return r < 0 ? r : fend__socket_hold(socket, listener->loop, &listener->holder, false);
}

FEND_PUBLIC int
fend_listener_wrap(struct fend_loop *loop, struct fend_socket *socket,
		   const struct fend_listener_options *options, fend_listener_fn *fn, void *data,
		   struct fend_listener **ret_listener)
{
	struct fend_listener *listener;
	int r;

	if (!socket || !fn || !ret_listener)
		return -EINVAL;
	r = make(loop, options, fn, data, &listener);
	if (r < 0)
		return r;
	r = listen_on(listener, socket);
	if (r < 0) {
		fend_listener_free(listener);
		return r;
	}
	listener->socket = socket;
	*ret_listener = listener;
	return 0;
}

static void
close_socket(struct fend_listener *listener)
{
	fend__listener_unlink(listener);
	listener->socket = fend_socket_free(listener->socket);
}

FEND_PUBLIC struct fend_listener *
fend_listener_free(struct fend_listener *listener)
{
	if (!listener)
		return NULL;
	if (listener->gone)
		*listener->gone = true;
	close_socket(listener);
	fend__listener_drop_waiting(listener);
	fend_timer_free(listener->timer);
	fend_timer_free(listener->waiting_timer);
	fend__tally_leave(listener->tally);
	fend__loop_drop(listener->loop);
	return fend__release(listener);
}

FEND_PUBLIC void
fend_listener_pause(struct fend_listener *listener)
{
	if (!listener)
		return;
	listener->paused = true;
	fend__listener_update(listener);
}

FEND_PUBLIC void
fend_listener_resume(struct fend_listener *listener)
{
	if (!listener)
		return;
	listener->paused = false;
	fend__listener_update(listener);
}

FEND_PUBLIC int
fend_listener_drain(struct fend_listener *listener, fend_time timeout,
		    fend_listener_drained_fn *drained, void *data)
{
	int r;

	if (!listener)
		return -EINVAL;
	r = fend__loop_check(listener->loop);
	if (r < 0)
		return r;
	if (!drained || !fend__timeout_valid(timeout))
		return -EINVAL;
	if (!listener->socket)
		return -EALREADY;
	close_socket(listener);
	listener->drained = drained;
	listener->drained_data = data;
	fend__tally_notify(listener->tally, true);
	fend_timer_after(listener->timer, fend__tally_count(listener->tally) > 0 ? timeout : 0);
	return 0;
}

FEND_PUBLIC int
fend_listener_address(const struct fend_listener *listener, struct fend_address *ret_address)
{
	if (!listener || !ret_address)
		return -EINVAL;
	*ret_address = listener->address;
	return 0;
}

FEND_PUBLIC int
fend_listener_stats(const struct fend_listener *listener, struct fend_listener_stats *ret_stats)
{
	struct fend_listener_stats stats = { 0 };
	size_t size;

	if (!listener || !ret_stats || ret_stats->size < sizeof(ret_stats->size))
		return -EINVAL;
	size = ret_stats->size < sizeof(stats) ? ret_stats->size : sizeof(stats);
	stats.size = ret_stats->size;
	stats.accepted = listener->n_accepted;
	stats.refused = listener->n_refused;
	stats.paused = listener->n_paused;
	stats.connections = fend__tally_count(listener->tally);
	memset(ret_stats, 0, ret_stats->size);
	memcpy(ret_stats, &stats, size);
	return 0;
}
