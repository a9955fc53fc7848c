/* SPDX-License-Identifier: MIT */
/*
 * A run of a stream, whose steps stream.c tells. What each message passes through is in this file,
 * so that the compiler sees it as a whole: as long as bytes just come and leave, a run is one look
 * at what is unusual, a receive, the callback and a send.
 *
 * Input is received into the buffer that the streams of a loop share (stream-pool.h), and offered
 * where it lies; only what the callback leaves is copied to a buffer of the stream's own, of just
 * that size. So an idle stream holds none, and one that consumes whole messages never copies.
 *
 * A small rest goes in front of the shared buffer for the next receive, so that a rest does not
 * make receives small. What is larger is received to directly.
 *
 * The shared buffer is a stream's from receiving to the end of the run. Nothing else receives
 * meanwhile, since receiving happens only in a run and runs do not nest on a loop; calls on other
 * streams see their own buffers.
 */
#include "stream.h"

#include <string.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>

#define SMALL (4U << 10)

/* The stream's own, with some room: twice the size, or what is wanted, if it has to grow. */
static struct stream_buffer *
prepare_own(struct fend_stream *stream, size_t held)
{
	size_t left = fend__stream_kind(stream)->limits.input_max - held;
	size_t more = stream->want > 2 * held ? stream->want - held : held;
	struct stream_buffer *own;

	own = fend__stream_buffer_reserve(stream->input, left < SMALL ? left : SMALL,
					  held + (left < more ? left : more));
	if (own)
		stream->input = own;
	return own;
}

/* A buffer that begins with the bytes held, or NULL: no memory. */
static fend__cold struct stream_buffer *
prepare_held(struct fend_stream *stream)
{
	struct stream_buffer *shared = fend__stream_pool(stream)->scratch;
	size_t held = stream_buffer_size(stream->input);

	if (held > SMALL)
		return prepare_own(stream, held);
	memcpy(shared->bytes, stream->input->bytes + stream->input->start, held);
	shared->start = 0;
	shared->end = held;
	return shared;
}

static inline struct stream_buffer *
prepare(struct fend_stream *stream)
{
	struct stream_buffer *shared = fend__stream_pool(stream)->scratch;

	if (fend__unlikely(stream->input))
		return prepare_held(stream);
	shared->start = shared->end = 0;
	return shared;
}

/* n bytes have been received at the end of buffer. */
static inline void
take(struct fend_stream *stream, struct stream_buffer *buffer, size_t n)
{
	buffer->end += n;
	if (fend__unlikely(stream->input && stream->input != buffer))
		stream_buffer_free(stream->input);
	stream->input = buffer;
	stream->fresh = true;
	stream->received += n;
	if (fend__unlikely(stream->rated))
		fend__stream_spend_input(stream, n);
	if (stream->timed)
		fend__stream_clock_came(stream);
}

static fend__cold void
take_nothing(struct fend_stream *stream, ssize_t n)
{
	if (n == 0) {
		stream->at_end = true;
		/* After an error that was asked for it is what a cut has left (socket(7), SO_ERROR). */
		stream->end_fresh = !stream->failed;
	} else if (n != -EAGAIN) {
		fend__stream_end(stream, (int)n);
	} else if (stream->failed) {
		stream->at_end = true;
	}
}

static inline ssize_t
recv_bytes(struct fend_socket *socket, void *data, size_t size)
{
	return fend__socket_is_plain(socket)
		       ? fend__kernel->recv(socket->fd, data, size, MSG_DONTWAIT)
		       : fend_socket_recv(socket, data, size, 0);
}

/* Receive once: bytes, the end, an error, or nothing. */
static void
receive(struct fend_stream *stream)
{
	struct stream_buffer *buffer = prepare(stream);
	size_t room, left;
	ssize_t n;

	if (fend__unlikely(!buffer)) {
		fend__stream_end(stream, -ENOMEM);
		return;
	}
	room = buffer->capacity - buffer->end;
	left = fend__stream_kind(stream)->limits.input_max - stream_buffer_size(buffer);
	if (room > left)
		room = left;
	if (fend__unlikely(stream->rated)) {
		room = fend__stream_allow_input(stream, room);
		if (room == 0)
			return;
	}
	n = recv_bytes(stream->socket, buffer->bytes + buffer->end, room);
	if (fend__likely(n > 0))
		take(stream, buffer, (size_t)n);
	else
		take_nothing(stream, n);
}

