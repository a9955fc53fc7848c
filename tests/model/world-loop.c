/* SPDX-License-Identifier: MIT */
/*
 * Loops: up to two that work, and those that were freed while objects on them, or references to
 * them, are still there.
 */
#include "world.h"

#include <poll.h>
#include <string.h>

enum { WORKING = 2, LIVES = 8 };

static struct loop lives[LIVES];

void
loops_reset(void)
{
	memset(lives, 0, sizeof(lives));
}

void
loop_each(void (*fn)(struct loop *loop))
{
	int i;

	for (i = 0; i < LIVES; i++)
		if (lives[i].used)
			fn(&lives[i]);
}

int
loop_error(const struct loop *loop)
{
	return loop->freed ? -ESHUTDOWN : world.forked ? -ECHILD : 0;
}

struct loop *
loop_pick(void)
{
	struct loop *found[LIVES];
	unsigned n = 0;
	int i;

	for (i = 0; i < LIVES; i++)
		if (lives[i].used && (!lives[i].freed || lives[i].refs > 0))
			found[n++] = &lives[i];
	return n > 0 ? found[pick(n)] : NULL;
}

void
loop_object_made(struct loop *loop)
{
	loop->objects++;
}

void
loop_forget(struct loop *loop)
{
	if (loop->freed && !loop->refs && !loop->objects && !loop->dispatching)
		loop->used = false;
}

void
loop_object_gone(struct loop *loop)
{
	loop->objects--;
	loop_forget(loop);
}

void
op_loop_new(void)
{
	struct fend_loop_options options = { sizeof(options), world.options->dispatcher };
	struct loop *loop = NULL;
	unsigned working = 0;
	int i;

	for (i = LIVES - 1; i >= 0; i--) {
		if (!lives[i].used)
			loop = &lives[i];
		else if (!lives[i].freed)
			working++;
	}
	if (!loop || working >= WORKING)
		return;
	memset(loop, 0, sizeof(*loop));
	world.maker = loop;
	loop->used = CALL(0, fend_loop_new(&options, &loop->fend));
	loop->fd = -1;
	loop->woken = kernel_clock;
}

static void
free_loop(struct loop *loop)
{
	unsigned i;

	if (loop->freed)
		return;
	check(!fend_loop_free(loop->fend), "fend_loop_free() returns something");
	loop->freed = true;
	for (i = 0; kinds[i]; i++)
		if (kinds[i]->freed)
			kinds[i]->freed(loop);
	loop_forget(loop);
}

void
op_loop_free(void)
{
	struct loop *loop = loop_pick();

	if (loop && one_in(2))
		free_loop(loop);
}

void
op_loop_ref(void)
{
	struct loop *loop = loop_pick();

	if (!loop || loop->refs >= 3)
		return;
	check(fend_loop_ref(loop->fend) == loop->fend, "fend_loop_ref() returns another loop");
	loop->refs++;
}

static void
unref(struct loop *loop)
{
	check(!fend_loop_unref(loop->fend), "fend_loop_unref() returns something");
	loop->refs--;
	loop_forget(loop);
}

void
op_loop_unref(void)
{
	struct loop *loop = loop_pick();

	if (loop && loop->refs > 0)
		unref(loop);
}

static void
unref_all(struct loop *loop)
{
	while (loop->refs > 0)
		unref(loop);
}

void
loops_free(void)
{
	loop_each(free_loop);
	loop_each(unref_all);
}

/* True if a loop that sleeps in fend_loop_run() has to wake up because of this. */
bool
loop_stop(struct loop *loop)
{
	int code = (int)pick(256) - 128;

	if (!CALL(loop_error(loop), fend_loop_stop(loop->fend, code)))
		return false;
	/* Of several the first counts. */
	if (!loop->stopped)
		loop->code = code;
	loop->stopped = true;
	return true;
}

void
op_loop_stop(void)
{
	struct loop *loop = loop_pick();

	if (loop)
		loop_stop(loop);
}

void
op_loop_now(void)
{
	struct loop *loop = loop_pick();
	fend_time now;

	if (!loop || loop->freed)
		return;
	now = fend_loop_now(loop->fend);
	if (loop->now_read)
		check(now == loop->now, "fend_loop_now() changes within an iteration");
	check(now >= loop->woken && now <= kernel_clock, "fend_loop_now() is off by %lld",
	      (long long)(now - kernel_clock));
	loop->now_read = true;
	loop->now = now;
}

