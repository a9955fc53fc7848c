/* SPDX-License-Identifier: MIT */
#ifndef HTTP_CONNECT_H
#define HTTP_CONNECT_H

#include "http_client.h"

/* From a host's name to a connection that carries plaintext: lookup, connect, TLS handshake. */
struct http_connect;

/* Strings and context must stay valid until the connect is freed. */
struct http_connect_target {
	const char *host, *port;
	struct fend_tls_context *tls; /* NULL: plain TCP */
	fend_time deadline;           /* on the clock of fend_now(), or FEND_FOREVER */
	FILE *trace;                  /* or NULL */
};

/*
 * Exactly once, from the loop. HTTP_ERROR_NONE: socket is connected, and the receiver's from now
 * on; otherwise it is NULL and text, valid until the connect is freed, says what failed. The
 * callback may free the connect.
 */
typedef void http_connect_fn(enum http_error error, const char *text, struct fend_socket *socket,
			     void *data);

int http_connect_start(struct fend_loop *loop, const struct http_connect_target *target,
		       http_connect_fn *fn, void *data, struct http_connect **ret_connect);

/* Give up if it still runs, and free. NULL does nothing. Returns NULL. */
struct http_connect *http_connect_free(struct http_connect *connect);

/* What it is doing: "looking up localhost", "connecting to 127.0.0.1:443", ... */
const char *http_connect_stage(const struct http_connect *connect);

#endif
