/* SPDX-License-Identifier: MIT */
/*
 * A race of attempts to connect (RFC 8305, sections 4 and 5).
 *
 * Each address added is an attempt, which waits, runs, or has failed; it stays in the list until
 * the race has ended, so that the same address is not tried twice. A running attempt has a socket
 * and holds its readiness.
 *
 * Everything happens in advance(), which starts what may be started now and sees whether the race
 * is over. Only the loop calls it: the timer, or an attempt that has ended. Adding an address
 * merely makes the timer due. So no callback runs inside a call, an attempt that fails at once
 * needs no care, and addresses added together are known together when the first is chosen.
 *
 * The one timer is set for whatever comes first: the next start or the deadline. The next start is
 * an attempt delay after the last one, and at once when an attempt fails. Whoever runs is left
 * alone.
 *
 * finish() is the end: it takes all apart before it calls, so that afterwards nothing needs to be
 * there any more.
 */
#include <fend/connect.h>

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>

#include <fend/io.h>
#include <fend/socket.h>
#include <fend/timer.h>

#include <fend-internal/connect.h>
#include <fend-internal/deadline.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>
#include <fend-internal/socket.h>

#define TIMEOUT FEND_SEC(60)
#define DELAY FEND_MS(250)
#define DELAY_MIN FEND_MS(10)
#define DELAY_MAX FEND_SEC(2)
#define ATTEMPTS_MAX 6

enum state { WAITING, RUNNING, FAILED };

struct attempt {
	struct attempt *next;
	struct fend_connect *connect;
	struct fend_address address;
	enum state state;
	struct fend_socket *socket; /* while it runs */
	struct fend__holder holder;
};

struct fend_connect {
	struct fend_loop *loop;
	struct fend_timer *timer;
	struct fend_connect_options options;
	struct fend_address source;
	char interface[IF_NAMESIZE];
	fend_connect_fn *fn;
	void *data;
	fend_connect_stop_fn *stop;
	void *stop_data;

	struct attempt *attempts, **tail; /* in the order added */
	unsigned running;
	int family;         /* of the attempt started last */
	fend_time next;     /* no attempt starts before */
	fend_time deadline; /* INT64_MAX: none */
	int err;            /* the most telling failure so far */
	bool last, ended;
};

static int
family_of(const struct attempt *attempt)
{
	return attempt->address.storage.ss_family;
}

/* The attempt to start next: of another family than the last one if there is any. */
static struct attempt *
choose(const struct fend_connect *connect)
{
	struct attempt *first = NULL, *attempt;

	for (attempt = connect->attempts; attempt; attempt = attempt->next) {
		if (attempt->state != WAITING)
			continue;
		if (family_of(attempt) != connect->family)
			return attempt;
		if (!first)
			first = attempt;
	}
	return first;
}

static void
drop_attempts(struct fend_connect *connect)
{
	while (connect->attempts) {
		struct attempt *attempt = connect->attempts;

		connect->attempts = attempt->next;
		fend_socket_free(attempt->socket);
		fend__release(attempt);
	}
	connect->tail = &connect->attempts;
	connect->running = 0;
}

static void
stop_feeder(struct fend_connect *connect)
{
	fend_connect_stop_fn *stop = connect->stop;

	connect->stop = NULL;
	if (stop)
		stop(connect->stop_data);
}

static void
finish(struct fend_connect *connect, int err, struct attempt *winner)
{
	struct fend_socket *socket = NULL;

	connect->ended = true;
	fend_timer_stop(connect->timer);
	if (winner) {
		socket = winner->socket;
		winner->socket = NULL;
		fend__socket_release(socket, &winner->holder);
	}
	drop_attempts(connect);
	stop_feeder(connect);
	if (fend__loop_check(connect->loop) < 0) {
		/* The feeder has freed the loop. */
		fend_socket_free(socket);
		return;
	}
	connect->fn(connect, err, socket, connect->data);
}

/* Errors that tell less of the peer than that its address family is not to be had here. */
static bool
is_telling(int err)
{
	return err != -ENETUNREACH && err != -EADDRNOTAVAIL && err != -EAFNOSUPPORT;
}

static void
fail(struct attempt *attempt, int err)
{
	struct fend_connect *connect = attempt->connect;

	if (attempt->state == RUNNING)
		connect->running--;
	attempt->state = FAILED;
	attempt->socket = fend_socket_free(attempt->socket);
	if (!connect->err || (is_telling(err) && !is_telling(connect->err)))
		connect->err = err;
	connect->next = 0;
}

