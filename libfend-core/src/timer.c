/* SPDX-License-Identifier: MIT */
/*
 * Timers. An armed one is queued in the loop's heap. Each arming takes the next serial number, and
 * the heap orders equal deadlines by it.
 *
 * When its wait is over, an iteration settles that deadlines up to now are due, and later fires
 * them. What a callback arms in between for such a deadline is late: it waits beside the heap until
 * that is done, so that it fires in the next iteration and not for ever in this one.
 */
#include "timer.h"

#include <errno.h>

#include <fend-internal/deadline.h>
#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "callback.h"

FEND_PUBLIC int
fend_timer_new(struct fend_loop *loop, fend_timer_fn *fn, void *data, struct fend_timer **ret_timer)
{
	struct fend_timer *timer;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (!fn || !ret_timer)
		return -EINVAL;
	r = fend__timer_heap_reserve(&loop->timers);
	if (r < 0)
		return r;
	timer = fend__calloc(1, sizeof(*timer));
	if (!timer)
		return -ENOMEM;
	timer->loop = fend__loop_hold(loop);
	timer->fn = fn;
	timer->data = data;
	timer->index = TIMER_NOT_QUEUED;
	loop->timers.timers++;
	*ret_timer = timer;
	return 0;
}

static void
disarm(struct fend_timer *timer)
{
	fend__timer_heap_remove(&timer->loop->timers, timer);
}

FEND_PUBLIC struct fend_timer *
fend_timer_free(struct fend_timer *timer)
{
	if (!timer)
		return NULL;
	disarm(timer);
	timer->loop->timers.timers--;
	fend__loop_drop(timer->loop);
	return fend__release(timer);
}

static void
arm(struct fend_timer *timer, fend_time when, fend_time period)
{
	struct fend_loop *loop = timer->loop;

	/* Below 0 there is FEND_FOREVER. */
	timer->when = when > 0 ? when : 0;
	timer->period = period;
	timer->serial = ++loop->timers.serial;
	if (fend__unlikely(timer->when <= loop->due))
		fend__timer_heap_put_late(&loop->timers, timer);
	else
		fend__timer_heap_put(&loop->timers, timer);
	fend__embed_changed(loop);
}

static bool
is_usable(const struct fend_timer *timer)
{
	return timer && !fend__loop_is_over(timer->loop);
}

FEND_PUBLIC void
fend_timer_at(struct fend_timer *timer, fend_time when)
{
	if (is_usable(timer))
		arm(timer, when, 0);
}

FEND_PUBLIC void
fend_timer_every(struct fend_timer *timer, fend_time first, fend_time period)
{
	if (!is_usable(timer))
		return;
	if (first == FEND_FOREVER) {
		disarm(timer);
		return;
	}
	arm(timer, fend__time_add(fend__kernel->now(), first > 0 ? first : 0),
	    period > 0 ? period : 0);
}

FEND_PUBLIC void
fend_timer_after(struct fend_timer *timer, fend_time delay)
{
	fend_timer_every(timer, delay, 0);
}

FEND_PUBLIC void
fend_timer_stop(struct fend_timer *timer)
{
	if (is_usable(timer))
		disarm(timer);
}

FEND_PUBLIC void
fend_timer_set_name(struct fend_timer *timer, const char *name)
{
	if (timer)
		timer->name = name;
}

FEND_PUBLIC bool
fend_timer_is_armed(const struct fend_timer *timer)
{
	return timer && timer->index != TIMER_NOT_QUEUED;
}

FEND_PUBLIC fend_time
fend_timer_remaining(const struct fend_timer *timer)
{
	fend_time now;

	if (!fend_timer_is_armed(timer))
		return FEND_FOREVER;
	now = fend__kernel->now();
	return timer->when > now ? timer->when - now : 0;
}

fend_time
fend__timers_wait_time(struct fend_loop *loop, fend_time max_wait)
{
	fend_time until;

	if (max_wait == 0)
		return 0;
	until = fend__remaining(fend__timer_heap_top(&loop->timers)->when);
	return max_wait == FEND_FOREVER || until < max_wait ? until : max_wait;
}

void
fend__timers_settle(struct fend_loop *loop)
{
	const struct fend_timer *first = fend__timer_heap_top(&loop->timers);

	if (first && first->when <= fend_loop_now(loop))
		loop->due = fend_loop_now(loop);
}

static void
fire(struct fend_timer *timer)
{
	struct fend_loop *loop = timer->loop;
	struct callback callback;
	uint64_t expirations = 1;

	if (timer->period) {
		fend_time late = fend_loop_now(loop) - timer->when;

		expirations += (uint64_t)(late / timer->period);
		arm(timer, fend__time_add(timer->when, (fend_time)expirations * timer->period),
		    timer->period);
	}
	loop->stats.timers += !timer->internal;
	callback_begin(loop, &callback, "timer", timer->name);
	timer->fn(timer, expirations, timer->data);
	callback_end(loop, &callback);
}

void
fend__timers_run(struct fend_loop *loop)
{
	struct timer_heap *heap = &loop->timers;
	struct fend_timer *timer;

	while (!fend__loop_is_over(loop) && (timer = fend__timer_heap_top(heap)) &&
	       timer->when <= loop->due) {
		fend__timer_heap_remove(heap, timer);
		fire(timer);
	}
	loop->due = FEND_FOREVER;
	fend__timer_heap_put_back(heap);
}

void
fend__timers_close(struct fend_loop *loop)
{
	struct timer_heap *heap = &loop->timers;

	fend__timer_heap_put_back(heap);
	while (heap->n > 0)
		disarm(heap->entries[heap->n - 1].timer);
	heap->entries = fend__release(heap->entries);
	heap->capacity = 0;
}
