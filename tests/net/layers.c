/* SPDX-License-Identifier: MIT */
#include "layers.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <fend/io.h>

static struct iovec
first_byte(const struct iovec *iov)
{
	g_assert_cmpuint(iov[0].iov_len, >, 0);
	return (struct iovec){ .iov_base = iov[0].iov_base, .iov_len = 1 };
}

static ssize_t
dribbler_recv(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct iovec byte = first_byte(iov);

	return fend_below_recv(below, &byte, 1, flags);
}

static ssize_t
dribbler_send(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct iovec byte = first_byte(iov);

	return fend_below_send(below, &byte, 1, flags);
}

static int
pass_shutdown(void *layer, struct fend_below *below, int how)
{
	return fend_below_shutdown(below, how);
}

static unsigned
pass_wants(void *layer, unsigned interest)
{
	return interest;
}

static unsigned
pass_pending(void *layer)
{
	return FEND_OUT;
}

const struct fend_layer_ops dribbler_ops = {
	.size = sizeof(struct fend_layer_ops),
	.name = "dribbler",
	.recv = dribbler_recv,
	.send = dribbler_send,
	.shutdown = pass_shutdown,
	.wants = pass_wants,
	.pending = pass_pending,
};

void
dribbler_push(struct fend_socket *socket)
{
	test_ok(fend_socket_push_layer(socket, &dribbler_ops, NULL));
}

/* Numerical Recipes' generator; its upper bits are the better ones. */
static guint32
faulty_chance(struct faulty *layer)
{
	layer->random = layer->random * 1664525 + 1013904223;
	return layer->random >> 8;
}

/* How much of the first piece of iov this call may move; 0: it is stalled. */
static size_t
faulty_size(struct faulty *layer, const struct iovec *iov, size_t left)
{
	size_t size = MIN(iov[0].iov_len, left);
	size_t chance;

	if (layer->stall && faulty_chance(layer) % layer->stall == 0)
		return 0;
	if (layer->max == 0)
		return size;
	chance = 1 + faulty_chance(layer) % layer->max;
	return MIN(size, chance);
}

static ssize_t
faulty_recv(void *data, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct faulty *layer = data;
	struct iovec piece = { .iov_base = iov[0].iov_base };
	ssize_t got;

	if (layer->recv_left == 0)
		return layer->recv_error;
	piece.iov_len = faulty_size(layer, iov, layer->recv_left);
	if (piece.iov_len == 0)
		return -EAGAIN;
	got = fend_below_recv(below, &piece, 1, flags);
	if (got > 0 && layer->recv_left < SIZE_MAX && !(flags & MSG_PEEK))
		layer->recv_left -= (size_t)got;
	return got;
}

static ssize_t
faulty_send(void *data, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct faulty *layer = data;
	struct iovec piece = { .iov_base = iov[0].iov_base };
	ssize_t sent;

	if (layer->send_left == 0) {
		layer->refused++;
		return layer->send_error;
	}
	piece.iov_len = faulty_size(layer, iov, layer->send_left);
	if (piece.iov_len == 0)
		return -EAGAIN;
	sent = fend_below_send(below, &piece, 1, flags);
	if (sent > 0 && layer->send_left < SIZE_MAX)
		layer->send_left -= (size_t)sent;
	return sent;
}

static unsigned
faulty_pending(void *data)
{
	const struct faulty *layer = data;

	return FEND_OUT | (layer->recv_left == 0 ? (unsigned)FEND_IN : 0);
}

static void
faulty_free(void *data, struct fend_below *below)
{
	g_free(data);
}

const struct fend_layer_ops faulty_ops = {
	.size = sizeof(struct fend_layer_ops),
	.name = "faulty",
	.recv = faulty_recv,
	.send = faulty_send,
	.shutdown = pass_shutdown,
	.wants = pass_wants,
	.pending = faulty_pending,
	.free = faulty_free,
};

struct faulty *
faulty_push(struct fend_socket *socket)
{
	struct faulty *layer = g_new0(struct faulty, 1);

	layer->recv_left = layer->send_left = SIZE_MAX;
	test_ok(fend_socket_push_layer(socket, &faulty_ops, layer));
	return layer;
}

void
rot13(void *data, size_t size)
{
	unsigned char *at = data;
	size_t i;

	for (i = 0; i < size; i++) {
		if (at[i] >= 'a' && at[i] <= 'z')
			at[i] = (unsigned char)('a' + (at[i] - 'a' + 13) % 26);
		else if (at[i] >= 'A' && at[i] <= 'Z')
			at[i] = (unsigned char)('A' + (at[i] - 'A' + 13) % 26);
	}
}

static void
rot13_fill(struct rot13 *layer, struct fend_below *below)
{
	struct iovec iov = { .iov_base = layer->in, .iov_len = sizeof(layer->in) };
	ssize_t n;

	if (layer->in_start < layer->in_end || layer->in_error != -EAGAIN)
		return;
	n = fend_below_recv(below, &iov, 1, 0);
	layer->in_start = 0;
	layer->in_end = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		layer->in_error = n;
	rot13(layer->in, layer->in_end);
}

static ssize_t
rot13_recv(void *data, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct rot13 *layer = data;
	size_t at, done = 0;
	int i;

	rot13_fill(layer, below);
	at = layer->in_start;
	if (at == layer->in_end)
		return layer->in_error;
	for (i = 0; i < n && at < layer->in_end; i++) {
		size_t size = MIN(iov[i].iov_len, layer->in_end - at);

		g_assert_cmpuint(size, >, 0);
		memcpy(iov[i].iov_base, layer->in + at, size);
		at += size;
		done += size;
	}
	if (!(flags & MSG_PEEK))
		layer->in_start = at;
	return (ssize_t)done;
}

