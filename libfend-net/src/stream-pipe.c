/* SPDX-License-Identifier: MIT */
/*
 * A pipe between two streams of a loop, or of one to itself. It has no buffer of its own: the run
 * of the stream it comes from moves the input on where readable would be called, straight to the
 * other's socket if nothing waits there, and else to the other's output, until that is above its
 * high mark. Then the pipe is stalled, nothing more is received, and what is left stays input; when
 * the output has drained, it goes on.
 *
 * The end of input is passed on when all of it was moved, and ends the pipe. A stream that closes
 * with the pipe still there takes the other one with it. One that is freed only leaves the pipe.
 */
#include "stream.h"

#include <fend-internal/kernel.h>

/* The stream at the beginning of the pipe that ends here, or NULL. */
static struct fend_stream *
source(const struct fend_stream *to)
{
	return to->extras ? to->extras->pipe_from : NULL;
}

static void
stall(struct fend_stream *from)
{
	from->stalled = true;
}

/* What is still input is the user's again. */
static void
unlink_pipe(struct fend_stream *from)
{
	from->extras->pipe_to->extras->pipe_from = NULL;
	from->extras->pipe_to = NULL;
	from->piped = from->stalled = false;
	from->fresh = true;
}

/* Move some of size bytes from data; returns how many, or -ENOMEM. */
static ssize_t
move_bytes(struct fend_stream *to, const unsigned char *data, size_t size)
{
	const struct stream_limits *limits = &fend__stream_kind(to)->limits;
	size_t pending = fend_stream_pending(to), sent = 0;
	int r;

	/* One more than the mark is above the mark. */
	if (pending > limits->output_high)
		return 0;
	if (size > limits->output_high + (size_t)1 - pending)
		size = limits->output_high + (size_t)1 - pending;
	if (!fend__stream_has_output(to))
		sent = fend__stream_send(to, data, size, 0);
	if (sent == size || to->failed)
		return (ssize_t)sent;
	r = fend__stream_append(to, data + sent, size - sent);
	return r < 0 ? r : (ssize_t)size;
}

static void
pass_end(struct fend_stream *from)
{
	struct fend_stream *to = from->extras->pipe_to;

	unlink_pipe(from);
	from->end_fresh = false;
	fend_stream_finish(to, FEND_FOREVER);
}

/* Move what there is. Returns < 0 if this can never work again. */
static int
move(struct fend_stream *from)
{
	struct fend_stream *to = from->extras->pipe_to;
	struct stream_buffer *input = from->input;
	ssize_t n = 0;
	int r;

	r = fend__stream_check_write(to, 0);
	/* It will be closed, and then take this one with it. */
	if (r == -ENOTCONN) {
		stall(from);
		return 0;
	}
	if (r >= 0 && input) {
		n = move_bytes(to, input->bytes + input->start, stream_buffer_size(input));
		r = n < 0 ? (int)n : 0;
	}
	if (r < 0)
		return r;
	if (n > 0)
		fend_stream_consume(from, (size_t)n);
	if (!from->input && from->end_fresh)
		pass_end(from);
	else if (fend__stream_is_above(to) || to->failed)
		stall(from);
	return 0;
}

void
fend__stream_move(struct fend_stream *from)
{
	struct fend_stream *to = from->extras->pipe_to;
	int r = move(from);

	if (r < 0) {
		/* The other one may be ending in order. */
		unlink_pipe(from);
		fend_stream_abort(from, r);
	}
	fend__stream_written(to);
}

void
fend__stream_pipe_resume(struct fend_stream *to)
{
	struct fend_stream *from = source(to);

	if (!from)
		return;
	from->stalled = false;
	fend__stream_changed(from);
}

void
fend__stream_pipe_leave(struct fend_stream *stream)
{
	struct fend_stream *from = source(stream);

	if (stream->piped)
		unlink_pipe(stream);
	if (!from || from == stream)
		return;
	unlink_pipe(from);
	if (fend__stream_check(from) == 0)
		fend__stream_changed(from);
}

void
fend__stream_pipe_break(struct fend_stream *stream)
{
	struct fend_stream *from = source(stream);
	struct fend_stream *to = stream->piped ? stream->extras->pipe_to : NULL;
	int err = stream->holder.err ? stream->holder.err : -EPIPE;

	fend__stream_pipe_leave(stream);
	if (to == stream)
		fend__stream_forfeit(stream);
	else if (to)
		fend_stream_abort(to, err);
	if (from)
		fend_stream_abort(from, err);
}

FEND_PUBLIC int
fend_stream_pipe(struct fend_stream *from, struct fend_stream *to)
{
	int r;

	r = fend__stream_check(from);
	if (r < 0)
		return r;
	if (!to) {
		if (from->piped)
			unlink_pipe(from);
		fend__stream_changed(from);
		return 0;
	}
	r = fend__stream_check_write(to, 0);
	if (r < 0)
		return r;
	if (from->socket->loop != to->socket->loop)
		return -EINVAL;
	if (from->piped || source(to))
		return -EBUSY;
	if (from->closed || from->aborted)
		return -ENOTCONN;
	r = fend__stream_need_extras(from);
	if (r >= 0)
		r = fend__stream_need_extras(to);
	if (r < 0)
		return r;
	from->extras->pipe_to = to;
	to->extras->pipe_from = from;
	from->piped = true;
	from->end_fresh = from->at_end && !from->failed;
	fend__stream_changed(from);
	return 0;
}
