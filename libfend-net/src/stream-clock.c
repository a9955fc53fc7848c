/* SPDX-License-Identifier: MIT */
/*
 * A stream's timeouts, in memory of their own, which only a stream that has one needs. One timer
 * serves all. It is armed for the earliest of them, and left alone when that moves on, as it
 * does with each byte: when it fires too early it is armed again.
 */
#include "stream.h"

#include <fend/timer.h>

#include <fend-internal/deadline.h>
#include <fend-internal/kernel.h>

struct stream_clock {
	struct fend_timer *timer;
	fend_time idle, write; /* FEND_FOREVER: none */
	fend_time deadline;    /* of fend_stream_finish(); FEND_FOREVER: none */
	fend_time moved;       /* when bytes came or left last */
	fend_time waiting;     /* since when output has been waiting without any leaving */
	fend_time armed;       /* what the timer is armed for, if it is */
};

static fend_time
earlier(fend_time a, fend_time b)
{
	if (a == FEND_FOREVER || b == FEND_FOREVER)
		return a == FEND_FOREVER ? b : a;
	return a < b ? a : b;
}

static fend_time
after(fend_time start, fend_time timeout)
{
	return timeout == FEND_FOREVER ? FEND_FOREVER : fend__time_add(start, timeout);
}

static fend_time
next(const struct fend_stream *stream)
{
	const struct stream_clock *clock = stream->extras->clock;
	fend_time when = earlier(clock->deadline, after(clock->moved, clock->idle));

	if (fend__stream_has_output(stream))
		when = earlier(when, after(clock->waiting, clock->write));
	return when;
}

void
fend__stream_clock_arm(struct fend_stream *stream)
{
	struct stream_clock *clock = stream->extras->clock;
	fend_time when = stream->closed ? FEND_FOREVER : next(stream);

	if (when == FEND_FOREVER) {
		fend_timer_stop(clock->timer);
	} else if (!fend_timer_is_armed(clock->timer) || when < clock->armed) {
		clock->armed = when;
		fend_timer_at(clock->timer, when);
	}
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct fend_stream *stream = data;
	fend_time when = next(stream);

	if (when == FEND_FOREVER || when > fend__kernel->now()) {
		fend__stream_clock_arm(stream);
		return;
	}
	fend__stream_end(stream, -ETIMEDOUT);
	fend__stream_run(stream, 0);
}

static int
make(struct fend_stream *stream, struct fend_loop *loop, fend_time idle, fend_time write)
{
	struct stream_clock *clock;
	int r;

	if (fend__stream_need_extras(stream) < 0)
		return -ENOMEM;
	clock = fend__calloc(1, sizeof(*clock));
	if (!clock)
		return -ENOMEM;
	r = fend_timer_new(loop, on_timer, stream, &clock->timer);
	if (r < 0) {
		fend__release(clock);
		return r;
	}
	fend_timer_set_name(clock->timer, "stream");
	clock->idle = idle;
	clock->write = write;
	clock->deadline = FEND_FOREVER;
	clock->moved = clock->waiting = fend__kernel->now();
	stream->extras->clock = clock;
	stream->timed = true;
	return 0;
}

int
fend__stream_clock_new(struct fend_stream *stream, struct fend_loop *loop, fend_time idle,
		       fend_time write)
{
	if (!idle)
		idle = FEND_FOREVER;
	if (!write)
		write = FEND_FOREVER;
	if (idle == FEND_FOREVER && write == FEND_FOREVER)
		return 0;
	return make(stream, loop, idle, write);
}

void
fend__stream_clock_free(struct fend_stream *stream)
{
	if (!stream->timed)
		return;
	fend_timer_free(stream->extras->clock->timer);
	stream->extras->clock = fend__release(stream->extras->clock);
	stream->timed = false;
}

void
fend__stream_clock_came(struct fend_stream *stream)
{
	stream->extras->clock->moved = fend__kernel->now();
}

void
fend__stream_clock_left(struct fend_stream *stream)
{
	stream->extras->clock->moved = stream->extras->clock->waiting = fend__kernel->now();
}

void
fend__stream_clock_waits(struct fend_stream *stream)
{
	stream->extras->clock->waiting = fend__kernel->now();
}

int
fend__stream_clock_limit(struct fend_stream *stream, fend_time timeout)
{
	int r = 0;

	if (!stream->timed && timeout != FEND_FOREVER)
		r = make(stream, stream->socket->loop, FEND_FOREVER, FEND_FOREVER);
	if (r >= 0 && stream->timed)
		stream->extras->clock->deadline = fend__deadline(timeout);
	return r;
}
