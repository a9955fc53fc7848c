/* SPDX-License-Identifier: MIT */
/* libevent's buffered connections over OpenSSL, set up as the bare loop's are. */
#include "bench.h"

#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "tls.h"

static bool (*serve_control)(int control);
static char buffer[TLS_BUFFER];

/* As much as fend's streams hold by default before they ask for a pause. */
static void
on_writable(struct bufferevent *connection, void *data)
{
	struct tls_request *request = data;
	struct evbuffer *output = bufferevent_get_output(connection);

	if (request->what != TLS_SEND)
		return;
	while (evbuffer_get_length(output) <= TLS_BUFFER && request->left) {
		uint32_t size = tls_next(request);

		evbuffer_add(output, buffer, size);
		request->left -= size;
	}
}

static void
on_readable(struct bufferevent *connection, void *data)
{
	struct tls_request *request = data;
	struct evbuffer *input = bufferevent_get_input(connection);

	if (!request->what && evbuffer_get_length(input) >= sizeof(*request)) {
		evbuffer_remove(input, request, sizeof(*request));
		on_writable(connection, request);
	}
	if (request->what)
		evbuffer_drain(input, evbuffer_get_length(input));
}

static void
on_event(struct bufferevent *connection, short events, void *data)
{
	if (events & BEV_EVENT_CONNECTED)
		return;
	bufferevent_free(connection);
	free(data);
}

static void
on_accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int size,
	    void *base)
{
	struct tls_request *request = calloc(1, sizeof(*request));
	struct bufferevent *connection = bufferevent_openssl_socket_new(base, fd, raw_new(fd),
									BUFFEREVENT_SSL_ACCEPTING,
									BEV_OPT_CLOSE_ON_FREE);

	if (!connection)
		abort();
	bufferevent_openssl_set_allow_dirty_shutdown(connection, 1);
	bufferevent_setcb(connection, on_readable, on_writable, on_event, request);
	bufferevent_setwatermark(connection, EV_WRITE, TLS_BUFFER / 4, 0);
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
	raw_init(getenv(TLS_CERTIFICATE), getenv(TLS_KEY));
	serve_control = fn;
	event_add(controlled, NULL);
	event_base_dispatch(base);
	event_free(controlled);
	evconnlistener_free(listener);
	event_base_free(base);
}

const struct contestant bench_contestant = {
	.name = "bufferevent",
	.version = raw_version,
	.serve = serve,
};
