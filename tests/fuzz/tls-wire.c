/* SPDX-License-Identifier: MIT */
#include "tls-wire.h"

#include <errno.h>
#include <sys/socket.h>

#include <fend/io.h>
#include <fend/layer.h>

#define RECORD_HEAD 5

void
queue_insert(struct queue *queue, size_t at, const void *data, size_t size)
{
	if (size == 0)
		return;
	if (queue->capacity - queue->size < size) {
		queue->capacity = 2 * (queue->size + size);
		queue->data = realloc(queue->data, queue->capacity);
		require(queue->data);
	}
	memmove(queue->data + at + size, queue->data + at, queue->size - at);
	memcpy(queue->data + at, data, size);
	queue->size += size;
}

void
queue_append(struct queue *queue, const void *data, size_t size)
{
	queue_insert(queue, queue->size, data, size);
}

void
queue_remove(struct queue *queue, size_t at, size_t size)
{
	if (size == 0)
		return;
	memmove(queue->data + at, queue->data + at + size, queue->size - at - size);
	queue->size -= size;
}

size_t
queue_record(const struct queue *queue, size_t at)
{
	const uint8_t *head = queue->data + at;
	size_t left = queue->size - at, size;

	if (left < RECORD_HEAD)
		return left;
	size = RECORD_HEAD + ((size_t)head[3] << 8 | head[4]);
	return size < left ? size : left;
}

static ssize_t
wire_recv(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct wire *wire = layer;
	size_t size = wire->in.size, done = 0, part;
	int i;

	wire->recvs++;
	if (size == 0 && wire->in_error)
		return wire->in_error;
	if (size == 0)
		return wire->in_ended ? 0 : -EAGAIN;
	if (wire->cut && size > wire->cut)
		size = wire->cut;
	for (i = 0; i < n && done < size; i++, done += part) {
		part = size - done < iov[i].iov_len ? size - done : iov[i].iov_len;
		memcpy(iov[i].iov_base, wire->in.data + done, part);
	}
	require(!(flags & MSG_PEEK));
	queue_remove(&wire->in, 0, done);
	return (ssize_t)done;
}

static ssize_t
wire_send(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct wire *wire = layer;
	size_t done = 0, part;
	int i;

	if (wire->out_error || wire->out_ended)
		return wire->out_error ? wire->out_error : -EPIPE;
	for (i = 0; i < n && wire->room > 0; i++, done += part) {
		part = iov[i].iov_len < wire->room ? iov[i].iov_len : wire->room;
		queue_append(&wire->out, iov[i].iov_base, part);
		wire->room -= part;
	}
	return done ? (ssize_t)done : -EAGAIN;
}

static int
wire_shutdown(void *layer, struct fend_below *below, int how)
{
	struct wire *wire = layer;

	require(how == SHUT_WR && !wire->out_ended);
	wire->out_ended = true;
	return wire->out_error;
}

static bool
has_room(const struct wire *wire)
{
	return wire->room || wire->out_error || wire->out_ended;
}

static unsigned
wire_wants(void *layer, unsigned interest)
{
	return has_room(layer) ? interest & FEND_OUT : 0;
}

static unsigned
wire_pending(void *layer)
{
	const struct wire *wire = layer;
	bool in = wire->in.size || wire->in_ended || wire->in_error;

	return (in ? FEND_IN : 0) | (has_room(wire) ? FEND_OUT : 0);
}

static const struct fend_layer_ops wire_ops = {
	.size = sizeof(struct fend_layer_ops),
	.name = "wire",
	.recv = wire_recv,
	.send = wire_send,
	.shutdown = wire_shutdown,
	.wants = wire_wants,
	.pending = wire_pending,
};

void
wire_push(struct wire *wire, struct fend_socket *socket)
{
	*wire = (struct wire){ .room = SIZE_MAX };
	require(fend_socket_push_layer(socket, &wire_ops, wire) == 0);
}

void
wire_fini(struct wire *wire)
{
	free(wire->in.data);
	free(wire->out.data);
}
