/* SPDX-License-Identifier: MIT */
/*
 * poll(2), with POSIX alone.
 *
 * One entry per source, and the wake-up before them all. An entry whose source wants nothing has
 * its descriptor inverted, which poll ignores: no interest, a ONESHOT source that has fired, and
 * one whose descriptor turned out to be closed.
 *
 * What poll finds always ready is refused when it is added, as epoll does.
 */
#include "dispatcher.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/stat.h>

#include <fend-internal/public.h>

#include "io-deliver.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0 /* not in POSIX, and then not among the features */
#endif

#define FIRST 1 /* entry 0 is the wake-up */

/* What a wait found: the entries themselves move when sources come and go in callbacks. */
struct ready {
	uint64_t cookie;
	unsigned events;
};

struct dispatcher {
	struct pollfd *fds;
	struct fend_io **ios; /* parallel to fds */
	struct ready *ready;  /* of the last wait */
	size_t n, capacity;   /* there is room in ready for all entries */
};

static short
events_to_poll(unsigned interest)
{
	short events = 0;

	if (interest & FEND_IN)
		events |= POLLIN;
	if (interest & FEND_OUT)
		events |= POLLOUT;
	if (interest & FEND_PRI)
		events |= POLLPRI;
	if (interest & FEND_RDHUP)
		events |= POLLRDHUP;
	return events;
}

static unsigned
events_from_poll(short events)
{
	return (events & POLLIN ? FEND_IN : 0) | (events & POLLOUT ? FEND_OUT : 0) |
	       (events & POLLPRI ? FEND_PRI : 0) | (events & POLLERR ? FEND_ERR : 0) |
	       (events & POLLHUP ? FEND_HUP : 0) | (events & POLLRDHUP ? FEND_RDHUP : 0);
}

static void
park(struct pollfd *entry)
{
	if (entry->fd >= 0)
		entry->fd = ~entry->fd;
}

static void
set_entry(struct dispatcher *poller, const struct fend_io *io)
{
	struct pollfd *entry = &poller->fds[io->index];

	entry->fd = io->fd;
	entry->events = events_to_poll(io->interest);
	if (!io->interest)
		park(entry);
}

static int
reserve(struct dispatcher *poller, size_t n)
{
	size_t capacity = poller->capacity ? poller->capacity : 16;
	void *grown;

	if (n <= poller->capacity)
		return 0;
	while (capacity < n)
		capacity *= 2;
	grown = fend__resize(poller->fds, capacity, sizeof(*poller->fds));
	if (!grown)
		return -ENOMEM;
	poller->fds = grown;
	grown = fend__resize(poller->ios, capacity, sizeof(*poller->ios));
	if (!grown)
		return -ENOMEM;
	poller->ios = grown;
	grown = fend__resize(poller->ready, capacity, sizeof(*poller->ready));
	if (!grown)
		return -ENOMEM;
	poller->ready = grown;
	poller->capacity = capacity;
	return 0;
}

static void
poll_close(struct fend_loop *loop, struct dispatcher *poller)
{
	fend__release(poller->fds);
	fend__release(poller->ios);
	fend__release(poller->ready);
	fend__release(poller);
}

static int
poll_open(struct fend_loop *loop, struct dispatcher **ret_dispatcher)
{
	struct dispatcher *poller = fend__calloc(1, sizeof(*poller));

	if (!poller)
		return -ENOMEM;
	if (reserve(poller, FIRST) < 0) {
		poll_close(loop, poller);
		return -ENOMEM;
	}
	poller->fds[0].fd = loop->wakeup[0];
	poller->fds[0].events = POLLIN;
	poller->n = FIRST;
	*ret_dispatcher = poller;
	return 0;
}

static int
poll_add(struct fend_loop *loop, struct dispatcher *poller, struct fend_io *io)
{
	struct stat stat;
	int r;

	r = fend__kernel->fstat(io->fd, &stat);
	if (r < 0)
		return r;
	if (S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode))
		return -EPERM;
	r = reserve(poller, poller->n + 1);
	if (r < 0)
		return r;
	io->index = (uint32_t)poller->n++;
	poller->ios[io->index] = io;
	set_entry(poller, io);
	return 0;
}

static int
poll_modify(struct fend_loop *loop, struct dispatcher *poller, struct fend_io *io)
{
	set_entry(poller, io);
	return 0;
}

static void
poll_remove(struct fend_loop *loop, struct dispatcher *poller, struct fend_io *io)
{
	size_t last = --poller->n;

	poller->fds[io->index] = poller->fds[last];
	poller->ios[io->index] = poller->ios[last];
	poller->ios[io->index]->index = io->index;
}

/* However many writes there were, reading all of them leaves it quiet; a pipe may hold many bytes. */
static void
drain_wakeup(struct fend_loop *loop)
{
	char bytes[512];
	ssize_t n;

	do
		n = fend__kernel->read(loop->wakeup[0], bytes, sizeof(bytes));
	while (n == (ssize_t)sizeof(bytes));
}

static int
poll_wait(struct fend_loop *loop, struct dispatcher *poller, fend_time timeout)
{
	int left, ready = 0;
	size_t i;

	left = fend__kernel->poll(poller->fds, poller->n, timeout);
	if (left < 0)
		return left;
	if (left > 0 && poller->fds[0].revents) {
		drain_wakeup(loop);
		left--;
	}
	for (i = FIRST; left > 0 && i < poller->n; i++) {
		struct pollfd *entry = &poller->fds[i];
		const struct fend_io *io = poller->ios[i];

		if (!entry->revents)
			continue;
		left--;
		if (entry->revents & POLLNVAL) {
			park(entry);
			continue;
		}
		if (io->mode & FEND_ONESHOT)
			park(entry);
		poller->ready[ready].cookie = io_cookie(io);
		poller->ready[ready].events = events_from_poll(entry->revents);
		ready++;
	}
	return ready;
}

static size_t
poll_pollfds(struct fend_loop *loop, struct dispatcher *poller, struct pollfd *fds, size_t n)
{
	size_t i;

	for (i = 0; i < poller->n && i < n; i++)
		fds[i] = poller->fds[i];
	return poller->n;
}

static void
poll_report(struct fend_loop *loop, struct dispatcher *poller, int ready)
{
	int i;

	/* Adding a source in a callback may move the array. */
	for (i = 0; i < ready && !fend__loop_is_over(loop); i++)
		fend__io_report(loop, poller->ready[i].cookie, poller->ready[i].events);
}

/* A freed source has no entry, so nothing can be left behind. */
static void
poll_stale(struct fend_loop *loop, struct dispatcher *poller)
{
}

const struct dispatcher_ops fend__dispatcher_poll = {
	.name = "poll",
	.features = POLLRDHUP ? FEND_LOOP_RDHUP : 0,
	.open = poll_open,
	.close = poll_close,
	.add = poll_add,
	.modify = poll_modify,
	.remove = poll_remove,
	.wait = poll_wait,
	.report = poll_report,
	.pollfds = poll_pollfds,
	.stale = poll_stale,
};
