/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <fend/core.h>
#include <fend/net.h>

#include "echo.h"

struct connection {
	struct fend_socket *socket;
	struct rest rest;
};

static struct fend_loop *loop;
static bool (*serve_control)(int control);

static void
end(struct connection *connection)
{
	fend_socket_free(connection->socket);
	free(connection->rest.bytes);
	free(connection);
}

static void
send_rest(struct connection *connection)
{
	struct rest *rest = &connection->rest;
	ssize_t sent;

	sent = fend_socket_send(connection->socket, rest->bytes + rest->start,
				rest->end - rest->start, 0);
	if (sent < 0 && sent != -EAGAIN) {
		end(connection);
		return;
	}
	if (sent > 0)
		rest_drop(rest, (size_t)sent);
	if (!rest->bytes)
		fend_socket_set_events(connection->socket, FEND_IN);
}

static void
on_connection(struct fend_socket *socket, unsigned events, void *data)
{
	static char buffer[ECHO_BUFFER];
	struct connection *connection = data;
	ssize_t n, sent;

	if (connection->rest.bytes) {
		send_rest(connection);
		return;
	}
	n = fend_socket_recv(socket, buffer, sizeof(buffer), 0);
	if (n == -EAGAIN)
		return;
	sent = n > 0 ? fend_socket_send(socket, buffer, (size_t)n, 0) : -EPIPE;
	if (sent == n)
		return;
	if (sent < 0 && sent != -EAGAIN) {
		end(connection);
		return;
	}
	sent = sent > 0 ? sent : 0;
	rest_keep(&connection->rest, buffer + sent, (size_t)(n - sent));
	fend_socket_set_events(socket, FEND_OUT);
}

static void
on_accepted(struct fend_listener *listener, struct fend_socket *socket,
	    const struct fend_address *peer, void *data)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	connection->socket = socket;
	if (fend_socket_watch(socket, loop, FEND_IN, on_connection, connection) < 0)
		abort();
}

static void
on_control(struct fend_io *io, unsigned events, void *data)
{
	if (!serve_control(fend_io_fd(io)))
		fend_loop_stop(loop, 0);
}

static void
serve(int fd, int control, bool (*fn)(int control))
{
	struct fend_socket *socket;
	struct fend_listener *listener;
	struct fend_io *io;

	serve_control = fn;
	if (fend_loop_new(NULL, &loop) < 0 || fend_socket_wrap(fd, &socket) < 0 ||
	    fend_listener_wrap(loop, socket, NULL, on_accepted, NULL, &listener) < 0 ||
	    fend_io_new(loop, control, FEND_IN, on_control, NULL, &io) < 0)
		abort();
	fend_loop_run(loop, NULL);
	fend_io_free(io);
	fend_listener_free(listener);
	fend_loop_free(loop);
}

const struct contestant bench_contestant = { .name = "fend-socket", .serve = serve };