static void
rot13_flush(struct rot13 *layer, struct fend_below *below)
{
	while (layer->out_end > 0) {
		struct iovec iov = { .iov_base = layer->out, .iov_len = layer->out_end };
		ssize_t n = fend_below_send(below, &iov, 1, 0);

		if (n == -EAGAIN)
			return;
		if (n < 0) {
			layer->out_error = (int)n;
			layer->out_end = 0;
			return;
		}
		layer->out_end -= (size_t)n;
		memmove(layer->out, layer->out + n, layer->out_end);
	}
	if (layer->shutting) {
		layer->shutting = 0;
		fend_below_shutdown(below, SHUT_WR);
	}
}

static ssize_t
rot13_send(void *data, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct rot13 *layer = data;
	size_t done = 0;
	int i;

	rot13_flush(layer, below);
	if (layer->out_error)
		return layer->out_error;
	for (i = 0; i < n && layer->out_end < sizeof(layer->out); i++) {
		size_t size = MIN(iov[i].iov_len, sizeof(layer->out) - layer->out_end);

		g_assert_cmpuint(size, >, 0);
		memcpy(layer->out + layer->out_end, iov[i].iov_base, size);
		rot13(layer->out + layer->out_end, size);
		layer->out_end += size;
		done += size;
	}
	rot13_flush(layer, below);
	if (layer->out_error)
		return layer->out_error;
	return done ? (ssize_t)done : -EAGAIN;
}

static int
rot13_shutdown(void *data, struct fend_below *below, int how)
{
	struct rot13 *layer = data;

	if (how != SHUT_WR)
		layer->in_error = 0;
	if (how == SHUT_RD)
		return 0;
	rot13_flush(layer, below);
	layer->shutting = layer->out_end > 0;
	return layer->shutting ? 0 : fend_below_shutdown(below, SHUT_WR);
}

static void
rot13_ready(void *data, struct fend_below *below, unsigned events)
{
	g_assert_cmpuint(events, !=, 0);
	if (events & (FEND_OUT | FEND_ERR | FEND_HUP))
		rot13_flush(data, below);
}

static unsigned
rot13_wants(void *data, unsigned interest)
{
	const struct rot13 *layer = data;

	return interest | (layer->out_end > 0 ? (unsigned)FEND_OUT : 0);
}

static unsigned
rot13_pending(void *data)
{
	const struct rot13 *layer = data;

	return (layer->in_start < layer->in_end || layer->in_error != -EAGAIN ? FEND_IN : 0U) |
	       (layer->out_end < sizeof(layer->out) ? FEND_OUT : 0U);
}

static void
rot13_free(void *data, struct fend_below *below)
{
	struct rot13 *layer = data;

	rot13_flush(layer, below);
	if (layer->freed)
		(*layer->freed)++;
	g_free(layer);
}

const struct fend_layer_ops rot13_ops = {
	.size = sizeof(struct fend_layer_ops),
	.name = "rot13",
	.recv = rot13_recv,
	.send = rot13_send,
	.shutdown = rot13_shutdown,
	.ready = rot13_ready,
	.wants = rot13_wants,
	.pending = rot13_pending,
	.free = rot13_free,
};

struct rot13 *
rot13_push(struct fend_socket *socket, int *freed)
{
	struct rot13 *layer = g_new0(struct rot13, 1);

	layer->freed = freed;
	layer->in_error = -EAGAIN;
	test_ok(fend_socket_push_layer(socket, &rot13_ops, layer));
	return layer;
}

static ssize_t
contrary_recv(void *data, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct contrary *layer = data;
	struct iovec byte = { .iov_base = (char[]){ '?' }, .iov_len = 1 };

	if (layer->asked == 0) {
		layer->asked = 1;
		return -EAGAIN;
	}
	if (layer->asked == 1) {
		test_error(fend_below_send(below, &byte, 1, 0), 1);
		layer->asked = 2;
	}
	return fend_below_recv(below, iov, n, flags);
}

static ssize_t
contrary_send(void *data, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct contrary *layer = data;
	char answer;
	struct iovec byte = { .iov_base = &answer, .iov_len = 1 };

	if (!layer->answered && fend_below_recv(below, &byte, 1, 0) == 1)
		layer->answered = 1;
	layer->refused = !layer->answered;
	return layer->answered ? fend_below_send(below, iov, n, flags) : -EAGAIN;
}

static unsigned
contrary_wants(void *data, unsigned interest)
{
	const struct contrary *layer = data;
	unsigned wanted = 0;

	if (interest & FEND_IN)
		wanted |= layer->asked == 1 ? FEND_OUT : FEND_IN;
	if (interest & FEND_OUT)
		wanted |= layer->refused ? FEND_IN : FEND_OUT;
	return wanted;
}

static unsigned
contrary_pending(void *data)
{
	const struct contrary *layer = data;

	return layer->refused ? 0 : FEND_OUT;
}

static void
contrary_free(void *data, struct fend_below *below)
{
	g_free(data);
}

const struct fend_layer_ops contrary_ops = {
	.size = sizeof(struct fend_layer_ops),
	.name = "contrary",
	.recv = contrary_recv,
	.send = contrary_send,
	.shutdown = pass_shutdown,
	.wants = contrary_wants,
	.pending = contrary_pending,
	.free = contrary_free,
};

struct contrary *
contrary_push(struct fend_socket *socket)
{
	struct contrary *layer = g_new0(struct contrary, 1);

	test_ok(fend_socket_push_layer(socket, &contrary_ops, layer));
	return layer;
}
