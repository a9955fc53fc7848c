/* SPDX-License-Identifier: MIT */
/*
 * The sockets of a resolver: c-ares opens, uses and closes them, the loop watches them, and a call
 * that waits without the loop polls them.
 *
 * c-ares may close a socket and open another under the same number within one call into it. So each
 * is known here from the moment it is opened to the moment it is closed, its source on the loop is
 * freed just before the number is, and nobody keeps a pointer to an entry while c-ares runs.
 *
 * A stream is registered with the loop when it is opened, a datagram socket when c-ares says what
 * it waits for.
 *
 * c-ares closes a datagram socket as soon as there is nothing to ask over it, and then each lookup
 * of a program that makes one after the other would cost a socket, its buffer, its connection and
 * its place in the loop. So one is kept here and handed out again, connected and registered as it
 * is, where there is a single server, whose it then must be. But who guesses at answers has to
 * guess the port as well (RFC 5452, section 9.2), and is not to be given the time to find it out:
 * after LIFE the next has another, and so it has after a question that was not answered or after
 * anything that nobody had asked for.
 */
#include "sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <fend-internal/deadline.h>
#include <fend-internal/kernel.h>

/*
 * Answers to as many questions as are sent before one is read should fit. The kernel has a limit of
 * its own, and may give less.
 */
#define RECEIVE_BUFFER (1 << 20)

/* How long a datagram socket may be used again since it was opened. */
#define LIFE FEND_SEC(1)

struct open_socket {
	struct fend_io *io;
	int type;
	int peer;
	int error;      /* why the loop cannot watch it */
	fend_time ends; /* of a datagram socket, its LIFE */
	unsigned unanswered;
	enum {
		FRESH,
		KEPT, /* c-ares has closed it */
		REUSED,
	} state;
};

static size_t
find(const struct sockets *sockets, int fd)
{
	size_t i;

	for (i = 0; i < sockets->n; i++)
		if (sockets->polls[i].fd == fd)
			break;
	return i;
}

static int
reserve(struct sockets *sockets)
{
	size_t size = sockets->size ? 2 * sockets->size : 4;
	void *grown;

	if (sockets->n < sockets->size)
		return 0;
	grown = fend__resize(sockets->polls, size, sizeof(*sockets->polls));
	if (!grown)
		return -ENOMEM;
	sockets->polls = grown;
	grown = fend__resize(sockets->open, size, sizeof(*sockets->open));
	if (!grown)
		return -ENOMEM;
	sockets->open = grown;
	sockets->size = size;
	return 0;
}

static int
watch_on_loop(struct sockets *sockets, size_t i)
{
	if (!sockets->loop)
		return 0;
	return fend_io_new(sockets->loop, sockets->polls[i].fd, FEND_IN, sockets->fn, sockets->data,
			   &sockets->open[i].io);
}

static bool
is_kept(const struct sockets *sockets, size_t i)
{
	return i < sockets->n && sockets->open[i].state == KEPT;
}

static size_t
find_kept(const struct sockets *sockets)
{
	size_t i;

	for (i = 0; i < sockets->n && !is_kept(sockets, i); i++)
		;
	return i;
}

static int
open_new(struct sockets *sockets, int domain, int type)
{
	static const int one = 1, buffer = RECEIVE_BUFFER;
	size_t i = sockets->n;
	int fd, r;

	r = reserve(sockets);
	if (r < 0)
		return r;
	fd = fend__kernel->socket(domain, type, 0);
	if (fd < 0)
		return fd;
	sockets->polls[i] = (struct pollfd){ .fd = fd };
	sockets->open[i] = (struct open_socket){ .type = type };
	if (type == SOCK_STREAM) {
		/* A query is one small segment. That it may come a little later is no failure. */
		fend__kernel->setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		r = watch_on_loop(sockets, i);
		if (r < 0) {
			fend__close(fd);
			return r;
		}
	} else {
		/* Less is no failure either. */
		fend__kernel->setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
		sockets->open[i].ends = fend__deadline(LIFE);
	}
	sockets->n++;
	return fd;
}

int
fend__sockets_open(struct sockets *sockets, int domain, int type)
{
	size_t i;

	fend__sockets_expire(sockets);
	i = find_kept(sockets);
	if (type == SOCK_STREAM || i == sockets->n)
		return open_new(sockets, domain, type);
	sockets->open[i].state = REUSED;
	return sockets->polls[i].fd;
}

