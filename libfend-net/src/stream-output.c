/* SPDX-License-Identifier: MIT */
/*
 * Output: one buffer, appended to by the user and sent from its start. What the kernel has no room
 * for waits for FEND_OUT, and nothing is tried before that.
 */
#include "stream.h"

#include <string.h>
#include <sys/socket.h>

/* A page, unless more is written at once. */
#define OUTPUT_LEAST (4096 - sizeof(struct stream_buffer))

void
fend__stream_flush(struct fend_stream *stream)
{
	struct stream_buffer *output = stream->output;
	ssize_t n;

	if (!output || stream->blocked)
		return;
	n = fend_socket_send(stream->socket, output->bytes + output->start,
			     stream_buffer_size(output), 0);
	if (n < 0 && n != -EAGAIN) {
		fend__stream_fail(stream, (int)n);
		return;
	}
	if (n > 0) {
		stream->sent += (size_t)n;
		stream->output = stream_buffer_consume(output, (size_t)n);
		fend__stream_clock_left(stream);
	}
	stream->blocked = stream->output != NULL;
}

bool
fend__stream_is_drained(const struct fend_stream *stream)
{
	return stream->above && !stream->failed &&
	       stream_buffer_size(stream->output) <= stream->output_low;
}

bool
fend__stream_is_to_shut(const struct fend_stream *stream)
{
	return stream->finishing && !stream->shut && !stream->output && !stream->failed;
}

void
fend__stream_shut(struct fend_stream *stream)
{
	int r = fend_socket_shutdown(stream->socket, SHUT_WR);
	int error;

	stream->shut = true;
	if (r >= 0)
		return;
	/* That it is not connected says less than why. */
	error = fend_socket_error(stream->socket);
	fend__stream_fail(stream, error < 0 ? error : r);
}

bool
fend__stream_is_lingering(const struct fend_stream *stream)
{
	bool held;

	return stream->socket->top->ops &&
	       (fend__layers_want(stream->socket, 0, &held) & FEND_OUT);
}

/* May size bytes be written? */
static int
check(const struct fend_stream *stream, size_t size)
{
	if (stream->closed || stream->failed)
		return -ENOTCONN;
	if (stream->finishing)
		return -EPIPE;
	if (size > stream->output_max - stream_buffer_size(stream->output))
		return -ENOBUFS;
	return 0;
}

/* Make room for size bytes, which are more than 0. */
static int
reserve(struct fend_stream *stream, size_t size)
{
	size_t capacity = 2 * stream_buffer_size(stream->output);
	struct stream_buffer *output;

	output = fend__stream_buffer_reserve(
		stream->output, size, capacity > OUTPUT_LEAST ? capacity : OUTPUT_LEAST);
	if (!output)
		return -ENOMEM;
	if (!stream->output)
		fend__stream_clock_waits(stream);
	stream->output = output;
	return 0;
}

static void
append(struct stream_buffer *output, const struct iovec *iov)
{
	if (iov->iov_len == 0)
		return;
	memcpy(output->bytes + output->end, iov->iov_base, iov->iov_len);
	output->end += iov->iov_len;
}

/* What a write returns. */
static int
written(struct fend_stream *stream)
{
	bool above = stream_buffer_size(stream->output) > stream->output_high;

	if (above)
		stream->above = true;
	fend__stream_changed(stream);
	return above;
}

FEND_PUBLIC int
fend_stream_writev(struct fend_stream *stream, const struct iovec *iov, int n)
{
	size_t size = 0;
	int i, r;

	r = fend__stream_check(stream);
	if (r < 0)
		return r;
	if (n < 0 || (n > 0 && !iov))
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if ((iov[i].iov_len > 0 && !iov[i].iov_base) ||
		    __builtin_add_overflow(size, iov[i].iov_len, &size))
			return -EINVAL;
	}
	r = check(stream, size);
	if (r < 0)
		return r;
	r = size > 0 ? reserve(stream, size) : 0;
	if (r < 0)
		return r;
	for (i = 0; i < n; i++)
		append(stream->output, &iov[i]);
	return written(stream);
}

FEND_PUBLIC int
fend_stream_write(struct fend_stream *stream, const void *data, size_t size)
{
	const struct iovec iov = { .iov_base = (void *)data, .iov_len = size };

	return fend_stream_writev(stream, &iov, 1);
}

FEND_PUBLIC size_t
fend_stream_pending(const struct fend_stream *stream)
{
	return stream ? stream_buffer_size(stream->output) : 0;
}
