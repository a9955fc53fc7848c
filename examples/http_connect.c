/* SPDX-License-Identifier: MIT */
/*
 * Making a connection: look the host up, try its addresses in turn, shake hands.
 *
 * One thing happens at a time, so there is one socket, one timer and one lookup, and which of them
 * is active tells the state. The addresses are tried one after the other, in the order in which the
 * lookup has sorted them. A dead one must not eat the time of those behind it, nor a slow one be
 * given up too early: each attempt gets an equal share of the time that is left, and never more
 * than ATTEMPT_MAX. Once a connection stands, what fails is final: an address that
 * takes connections but shows a wrong certificate is not passed over in favour of another.
 *
 * The callback is always the last thing a function does, since it may free the connect.
 */
#include "http_connect.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>

#include "http_trace.h"

#define ATTEMPT_MAX FEND_SEC(30)

struct http_connect {
	struct fend_loop *loop;
	struct http_connect_target target;
	http_connect_fn *fn;
	void *data;

	struct fend_lookup *lookup;    /* holds the addresses until the end */
	const struct addrinfo *next;   /* to try */
	struct fend_timer *timer;      /* of the attempt */
	struct fend_socket *socket;    /* of the attempt, then of the handshake */
	int last_error;                /* of the attempts so far */
	char address[FEND_ADDRESS_TEXT_MAX];
	char text[FEND_ADDRESS_TEXT_MAX + 512]; /* the stage, in the end what failed */
};

static void
set_text(struct http_connect *connect, const char *format, ...)
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
	fend_timer_stop(connect->timer);
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

/* How long the next n steps may take each, if all are to have their turn. */
static fend_time
share(const struct http_connect *connect, unsigned n)
{
	fend_time left;

	if (connect->target.deadline == FEND_FOREVER)
		return ATTEMPT_MAX;
	left = (connect->target.deadline - fend_now()) / n;
	if (left < 0)
		left = 0;
	return left < ATTEMPT_MAX ? left : ATTEMPT_MAX;
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
		err = fend_tls_handshake(connect->socket, connect->loop, share(connect, 1),
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

static void attempt_failed(struct http_connect *connect, int err);

static void
on_attempt(struct fend_socket *socket, unsigned events, void *data)
{
	struct http_connect *connect = data;
	int err = fend_socket_error(socket);

	fend_timer_stop(connect->timer);
	if (err < 0) {
		attempt_failed(connect, err);
		return;
	}
	fend_socket_unwatch(socket);
	if (connect->target.tls)
		start_handshake(connect);
	else
		succeed(connect);
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	attempt_failed(data, -ETIMEDOUT);
}

static int
attempt(struct http_connect *connect, const struct addrinfo *entry)
{
	struct fend_address address;
	int err = fend_address_set(entry->ai_addr, entry->ai_addrlen, &address);

	if (err < 0)
		return err;
	fend_address_format(&address, connect->address, sizeof(connect->address));
	set_text(connect, "connecting to %s", connect->address);
	http_trace(connect->target.trace, "* %s", connect->text);
	err = fend_socket_new_tcp(entry->ai_family, &connect->socket);
	if (err < 0)
		return err;
	/* The request shall not wait until the server has acknowledged the handshake (RFC 896). */
	fend_socket_set_option_name(connect->socket, "TCP_NODELAY", 1);
	err = fend_socket_connect(connect->socket, &address);
	if (err < 0 && err != -EINPROGRESS)
		return err;
	return fend_socket_watch(connect->socket, connect->loop, FEND_OUT, on_attempt, connect);
}

static unsigned
count(const struct addrinfo *list)
{
	unsigned n = 0;

	for (; list; list = list->ai_next)
		n++;
	return n;
}

static void
try_next(struct http_connect *connect)
{
	const struct addrinfo *entry = connect->next;
	int err;

	if (!entry) {
		set_text(connect, "cannot connect to %s port %s: %s", connect->target.host,
			 connect->target.port, fend_strerror(connect->last_error));
		fail(connect, connect->last_error == -ETIMEDOUT ? HTTP_ERROR_TIMEOUT
								: HTTP_ERROR_CONNECT);
		return;
	}
	connect->next = entry->ai_next;
	fend_timer_after(connect->timer, share(connect, count(entry)));
	err = attempt(connect, entry);
	if (err < 0)
		attempt_failed(connect, err);
}

static void
attempt_failed(struct http_connect *connect, int err)
{
	connect->last_error = err;
	connect->socket = fend_socket_free(connect->socket);
	http_trace(connect->target.trace, "* %s", fend_strerror(err));
	try_next(connect);
}

static void
on_lookup(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct http_connect *connect = data;

	if (err < 0) {
		set_text(connect, "cannot look up %s: %s", connect->target.host,
			 fend_strerror(err));
		fail(connect, err == -ETIMEDOUT ? HTTP_ERROR_TIMEOUT : HTTP_ERROR_LOOKUP);
		return;
	}
	connect->next = addrinfo;
	try_next(connect);
}

int
http_connect_start(struct fend_loop *loop, const struct http_connect_target *target,
		   http_connect_fn *fn, void *data, struct http_connect **ret_connect)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct http_connect *connect = calloc(1, sizeof(*connect));
	int err;

	if (!connect)
		return -ENOMEM;
	connect->loop = loop;
	connect->target = *target;
	connect->fn = fn;
	connect->data = data;
	set_text(connect, "looking up %s", target->host);
	err = fend_timer_new(loop, on_timer, connect, &connect->timer);
	if (err >= 0)
		err = fend_lookup_start(loop, target->host, target->port, &hints,
					share(connect, 1), on_lookup, connect, &connect->lookup);
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
	fend_lookup_free(connect->lookup);
	fend_timer_free(connect->timer);
	fend_socket_free(connect->socket);
	free(connect);
	return NULL;
}

const char *
http_connect_stage(const struct http_connect *connect)
{
	return connect->text;
}
