/* SPDX-License-Identifier: MIT */
/* Plain events, and an accept loop like everybody's. */
#include "bench.h"

#include <unistd.h>

#include <event2/event.h>

#include "echo.h"

struct connection {
	struct event *event;
	enum echo_next next;
	struct rest rest;
};

static struct event_base *base;
static bool (*serve_control)(int control);

static void
on_connection(evutil_socket_t fd, short events, void *data)
{
	struct connection *connection = data;
	enum echo_next next = echo_ready(fd, &connection->rest);

	if (next == connection->next)
		return;
	connection->next = next;
	event_del(connection->event);
	if (next == ECHO_OVER) {
		event_free(connection->event);
		close(fd);
		free(connection->rest.bytes);
		free(connection);
		return;
	}
	event_assign(connection->event, base, fd,
		     (next == ECHO_READABLE ? EV_READ : EV_WRITE) | EV_PERSIST, on_connection,
		     connection);
	event_add(connection->event, NULL);
}

static void
on_listener(evutil_socket_t listener, short events, void *data)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = calloc(1, sizeof(*connection));

		connection->event =
			event_new(base, fd, EV_READ | EV_PERSIST, on_connection, connection);
		event_add(connection->event, NULL);
	}
}

static void
on_control(evutil_socket_t control, short events, void *data)
{
	if (!serve_control(control))
		event_base_loopbreak(base);
}

static void
serve(int listener, int control, bool (*fn)(int control))
{
	struct event *accepting, *controlled;

	serve_control = fn;
	base = event_base_new();
	accepting = event_new(base, listener, EV_READ | EV_PERSIST, on_listener, NULL);
	controlled = event_new(base, control, EV_READ | EV_PERSIST, on_control, NULL);
	event_add(accepting, NULL);
	event_add(controlled, NULL);
	event_base_dispatch(base);
	event_free(accepting);
	event_free(controlled);
	event_base_free(base);
}

const struct contestant bench_contestant = { .name = "libevent", .serve = serve };
