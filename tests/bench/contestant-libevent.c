/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <event2/event.h>
#include <event2/thread.h>

/* Of all sources of a kind; data is theirs, so that they are used as a program would use them. */
static void (*io_fn)(void *data), (*timer_fn)(void *data), (*post_fn)(void *data);

static void *
loop_new(void)
{
	evthread_use_pthreads();
	return event_base_new();
}

static void
loop_free(void *loop)
{
	event_base_free(loop);
}

static void
run(void *loop)
{
	event_base_loop(loop, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void
stop(void *loop)
{
	event_base_loopbreak(loop);
}

static void
iterate(void *loop)
{
	event_base_loop(loop, EVLOOP_ONCE);
}

static void
on_io(evutil_socket_t fd, short events, void *data)
{
	io_fn(data);
}

static void *
io_new(void *loop, int fd, void (*fn)(void *data), void *data)
{
	struct event *event = event_new(loop, fd, EV_READ | EV_PERSIST, on_io, data);

	io_fn = fn;
	event_add(event, NULL);
	return event;
}

static void
source_free(void *event)
{
	event_free(event);
}

static void
on_timer(evutil_socket_t fd, short events, void *data)
{
	timer_fn(data);
}

static void *
timer_new(void *loop, void (*fn)(void *data), void *data)
{
	timer_fn = fn;
	return event_new(loop, -1, 0, on_timer, data);
}

static void
timer_arm(void *event, int64_t delay_ns)
{
	struct timeval delay = { delay_ns / 1000000000, delay_ns % 1000000000 / 1000 };

	event_add(event, &delay);
}

static void
timer_stop(void *event)
{
	event_del(event);
}

static void
on_post(evutil_socket_t fd, short events, void *data)
{
	post_fn(data);
}

static void *
post_new(void *loop, void (*fn)(void *data), void *data)
{
	post_fn = fn;
	return event_new(loop, -1, 0, on_post, data);
}

static void
post_it(void *event)
{
	event_active(event, EV_READ, 0);
}

const struct contestant bench_contestant = {
	.name = "libevent",
	.version = event_get_version,
	.loop_new = loop_new,
	.loop_free = loop_free,
	.run = run,
	.stop = stop,
	.iterate = iterate,
	.io_new = io_new,
	.io_free = source_free,
	.timer_new = timer_new,
	.timer_free = source_free,
	.timer_arm = timer_arm,
	.timer_stop = timer_stop,
	.post_new = post_new,
	.post_free = source_free,
	.post = post_it,
};
