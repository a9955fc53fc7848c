/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include <systemd/sd-event.h>

/* Of all sources of a kind; data is theirs, so that they are used as a program would use them. */
static void (*io_fn)(void *data), (*timer_fn)(void *data);

static const char *
version(void)
{
	return "";
}

static void *
loop_new(void)
{
	sd_event *loop = NULL;

	return sd_event_new(&loop) < 0 ? NULL : loop;
}

static void
loop_free(void *loop)
{
	sd_event_unref(loop);
}

static void
run(void *loop)
{
	sd_event_loop(loop);
}

static void
stop(void *loop)
{
	sd_event_exit(loop, 0);
}

static void
iterate(void *loop)
{
	sd_event_run(loop, UINT64_MAX);
}

static int
on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	io_fn(data);
	return 0;
}

static void *
io_new(void *loop, int fd, void (*fn)(void *data), void *data)
{
	sd_event_source *source;

	io_fn = fn;
	if (sd_event_add_io(loop, &source, fd, EPOLLIN, on_io, data) < 0)
		abort();
	return source;
}

static void
source_free(void *source)
{
	sd_event_source_disable_unref(source);
}

static int
on_timer(sd_event_source *source, uint64_t time, void *data)
{
	timer_fn(data);
	return 0;
}

static void *
timer_new(void *loop, void (*fn)(void *data), void *data)
{
	sd_event_source *source;

	timer_fn = fn;
	if (sd_event_add_time(loop, &source, CLOCK_MONOTONIC, UINT64_MAX, 1, on_timer, data) < 0)
		abort();
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return source;
}

static void
timer_arm(void *source, int64_t delay_ns)
{
	sd_event_source_set_time_relative(source, (uint64_t)delay_ns / 1000);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void
timer_stop(void *source)
{
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

const struct contestant bench_contestant = {
	.name = "sd-event",
	.version = version,
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
};
