/* SPDX-License-Identifier: MIT */
/*
 * Sending a request and receiving its response.
 *
 * Both go on at the same time: a server may answer, with an error say, before it has read all of
 * the request. For the same reason a failure to send is not the end, the response may be there
 * already; what recv says is.
 *
 * The parser calls back from deep inside, where the exchange may be freed. It then loses its
 * connection at once, but its memory, which the parser still stands on, only when the parser has
 * returned (feeding, freed). After the loop was freed no callback may come either, even with input
 * left in hand: changing the interest after each callback finds that out.
 *
 * The functions that call end() or feed the parser do nothing with the exchange afterwards.
 */
#include "http_exchange.h"

#include <errno.h>
#include <stdlib.h>

enum {
	BUFFER_SIZE = 16384, /* what one TLS record carries */
	ROUNDS = 8,          /* buffers taken at a time, so that others get their turn */
};

struct http_exchange {
	struct fend_socket *socket;
	struct http_exchange_request request;
	const struct http_exchange_callbacks *callbacks;
	void *data;
	struct http_response response;
	size_t sent; /* of head and body together */
	bool paused;
	bool feeding, freed;
	char text[256];
};

static bool
is_sent(const struct http_exchange *exchange)
{
	return exchange->sent == exchange->request.head_size + exchange->request.body_size;
}

static int
update_interest(struct http_exchange *exchange)
{
	unsigned events = 0;

	if (!exchange->paused)
		events |= FEND_IN;
	if (!is_sent(exchange))
		events |= FEND_OUT;
	return fend_socket_set_events(exchange->socket, events);
}

/* What a callback that the parser made has left behind: 0, or why to parse no further. */
static int
after_callback(struct http_exchange *exchange)
{
	return exchange->freed ? -ECANCELED : update_interest(exchange);
}

static int
on_head(void *data)
{
	struct http_exchange *exchange = data;

	exchange->callbacks->head(&exchange->response, exchange->data);
	return after_callback(exchange);
}

static int
on_body(const char *bytes, size_t size, void *data)
{
	struct http_exchange *exchange = data;

	exchange->callbacks->body(bytes, size, exchange->data);
	return after_callback(exchange);
}

static const struct http_response_callbacks response_callbacks = {
	.head = on_head,
	.body = on_body,
};

static void
end(struct http_exchange *exchange, enum http_error error, const char *what, const char *why)
{
	snprintf(exchange->text, sizeof(exchange->text), "%s: %s", what, why);
	exchange->socket = fend_socket_free(exchange->socket);
	exchange->callbacks->end(error, exchange->text, exchange->data);
}

static void
complete(struct http_exchange *exchange)
{
	/* Tell a TLS server that this was all, and not an attacker cutting the line. */
	fend_socket_shutdown(exchange->socket, SHUT_WR);
	exchange->socket = fend_socket_free(exchange->socket);
	exchange->callbacks->end(HTTP_ERROR_NONE, NULL, exchange->data);
}

static void
end_of_input(struct http_exchange *exchange, int err)
{
	if (err == -ESHUTDOWN)
		return;
	if (err == 0 && http_response_finish(&exchange->response) == 0) {
		complete(exchange);
		return;
	}
	if (err == -EPROTO) {
		end(exchange, HTTP_ERROR_TLS, "TLS failed", fend_tls_error(exchange->socket)->text);
		return;
	}
	if (err == 0)
		err = -EBADMSG;
	end(exchange, HTTP_ERROR_TRUNCATED,
	    exchange->response.status ? "the response is cut off" : "there is no response",
	    err == -EBADMSG ? "the connection was closed" : fend_strerror(err));
}

/* True: parsed, and there is more to come. False: do not touch the exchange any more. */
static bool
feed(struct http_exchange *exchange, const char *bytes, size_t size)
{
	int err;

	exchange->feeding = true;
	err = http_response_feed(&exchange->response, bytes, size);
	exchange->feeding = false;

	if (exchange->freed)
		http_exchange_free(exchange);
	else if (err == -EBADMSG)
		end(exchange, HTTP_ERROR_PROTOCOL, "the response is not acceptable",
		    exchange->response.fault);
	else if (err < 0 && err != -ESHUTDOWN)
		end(exchange, HTTP_ERROR_SYSTEM, "the response cannot be read", fend_strerror(err));
	else if (err == 0 && exchange->response.complete)
		complete(exchange);
	else
		return err == 0;
	return false;
}

static void
receive(struct http_exchange *exchange)
{
	char buffer[BUFFER_SIZE];

	for (int round = 0; round < ROUNDS && !exchange->paused; round++) {
		ssize_t size = fend_socket_recv(exchange->socket, buffer, sizeof(buffer), 0);

		if (size == -EAGAIN)
			return;
		if (size <= 0) {
			end_of_input(exchange, (int)size);
			return;
		}
		if (!feed(exchange, buffer, (size_t)size))
			return;
	}
}

static ssize_t
send_some(struct http_exchange *exchange)
{
	const struct http_exchange_request *request = &exchange->request;
	size_t sent = exchange->sent;

	if (sent < request->head_size)
		return fend_socket_send(exchange->socket, request->head + sent,
					request->head_size - sent, 0);
	sent -= request->head_size;
	return fend_socket_send(exchange->socket, (const char *)request->body + sent,
				request->body_size - sent, 0);
}

static void
send_rest(struct http_exchange *exchange)
{
	while (!is_sent(exchange)) {
		ssize_t size = send_some(exchange);

		if (size == -EAGAIN)
			return;
		if (size < 0)
			exchange->sent = exchange->request.head_size + exchange->request.body_size;
		else
			exchange->sent += (size_t)size;
	}
	update_interest(exchange);
}

static void
on_ready(struct fend_socket *socket, unsigned events, void *data)
{
	struct http_exchange *exchange = data;

	if (events & FEND_OUT)
		send_rest(exchange);
	if (events & ~FEND_OUT)
		receive(exchange);
}

int
http_exchange_start(struct fend_loop *loop, struct fend_socket *socket,
		    const struct http_exchange_request *request,
		    const struct http_exchange_callbacks *callbacks, void *data,
		    struct http_exchange **ret_exchange)
{
	struct http_exchange *exchange = calloc(1, sizeof(*exchange));
	int err;

	if (!exchange)
		return -ENOMEM;
	err = fend_socket_watch(socket, loop, FEND_IN | FEND_OUT, on_ready, exchange);
	if (err < 0) {
		free(exchange);
		return err;
	}
	exchange->socket = socket;
	exchange->request = *request;
	exchange->callbacks = callbacks;
	exchange->data = data;
	http_response_init(&exchange->response, request->is_head, &response_callbacks, exchange);
	*ret_exchange = exchange;
	return 0;
}

struct http_exchange *
http_exchange_free(struct http_exchange *exchange)
{
	if (!exchange)
		return NULL;
	exchange->socket = fend_socket_free(exchange->socket);
	exchange->freed = true;
	if (exchange->feeding)
		return NULL;
	http_response_clear(&exchange->response);
	free(exchange);
	return NULL;
}

const struct http_response *
http_exchange_response(const struct http_exchange *exchange)
{
	return &exchange->response;
}

void
http_exchange_pause(struct http_exchange *exchange, bool pause)
{
	exchange->paused = pause;
	update_interest(exchange);
}
