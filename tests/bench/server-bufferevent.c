/* SPDX-License-Identifier: MIT */
/* libevent's buffered connections: what was received is moved to the output, not copied. */
#include "bench.h"

#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

static bool (*serve_control)(int control);

static void
on_readable(struct bufferevent *connection, void *data)
{
	bufferevent_write_buffer(connection, bufferevent_get_input(connection));
}

static void
on_event(struct bufferevent *connection, short events, void *data)
{
	bufferevent_free(connection);
}

static void
on_accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int size,
	    void *base)
{
	struct bufferevent *connection = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);

	bufferevent_setcb(connection, on_readable, NULL, on_event, NULL);
	bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static void
on_control(evutil_socket_t control, short events, void *base)
{
	if (!serve_control(control))
		event_base_loopbreak(base);
}

static void
serve(int fd, int control, bool (*fn)(int control))
{
	struct event_base *base = event_base_new();
	struct evconnlistener *listener =
		evconnlistener_new(base, on_accepted, base, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	struct event *controlled = event_new(base, control, EV_READ | EV_PERSIST, on_control, base);

	if (!listener)
		abort();
	serve_control = fn;
	event_add(controlled, NULL);
	event_base_dispatch(base);
	event_free(controlled);
	evconnlistener_free(listener);
	event_base_free(base);
}

const struct contestant bench_contestant = { .name = "bufferevent", .serve = serve };
