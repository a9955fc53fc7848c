/* SPDX-License-Identifier: MIT */
/*
 * Iterations: what runs when, how long the library may wait, and what each iteration must have done
 * when it is over. fend_loop_run() iterates on its own; where its next iteration begins shows in
 * a callback, or in a wait, that belongs to an earlier part than the last one did.
 */
#include "world.h"

static void
begin(struct loop *loop)
{
	unsigned i;

	loop->part = PART_TASKS;
	loop->calls = 0;
	loop->error = 0;
	loop->stats.iterations++;
	for (i = 0; kinds[i]; i++)
		if (kinds[i]->begin)
			kinds[i]->begin(loop);
}

static void
finish(struct loop *loop)
{
	unsigned i;

	for (i = 0; kinds[i]; i++)
		if (kinds[i]->end)
			kinds[i]->end(loop);
}

static bool
begins_anew(const struct loop *loop, enum part part)
{
	return loop->running && part <= PART_WAIT && loop->part > PART_WAIT;
}

void
callback_begin(struct loop *loop, enum part part)
{
	check(!world.forked, "a callback in a child that returned from one");
	check(world.core, "a callback while the library was not asked to dispatch");
	check(loop == world.innermost, "a callback of a loop that does not run");
	check(!loop->freed, "a callback of a freed loop");
	if (begins_anew(loop, part)) {
		finish(loop);
		begin(loop);
	}
	check(part >= loop->part, "part %d of an iteration after part %d", part, loop->part);
	check((part > PART_WAIT) == (loop->part > PART_WAIT),
	      "part %d on the wrong side of the wait", part);
	loop->part = part;
	if (part != PART_BEFORE && part != PART_AFTER)
		loop->calls++;
	world.core = false;
}

void
callback_end(struct loop *loop)
{
	act();
	world.core = true;
}

/* How long the loop may wait now: not longer, and not shorter either, which would be a spin. */
static void
check_patience(struct loop *loop, fend_time timeout, fend_time most, bool hurry)
{
	fend_time until = timers_remaining(loop);

	if (until != FEND_FOREVER && (most == FEND_FOREVER || until < most))
		most = until;
	if (hurry || tasks_queued(loop) || ios_urgent(loop) || signals_pending(loop))
		most = 0;
	if (timeout == 0 && (loop->hurried || children_ended(loop)))
		return;
	check(timeout == most, "a wait of %lld, not %lld", (long long)timeout, (long long)most);
}

void
loop_check_timeout(struct loop *loop, fend_time timeout)
{
	check_patience(loop, timeout, FEND_FOREVER, false);
}

bool
loop_disturb(struct loop *loop)
{
	bool core = world.core, pending = signals_pending(loop), wakes = false;

	world.core = false;
	switch (next_byte()) {
	case 200 ... 211:
		wakes = task_post_from_outside(loop);
		break;
	case 212 ... 221:
		op_channel_write();
		break;
	case 222 ... 226:
		op_channel_drain();
		break;
	case 227 ... 231:
		op_channel_shutdown();
		break;
	case 232 ... 241:
		op_signal_raise();
		wakes = !pending && signals_pending(loop);
		break;
	case 242 ... 247:
		op_child_end();
		break;
	case 248 ... 255:
		wakes = loop_stop(loop);
		break;
	}
	world.core = core;
	return wakes;
}

void
loop_wait(struct loop *loop, fend_time timeout)
{
	unsigned i;

	check(world.core, "a wait outside of a dispatch");
	if (begins_anew(loop, PART_WAIT)) {
		finish(loop);
		begin(loop);
	}
	check(loop->part < PART_WAIT, "two waits in an iteration");
	for (i = 0; kinds[i]; i++)
		if (kinds[i]->wait)
			kinds[i]->wait(loop);
	loop->part = PART_WAIT;
	check_patience(loop, timeout, loop->max_wait,
		       loop->running ? loop->stopped : loop->calls > 0);
	loop->was_hurried = loop->hurried;
	loop->hurried = false;
	loop->disturbed = loop_disturb(loop);
	if (loop->running && loop->waits_left-- == 0)
		loop->disturbed |= loop_stop(loop);
}

