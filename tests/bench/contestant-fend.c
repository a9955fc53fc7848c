/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdlib.h>

#include <fend/core.h>

/* Of all sources of a kind; data is theirs, so that they are used as a program would use them. */
static void (*io_fn)(void *data), (*timer_fn)(void *data);

struct post {
	struct fend_loop *loop;
	struct fend_task task;
	void (*fn)(void *data);
	void *data;
};

static void *
loop_new(void)
{
	struct fend_loop *loop;

	return fend_loop_new(NULL, &loop) < 0 ? NULL : loop;
}

static void
loop_free(void *loop)
{
	fend_loop_free(loop);
}

static void
run(void *loop)
{
	fend_loop_run(loop, NULL);
}

static void
stop(void *loop)
{
	fend_loop_stop(loop, 0);
}

static void
iterate(void *loop)
{
	fend_loop_dispatch(loop, FEND_FOREVER);
}

static void
on_io(struct fend_io *io, unsigned events, void *data)
{
	io_fn(data);
}

static void *
io_new(void *loop, int fd, void (*fn)(void *data), void *data)
{
	struct fend_io *io;

	io_fn = fn;
	if (fend_io_new(loop, fd, FEND_IN, on_io, data, &io) < 0)
		abort();
	return io;
}

static void
io_free(void *io)
{
	fend_io_free(io);
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	timer_fn(data);
}

/* Of the timers. */
static struct fend_loop *timer_loop;

static void *
timer_new(void *loop, void (*fn)(void *data), void *data)
{
	struct fend_timer *timer;

	timer_fn = fn;
	timer_loop = loop;
	if (fend_timer_new(loop, on_timer, data, &timer) < 0)
		abort();
	return timer;
}

static void
timer_free(void *timer)
{
	fend_timer_free(timer);
}

static void
timer_arm(void *timer, int64_t delay_ns)
{
	fend_timer_after(timer, delay_ns);
}

static void
timer_restart(void *timer, int64_t delay_ns)
{
	fend_timer_at(timer, fend_loop_now(timer_loop) + delay_ns);
}

static void
timer_stop(void *timer)
{
	fend_timer_stop(timer);
}

static void
on_task(struct fend_task *task, void *data)
{
	struct post *post = data;

	post->fn(post->data);
}

static void *
post_new(void *loop, void (*fn)(void *data), void *data)
{
	struct post *post = calloc(1, sizeof(*post));

	post->loop = loop;
	post->task.fn = on_task;
	post->task.data = post;
	post->fn = fn;
	post->data = data;
	return post;
}

static void
post_it(void *pointer)
{
	struct post *post = pointer;

	fend_task_post(post->loop, &post->task);
}

const struct contestant bench_contestant = {
	.name = "fend",
	.version = fend_version,
	.loop_new = loop_new,
	.loop_free = loop_free,
	.run = run,
	.stop = stop,
	.iterate = iterate,
	.io_new = io_new,
	.io_free = io_free,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_arm = timer_arm,
	.timer_restart = timer_restart,
	.timer_stop = timer_stop,
	.post_new = post_new,
	.post_free = free,
	.post = post_it,
};