static int
bind_to_interface(struct fend_socket *socket, const char *interface)
{
#ifdef SO_BINDTODEVICE
	return fend_socket_set_option(socket, SOL_SOCKET, SO_BINDTODEVICE, interface,
				      (socklen_t)strlen(interface));
#else
	return -ENOTSUP;
#endif
}

/* All that is to be done to a new socket before it connects. */
static int
set_up(struct attempt *attempt)
{
	struct fend_connect *connect = attempt->connect;
	int family = family_of(attempt);
	int r = 0;

	if (connect->interface[0] && family != AF_UNIX)
		r = bind_to_interface(attempt->socket, connect->interface);
	if (r >= 0 && connect->source.storage.ss_family == family)
		r = fend_socket_bind(attempt->socket, &connect->source);
	if (r >= 0 && connect->options.prepare)
		r = connect->options.prepare(attempt->socket, &attempt->address, connect->data);
	return r;
}

static void advance(struct fend_connect *connect);

static void
on_ready(struct fend__holder *holder, unsigned events)
{
	struct attempt *attempt = fend__container_of(holder, struct attempt, holder);
	struct fend_connect *connect = attempt->connect;
	struct fend_address peer;
	int r;

	r = fend_socket_error(attempt->socket);
	/* No error is not yet success: the event may be that the descriptor cannot be watched. */
	if (r == 0)
		r = fend_socket_getpeername(attempt->socket, &peer);
	if (r < 0) {
		fail(attempt, r);
		advance(connect);
		return;
	}
	finish(connect, 0, attempt);
}

static const struct fend__holder_ops holder_ops = {
	.ready = on_ready,
};

/* 0: connected; -EINPROGRESS: it runs. */
static int
start(struct attempt *attempt)
{
	struct fend_loop *loop = attempt->connect->loop;
	int connected, r;

	r = set_up(attempt);
	if (r < 0)
		return r;
	connected = fend_socket_connect(attempt->socket, &attempt->address);
	if (connected < 0 && connected != -EINPROGRESS)
		return connected;
	attempt->holder.interest = FEND_OUT;
	attempt->holder.ops = &holder_ops;
	r = fend__socket_hold(attempt->socket, loop, &attempt->holder, false);
	return r < 0 ? r : connected;
}

/* Is this a lack of what running attempts will give back when they end? */
static bool
is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS || err == -ENOMEM;
}

/*
 * Begin one attempt. false: there is nothing more to do for the caller, since the race has ended,
 * or prepare() has freed the loop.
 */
static bool
begin(struct fend_connect *connect, struct attempt *attempt)
{
	fend_time next = fend__time_add(fend__kernel->now(), connect->options.attempt_delay);
	int r;

	r = fend_socket_new(family_of(attempt), SOCK_STREAM, 0, &attempt->socket);
	if (is_shortage(r) && connect->running > 0) {
		connect->next = next;
		return true;
	}
	connect->family = family_of(attempt);
	if (r >= 0)
		r = start(attempt);
	if (fend__loop_check(connect->loop) < 0)
		return false;
	if (r == 0) {
		finish(connect, 0, attempt);
		return false;
	}
	if (r != -EINPROGRESS) {
		fail(attempt, r);
		return true;
	}
	attempt->state = RUNNING;
	connect->running++;
	connect->next = next;
	return true;
}

static void
advance(struct fend_connect *connect)
{
	struct attempt *attempt;
	fend_time when = connect->deadline;

	while ((attempt = choose(connect)) && connect->running < connect->options.attempts_max &&
	       connect->next <= fend__kernel->now()) {
		if (!begin(connect, attempt))
			return;
	}
	if (!attempt && connect->running == 0 && connect->last) {
		finish(connect, connect->err ? connect->err : -EADDRNOTAVAIL, NULL);
		return;
	}
	if (attempt && connect->running < connect->options.attempts_max && connect->next < when)
		when = connect->next;
	fend_timer_at(connect->timer, when);
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct fend_connect *connect = data;

	if (fend__kernel->now() >= connect->deadline)
		finish(connect, -ETIMEDOUT, NULL);
	else
		advance(connect);
}

