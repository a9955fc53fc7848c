/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdlib.h>

#include <event2/event.h>
#include <event2/thread.h>

/* An event of any kind: libevent has but one. */
struct source {
	struct event *event;
	void (*fn)(void *data);
	void *data;
};

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
	event_base_dispatch(loop);
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
on_event(evutil_socket_t fd, short events, void *data)
{
	struct source *source = data;

	source->fn(source->data);
}

static void *
source_new(void *loop, int fd, short events, void (*fn)(void *data), void *data)
{
	struct source *source = malloc(sizeof(*source));

	source->event = event_new(loop, fd, events, on_event, source);
	source->fn = fn;
	source->data = data;
	return source;
}

static void
source_free(void *pointer)
{
	struct source *source = pointer;

	event_free(source->event);
	free(source);
}

static void *
io_new(void *loop, int fd, void (*fn)(void *data), void *data)
{
	struct source *source = source_new(loop, fd, EV_READ | EV_PERSIST, fn, data);

	event_add(source->event, NULL);
	return source;
}

static void *
timer_new(void *loop, void (*fn)(void *data), void *data)
{
	return source_new(loop, -1, 0, fn, data);
}

static void
timer_arm(void *pointer, int64_t delay_ns)
{
	struct source *source = pointer;
	struct timeval delay = { delay_ns / 1000000000, delay_ns % 1000000000 / 1000 };

	event_add(source->event, &delay);
}

static void
timer_stop(void *pointer)
{
	event_del(((struct source *)pointer)->event);
}

static void
post_it(void *pointer)
{
	event_active(((struct source *)pointer)->event, EV_READ, 0);
}

const struct contestant bench_contestant = {
	.name = "libevent", .version = event_get_version, .loop_new = loop_new,
	.loop_free = loop_free, .run = run, .stop = stop, .iterate = iterate, .io_new = io_new, .io_free = source_free,
	.timer_new = timer_new, .timer_free = source_free, .timer_arm = timer_arm,
	.timer_stop = timer_stop, .post_new = timer_new, .post_free = source_free, .post = post_it,
};
