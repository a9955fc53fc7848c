/* SPDX-License-Identifier: MIT */
/*
 * The bare system calls: epoll with the callback in the event's pointer. The descriptors are closed
 * without being taken out of the epoll set, which that does (epoll(7)).
 */
#include "bench.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "echo.h"

struct io {
	void (*fn)(struct io *io);
	int fd;
};

struct connection {
	struct io io;
	enum echo_next next;
	struct rest rest;
};

static int epoll;
static bool (*serve_control)(int control);
static bool stopped;

static void
watch(struct io *io, int operation, unsigned events)
{
	struct epoll_event event = { .events = events, .data.ptr = io };

	if (epoll_ctl(epoll, operation, io->fd, &event) < 0)
		abort();
}

static void
on_connection(struct io *io)
{
	struct connection *connection = (struct connection *)io;
	enum echo_next next = echo_ready(io->fd, &connection->rest);

	if (next == connection->next)
		return;
	connection->next = next;
	if (next == ECHO_OVER) {
		close(io->fd);
		free(connection->rest.bytes);
		free(connection);
		return;
	}
	watch(io, EPOLL_CTL_MOD, next == ECHO_READABLE ? EPOLLIN : EPOLLOUT);
}

static void
on_listener(struct io *io)
{
	int fd;

	while ((fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = calloc(1, sizeof(*connection));

		connection->io = (struct io){ on_connection, fd };
		watch(&connection->io, EPOLL_CTL_ADD, EPOLLIN);
	}
}

static void
on_control(struct io *io)
{
	stopped = !serve_control(io->fd);
}

static void
serve(int listener, int control, bool (*fn)(int control))
{
	struct io ios[2] = { { on_listener, listener }, { on_control, control } };
	struct epoll_event events[256];
	int i, n;

	epoll = epoll_create1(EPOLL_CLOEXEC);
	serve_control = fn;
	watch(&ios[0], EPOLL_CTL_ADD, EPOLLIN);
	watch(&ios[1], EPOLL_CTL_ADD, EPOLLIN);
	for (stopped = false; !stopped;) {
		n = epoll_wait(epoll, events, 256, -1);
		for (i = 0; i < n; i++) {
			struct io *io = events[i].data.ptr;

			io->fn(io);
		}
	}
	close(epoll);
}

const struct contestant bench_contestant = { .name = "raw", .serve = serve };
