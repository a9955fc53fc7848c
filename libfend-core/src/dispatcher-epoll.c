/* SPDX-License-Identifier: MIT */
/*
 * epoll(7).
 *
 * The kernel remembers a registration by open file and descriptor number, not by number alone: if a
 * number is closed while a duplicate of it is open (dup, fork), the registration lives on and can
 * no longer be addressed. It would be reported for ever. Cookies tell such reports apart, and once
 * one is met after a removal had failed, a new epoll is made and the living sources move there.
 *
 * ERR and HUP cannot be masked. A source with no interest is therefore registered edge-triggered:
 * the kernel then reports each of them once at most, and the loop drops that.
 *
 * The wake-up is edge-triggered as well, so it need never be read: each write is a new edge.
 *
 * For a loop that is polled from outside there is a second epoll around the first, together with a
 * timerfd. It keeps its number when the first is made anew.
 */
#include "dispatcher.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#include <fend-internal/public.h>

#include "io-deliver.h"

#define BATCH 256

/* What a source's index says. */
enum {
	REGISTERED,
	MISSING, /* EXCLUSIVE, deleted to be changed, and it could not be added again */
	GONE,    /* its descriptor was closed, and the registration was left behind */
};

struct dispatcher {
	int fd;
	bool orphaned; /* a removal failed: a registration may live on without its source */
	bool rebuild;
	int outer, timer; /* for polling from outside, or -1 */
	struct epoll_event events[BATCH];
};

/* The bits are those of epoll. */
_Static_assert((int)FEND_IN == (int)EPOLLIN && (int)FEND_PRI == (int)EPOLLPRI &&
		       (int)FEND_OUT == (int)EPOLLOUT && (int)FEND_RDHUP == (int)EPOLLRDHUP &&
		       (int)FEND_ERR == (int)EPOLLERR && (int)FEND_HUP == (int)EPOLLHUP,
	       "events need no translation");

static uint32_t
events_to_epoll(const struct fend_io *io)
{
	uint32_t events = io->interest;

	if ((io->mode & FEND_EDGE) || !io->interest)
		events |= EPOLLET;
	if (io->mode & FEND_ONESHOT)
		events |= EPOLLONESHOT;
	if (io->mode & FEND_EXCLUSIVE)
		events |= EPOLLEXCLUSIVE;
	return events;
}

static int
control(int epoll, int op, const struct fend_io *io)
{
	struct epoll_event event = {
		.events = events_to_epoll(io),
		.data.u64 = io_cookie(io),
	};

	return fend__kernel->epoll_ctl(epoll, op, io->fd, &event);
}

static int
make(struct fend_loop *loop)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = IO_COOKIE_WAKEUP };
	int fd, r;

	fd = fend__kernel->epoll_create();
	if (fd < 0)
		return fd;
	r = fend__kernel->epoll_ctl(fd, EPOLL_CTL_ADD, loop->wakeup[0], &event);
	if (r < 0) {
		fend__close(fd);
		return r;
	}
	return fd;
}

static int
epoll_open(struct fend_loop *loop, struct dispatcher **ret_dispatcher)
{
	struct dispatcher *epoll = fend__calloc(1, sizeof(*epoll));

	if (!epoll)
		return -ENOMEM;
	epoll->fd = make(loop);
	if (epoll->fd < 0) {
		int err = epoll->fd;

		fend__release(epoll);
		return err;
	}
	epoll->outer = epoll->timer = -1;
	*ret_dispatcher = epoll;
	return 0;
}

static void
epoll_close(struct fend_loop *loop, struct dispatcher *epoll)
{
	fend__close(epoll->outer);
	fend__close(epoll->timer);
	fend__close(epoll->fd);
	fend__release(epoll);
}

static int
epoll_add(struct fend_loop *loop, struct dispatcher *epoll, struct fend_io *io)
{
	int r = control(epoll->fd, EPOLL_CTL_ADD, io);

	io->index = REGISTERED;
	/*
	 * The same file is still registered under this number, by a source that was freed too late.
	 * It goes rather than being modified, which is refused if the old or the new one is
	 * EXCLUSIVE.
	 */
	if (r == -EEXIST) {
		r = control(epoll->fd, EPOLL_CTL_DEL, io);
		if (r == 0)
			r = control(epoll->fd, EPOLL_CTL_ADD, io);
	}
	return r;
}

/* The kernel refuses to modify EXCLUSIVE registrations, so these are made anew. */
static int
modify_exclusive(const struct dispatcher *epoll, struct fend_io *io)
{
	int r = io->index == MISSING ? 0 : control(epoll->fd, EPOLL_CTL_DEL, io);

	if (r < 0)
		return r;
	r = control(epoll->fd, EPOLL_CTL_ADD, io);
	io->index = r < 0 ? MISSING : REGISTERED;
	return r;
}

static int
modify(const struct dispatcher *epoll, struct fend_io *io)
{
	if (io->index == GONE)
		return -EBADF;
	return io->mode & FEND_EXCLUSIVE ? modify_exclusive(epoll, io)
					 : control(epoll->fd, EPOLL_CTL_MOD, io);
}