/* Copy the input that lies in the shared buffer to one of the stream's own. */
static fend__cold void
copy_input(struct fend_stream *stream)
{
	const struct stream_buffer *shared = stream->input;
	struct stream_buffer *own;

	own = fend__stream_buffer_reserve(NULL, stream_buffer_size(shared), 0);
	if (!own) {
		fend__stream_end(stream, -ENOMEM);
		return;
	}
	own->end = stream_buffer_size(shared);
	memcpy(own->bytes, shared->bytes + shared->start, own->end);
	stream->input = own;
}

static inline bool
is_borrowing(const struct fend_stream *stream)
{
	return fend__unlikely(stream->input && stream->input->shared);
}

/* What is not consumed, or not offered yet, leaves the shared buffer. */
static inline void
keep(struct fend_stream *stream)
{
	if (is_borrowing(stream))
		copy_input(stream);
}

/* Returns whether the stream and its loop are there still. */
static inline bool
call(struct fend_stream *stream, void (*fn)(struct fend_stream *stream, void *data))
{
	if (fn)
		fn(stream, stream->data);
	return fend__likely(fend__stream_check(stream) == 0);
}

static inline bool
offer(struct fend_stream *stream)
{
	bool there;

	if (fend__unlikely(stream->piped)) {
		fend__stream_move(stream);
		keep(stream);
		return true;
	}
	stream->fresh = stream->end_fresh = false;
	stream->want = 0;
	there = call(stream, fend__stream_kind(stream)->callbacks.readable);
	/* Also if only the loop is gone: the stream can still be asked. */
	keep(stream);
	return there;
}

static inline ssize_t
send_bytes(struct fend_socket *socket, const void *data, size_t size, int flags)
{
	return fend__socket_is_plain(socket)
		       ? fend__kernel->send(socket->fd, data, size, flags | MSG_DONTWAIT)
		       : fend_socket_send(socket, data, size, flags);
}

static inline void
left(struct fend_stream *stream, size_t n)
{
	stream->sent += n;
	if (stream->timed)
		fend__stream_clock_left(stream);
}

/* Not all that was to be sent has left. */
static fend__cold size_t
left_less(struct fend_stream *stream, ssize_t n)
{
	if (n < 0 && n != -EAGAIN) {
		fend__stream_forfeit(stream);
		fend__stream_fail(stream, (int)n);
		return 0;
	}
	stream->blocked = true;
	if (n <= 0)
		return 0;
	left(stream, (size_t)n);
	return (size_t)n;
}

static inline size_t
send_once(struct fend_stream *stream, const void *data, size_t size, int flags)
{
	ssize_t n = send_bytes(stream->socket, data, size, flags);

	if (fend__unlikely(n != (ssize_t)size))
		return left_less(stream, n);
	left(stream, size);
	return size;
}

size_t
fend__stream_send(struct fend_stream *stream, const void *data, size_t size, int flags)
{
	size_t n;

	if (!stream->rated)
		return send_once(stream, data, size, flags);
	size = fend__stream_allow_output(stream, size);
	n = size > 0 ? send_once(stream, data, size, flags) : 0;
	fend__stream_spend_output(stream, n);
	return n;
}

static inline void
drop_output(struct fend_stream *stream, size_t n)
{
	struct stream_buffer *output = stream->output;

	output->start += n;
	if (fend__likely(output->start == output->end))
		stream->output = fend__stream_pool_give(fend__stream_pool(stream), output);
}

void
fend__stream_drop_output(struct fend_stream *stream, size_t n)
{
	drop_output(stream, n);
}

void
fend__stream_flush(struct fend_stream *stream)
{
	const struct stream_buffer *output = stream->output;
	size_t n = 0;

	if (stream->blocked || stream->slow_output)
		return;
	if (stream->filed)
		fend__stream_send_file(stream);
	else if (output)
		n = fend__stream_send(stream, output->bytes + output->start,
				      stream_buffer_size(output), 0);
	if (n > 0)
		drop_output(stream, n);
}

