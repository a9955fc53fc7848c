/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdlib.h>

#include <uv.h>

struct io {
	uv_poll_t handle;
	void (*fn)(void *data);
	void *data;
};

struct timer {
	uv_timer_t handle;
	void (*fn)(void *data);
	void *data;
};

struct post {
	uv_async_t handle;
	void (*fn)(void *data);
	void *data;
};

static void *
loop_new(void)
{
	uv_loop_t *loop = malloc(sizeof(*loop));

	return uv_loop_init(loop) == 0 ? loop : NULL;
}

static void
loop_free(void *loop)
{
	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
	free(loop);
}

static void
run(void *loop)
{
	uv_run(loop, UV_RUN_DEFAULT);
}

static void
stop(void *loop)
{
	uv_stop(loop);
}

static void
iterate(void *loop)
{
	uv_run(loop, UV_RUN_ONCE);
}

static void
free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void
close_handle(void *handle)
{
	uv_close(handle, free_handle);
}

static void
on_io(uv_poll_t *handle, int status, int events)
{
	struct io *io = (struct io *)handle;

	io->fn(io->data);
}

static void *
io_new(void *loop, int fd, void (*fn)(void *data), void *data)
{
	struct io *io = malloc(sizeof(*io));

	io->fn = fn;
	io->data = data;
	uv_poll_init(loop, &io->handle, fd);
	uv_poll_start(&io->handle, UV_READABLE, on_io);
	return io;
}

/* Its descriptor is closed right after this, so the watch has to end now. */
static void
io_free(void *pointer)
{
	uv_poll_stop(&((struct io *)pointer)->handle);
	close_handle(pointer);
}

static void
on_timer(uv_timer_t *handle)
{
	struct timer *timer = (struct timer *)handle;

	timer->fn(timer->data);
}

static void *
timer_new(void *loop, void (*fn)(void *data), void *data)
{
	struct timer *timer = malloc(sizeof(*timer));

	timer->fn = fn;
	timer->data = data;
	uv_timer_init(loop, &timer->handle);
	return timer;
}

static void
timer_arm(void *pointer, int64_t delay_ns)
{
	uv_timer_start(&((struct timer *)pointer)->handle, on_timer,
		       (uint64_t)((delay_ns + 999999) / 1000000), 0);
}

static void
timer_stop(void *pointer)
{
	uv_timer_stop(&((struct timer *)pointer)->handle);
}

static void
on_async(uv_async_t *handle)
{
	struct post *post = (struct post *)handle;

	post->fn(post->data);
}

static void *
post_new(void *loop, void (*fn)(void *data), void *data)
{
	struct post *post = malloc(sizeof(*post));

	post->fn = fn;
	post->data = data;
	uv_async_init(loop, &post->handle, on_async);
	return post;
}

static void
post_it(void *pointer)
{
	uv_async_send(&((struct post *)pointer)->handle);
}

const struct contestant bench_contestant = {
	.name = "libuv",
	.version = uv_version_string,
	.loop_new = loop_new,
	.loop_free = loop_free,
	.run = run,
	.stop = stop,
	.iterate = iterate,
	.io_new = io_new,
	.io_free = io_free,
	.timer_new = timer_new,
	.timer_free = close_handle,
	.timer_arm = timer_arm,
	.timer_stop = timer_stop,
	.post_new = post_new,
	.post_free = close_handle,
	.post = post_it,
};
