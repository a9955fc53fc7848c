/* SPDX-License-Identifier: MIT */
#include "tls-fend.h"

struct connection {
	struct fend_socket *socket;
	struct tls_request request;
};

static char buffer[TLS_BUFFER];

static ssize_t
answer(struct connection *connection)
{
	ssize_t n = 1;

	for (ssize_t sent = 0; n > 0 && sent < TLS_TURN && connection->request.left; sent += n) {
		n = fend_socket_send(connection->socket, buffer, tls_next(&connection->request), 0);
		if (n > 0)
			connection->request.left -= (uint64_t)n;
	}
	if (!connection->request.left) {
		connection->request.what = TLS_RECEIVE;
		fend_socket_set_events(connection->socket, FEND_IN);
	}
	return n;
}

static ssize_t
take(struct connection *connection)
{
	ssize_t n = fend_socket_recv(connection->socket, buffer, sizeof(buffer), 0);

	if (n <= 0 || connection->request.what)
		return n == 0 ? -EPIPE : n;
	memcpy(&connection->request, buffer, sizeof(connection->request));
	if (connection->request.what == TLS_SEND)
		fend_socket_set_events(connection->socket, FEND_OUT);
	return n;
}

static void
on_ready(struct fend_socket *socket, unsigned events, void *data)
{
	struct connection *connection = data;
	ssize_t n = connection->request.what == TLS_SEND ? answer(connection) : take(connection);

	if (n >= 0 || n == -EAGAIN)
		return;
	fend_socket_free(socket);
	free(connection);
}

static void
begin(struct fend_socket *socket)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	connection->socket = socket;
	if (fend_socket_watch(socket, loop, FEND_IN, on_ready, connection) < 0)
		abort();
}

const struct contestant bench_contestant = {
	.name = "fend-socket",
	.version = version,
	.serve = serve,
};