/* The same, with nothing of all that when nothing is unusual. */
static inline void
flush(struct fend_stream *stream)
{
	const struct stream_buffer *output = stream->output;
	size_t n;

	if (fend__unlikely(stream->unusual)) {
		fend__stream_flush(stream);
	} else if (fend__likely(output)) {
		n = send_once(stream, output->bytes + output->start, stream_buffer_size(output), 0);
		if (fend__likely(n > 0))
			drop_output(stream, n);
	}
}

bool
fend__stream_is_readable_yet(const struct fend_stream *stream)
{
	bool fresh = stream->fresh && stream->input;

	if (stream->aborted)
		return false;
	if (stream->piped)
		return !stream->stalled && !stream->paused && (stream->input || stream->end_fresh);
	if (stream->failed && stream->at_end)
		return stream->end_fresh || fresh;
	if (stream->paused)
		return false;
	if (stream->end_fresh)
		return true;
	return fresh && (stream->at_end || stream_buffer_size(stream->input) >= stream->want);
}

static bool
is_over(const struct fend_stream *stream)
{
	if (!stream->at_end)
		return false;
	if (stream->failed)
		return true;
	return stream->shut && !stream->piped && !fend__stream_is_lingering(stream);
}

static void
close_stream(struct fend_stream *stream)
{
	const struct fend_stream_callbacks *callbacks = &fend__stream_kind(stream)->callbacks;

	if (fend__stream_is_readable(stream) && !offer(stream))
		return;
	stream->closed = true;
	fend__stream_pipe_break(stream);
	fend__stream_rates_free(stream);
	if (callbacks->closed)
		callbacks->closed(stream, stream->holder.err, stream->data);
}

/*
 * FEND_ERR, and neither receiving nor sending met an error: nobody tried, or there was input before
 * it, or the loop cannot watch the descriptor any more, which it tells just once.
 */
static void
fail_unmet(struct fend_stream *stream)
{
	int r = fend_socket_error(stream->socket);

	fend__stream_fail(stream, r < 0 ? r : -EIO);
}

/* Does nothing but a rate keep it from receiving? */
static bool
is_held_up(const struct fend_stream *stream)
{
	return stream->slow_input && !stream->at_end && !stream->paused && !stream->stalled &&
	       stream_buffer_size(stream->input) < fend__stream_kind(stream)->limits.input_max;
}

/* The steps after offering and sending, in which something is due only if something is unusual. */
static fend__cold void
serve_rest(struct fend_stream *stream, unsigned events)
{
	if ((events & FEND_ERR) && !stream->failed)
		fail_unmet(stream);
	if (fend__stream_is_drained(stream)) {
		stream->above = false;
		fend__stream_pipe_resume(stream);
		if (!call(stream, fend__stream_kind(stream)->callbacks.drained))
			return;
		flush(stream);
	}
	if (fend__stream_is_to_shut(stream))
		fend__stream_shut(stream);
	if (stream->failed && !fend__stream_is_reading(stream) && !is_held_up(stream))
		stream->at_end = true;
	if (is_over(stream))
		close_stream(stream);
}

/* The steps after offering. */
static inline void
serve_output(struct fend_stream *stream, unsigned events)
{
	if (fend__unlikely(events & (FEND_OUT | FEND_ERR | FEND_HUP)))
		stream->blocked = false;
	flush(stream);
	if (fend__unlikely(stream->unusual || (events & FEND_ERR)))
		serve_rest(stream, events);
}

/* All steps but the first. */
static void
serve(struct fend_stream *stream, unsigned events)
{
	if (fend__stream_is_readable(stream) && !offer(stream))
		return;
	keep(stream);
	serve_output(stream, events);
}

/*
 * All steps in the common case, that bytes come to a quiet stream: the same, without asking for
 * what cannot be.
 */
