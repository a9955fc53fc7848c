/* SPDX-License-Identifier: MIT */
/*
 * Timers: which are due is settled when the wait is over; these fire in that iteration, by deadline
 * and then in the order of arming, unless a callback stops, re-arms or frees them.
 */
#include "world.h"

enum { TIMERS = 6 };

static struct timer {
	struct fend_timer *fend; /* NULL: none */
	struct loop *loop;
	bool armed, due;
	fend_time when, period;
	unsigned long serial;
} timers[TIMERS];
static unsigned long serials;

static void
reset(void)
{
	int i;

	for (i = 0; i < TIMERS; i++)
		timers[i] = (struct timer){ 0 };
	serials = 0;
}

static bool
is_armed_on(const struct timer *timer, const struct loop *loop)
{
	return timer->fend && timer->armed && timer->loop == loop;
}

static void
woken(struct loop *loop)
{
	int i;

	for (i = 0; i < TIMERS; i++)
		if (is_armed_on(&timers[i], loop) && timers[i].when <= kernel_clock)
			timers[i].due = !loop->error;
}

static void
end(struct loop *loop)
{
	int i;

	for (i = 0; i < TIMERS; i++)
		check(!is_armed_on(&timers[i], loop) || !timers[i].due, "timer %d does not fire",
		      i);
}

static fend_time
add(fend_time a, fend_time b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static void
arm(struct timer *timer, fend_time when, fend_time period)
{
	timer->armed = true;
	timer->due = false;
	timer->when = when;
	timer->period = period;
	timer->serial = ++serials;
}

static void
disarm(struct timer *timer)
{
	timer->armed = timer->due = false;
}

static void
check_order(const struct timer *timer)
{
	int i;

	for (i = 0; i < TIMERS; i++) {
		const struct timer *other = &timers[i];

		if (!other->due || !is_armed_on(other, timer->loop))
			continue;
		check(other->when > timer->when ||
			      (other->when == timer->when && other->serial >= timer->serial),
		      "timer %d fires before its turn", (int)(timer - timers));
	}
}

static void
on_timer(struct fend_timer *fend, uint64_t expirations, void *data)
{
	struct timer *timer = data;
	struct loop *loop = timer->loop;
	uint64_t expected = 1;

	check(timer->fend, "a freed timer fires");
	check(timer->armed, "a stopped timer fires");
	check(timer->when <= kernel_clock, "a timer fires early");
	check(timer->due, "a timer fires in the iteration it was armed in");
	callback_begin(loop, PART_TIMERS);
	check(fend == timer->fend, "a timer fires with another's address");
	check_order(timer);
	disarm(timer);
	if (timer->period) {
		expected += (uint64_t)((loop->woken - timer->when) / timer->period);
		arm(timer, add(timer->when, (fend_time)expected * timer->period), timer->period);
	}
	check(expirations == expected, "%llu expirations, not %llu",
	      (unsigned long long)expirations, (unsigned long long)expected);
	loop->stats.timers++;
	callback_end(loop);
}

void
op_timer_new(void)
{
	struct loop *loop = loop_pick();
	struct timer *timer = NULL;
	int i;

	for (i = TIMERS - 1; i >= 0; i--)
		if (!timers[i].fend)
			timer = &timers[i];
	if (!loop || !timer)
		return;
	if (!CALL(loop_error(loop), fend_timer_new(loop->fend, on_timer, timer, &timer->fend)))
		return;
	timer->loop = loop;
	disarm(timer);
	loop_object_made(loop);
}

/* The getters agree, in whatever state it is. */
static void
check_getters(const struct timer *timer)
{
	fend_time left = timer->when > kernel_clock ? timer->when - kernel_clock : 0;

	check(fend_timer_is_armed(timer->fend) == timer->armed, "fend_timer_is_armed() is wrong");
	check(fend_timer_remaining(timer->fend) == (timer->armed ? left : FEND_FOREVER),
	      "fend_timer_remaining() is wrong");
}

static struct timer *
pick_timer(void)
{
	struct timer *timer = &timers[pick(TIMERS)];

	return timer->fend ? timer : NULL;
}

static void
every(struct timer *timer, fend_time first, fend_time period)
{
	if (loop_error(timer->loop))
		return;
	if (first == FEND_FOREVER)
		disarm(timer);
	else
		arm(timer, add(kernel_clock, first > 0 ? first : 0), period > 0 ? period : 0);
}

void
op_timer_after(void)
{
	struct timer *timer = pick_timer();
	fend_time delay = pick_time();

	if (!timer)
		return;
	fend_timer_after(timer->fend, delay);
	every(timer, delay, 0);
	check_getters(timer);
}

void
op_timer_at(void)
{
	struct timer *timer = pick_timer();
	fend_time when = pick_time();

	if (!timer)
		return;
	/* Now and then two have the same deadline. */
	if (when > 0 && when < INT64_MAX)
		when += kernel_clock / FEND_MS(3) * FEND_MS(3);
	fend_timer_at(timer->fend, when);
	if (!loop_error(timer->loop))
		arm(timer, when > 0 ? when : 0, 0);
	check_getters(timer);
}

void
op_timer_every(void)
{
	struct timer *timer = pick_timer();
	fend_time first = pick_time(), period = pick_time();

	if (!timer)
		return;
	fend_timer_every(timer->fend, first, period);
	every(timer, first, period);
	check_getters(timer);
}

static void
stop(struct timer *timer)
{
	fend_timer_stop(timer->fend);
	if (!loop_error(timer->loop))
		disarm(timer);
	check_getters(timer);
}

void
op_timer_stop(void)
{
	struct timer *timer = pick_timer();

	if (timer)
		stop(timer);
}

static void
release(struct timer *timer)
{
	if (!timer->fend)
		return;
	timer->fend = fend_timer_free(timer->fend);
	check(!timer->fend, "fend_timer_free() returns something");
	loop_object_gone(timer->loop);
}

void
op_timer_free(void)
{
	release(&timers[pick(TIMERS)]);
}

void
timers_stop(struct loop *loop)
{
	int i;

	for (i = 0; i < TIMERS; i++)
		if (is_armed_on(&timers[i], loop))
			stop(&timers[i]);
}

fend_time
timers_remaining(struct loop *loop)
{
	fend_time least = FEND_FOREVER;
	int i;

	for (i = 0; i < TIMERS; i++) {
		const struct timer *timer = &timers[i];
		fend_time left = timer->when > kernel_clock ? timer->when - kernel_clock : 0;

		if (is_armed_on(timer, loop) && (least == FEND_FOREVER || left < least))
			least = left;
	}
	return least;
}

bool
timers_due(struct loop *loop)
{
	return timers_remaining(loop) == 0;
}

static void
freed(struct loop *loop)
{
	int i;

	for (i = 0; i < TIMERS; i++)
		if (timers[i].loop == loop)
			disarm(&timers[i]);
}

/* In a child arming and stopping do nothing. */
static void
forked(void)
{
	int i;

	for (i = 0; i < TIMERS; i++) {
		if (!timers[i].fend)
			continue;
		fend_timer_after(timers[i].fend, 0);
		fend_timer_at(timers[i].fend, 0);
		fend_timer_stop(timers[i].fend);
		check_getters(&timers[i]);
	}
}

static void
free_all(void)
{
	int i;

	for (i = 0; i < TIMERS; i++)
		release(&timers[i]);
}

const struct kind timer_kind = {
	.reset = reset,
	.woken = woken,
	.end = end,
	.freed = freed,
	.forked = forked,
	.free = free_all,
};
