/* SPDX-License-Identifier: MIT */
/*
 * Making a connection: race the host's addresses, shake hands.
 *
 * One of the two is under way at a time: the race until it hands its socket over, then the
 * handshake on that socket. Both end by the same deadline. Once a connection stands, what fails is
 * final: an address that takes connections but shows a wrong certificate is not passed over in
 * favour of another.
 *
 * The callback is always the last thing a function does, since it may free the connect.
 */
#include "http_connect.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "http_trace.h"

/* For each of the two steps, if there is no deadline. */
#define STEP_MAX FEND_SEC(30)

struct http_connect {
	struct fend_loop *loop;
	struct http_connect_target target;
	http_connect_fn *fn;
	void *data;

	struct fend_connect *race;
	struct fend_socket *socket;             /* of the handshake */
	char text[FEND_ADDRESS_TEXT_MAX + 512]; /* the stage, in the end what failed */
};

static void set_text(struct http_connect *connect, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
set_text(struct http_connect *connect, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(connect->text, sizeof(connect->text), format, args);
	va_end(args);
}

static void
fail(struct http_connect *connect, enum http_error error)
{
	connect->socket = fend_socket_free(connect->socket);
	connect->fn(error, connect->text, NULL, connect->data);
}

static void
succeed(struct http_connect *connect)
{
	struct fend_socket *socket = connect->socket;

	connect->socket = NULL;
	connect->fn(HTTP_ERROR_NONE, NULL, socket, connect->data);
}

/* How long the next step may take. */
static fend_time
time_left(const struct http_connect *connect)
{
	fend_time left;

	if (connect->target.deadline == FEND_FOREVER)
		return STEP_MAX;
	left = connect->target.deadline - fend_now();
	return left > 0 ? left : 0;
}

static bool
is_certificate_error(int err)
{
	return err == -EKEYREJECTED || err == -EKEYEXPIRED || err == -EKEYREVOKED;
}

static void
on_handshake(struct fend_socket *socket, int err, void *data)
{
	struct http_connect *connect = data;
	enum http_error error = HTTP_ERROR_TLS;

	if (err == 0) {
		set_text(connect, "%s, %s, %s", fend_tls_get(socket, FEND_TLS_PROTOCOL),
			 fend_tls_get(socket, FEND_TLS_CIPHER),
			 fend_tls_get(socket, FEND_TLS_PROVIDER));
		http_trace(connect->target.trace, "* %s", connect->text);
		succeed(connect);
		return;
	}
	if (is_certificate_error(err))
		error = HTTP_ERROR_CERTIFICATE;
	else if (err == -ETIMEDOUT)
		error = HTTP_ERROR_TIMEOUT;
	set_text(connect, "%s %s: %s",
		 error == HTTP_ERROR_CERTIFICATE ? "cannot trust" : "no TLS with",
		 connect->target.host, fend_tls_error(socket)->text);
	fail(connect, error);
}

static void
start_handshake(struct http_connect *connect)
{
	int err = fend_tls_wrap(connect->socket, connect->target.tls, connect->target.host);

	if (err >= 0)
		err = fend_tls_handshake(connect->socket, connect->loop, time_left(connect),
					 on_handshake, connect);
	if (err < 0) {
		set_text(connect, "TLS with %s cannot start: %s", connect->target.host,
			 fend_strerror(err));
		fail(connect, HTTP_ERROR_TLS);
		return;
	}
	set_text(connect, "shaking hands with %s", connect->target.host);
	http_trace(connect->target.trace, "* %s", connect->text);
}

static int
on_attempt(struct fend_socket *socket, const struct fend_address *address, void *data)
{
	struct http_connect *connect = data;
	char text[FEND_ADDRESS_TEXT_MAX];

	fend_address_format(address, text, sizeof(text));
	set_text(connect, "connecting to %s", text);
	http_trace(connect->target.trace, "* %s", connect->text);
	/* The request shall not wait until the server has acknowledged the handshake (RFC 896). */
	fend_socket_set_option_name(socket, "TCP_NODELAY", 1);
	return 0;
}

/* Resolver errors have numbers of their own (<fend/error.h>). */
static bool
is_lookup_error(int err)
{
	return err <= FEND_EAI_BADFLAGS;
}

static void
on_connected(struct fend_connect *race, int err, struct fend_socket *socket, void *data)
{
	struct http_connect *connect = data;
	enum http_error error = HTTP_ERROR_CONNECT;

	if (err == 0) {
		connect->socket = socket;
		if (connect->target.tls)
			start_handshake(connect);
		else
			succeed(connect);
		return;
	}
	if (is_lookup_error(err)) {
		error = HTTP_ERROR_LOOKUP;
		set_text(connect, "cannot look up %s: %s", connect->target.host,
			 fend_strerror(err));
	} else {
		if (err == -ETIMEDOUT)
			error = HTTP_ERROR_TIMEOUT;
		set_text(connect, "cannot connect to %s port %s: %s", connect->target.host,
			 connect->target.port, fend_strerror(err));
	}
	fail(connect, error);
}

int
http_connect_start(struct fend_loop *loop, const struct http_connect_target *target,
		   http_connect_fn *fn, void *data, struct http_connect **ret_connect)
{
	struct fend_connect_options options = { .size = sizeof(options), .prepare = on_attempt };
	struct http_connect *connect = calloc(1, sizeof(*connect));
	int err;

	if (!connect)
		return -ENOMEM;
	connect->loop = loop;
	connect->target = *target;
	connect->fn = fn;
	connect->data = data;
	set_text(connect, "looking up %s", target->host);
	/* In options 0 is the default, not no time at all. */
	options.timeout = time_left(connect);
	if (options.timeout == 0)
		options.timeout = 1;
	err = fend_connect_host(loop, target->host, target->port, NULL, &options, on_connected,
				connect, &connect->race);
	if (err < 0) {
		http_connect_free(connect);
		return err;
	}
	http_trace(connect->target.trace, "* %s", connect->text);
	*ret_connect = connect;
	return 0;
}

struct http_connect *
http_connect_free(struct http_connect *connect)
{
	if (!connect)
		return NULL;
	fend_connect_free(connect->race);
	fend_socket_free(connect->socket);
	free(connect);
	return NULL;
}

const char *
http_connect_stage(const struct http_connect *connect)
{
	return connect->text;
}
