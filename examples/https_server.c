/* SPDX-License-Identifier: MIT */
/*
 * A connection goes through TLS handshake, request, response and TLS shutdown, and at each of them
 * may fail, which ends it without further ado: nobody waits for it here. All of that has to be over
 * in CONNECTION_TIME, a request may not be larger than REQUEST_MAX, and no more than
 * CONNECTIONS_MAX are open at a time, so that a client can neither hold nor fill anything.
 *
 * Requests are parsed by llhttp. Only their method and target matter; fields and body are read and
 * dropped.
 */
#include "https_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llhttp.h>

#define CONNECTION_TIME FEND_SEC(10)
#define ACCEPT_PAUSE FEND_MS(100)

enum { REQUEST_MAX = 16384, TARGET_MAX = 256, CONNECTIONS_MAX = 64 };

struct https_server {
	struct fend_loop *loop;
	struct fend_tls_context *tls;
	const char *page;
	struct fend_address address;
	struct fend_socket *listener;
	struct fend_timer *pause; /* armed: no more can be accepted for now */
	struct connection *connections;
	unsigned count;
};

struct connection {
	struct https_server *server;
	struct connection *next, *previous;
	struct fend_socket *socket;
	struct fend_timer *timer;
	llhttp_t parser;
	char target[TARGET_MAX]; /* of the request, cut off: no page has such a long name */
	size_t received;
	char *response; /* NULL: the request is not complete */
	size_t size, sent;
};

static void
connection_free(struct connection *connection)
{
	struct https_server *server = connection->server;

	if (connection->previous)
		connection->previous->next = connection->next;
	else
		server->connections = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	server->count--;
	fend_socket_free(connection->socket);
	fend_timer_free(connection->timer);
	free(connection->response);
	free(connection);
}

static void
on_time_over(struct fend_timer *timer, uint64_t expirations, void *data)
{
	connection_free(data);
}

static int
on_url(llhttp_t *parser, const char *text, size_t size)
{
	struct connection *connection = parser->data;
	size_t used = strlen(connection->target), room = TARGET_MAX - 1 - used;

	strncat(connection->target, text, size < room ? size : room);
	return 0;
}

static const char *
choose_status(const struct connection *connection)
{
	uint8_t method = llhttp_get_method((llhttp_t *)&connection->parser);

	if (method != HTTP_GET && method != HTTP_HEAD)
		return "405 Method Not Allowed";
	return strcmp(connection->target, "/") == 0 ? "200 OK" : "404 Not Found";
}

static int
on_message_complete(llhttp_t *parser)
{
	struct connection *connection = parser->data;
	const char *status = choose_status(connection);
	const char *page = status[0] == '2' ? connection->server->page : "There is no such page.\n";
	int size = asprintf(&connection->response,
			    "HTTP/1.1 %s\r\n"
			    "Content-Type: text/plain; charset=utf-8\r\n"
			    "Content-Length: %zu\r\n"
			    "Connection: close\r\n"
			    "\r\n"
			    "%s",
			    status, strlen(page),
			    llhttp_get_method(parser) == HTTP_HEAD ? "" : page);

	if (size < 0) {
		connection->response = NULL;
		return -1;
	}
	connection->size = (size_t)size;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_message_complete = on_message_complete,
};

static void
on_shutdown(struct fend_socket *socket, int err, void *data)
{
	connection_free(data);
}

static void
send_response(struct connection *connection)
{
	while (connection->sent < connection->size) {
		ssize_t sent = fend_socket_send(connection->socket,
						connection->response + connection->sent,
						connection->size - connection->sent, 0);

		if (sent == -EAGAIN)
			return;
		if (sent < 0) {
			connection_free(connection);
			return;
		}
		connection->sent += (size_t)sent;
	}
	fend_socket_unwatch(connection->socket);
	if (fend_tls_shutdown(connection->socket, connection->server->loop, FEND_FOREVER,
			      on_shutdown, connection) < 0)
		connection_free(connection);
}

static void
receive_request(struct connection *connection)
{
	char buffer[4096];
	ssize_t size = fend_socket_recv(connection->socket, buffer, sizeof(buffer), 0);

	if (size == -EAGAIN)
		return;
	if (size > 0)
		connection->received += (size_t)size;
	if (size <= 0 || connection->received > REQUEST_MAX) {
		connection_free(connection);
		return;
	}
	llhttp_execute(&connection->parser, buffer, (size_t)size);
	if (connection->response)
		fend_socket_set_events(connection->socket, FEND_OUT);
	else if (llhttp_get_errno(&connection->parser) != HPE_OK)
		connection_free(connection);
}