void
loop_woken(struct loop *loop, int ready, int limit)
{
	unsigned i;

	check(ready != 0 || !loop->disturbed, "a sleeping loop is not woken");
	loop->part = PART_AFTER;
	loop->error = ready < 0 && ready != -EINTR ? ready : 0;
	if (loop->error)
		loop->hurried |= loop->was_hurried;
	loop->reported = ready >= 0;
	loop->complete = ready >= 0 && ready < limit;
	loop->batch = limit;
	loop->woken = kernel_clock;
	loop->now_read = false;
	for (i = 0; kinds[i]; i++)
		if (kinds[i]->woken)
			kinds[i]->woken(loop);
}

/* What is the same for fend_loop_dispatch() and fend_loop_run(). */
static int
enter(struct loop *loop, fend_time max_wait, bool running, int *ret_code)
{
	struct loop *outer = world.innermost;
	int r;

	loop->dispatching = true;
	loop->running = running;
	loop->max_wait = max_wait;
	loop->error = 0;
	world.innermost = loop;
	world.nested++;
	if (!running || !loop->stopped)
		begin(loop);
	else
		loop->part = PART_CHILDREN;
	world.core = true;
	r = running ? fend_loop_run(loop->fend, ret_code)
		    : fend_loop_dispatch(loop->fend, max_wait);
	world.core = false;
	world.nested--;
	world.innermost = outer;
	loop->dispatching = loop->running = false;
	return r;
}

/* The same for what they return, but for success; false: there was none. */
static bool
leave(struct loop *loop, int r)
{
	int error = loop_error(loop);

	if (error == 0)
		error = loop->error;
	if (error)
		check(r == error, "a loop returns %d, not %d", r, error);
	else
		check(r >= 0, "a loop returns %d", r);
	if (loop->freed)
		loop_forget(loop);
	return error == 0;
}

static void
dispatch(struct loop *loop, fend_time max_wait)
{
	int r;

	if (loop->freed || loop->dispatching) {
		CALL(loop->freed ? -ESHUTDOWN : -EBUSY, fend_loop_dispatch(loop->fend, max_wait));
		return;
	}
	if (world.nested >= 3)
		return;
	r = enter(loop, max_wait, false, NULL);
	if (!leave(loop, r))
		return;
	finish(loop);
	check(r == loop->calls, "%d callbacks, and fend_loop_dispatch() says %d", loop->calls, r);
}

void
op_loop_dispatch(void)
{
	static const fend_time waits[] = { 0,          0,          0,           FEND_US(5),
					   FEND_MS(1), FEND_MS(3), FEND_MS(10), FEND_FOREVER };
	struct loop *loop = loop_pick();
	fend_time max_wait = waits[pick(8)];

	if (loop)
		dispatch(loop, max_wait);
}

void
op_loop_run(void)
{
	struct loop *loop = loop_pick();
	int code = -1, r;
	bool at_once;

	if (!loop || world.nested >= 3)
		return;
	if (loop->freed || loop->dispatching) {
		CALL(loop->freed ? -ESHUTDOWN : -EBUSY, fend_loop_run(loop->fend, &code));
		return;
	}
	at_once = loop->stopped;
	loop->waits_left = pick(4);
	r = enter(loop, FEND_FOREVER, true, &code);
	if (!leave(loop, r))
		return;
	if (!at_once)
		finish(loop);
	check(r == 0, "fend_loop_run() returns %d", r);
	check(loop->stopped && code == loop->code, "fend_loop_run() ends with code %d", code);
	loop->stopped = false;
}

void
loop_settle(struct loop *loop)
{
	fend_time start;
	int i;

	if (loop->freed)
		return;
	ios_park(loop);
	timers_stop(loop);
	for (i = 0; i < 100; i++) {
		start = kernel_clock;
		dispatch(loop, FEND_MS(1));
		if (loop->freed || (loop->calls == 0 && kernel_clock == start + FEND_MS(1)))
			return;
	}
	fail("a loop without anything to do does not sleep");
}
