/* SPDX-License-Identifier: MIT */
/* The clock that jumps: a kernel door with now() of its own, and waits that advance it. */
#include "stopwatch.h"

#include <fend-internal/kernel.h>

#include "fend-test.h"

#define REAL (&fend__kernel_real)
#define GRACE (FEND_MS(20) * test_slowness())

static struct fend__kernel kernel;
static fend_time now, grace;

static fend_time
stopped_now(void)
{
	return now;
}

/* How long to wait really before a wait of timeout is taken for over. */
static fend_time
patience(fend_time timeout)
{
	fend_time patience = grace ? grace : GRACE;

	return timeout == 0 || timeout == FEND_FOREVER ? timeout : patience;
}

static int
jump(int found, fend_time timeout)
{
	if (found == 0 && timeout != FEND_FOREVER)
		now += timeout;
	return found;
}

static int
jumping_poll(struct pollfd *fds, size_t n, fend_time timeout)
{
	return jump(REAL->poll(fds, n, patience(timeout)), timeout);
}

static int
jumping_epoll_wait(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
	return jump(REAL->epoll_wait(epoll, events, n, patience(timeout)), timeout);
}

void
stopwatch_start(void)
{
	kernel = fend__kernel_real;
	kernel.now = stopped_now;
	kernel.poll = jumping_poll;
	kernel.epoll_wait = jumping_epoll_wait;
	now = REAL->now();
	grace = 0;
	fend__kernel = &kernel;
}

void
stopwatch_end(void)
{
	fend__kernel = &fend__kernel_real;
}

void
stopwatch_set_grace(fend_time new_grace)
{
	grace = new_grace;
}