static void
on_ready(struct fend_socket *socket, unsigned events, void *data)
{
	struct connection *connection = data;

	if (connection->response)
		send_response(connection);
	else
		receive_request(connection);
}

static void
on_handshake(struct fend_socket *socket, int err, void *data)
{
	struct connection *connection = data;

	if (err < 0 ||
	    fend_socket_watch(socket, connection->server->loop, FEND_IN, on_ready, connection) < 0)
		connection_free(connection);
}

/* socket is taken. */
static int
connection_new(struct https_server *server, struct fend_socket *socket)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int err;

	if (!connection) {
		fend_socket_free(socket);
		return -ENOMEM;
	}
	connection->server = server;
	connection->socket = socket;
	llhttp_init(&connection->parser, HTTP_REQUEST, &settings);
	connection->parser.data = connection;
	connection->next = server->connections;
	if (connection->next)
		connection->next->previous = connection;
	server->connections = connection;
	server->count++;
	/*
	 * Otherwise the response waits until the client has acknowledged the handshake (RFC 896).
	 */
	fend_socket_set_option_name(socket, "TCP_NODELAY", 1);
	err = fend_timer_new(server->loop, on_time_over, connection, &connection->timer);
	if (err >= 0)
		err = fend_tls_wrap(socket, server->tls, NULL);
	if (err >= 0)
		err = fend_tls_handshake(socket, server->loop, FEND_FOREVER, on_handshake,
					 connection);
	if (err < 0) {
		connection_free(connection);
		return err;
	}
	fend_timer_after(connection->timer, CONNECTION_TIME);
	return 0;
}

static void
on_pause_over(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct https_server *server = data;

	fend_socket_set_events(server->listener, FEND_IN);
}

/*
 * Those who wait stay in the kernel's queue. Without a pause, a listener that is ready but cannot
 * be served, for want of descriptors say, would keep the loop spinning.
 */
static void
pause_accepting(struct https_server *server)
{
	fend_socket_set_events(server->listener, 0);
	fend_timer_after(server->pause, ACCEPT_PAUSE);
}

static void
on_waiting(struct fend_socket *listener, unsigned events, void *data)
{
	struct https_server *server = data;
	struct fend_socket *socket;
	int err = -EMFILE;

	if (server->count < CONNECTIONS_MAX)
		err = fend_socket_accept(listener, NULL, &socket);
	if (err >= 0)
		err = connection_new(server, socket);
	if (err < 0 && err != -EAGAIN)
		pause_accepting(server);
}

static int
listen_on_loopback(struct https_server *server)
{
	int err = fend_address_parse("127.0.0.1:0", &server->address);

	if (err >= 0)
		err = fend_socket_new_tcp(AF_INET, &server->listener);
	if (err >= 0)
		err = fend_socket_bind(server->listener, &server->address);
	if (err >= 0)
		err = fend_socket_listen(server->listener, 0);
	if (err >= 0)
		err = fend_socket_getsockname(server->listener, &server->address);
	return err;
}

int
https_server_new(struct fend_loop *loop, struct fend_tls_context *tls, const char *page,
		 struct https_server **ret_server)
{
	struct https_server *server = calloc(1, sizeof(*server));
	int err;

	if (!server)
		return -ENOMEM;
	server->loop = loop;
	server->tls = fend_tls_context_ref(tls);
	server->page = page;
	err = listen_on_loopback(server);
	if (err >= 0)
		err = fend_timer_new(loop, on_pause_over, server, &server->pause);
	if (err >= 0)
		err = fend_socket_watch(server->listener, loop, FEND_IN, on_waiting, server);
	if (err < 0) {
		https_server_free(server);
		return err;
	}
	*ret_server = server;
	return 0;
}

struct https_server *
https_server_free(struct https_server *server)
{
	if (!server)
		return NULL;
	while (server->connections)
		connection_free(server->connections);
	fend_timer_free(server->pause);
	fend_socket_free(server->listener);
	fend_tls_context_unref(server->tls);
	free(server);
	return NULL;
}

const struct fend_address *
https_server_address(const struct https_server *server)
{
	return &server->address;
}

unsigned
https_server_port(const struct https_server *server)
{
	return ntohs(((const struct sockaddr_in *)&server->address.storage)->sin_port);
}
