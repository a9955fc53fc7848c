/* SPDX-License-Identifier: MIT */
/*
 * A stream: a socket's holder, with a buffer each way that exists only while it holds something.
 *
 * Everything happens in fend__stream_run(), which a ready socket, the timer, and the queue call.
 * It goes through the same steps each time, and does what is due of them:
 *   receive once, offer, send once, drained, shut down, closed
 * Calls on the stream only change its state. What has to follow from that happens at the end of
 * the run if one is on the stack, and else in the next iteration, for which the stream is queued:
 * so many writes become one system call, and no callback runs inside a call. Each callback comes
 * once per run at most, but for what must precede closed; what is due again waits for the next
 * iteration, so that a stream cannot starve the others.
 *
 * The end. Input may outlast output: a failure to send discards the output, but receiving goes
 * on until it has nothing more to tell. What fails otherwise ends both. Closed is last.
 *
 * A callback may free the stream: it is taken apart at once, without a socket from then on, and
 * its memory is released when the run has returned. It may free the loop as well: then
 * fend__stream_check() fails, and the run ends.
 */
#include "stream.h"

#include <string.h>

#include <fend-internal/deadline.h>
#include <fend-internal/kernel.h>

#define INPUT_MAX (64U << 10)
#define OUTPUT_LOW (16U << 10)
#define OUTPUT_HIGH (64U << 10)
#define OUTPUT_MAX (16U << 20)

static void
on_ready(struct fend__holder *holder, unsigned events)
{
	fend__stream_run(fend__container_of(holder, struct fend_stream, holder), events);
}

static const struct fend__holder_ops holder_ops = {
	.ready = on_ready,
};

int
fend__stream_refusal(const struct fend_stream *stream)
{
	return stream && stream->socket ? fend__loop_check(stream->socket->loop) : -EINVAL;
}

void
fend__stream_release(struct fend_stream *stream)
{
	if (stream->running || stream->queued)
		return;
	fend__stream_kind_unref(fend__stream_kind(stream));
	fend__release(stream->extras);
	fend__release(stream);
}

int
fend__stream_need_extras(struct fend_stream *stream)
{
	if (!stream->extras)
		stream->extras = fend__calloc(1, sizeof(*stream->extras));
	return stream->extras ? 0 : -ENOMEM;
}

void
fend__stream_forfeit(struct fend_stream *stream)
{
	static const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	fend__kernel->setsockopt(stream->socket->fd, SOL_SOCKET, SO_LINGER, &linger,
				 sizeof(linger));
}

void
fend__stream_fail(struct fend_stream *stream, int err)
{
	if (!stream->failed)
		stream->holder.err = err;
	if (fend__stream_has_output(stream))
		fend__stream_forfeit(stream);
	stream->failed = true;
	stream->blocked = false;
	stream->output = stream_buffer_free(stream->output);
	fend__stream_drop_files(stream);
}

void
fend__stream_end(struct fend_stream *stream, int err)
{
	fend__stream_fail(stream, err);
	stream->at_end = true;
}

static int
set_limit(size_t given, uint32_t otherwise, uint32_t *ret_limit)
{
	if (given > UINT32_MAX)
		return -EINVAL;
	*ret_limit = given ? (uint32_t)given : otherwise;
	return 0;
}

static int
set_limits(const struct fend_stream_options *options, struct stream_limits *limits)
{
	int r = set_limit(options->input_max, INPUT_MAX, &limits->input_max);

	if (r >= 0)
		r = set_limit(options->output_low, OUTPUT_LOW, &limits->output_low);
	if (r >= 0)
		r = set_limit(options->output_high, OUTPUT_HIGH, &limits->output_high);
	if (r >= 0)
		r = set_limit(options->output_max, OUTPUT_MAX, &limits->output_max);
	if (r < 0)
		return r;
	return limits->output_low > limits->output_high || limits->output_high > limits->output_max
		       ? -EINVAL
		       : 0;
}

/* A stream without a socket. */
static int
make(struct fend_loop *loop, const struct fend_stream_options *options,
     const struct fend_stream_callbacks *callbacks, struct fend_stream **ret_stream)
{
	struct stream_limits limits;
	struct stream_kind *kind;
	struct fend_stream *stream;
	int r;

	r = set_limits(options, &limits);
	if (r < 0)
		return r;
	if (!fend__timeout_valid(options->idle_timeout) ||
	    !fend__timeout_valid(options->write_timeout))
		return -EINVAL;
	stream = fend__calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	r = fend__stream_kind_ref(loop, &holder_ops, callbacks, &limits, &kind);
	if (r < 0) {
		fend__release(stream);
		return r;
	}
	stream->holder.ops = &kind->ops;
	stream->holder.interest = FEND_IN;
	r = fend__stream_clock_new(stream, loop, options->idle_timeout, options->write_timeout);
	if (r < 0) {
		fend__stream_release(stream);
		return r;
	}
	*ret_stream = stream;
	return 0;
}

