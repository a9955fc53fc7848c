/* SPDX-License-Identifier: MIT */
#include "tls-world.h"

#include <errno.h>
#include <sys/socket.h>

#include <fend/io.h>

#include "session.h"

#define KEY_SIZE 32
#define PIECES 4

/* The n-th byte that an end sends. */
static uint8_t
pattern(const struct end *end, size_t n)
{
	return (uint8_t)((n * 2654435761u + (end->client ? 7 : 11)) >> 9);
}

/* Errors that say no more than that it may work another time. */
static bool
passes(ssize_t n)
{
	return n == -EAGAIN || n == -ENOTCONN || n == -ENOMEM;
}

/* What a connection may fail with. */
static bool
is_named(const struct end *end, int err)
{
	switch (err) {
	case 0:
	case -ETIMEDOUT:
	case -EPROTO:
	case -EKEYREJECTED:
	case -EKEYEXPIRED:
	case -EKEYREVOKED:
	case -EBADMSG:
		return true;
	case -ENOMEM:
		return end->world->starved;
	default:
		return err == end->wire.in_error || err == end->wire.out_error;
	}
}

static void
check_error(const struct end *end)
{
	const struct fend_tls_error *error = fend_tls_error(end->socket);
	const char *at;

	require(error && is_named(end, error->err));
	require(error->text && *error->text);
	for (at = error->text; *at; at++)
		require((uint8_t)*at >= ' ' && *at != 0x7f);
	require(error->alert >= -1 && error->alert <= 255);
	require(!error->from_peer || error->alert >= 0);
	require(!end->called || !end->err || error->err == end->err);
}

static void
check_pattern(const struct end *end, const uint8_t *data, size_t size)
{
	size_t i;

	require(size <= end->other->sent - end->received);
	for (i = 0; i < size; i++)
		require(data[i] == pattern(end->other, end->received + i));
}

void
end_receive(struct end *end, size_t size, int flags)
{
	uint8_t *data;
	ssize_t n;

	if (!end->socket || size == 0)
		return;
	data = malloc(size);
	require(data);
	n = fend_socket_recv(end->socket, data, size, flags);
	if (n > 0 && !end->shutting) {
		check_pattern(end, data, (size_t)n);
		if (!(flags & MSG_PEEK))
			end->received += (size_t)n;
	} else if (n == 0) {
		/* only the peer can have said so, and nothing is missing */
		require(end->deaf || end->world->scene->truncation ||
			(end->other->closed && end->received == end->other->sent));
	} else if (n < 0 && !passes(n)) {
		require(!end->world->loop || is_named(end, (int)n));
		require(fend_socket_recv(end->socket, data, size, flags) == n);
	}
	free(data);
}

void
end_send(struct end *end, size_t size, unsigned pieces)
{
	struct iovec iov[PIECES];
	uint8_t *data;
	ssize_t n;
	size_t i;

	if (!end->socket)
		return;
	data = malloc(size ? size : 1);
	require(data);
	for (i = 0; i < size; i++)
		data[i] = pattern(end, end->sent + i);
	for (i = 0; i < pieces; i++)
		iov[i] = (struct iovec){ data + i * size / pieces,
					 (i + 1) * size / pieces - i * size / pieces };
	n = fend_socket_sendv(end->socket, iov, (int)pieces, 0);
	free(data);
	require(n <= (ssize_t)size);
	if (n > 0) {
		require(!end->closed);
		end->sent += (size_t)n;
	} else if (n < 0 && !passes(n) && n != -EPIPE && end->world->loop) {
		require(is_named(end, (int)n));
	}
}

static void
on_ready(struct fend_socket *socket, unsigned events, void *data)
{
	struct end *end = data;
	size_t before = end->received;

	/* whoever is told of something makes use of it */
	end_receive(end, end->world->in_piece, 0);
	if (events & FEND_OUT || end->received == before)
		fend_socket_unwatch(socket);
}

void
end_watch(struct end *end, unsigned events)
{
	if (end->socket && end->world->loop)
		fend_socket_watch(end->socket, end->world->loop, events, on_ready, end);
}

void
end_shut(struct end *end, int how)
{
	int r;

	if (!end->socket)
		return;
	r = fend_socket_shutdown(end->socket, how);
	if (how != SHUT_RD && r == 0)
		end->closed = true;
	if (how != SHUT_WR)
		end->deaf = true;
}

static void
on_shut(struct fend_socket *socket, int err, void *data)
{
	struct end *end = data;

	require(socket == end->socket && end->shut++ < end->shutting);
	require(is_named(end, err));
	end_query(end);
}

void
end_shut_and_wait(struct end *end, fend_time timeout)
{
	if (!end->socket || !end->world->loop ||
	    fend_tls_shutdown(end->socket, end->world->loop, timeout, on_shut, end) < 0)
		return;
	end->shutting++;
	end->closed = true;
	end->deaf = true; /* what was not received will not be */
}

void
end_free(struct end *end)
{
	end->socket = fend_socket_free(end->socket);
	end->closed = true;
}

static void
check_keys(const struct end *end)
{
	uint8_t own[KEY_SIZE], others[KEY_SIZE];

	if (fend_tls_export(end->socket, "EXPORTER-fuzz", NULL, 0, own, KEY_SIZE) < 0)
		return;
	/* two that have both found all in order are connected with each other */
	if (end->other->socket && end->other->called && !end->other->err) {
		require(fend_tls_export(end->other->socket, "EXPORTER-fuzz", NULL, 0, others,
					KEY_SIZE) == 0);
		require(memcmp(own, others, KEY_SIZE) == 0);
		require(fend_tls_is_resumed(end->socket) ==
			fend_tls_is_resumed(end->other->socket));
	}
}

void
end_query(struct end *end)
{
	uint8_t binding[64];
	const void *der;
	void *session;
	size_t size;
	unsigned item;

	if (!end->socket)
		return;
	check_error(end);
	for (item = FEND_TLS_PROTOCOL; item <= FEND_TLS_PROVIDER; item++)
		fend_tls_get(end->socket, (enum fend_tls_item)item);
	require(!fend_tls_get(end->socket, FEND_TLS_PROTOCOL) == !(end->called && !end->err));
	if (fend_tls_peer_certificate(end->socket, 0, &der, &size) == 0)
		require(size > 0 && end->called && !end->err);
	fend_tls_binding(end->socket, FEND_TLS_BINDING_EXPORTER, binding, sizeof(binding));
	fend_tls_binding(end->socket, FEND_TLS_BINDING_END_POINT, binding, sizeof(binding));
	if (fend_tls_session(end->socket, &session, &size) == 0)
		fend_free(session);
	check_keys(end);
}