static inline void
serve_quiet(struct fend_stream *stream)
{
	struct stream_buffer *shared = fend__stream_pool(stream)->scratch;
	size_t room = shared->capacity;
	ssize_t n;

	if (room > fend__stream_kind(stream)->limits.input_max)
		room = fend__stream_kind(stream)->limits.input_max;
	n = recv_bytes(stream->socket, shared->bytes, room);
	if (fend__unlikely(n <= 0)) {
		take_nothing(stream, n);
		serve(stream, FEND_IN);
		return;
	}
	shared->start = 0;
	shared->end = (size_t)n;
	stream->input = shared;
	stream->received += (size_t)n;
	stream->fresh = true;
	if (fend__unlikely((size_t)n < stream->want))
		keep(stream);
	else if (fend__unlikely(!offer(stream)))
		return;
	serve_output(stream, FEND_IN);
}

static bool
is_sending(const struct fend_stream *stream)
{
	return fend__stream_has_output(stream) && !stream->blocked && !stream->slow_output;
}

/* Would a run without events do anything? */
static bool
is_due(const struct fend_stream *stream)
{
	if (stream->closed)
		return false;
	if (stream->failed && !is_held_up(stream))
		return true;
	return is_sending(stream) || fend__stream_is_readable(stream) ||
	       fend__stream_is_drained(stream) || fend__stream_is_to_shut(stream) ||
	       is_over(stream);
}

static unsigned
interest(const struct fend_stream *stream)
{
	unsigned events = 0;

	if (stream->closed)
		return 0;
	if (fend__stream_is_reading(stream))
		events |= FEND_IN;
	/* At the end, until the layers have sent what they hold. */
	if (stream->blocked || (stream->shut && stream->at_end && !stream->piped))
		events |= FEND_OUT;
	return events;
}

static void
note_limit(struct fend_stream *stream)
{
	size_t limit = fend__stream_kind(stream)->limits.input_max;
	bool full = !stream->at_end && stream_buffer_size(stream->input) >= limit;

	if (full && !stream->full) {
		if (fend__stream_need_extras(stream) < 0)
			fend__stream_end(stream, -ENOMEM);
		else
			stream->extras->limited++;
	}
	stream->full = full;
}

/* Nothing is held, nothing waits, nothing has happened: input is waited for, and there it rests. */
static inline bool
is_quiet(const struct fend_stream *stream)
{
	return !stream->unusual && !stream->input && !stream->output && !stream->timed &&
	       stream->holder.interest == FEND_IN;
}

void
fend__stream_settle(struct fend_stream *stream)
{
	unsigned events;
	int r = 0;

	note_limit(stream);
	events = interest(stream);
	if (events != stream->holder.interest)
		r = fend__socket_interest(stream->socket, &stream->holder, events);
	if (r < 0)
		fend__stream_end(stream, r);
	if (stream->timed)
		fend__stream_clock_arm(stream);
	if (is_due(stream))
		fend__stream_queue(stream);
}

/* After the last step, which may have freed the stream or its loop. */
static inline void
end_run(struct fend_stream *stream)
{
	stream->running = false;
	if (fend__unlikely(!stream->socket)) {
		fend__stream_release(stream);
		return;
	}
	if (is_borrowing(stream))
		stream->input = NULL;
	if (fend__likely(is_quiet(stream)))
		return;
	if (fend__stream_check(stream) == 0)
		fend__stream_settle(stream);
}

static bool
is_to_receive(const struct fend_stream *stream, unsigned events)
{
	return ((events & (FEND_IN | FEND_ERR | FEND_HUP)) || stream->failed) &&
	       fend__stream_is_reading(stream);
}

/* All steps, whatever has come. */
static __attribute__((noinline)) void
serve_any(struct fend_stream *stream, unsigned events)
{
	if (is_to_receive(stream, events))
		receive(stream);
	serve(stream, events);
}

void
fend__stream_run(struct fend_stream *stream, unsigned events)
{
	if (fend__unlikely(stream->closed))
		return;
	stream->running = true;
	if (fend__likely(events == FEND_IN && is_quiet(stream)))
		serve_quiet(stream);
	else
		serve_any(stream, events);
	end_run(stream);
}