/* If the number is not that of the registered file any more, the registration may live on alone. */
static int
epoll_modify(struct fend_loop *loop, struct dispatcher *epoll, struct fend_io *io)
{
	int r = modify(epoll, io);

	if (io->index != GONE && (r == -EBADF || r == -ENOENT))
		epoll->rebuild = true;
	return r;
}

static void
epoll_remove(struct fend_loop *loop, struct dispatcher *epoll, struct fend_io *io)
{
	if (io->index == REGISTERED && control(epoll->fd, EPOLL_CTL_DEL, io) < 0)
		epoll->orphaned = true;
}

static void
epoll_stale(struct fend_loop *loop, struct dispatcher *epoll)
{
	/* Otherwise it is left over from before the last move. */
	if (epoll->orphaned)
		epoll->rebuild = true;
}

static int
add_to_outer(int outer, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return fend__kernel->epoll_ctl(outer, EPOLL_CTL_ADD, fd, &event);
}

/*
 * Add the living sources to a new epoll. Of one whose descriptor was closed the number may be
 * somebody else's by now, even the new epoll's: the old epoll knows, as it refuses to modify what
 * it has not registered under that number. Such a source stays silent.
 */
static int
move(struct fend_loop *loop, const struct dispatcher *epoll, int fd)
{
	uint32_t slot;

	for (slot = 0; slot < loop->ios.n_slots; slot++) {
		struct fend_io *io = fend__io_at(&loop->ios, slot);
		int r;

		if (!io_is_alive(io))
			continue;
		r = modify(epoll, io);
		if (r == -EBADF || r == -ENOENT) {
			io->index = GONE;
			continue;
		}
		if (r == 0)
			r = control(fd, EPOLL_CTL_ADD, io);
		if (r < 0)
			return r;
	}
	return 0;
}

/* As long as there is no new epoll to be had the old one goes on, and each wait tries again. */
static void
rebuild(struct fend_loop *loop, struct dispatcher *epoll)
{
	int fd = make(loop);
	int r;

	if (fd < 0)
		return;
	r = move(loop, epoll, fd);
	if (r == 0 && epoll->outer >= 0)
		r = add_to_outer(epoll->outer, fd);
	if (r < 0) {
		fend__close(fd);
		return;
	}
	/* Closing alone would not take it out of outer while a child has it open. */
	if (epoll->outer >= 0)
		fend__kernel->epoll_ctl(epoll->outer, EPOLL_CTL_DEL, epoll->fd, NULL);
	fend__close(epoll->fd);
	epoll->fd = fd;
	epoll->rebuild = epoll->orphaned = false;
}

static inline int
wait_now(struct dispatcher *epoll, fend_time timeout)
{
	return fend__kernel->epoll_wait(epoll->fd, epoll->events, BATCH, timeout);
}

static __attribute__((noinline)) int
rebuild_and_wait(struct fend_loop *loop, struct dispatcher *epoll, fend_time timeout)
{
	rebuild(loop, epoll);
	return wait_now(epoll, timeout);
}

static int
epoll_wait_ready(struct fend_loop *loop, struct dispatcher *epoll, fend_time timeout)
{
	if (fend__unlikely(epoll->rebuild))
		return rebuild_and_wait(loop, epoll, timeout);
	return wait_now(epoll, timeout);
}

static void
epoll_report(struct fend_loop *loop, struct dispatcher *epoll, int ready)
{
	const struct epoll_event *event = epoll->events;
	const struct epoll_event *end = event + ready;

	for (; event < end && !fend__loop_is_over(loop); event++)
		if (fend__likely(event->data.u64 != IO_COOKIE_WAKEUP))
			fend__io_report(loop, event->data.u64, event->events);
}

static size_t
epoll_pollfds(struct fend_loop *loop, struct dispatcher *epoll, struct pollfd *fds, size_t n)
{
	if (n > 0)
		fds[0] = (struct pollfd){ .fd = epoll->fd, .events = POLLIN };
	return 1;
}

static int
epoll_fd(struct fend_loop *loop, struct dispatcher *epoll)
{
	int outer, timer, r;

	if (epoll->outer >= 0)
		return epoll->outer;
	timer = fend__kernel->timerfd_create();
	if (timer < 0)
		return timer;
	outer = fend__kernel->epoll_create();
	r = outer < 0 ? outer : add_to_outer(outer, epoll->fd);
	if (r == 0)
		r = add_to_outer(outer, timer);
	if (r < 0) {
		fend__close(outer);
		fend__close(timer);
		return r;
	}
	epoll->timer = timer;
	return epoll->outer = outer;
}

static int
epoll_settle(struct fend_loop *loop, struct dispatcher *epoll, fend_time when)
{
	return fend__kernel->timerfd_set(epoll->timer, when);
}

const struct dispatcher_ops fend__dispatcher_epoll = {
	.name = "epoll",
	.features = FEND_LOOP_EDGE | FEND_LOOP_EXCLUSIVE | FEND_LOOP_RDHUP,
	.batch = BATCH,
	.open = epoll_open,
	.close = epoll_close,
	.add = epoll_add,
	.modify = epoll_modify,
	.remove = epoll_remove,
	.wait = epoll_wait_ready,
	.report = epoll_report,
	.pollfds = epoll_pollfds,
	.fd = epoll_fd,
	.settle = epoll_settle,
	.stale = epoll_stale,
};