void
op_loop_stats(void)
{
	struct fend_loop_stats stats = { sizeof(stats) };
	struct loop *loop = loop_pick();

	/* The callbacks of the part in progress are not yet counted. */
	if (!loop || loop->dispatching || loop->freed)
		return;
	CALL(0, fend_loop_stats(loop->fend, &stats));
	check(stats.iterations == loop->stats.iterations, "iterations are miscounted");
	check(stats.tasks == loop->stats.tasks, "tasks are miscounted");
	check(stats.ios == loop->stats.ios, "I/O callbacks are miscounted");
	check(stats.timers == loop->stats.timers, "timers are miscounted");
	check(stats.signals == loop->stats.signals, "signals are miscounted");
	check(stats.children == loop->stats.children, "children are miscounted");
}

void
op_loop_timing(void)
{
	struct loop *loop = loop_pick();
	bool on = one_in(2);

	if (loop)
		CALL(loop_error(loop), fend_loop_set_timing(loop->fend, on, FEND_FOREVER));
}

static bool
has_something_to_do(struct loop *loop)
{
	return tasks_queued(loop) || timers_due(loop) || signals_pending(loop) ||
	       ios_urgent(loop) || ios_ready(loop);
}

/* What a poll-style host does before it waits, and that it is woken when it should be. */
void
op_loop_prepare(void)
{
	struct loop *loop = loop_pick();
	struct pollfd fds[64];
	fend_time timeout;
	bool wakes;
	int n;

	if (!loop)
		return;
	if (loop->freed || loop->dispatching) {
		CALL(loop->freed ? -ESHUTDOWN : -EBUSY,
		     fend_loop_prepare(loop->fend, fds, 64, &timeout));
		return;
	}
	n = fend_loop_prepare(loop->fend, fds, 64, &timeout);
	check(n >= 1 && n <= 64, "fend_loop_prepare() returns %d", n);
	loop_check_timeout(loop, timeout);
	wakes = loop_disturb(loop) || has_something_to_do(loop);
	if (wakes && timeout != 0)
		check(poll(fds, (nfds_t)n, 0) > 0 || timers_due(loop),
		      "a host would sleep while there is something to do");
}

void
op_loop_fd(void)
{
	struct loop *loop = loop_pick();
	int fd;

	if (!loop)
		return;
	if (loop->freed || !world.is_epoll) {
		CALL(loop->freed ? -ESHUTDOWN : -ENOTSUP, fend_loop_fd(loop->fend));
		return;
	}
	world.maker = NULL;
	kernel_no_fault_yet();
	fd = fend_loop_fd(loop->fend);
	if (fd < 0 && fd == kernel_fault_struck())
		return;
	check(fd >= 0, "fend_loop_fd() returns %d", fd);
	check(loop->fd < 0 || loop->fd == fd, "fend_loop_fd() has another number");
	loop->fd = fd;
}

/* fend_loop_fd() is complete at any time. */
static void
check_loop(struct loop *loop)
{
	struct pollfd entry = { .fd = loop->fd, .events = POLLIN };

	if (loop->freed || loop->fd < 0 || loop->dispatching || !has_something_to_do(loop))
		return;
	check(poll(&entry, 1, 0) == 1,
	      "fend_loop_fd() is not readable while there is something to do");
}

void
loops_check(void)
{
	loop_each(check_loop);
}

static void
forked(struct loop *loop)
{
	int error = loop_error(loop);
	fend_time timeout;

	if (loop->freed && loop->refs == 0)
		return;
	CALL(error, fend_loop_dispatch(loop->fend, 0));
	CALL(error, fend_loop_run(loop->fend, NULL));
	CALL(error, fend_loop_fd(loop->fend));
	CALL(error, fend_loop_prepare(loop->fend, NULL, 0, &timeout));
	CALL(error, fend_loop_set_timing(loop->fend, true, 0));
	CALL(-ECHILD, fend_loop_stop(loop->fend, 0));
}

void
loops_forked(void)
{
	loop_each(forked);
}
