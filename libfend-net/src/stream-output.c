/* SPDX-License-Identifier: MIT */
/*
 * Output: one buffer, appended to by the user and sent from its start. What the kernel has no room
 * for waits for FEND_OUT, and nothing is tried before that.
 *
 * A buffer that has become empty goes to the pool, from where the next output takes it: so one that
 * is sent at once, as most is, costs no allocation.
 */
#include "stream.h"

#include <string.h>
#include <sys/socket.h>

/* A page, unless more is written at once. */
#define OUTPUT_LEAST (4096 - sizeof(struct stream_buffer))

static fend__cold size_t
count_files(const struct fend_stream *stream)
{
	uint64_t size = stream_buffer_size(stream->output) + fend__stream_file_bytes(stream);

	return size < SIZE_MAX ? (size_t)size : SIZE_MAX;
}

static inline size_t
count(const struct fend_stream *stream)
{
	return fend__unlikely(stream->filed) ? count_files(stream)
					     : stream_buffer_size(stream->output);
}

FEND_PUBLIC size_t
fend_stream_pending(const struct fend_stream *stream)
{
	return stream ? count(stream) : 0;
}

bool
fend__stream_is_drained(const struct fend_stream *stream)
{
	return stream->above && !stream->failed &&
	       count(stream) <= fend__stream_kind(stream)->limits.output_low;
}

bool
fend__stream_is_to_shut(const struct fend_stream *stream)
{
	return stream->finishing && !stream->shut && !fend__stream_has_output(stream) &&
	       !stream->failed;
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

	return !fend__socket_is_plain(stream->socket) &&
	       (fend__layers_want(stream->socket, 0, &held) & FEND_OUT);
}

/* The output is above the high mark, or will be. */
static fend__cold int
check_above(struct fend_stream *stream, size_t size)
{
	size_t max = fend__stream_kind(stream)->limits.output_max;
	size_t held = stream_buffer_size(stream->output);

	/* A pipe may have exceeded the high mark by a byte, and that may be the limit. */
	if (size > 0 && (held > max || size > max - held))
		return -ENOBUFS;
	return fend__stream_need_extras(stream);
}

/* Will the bytes in the output rise above the high mark, or are they there already? */
static inline bool
comes_above(const struct fend_stream *stream, size_t size)
{
	size_t held = stream_buffer_size(stream->output);
	size_t high = fend__stream_kind(stream)->limits.output_high;

	return held > high || size > high - held;
}

int
fend__stream_check_write(struct fend_stream *stream, size_t size)
{
	int r = fend__stream_check(stream);

	if (r < 0)
		return r;
	if (fend__unlikely(stream->closed || stream->failed || stream->finishing))
		return stream->closed || stream->failed ? -ENOTCONN : -EPIPE;
	if (fend__unlikely(comes_above(stream, size)))
		return check_above(stream, size);
	return 0;
}

/* A larger buffer than output, which may be NULL; on failure the pool gets it back. */
static fend__cold int
grow(struct fend_stream *stream, struct stream_buffer *output, size_t size)
{
	size_t capacity = 2 * stream_buffer_size(output);
	struct stream_buffer *larger;

	larger = fend__stream_buffer_reserve(output, size,
					     capacity > OUTPUT_LEAST ? capacity : OUTPUT_LEAST);
	if (larger)
		stream->output = larger;
	else if (output && output != stream->output)
		fend__stream_pool_give(fend__stream_pool(stream), output);
	return larger ? 0 : -ENOMEM;
}

/* Make room for size bytes, which are more than 0. */
static inline int
reserve(struct fend_stream *stream, size_t size)
{
	struct stream_buffer *output = stream->output;

	if (!output) {
		output = fend__stream_pool_take(fend__stream_pool(stream));
		if (stream->timed && !stream->filed)
			fend__stream_clock_waits(stream);
	}
	if (fend__unlikely(!output || output->capacity - output->end < size))
		return grow(stream, output, size);
	stream->output = output;
	return 0;
}

static inline void
copy(struct stream_buffer *output, const void *data, size_t size)
{
	memcpy(output->bytes + output->end, data, size);
	output->end += size;
}

int
fend__stream_append(struct fend_stream *stream, const void *data, size_t size)
{
	int r = reserve(stream, size);

	if (r >= 0)
		copy(stream->output, data, size);
	return r;
}

bool
fend__stream_is_above(const struct fend_stream *stream)
{
	return count(stream) > fend__stream_kind(stream)->limits.output_high;
}

/* Output, of which there is more now, is above the high mark. */
static fend__cold void
rise(struct fend_stream *stream)
{
	if (!stream->above)
		stream->extras->risen++;
	stream->above = true;
}

int
fend__stream_written(struct fend_stream *stream)
{
	bool above = fend__stream_is_above(stream);

	if (fend__unlikely(above))
		rise(stream);
	fend__stream_changed(stream);
	return above;
}

/* A write to which anything may be unusual. */
static fend__cold int
write_any(struct fend_stream *stream, const void *data, size_t size)
{
	int r = fend__stream_check_write(stream, size);

	if (r < 0)
		return r;
	if (size == 0)
		return fend__stream_written(stream);
	if (!data)
		return -EINVAL;
	r = fend__stream_append(stream, data, size);
	return r < 0 ? r : fend__stream_written(stream);
}

/* Nothing is unusual, and the high mark out of reach. */
static inline bool
is_usual(const struct fend_stream *stream, const void *data, size_t size)
{
	return !stream->unusual && data && size > 0 && !comes_above(stream, size);
}

FEND_PUBLIC int
fend_stream_write(struct fend_stream *stream, const void *data, size_t size)
{
	int r;

	if (fend__unlikely(fend__stream_check(stream) < 0 || !is_usual(stream, data, size)))
		return write_any(stream, data, size);
	r = reserve(stream, size);
	if (r < 0)
		return r;
	copy(stream->output, data, size);
	fend__stream_changed(stream);
	return 0;
}

FEND_PUBLIC int
fend_stream_writev(struct fend_stream *stream, const struct iovec *iov, int n)
{
	size_t size = 0;
	int i, r;

	if (n < 0 || (n > 0 && !iov))
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if ((iov[i].iov_len > 0 && !iov[i].iov_base) ||
		    __builtin_add_overflow(size, iov[i].iov_len, &size))
			return -EINVAL;
	}
	r = fend__stream_check_write(stream, size);
	if (r >= 0 && size > 0)
		r = reserve(stream, size);
	if (r < 0)
		return r;
	for (i = 0; i < n; i++)
		if (iov[i].iov_len > 0)
			copy(stream->output, iov[i].iov_base, iov[i].iov_len);
	return fend__stream_written(stream);
}
