/* SPDX-License-Identifier: MIT */
/*
 * Input. Each loop has one large buffer, made at the first use and freed with the loop, into
 * which its streams receive. What arrived is offered where it lies, and only what the callback
 * leaves is copied to a buffer of the stream's own, of just that size. So an idle stream holds
 * none, and one that consumes whole messages never copies.
 *
 * A small rest goes in front of the loop's buffer for the next receive, so that a rest does not
 * make receives small. What is larger is received to directly.
 *
 * The buffer is lent from receiving to the end of the run. Nothing else receives meanwhile,
 * since receiving happens only in a run and runs do not nest on a loop; calls on other streams
 * see their own buffers. If the callback frees the loop, the buffer stays until it has returned,
 * because what fend_stream_peek() gave points there: the run frees it then.
 */
#include "stream.h"

#include <string.h>

#include <fend-internal/kernel.h>

#define SCRATCH (64U << 10)
#define SMALL (4U << 10)

/* Its address is the key of the loop's buffer. */
static char key;

static void
free_scratch(void *object)
{
	struct stream_buffer *scratch = object;

	if (scratch->lent)
		scratch->orphan = true;
	else
		fend__release(scratch);
}

static struct stream_buffer *
get_scratch(struct fend_loop *loop)
{
	struct stream_buffer *scratch = fend__loop_attached(loop, &key);

	if (scratch)
		return scratch;
	scratch = fend__stream_buffer_reserve(NULL, SCRATCH, 0);
	if (!scratch)
		return NULL;
	scratch->shared = true;
	if (fend__loop_attach(loop, &key, scratch, free_scratch) < 0)
		return fend__release(scratch);
	return scratch;
}

void
fend__stream_give_back(struct stream_buffer *borrowed)
{
	if (!borrowed)
		return;
	borrowed->lent = false;
	if (borrowed->orphan)
		fend__release(borrowed);
}

struct stream_buffer *
fend__stream_borrowed(const struct fend_stream *stream)
{
	return stream->input && stream->input->shared ? stream->input : NULL;
}

int
fend__stream_keep(struct fend_stream *stream)
{
	struct stream_buffer *borrowed = fend__stream_borrowed(stream);
	struct stream_buffer *own;

	if (!borrowed)
		return 0;
	own = fend__stream_buffer_reserve(NULL, stream_buffer_size(borrowed), 0);
	if (!own)
		return -ENOMEM;
	own->end = stream_buffer_size(borrowed);
	memcpy(own->bytes, borrowed->bytes + borrowed->start, own->end);
	stream->input = own;
	return 0;
}

bool
fend__stream_is_reading(const struct fend_stream *stream)
{
	return !stream->at_end && !stream->paused &&
	       stream_buffer_size(stream->input) < stream->input_max;
}

/* The loop's buffer, with a copy of the held bytes in front. */
static struct stream_buffer *
prepare_scratch(struct fend_stream *stream, size_t held)
{
	struct stream_buffer *scratch = get_scratch(stream->socket->loop);

	if (!scratch)
		return NULL;
	scratch->start = 0;
	scratch->end = held;
	if (held > 0)
		memcpy(scratch->bytes, stream->input->bytes + stream->input->start, held);
	return scratch;
}

/* The stream's own, with some room: twice the size, or what is wanted, if it has to grow. */
static struct stream_buffer *
prepare_own(struct fend_stream *stream, size_t held)
{
	size_t left = stream->input_max - held;
	size_t more = stream->want > 2 * held ? stream->want - held : held;
	struct stream_buffer *own;

	own = fend__stream_buffer_reserve(stream->input, left < SMALL ? left : SMALL,
					  held + (left < more ? left : more));
	if (own)
		stream->input = own;
	return own;
}

/* n bytes have been received at the end of buffer. */
static void
take(struct fend_stream *stream, struct stream_buffer *buffer, size_t n)
{
	buffer->end += n;
	if (buffer->shared) {
		buffer->lent = true;
		stream_buffer_free(stream->input);
		stream->input = buffer;
	}
	stream->fresh = true;
	stream->received += n;
	fend__stream_clock_came(stream);
}

void
fend__stream_receive(struct fend_stream *stream)
{
	size_t held = stream_buffer_size(stream->input), room;
	struct stream_buffer *buffer;
	ssize_t n;

	buffer = held <= SMALL ? prepare_scratch(stream, held) : prepare_own(stream, held);
	if (!buffer) {
		fend__stream_end(stream, -ENOMEM);
		return;
	}
	room = buffer->capacity - buffer->end;
	if (room > stream->input_max - held)
		room = stream->input_max - held;
	n = fend_socket_recv(stream->socket, buffer->bytes + buffer->end, room, 0);
	if (n > 0) {
		take(stream, buffer, (size_t)n);
	} else if (n == 0) {
		stream->at_end = true;
		stream->end_fresh = true;
	} else if (n != -EAGAIN) {
		fend__stream_end(stream, (int)n);
	} else if (stream->failed) {
		stream->at_end = true;
	}
}

bool
fend__stream_is_readable(const struct fend_stream *stream)
{
	size_t held = stream_buffer_size(stream->input);

	if (stream->aborted)
		return false;
	if (stream->failed && stream->at_end)
		return stream->end_fresh || (stream->fresh && held > 0);
	if (stream->paused)
		return false;
	if (stream->end_fresh)
		return true;
	return stream->fresh && held > 0 && (stream->at_end || held >= stream->want);
}

FEND_PUBLIC size_t
fend_stream_peek(struct fend_stream *stream, const void **ret_data)
{
	if (!stream)
		return 0;
	if (ret_data)
		*ret_data = stream->input ? stream->input->bytes + stream->input->start : NULL;
	return stream_buffer_size(stream->input);
}

FEND_PUBLIC int
fend_stream_consume(struct fend_stream *stream, size_t size)
{
	int r = fend__stream_check(stream);

	if (r < 0)
		return r;
	if (size > stream_buffer_size(stream->input))
		return -EINVAL;
	stream->input = stream_buffer_consume(stream->input, size);
	fend__stream_changed(stream);
	return 0;
}

FEND_PUBLIC int
fend_stream_want(struct fend_stream *stream, size_t size)
{
	int r = fend__stream_check(stream);

	if (r < 0)
		return r;
	if (size > stream->input_max)
		return -EMSGSIZE;
	stream->want = size;
	if (size > 0 && stream_buffer_size(stream->input) >= size)
		stream->fresh = true;
	fend__stream_changed(stream);
	return 0;
}

FEND_PUBLIC bool
fend_stream_at_end(const struct fend_stream *stream)
{
	return stream && stream->at_end;
}

FEND_PUBLIC void
fend_stream_pause(struct fend_stream *stream)
{
	if (fend__stream_check(stream) < 0)
		return;
	stream->paused = true;
	fend__stream_changed(stream);
}

FEND_PUBLIC void
fend_stream_resume(struct fend_stream *stream)
{
	if (fend__stream_check(stream) < 0 || !stream->paused)
		return;
	stream->paused = false;
	stream->fresh = true;
	fend__stream_changed(stream);
}
