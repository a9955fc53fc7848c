/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <fend-internal/kernel.h>

static const struct fend__kernel *below;
static struct fend__kernel door;
static fend_time now;

static fend_time
clock_now(void)
{
	return now;
}

void
clock_pass(fend_time time)
{
	now += time;
}

static int
clock_poll(struct pollfd *fds, size_t n, fend_time timeout)
{
	int r = below->poll(fds, n, timeout < 0 ? timeout : 0);

	if (r == 0)
		clock_pass(timeout);
	return r;
}

static int
clock_epoll_wait(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
	int r = below->epoll_wait(epoll, events, n, timeout < 0 ? timeout : 0);

	if (r == 0)
		clock_pass(timeout);
	return r;
}

void
clock_install(void)
{
	below = fend__kernel;
	now = below->now();
	door = *below;
	door.now = clock_now;
	door.poll = clock_poll;
	door.epoll_wait = clock_epoll_wait;
	fend__kernel = &door;
}

void
clock_remove(void)
{
	fend__kernel = below;
}