static void
end(struct sockets *sockets, size_t i)
{
	fend_io_free(sockets->open[i].io);
	fend__close(sockets->polls[i].fd);
	sockets->n--;
	sockets->polls[i] = sockets->polls[sockets->n];
	sockets->open[i] = sockets->open[sockets->n];
}

static bool
may_be_kept(const struct sockets *sockets, const struct open_socket *open)
{
	return sockets->may_keep && open->type != SOCK_STREAM && open->unanswered == 0 &&
	       !open->error && fend__remaining(open->ends) > 0 && find_kept(sockets) == sockets->n;
}

void
fend__sockets_close(struct sockets *sockets, int fd)
{
	size_t i = find(sockets, fd);

	if (i == sockets->n)
		return;
	if (may_be_kept(sockets, &sockets->open[i])) {
		fend__sockets_watch(sockets, fd, true, false);
		sockets->open[i].state = KEPT;
	} else {
		end(sockets, i);
	}
}

bool
fend__sockets_is_connected(const struct sockets *sockets, int fd)
{
	size_t i = find(sockets, fd);

	return i < sockets->n && sockets->open[i].state == REUSED;
}

void
fend__sockets_asked(struct sockets *sockets, int fd)
{
	size_t i = find(sockets, fd);

	if (i < sockets->n)
		sockets->open[i].unanswered++;
}

void
fend__sockets_answered(struct sockets *sockets, int fd)
{
	size_t i = find(sockets, fd);

	if (i < sockets->n && sockets->open[i].unanswered > 0)
		sockets->open[i].unanswered--;
}

bool
fend__sockets_end_kept(struct sockets *sockets, int fd)
{
	size_t i = find(sockets, fd);

	if (!is_kept(sockets, i))
		return false;
	end(sockets, i);
	return true;
}

fend_time
fend__sockets_due(const struct sockets *sockets)
{
	size_t i = find_kept(sockets);

	return i < sockets->n ? sockets->open[i].ends : FEND_FOREVER;
}

void
fend__sockets_expire(struct sockets *sockets)
{
	size_t i = find_kept(sockets);

	if (i < sockets->n && fend__remaining(sockets->open[i].ends) == 0)
		end(sockets, i);
}

void
fend__sockets_fini(struct sockets *sockets)
{
	while (sockets->n)
		end(sockets, 0);
	sockets->polls = fend__release(sockets->polls);
	sockets->open = fend__release(sockets->open);
	sockets->size = 0;
}

void
fend__sockets_watch(struct sockets *sockets, int fd, bool in, bool out)
{
	size_t i = find(sockets, fd);
	struct open_socket *open;
	unsigned events = (in ? FEND_IN : 0U) | (out ? FEND_OUT : 0U);

	if (i == sockets->n)
		return;
	open = &sockets->open[i];
	sockets->polls[i].events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));
	if (!open->io && events && !open->error)
		open->error = watch_on_loop(sockets, i);
	if (open->io && fend_io_events(open->io) != events)
		fend_io_set(open->io, events);
}

int
fend__sockets_error(const struct sockets *sockets, int fd)
{
	size_t i = find(sockets, fd);

	return i < sockets->n ? sockets->open[i].error : -EBADF;
}

bool
fend__sockets_is_stream(const struct sockets *sockets, int fd)
{
	size_t i = find(sockets, fd);

	return i < sockets->n && sockets->open[i].type == SOCK_STREAM;
}

void
fend__sockets_set_peer(struct sockets *sockets, int fd, int peer)
{
	size_t i = find(sockets, fd);

	if (i < sockets->n)
		sockets->open[i].peer = peer;
}

int
fend__sockets_peer(const struct sockets *sockets, int fd)
{
	size_t i = find(sockets, fd);

	return i < sockets->n ? sockets->open[i].peer : 0;
}

int
fend__sockets_poll(struct sockets *sockets, fend_time timeout)
{
	return fend__kernel->poll(sockets->polls, sockets->n, timeout);
}

bool
fend__sockets_next(struct sockets *sockets, int *ret_fd, unsigned *ret_events)
{
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		short found = sockets->polls[i].revents;

		if (!found)
			continue;
		sockets->polls[i].revents = 0;
		*ret_fd = sockets->polls[i].fd;
		*ret_events = (found & POLLIN ? FEND_IN : 0U) | (found & POLLOUT ? FEND_OUT : 0U) |
			      (found & POLLERR ? FEND_ERR : 0U) | (found & POLLHUP ? FEND_HUP : 0U);
		return true;
	}
	return false;
}
