/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdlib.h>

#define EV_COMPAT3 0
#include <ev.h>

struct io {
	ev_io watcher;
	struct ev_loop *loop;
	void (*fn)(void *data);
	void *data;
};

struct timer {
	ev_timer watcher;
	struct ev_loop *loop;
	void (*fn)(void *data);
	void *data;
};

struct post {
	ev_async watcher;
	struct ev_loop *loop;
	void (*fn)(void *data);
	void *data;
};

static const char *
version(void)
{
	return "4.33";
}

static void *
loop_new(void)
{
	return ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
}

static void
loop_free(void *loop)
{
	ev_loop_destroy(loop);
}

static void
run(void *loop)
{
	ev_run(loop, 0);
}

static void
stop(void *loop)
{
	ev_break(loop, EVBREAK_ALL);
}

static void
iterate(void *loop)
{
	ev_run(loop, EVRUN_ONCE);
}

static void
on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct io *io = (struct io *)watcher;

	io->fn(io->data);
}

static void *
io_new(void *loop, int fd, void (*fn)(void *data), void *data)
{
	struct io *io = malloc(sizeof(*io));

	io->loop = loop;
	io->fn = fn;
	io->data = data;
	ev_io_init(&io->watcher, on_io, fd, EV_READ);
	ev_io_start(loop, &io->watcher);
	return io;
}

static void
io_free(void *pointer)
{
	struct io *io = pointer;

	ev_io_stop(io->loop, &io->watcher);
	free(io);
}

static void
on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct timer *timer = (struct timer *)watcher;

	timer->fn(timer->data);
}

static void *
timer_new(void *loop, void (*fn)(void *data), void *data)
{
	struct timer *timer = malloc(sizeof(*timer));

	timer->loop = loop;
	timer->fn = fn;
	timer->data = data;
	ev_init(&timer->watcher, on_timer);
	return timer;
}

static void
timer_free(void *pointer)
{
	struct timer *timer = pointer;

	ev_timer_stop(timer->loop, &timer->watcher);
	free(timer);
}

static void
timer_arm(void *pointer, int64_t delay_ns)
{
	struct timer *timer = pointer;

	timer->watcher.repeat = (double)delay_ns / 1e9;
	ev_timer_again(timer->loop, &timer->watcher);
}

static void
timer_stop(void *pointer)
{
	struct timer *timer = pointer;

	ev_timer_stop(timer->loop, &timer->watcher);
}

static void
on_async(struct ev_loop *loop, ev_async *watcher, int events)
{
	struct post *post = (struct post *)watcher;

	post->fn(post->data);
}

static void *
post_new(void *loop, void (*fn)(void *data), void *data)
{
	struct post *post = malloc(sizeof(*post));

	post->loop = loop;
	post->fn = fn;
	post->data = data;
	ev_async_init(&post->watcher, on_async);
	ev_async_start(loop, &post->watcher);
	return post;
}

static void
post_free(void *pointer)
{
	struct post *post = pointer;

	ev_async_stop(post->loop, &post->watcher);
	free(post);
}

static void
post_it(void *pointer)
{
	struct post *post = pointer;

	ev_async_send(post->loop, &post->watcher);
}

const struct contestant bench_contestant = {
	.name = "libev",
	.version = version,
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
	.timer_stop = timer_stop,
	.post_new = post_new,
	.post_free = post_free,
	.post = post_it,
};
