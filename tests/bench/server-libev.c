/* SPDX-License-Identifier: MIT */
#include "bench.h"

#define EV_COMPAT3 0
#include <ev.h>
#include <unistd.h>

#include "echo.h"

struct connection {
	ev_io watcher;
	enum echo_next next;
	struct rest rest;
};

static bool (*serve_control)(int control);

static void
on_connection(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct connection *connection = (struct connection *)watcher;
	enum echo_next next = echo_ready(watcher->fd, &connection->rest);

	if (next == connection->next)
		return;
	connection->next = next;
	ev_io_stop(loop, watcher);
	if (next == ECHO_OVER) {
		close(watcher->fd);
		free(connection->rest.bytes);
		free(connection);
		return;
	}
	ev_io_set(watcher, watcher->fd, next == ECHO_READABLE ? EV_READ : EV_WRITE);
	ev_io_start(loop, watcher);
}

static void
on_listener(struct ev_loop *loop, ev_io *watcher, int events)
{
	int fd;

	while ((fd = accept4(watcher->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = calloc(1, sizeof(*connection));

		ev_io_init(&connection->watcher, on_connection, fd, EV_READ);
		ev_io_start(loop, &connection->watcher);
	}
}

static void
on_control(struct ev_loop *loop, ev_io *watcher, int events)
{
	if (!serve_control(watcher->fd))
		ev_break(loop, EVBREAK_ALL);
}

static void
serve(int listener, int control, bool (*fn)(int control))
{
	struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	ev_io accepting, controlled;

	serve_control = fn;
	ev_io_init(&accepting, on_listener, listener, EV_READ);
	ev_io_init(&controlled, on_control, control, EV_READ);
	ev_io_start(loop, &accepting);
	ev_io_start(loop, &controlled);
	ev_run(loop, 0);
	ev_loop_destroy(loop);
}

const struct contestant bench_contestant = { .name = "libev", .serve = serve };