FEND_PUBLIC int
fend_stream_new(struct fend_loop *loop, struct fend_socket *socket,
		const struct fend_stream_options *options,
		const struct fend_stream_callbacks *callbacks, void *data,
		struct fend_stream **ret_stream)
{
	struct fend_stream_options given = { 0 };
	struct fend_stream *stream;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (!socket || !callbacks || !ret_stream)
		return -EINVAL;
	r = fend__options_copy(&given, sizeof(given), options);
	if (r >= 0)
		r = make(loop, &given, callbacks, &stream);
	if (r < 0)
		return r;
	r = fend__socket_hold(socket, loop, &stream->holder, false);
	if (r < 0) {
		fend__stream_clock_free(stream);
		fend__stream_release(stream);
		return r;
	}
	stream->data = data;
	stream->socket = socket;
	if (stream->timed)
		fend__stream_clock_arm(stream);
	*ret_stream = stream;
	return 0;
}

/* Take everything apart but the socket, which is returned. */
static struct fend_socket *
dismantle(struct fend_stream *stream)
{
	struct fend_socket *socket = stream->socket;

	fend__stream_pipe_leave(stream);
	fend__stream_rates_free(stream);
	fend__stream_clock_free(stream);
	fend__socket_release(socket, &stream->holder);
	stream->input = stream_buffer_free(stream->input);
	stream->output = stream_buffer_free(stream->output);
	fend__stream_drop_files(stream);
	stream->socket = NULL;
	if (stream->queued)
		fend__stream_unqueue(stream);
	else
		fend__stream_release(stream);
	return socket;
}

FEND_PUBLIC struct fend_stream *
fend_stream_free(struct fend_stream *stream)
{
	if (stream && stream->socket)
		fend_socket_free(dismantle(stream));
	return NULL;
}

FEND_PUBLIC int
fend_stream_release(struct fend_stream *stream, struct fend_socket **ret_socket)
{
	int r = fend__stream_check(stream);

	if (r < 0)
		return r;
	if (!ret_socket)
		return -EINVAL;
	if (stream->input || fend__stream_has_output(stream))
		return -EBUSY;
	*ret_socket = dismantle(stream);
	return 0;
}

FEND_PUBLIC int
fend_stream_finish(struct fend_stream *stream, fend_time timeout)
{
	int r = fend__stream_check(stream);

	if (r < 0)
		return r;
	if (!fend__timeout_valid(timeout))
		return -EINVAL;
	if (stream->closed || stream->failed)
		return -ENOTCONN;
	r = fend__stream_clock_limit(stream, timeout);
	if (r < 0)
		return r;
	stream->finishing = true;
	fend__stream_changed(stream);
	return 0;
}

/*
 * Disconnecting a TCP socket (connect(2), AF_UNSPEC) resets it, on Linux. Where that is not so, and
 * of what a layer may send when it is freed, the option makes closing it do that (socket(7)).
 */
static void
reset(struct fend_stream *stream)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	fend__stream_forfeit(stream);
	fend__kernel->connect(stream->socket->fd, &none, sizeof(none));
}

FEND_PUBLIC void
fend_stream_abort(struct fend_stream *stream, int err)
{
	if (fend__stream_check(stream) < 0 || stream->closed || stream->aborted)
		return;
	reset(stream);
	stream->aborted = true;
	fend__stream_end(stream, err);
	stream->holder.err = err;
	fend__stream_changed(stream);
}

FEND_PUBLIC struct fend_socket *
fend_stream_socket(const struct fend_stream *stream)
{
	return stream ? stream->socket : NULL;
}

FEND_PUBLIC int
fend_stream_stats(const struct fend_stream *stream, struct fend_stream_stats *ret_stats)
{
	struct fend_stream_stats stats;
	size_t size;

	if (!stream || !ret_stats || ret_stats->size < sizeof(size))
		return -EINVAL;
	size = ret_stats->size;
	stats.size = size;
	stats.received = stream->received;
	stats.sent = stream->sent;
	stats.paused = stream->extras ? stream->extras->limited : 0;
	stats.risen = stream->extras ? stream->extras->risen : 0;
	memset(ret_stats, 0, size);
	memcpy(ret_stats, &stats, size < sizeof(stats) ? size : sizeof(stats));
	return 0;
}