/* Copy the options with their defaults filled in, and what they point to. */
static int
take_options(struct fend_connect *connect, const struct fend_connect_options *from)
{
	struct fend_connect_options *options = &connect->options;
	int r = fend__options_copy(options, sizeof(*options), from);

	if (r < 0)
		return r;
	if (!options->timeout)
		options->timeout = TIMEOUT;
	if (!options->attempt_delay)
		options->attempt_delay = DELAY;
	if (!options->attempts_max)
		options->attempts_max = ATTEMPTS_MAX;
	if (!fend__timeout_valid(options->timeout) || options->attempt_delay < DELAY_MIN ||
	    options->attempt_delay > DELAY_MAX)
		return -EINVAL;
	if (options->source)
		connect->source = *options->source;
	if (options->interface) {
		size_t size = strlen(options->interface);

		if (size >= sizeof(connect->interface))
			return -ENODEV;
		memcpy(connect->interface, options->interface, size);
	}
	return 0;
}

FEND_PUBLIC int
fend_connect_new(struct fend_loop *loop, const struct fend_connect_options *options,
		 fend_connect_fn *fn, void *data, struct fend_connect **ret_connect)
{
	struct fend_connect *connect;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (!fn || !ret_connect)
		return -EINVAL;
	connect = fend__calloc(1, sizeof(*connect));
	if (!connect)
		return -ENOMEM;
	r = take_options(connect, options);
	if (r >= 0)
		r = fend_timer_new(loop, on_timer, connect, &connect->timer);
	if (r < 0) {
		fend__release(connect);
		return r;
	}
	fend_timer_set_name(connect->timer, "connect");
	connect->loop = fend__loop_hold(loop);
	connect->fn = fn;
	connect->data = data;
	connect->tail = &connect->attempts;
	connect->deadline = fend__deadline(connect->options.timeout);
	if (connect->deadline == FEND_FOREVER)
		connect->deadline = INT64_MAX;
	fend_timer_at(connect->timer, connect->deadline);
	*ret_connect = connect;
	return 0;
}

FEND_PUBLIC struct fend_connect *
fend_connect_free(struct fend_connect *connect)
{
	if (!connect)
		return NULL;
	connect->ended = true;
	drop_attempts(connect);
	stop_feeder(connect);
	fend_timer_free(connect->timer);
	fend__loop_drop(connect->loop);
	return fend__release(connect);
}

static int
check(const struct fend_connect *connect)
{
	return connect ? fend__loop_check(connect->loop) : -EINVAL;
}

static bool
is_known(const struct fend_connect *connect, const struct fend_address *address)
{
	const struct attempt *attempt;

	for (attempt = connect->attempts; attempt; attempt = attempt->next) {
		if (fend_address_equal(&attempt->address, address))
			return true;
	}
	return false;
}

FEND_PUBLIC int
fend_connect_add(struct fend_connect *connect, const struct fend_address *address)
{
	struct attempt *attempt;
	int family, r;

	r = check(connect);
	if (r < 0)
		return r;
	if (!address || address->size > sizeof(address->storage))
		return -EINVAL;
	if (connect->ended || connect->last)
		return -EALREADY;
	family = address->storage.ss_family;
	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (is_known(connect, address))
		return 0;
	attempt = fend__calloc(1, sizeof(*attempt));
	if (!attempt)
		return -ENOMEM;
	attempt->connect = connect;
	attempt->address = *address;
	*connect->tail = attempt;
	connect->tail = &attempt->next;
	fend_timer_at(connect->timer, 0);
	return 0;
}

FEND_PUBLIC int
fend__connect_last(struct fend_connect *connect, int err)
{
	int r = check(connect);

	if (r < 0)
		return r;
	if (connect->ended || connect->last)
		return -EALREADY;
	connect->last = true;
	if (!connect->attempts)
		connect->err = err;
	fend_timer_at(connect->timer, 0);
	return 0;
}

FEND_PUBLIC int
fend_connect_last(struct fend_connect *connect)
{
	return fend__connect_last(connect, 0);
}

FEND_PUBLIC int
fend_connect_set_feeder(struct fend_connect *connect, fend_connect_stop_fn *stop, void *data)
{
	int r = check(connect);

	if (r < 0)
		return r;
	if (!stop)
		return -EINVAL;
	if (connect->ended)
		return -EALREADY;
	if (connect->stop)
		return -EBUSY;
	connect->stop = stop;
	connect->stop_data = data;
	return 0;
}
