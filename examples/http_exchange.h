/* SPDX-License-Identifier: MIT */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http_client.h"
#include "http_response.h"

/* One request and its response on a connection that was made for them. */
struct http_exchange;

/* Must stay valid until the exchange is freed. */
struct http_exchange_request {
	const char *head;
	size_t head_size;
	const void *body;
	size_t body_size;
	bool is_head; /* the method is HEAD */
};

/* All may free the exchange. */
struct http_exchange_callbacks {
	void (*head)(const struct http_response *response, void *data);
	void (*body)(const char *bytes, size_t size, void *data);
	/*
	 * The last one; the connection is closed, the response stays. HTTP_ERROR_NONE: it is
	 * complete, otherwise text says what went wrong.
	 */
	void (*end)(enum http_error error, const char *text, void *data);
};

/* socket is taken on success. */
int http_exchange_start(struct fend_loop *loop, struct fend_socket *socket,
			const struct http_exchange_request *request,
			const struct http_exchange_callbacks *callbacks, void *data,
			struct http_exchange **ret_exchange);

/* Give up if it still runs, close the connection, and free. NULL does nothing. Returns NULL. */
struct http_exchange *http_exchange_free(struct http_exchange *exchange);

const struct http_response *http_exchange_response(const struct http_exchange *exchange);

/* Receive no more for now, or go on. */
void http_exchange_pause(struct http_exchange *exchange, bool pause);

#endif
