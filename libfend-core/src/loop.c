/* SPDX-License-Identifier: MIT */
/*
 * The loop: its life, its iteration, and the wake-up that other threads use.
 *
 * Two sides keep a loop's memory: the posting end, counted in refs and shared with other threads,
 * and the objects on the loop, counted in holds by its own thread. fend_loop_free() ends the loop's
 * work at once whatever is left on either side; what remains is memory that can still be asked
 * whether the loop is gone.
 */
#include "loop.h"

#include <errno.h>
#include <stddef.h>

#include <fend-internal/deadline.h>
#include <fend-internal/public.h>

#include "dispatcher.h"
#include "probe.h"
#include "timer.h"

#define LOOP_STOP (1LL << 32)

static void
release_memory(struct fend_loop *loop)
{
	if (atomic_fetch_sub(&loop->memory, 1) > 1)
		return;
	fend__io_table_free(&loop->ios);
	fend__release(loop);
}

static void
close_wakeup(struct fend_loop *loop)
{
	fend__close(loop->wakeup[0]);
	if (loop->wakeup[1] != loop->wakeup[0])
		fend__close(loop->wakeup[1]);
}

FEND_PUBLIC struct fend_loop *
fend_loop_ref(struct fend_loop *loop)
{
	if (loop)
		atomic_fetch_add(&loop->refs, 1);
	return loop;
}

FEND_PUBLIC struct fend_loop *
fend_loop_unref(struct fend_loop *loop)
{
	if (loop && atomic_fetch_sub(&loop->refs, 1) == 1) {
		close_wakeup(loop);
		release_memory(loop);
	}
	return NULL;
}

FEND_PUBLIC struct fend_loop *
fend__loop_hold(struct fend_loop *loop)
{
	loop->holds++;
	return loop;
}

FEND_PUBLIC struct fend_loop *
fend__loop_drop(struct fend_loop *loop)
{
	if (--loop->holds == 0)
		release_memory(loop);
	return NULL;
}

FEND_PUBLIC int
fend__loop_check(const struct fend_loop *loop)
{
	if (!loop)
		return -EINVAL;
	if (fend__likely(!fend__process_is_not(loop->process)))
		return 0;
	return loop->closed ? -ESHUTDOWN : -ECHILD;
}

static void
init_lists(struct fend_loop *loop)
{
	list_init(&loop->ios.free);
	list_init(&loop->changed);
	list_init(&loop->refused);
	list_init(&loop->tasks);
	list_init(&loop->running);
	list_init(&loop->signals);
	list_init(&loop->children);
	list_init(&loop->before_wait);
	list_init(&loop->after_wait);
}

FEND_PUBLIC int
fend_loop_new(const struct fend_loop_options *options, struct fend_loop **ret_loop)
{
	struct fend_loop_options given = { 0 };
	const struct dispatcher_ops *ops = NULL;
	struct fend_loop *loop;
	int r;

	if (!ret_loop)
		return -EINVAL;
	r = fend__options_copy(&given, sizeof(given), options);
	if (r < 0)
		return r;
	r = fend__dispatcher_find(given.dispatcher, &ops);
	if (r < 0)
		return r;
	fend__process_init();
	loop = fend__calloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	atomic_init(&loop->refs, 1);
	atomic_init(&loop->memory, 2);
	loop->holds = 1;
	loop->owner = loop->process = fend__process();
	loop->ops = ops;
	loop->due = FEND_FOREVER;
	init_lists(loop);
	r = fend__kernel->wakeup(loop->wakeup);
	if (r < 0) {
		fend__release(loop);
		return r;
	}
	r = ops->open(loop, &loop->dispatcher);
	if (r < 0) {
		close_wakeup(loop);
		fend__release(loop);
		return r;
	}
	*ret_loop = loop;
	return 0;
}

FEND_PUBLIC struct fend_loop *
fend_loop_free(struct fend_loop *loop)
{
	if (!loop)
		return NULL;
	fend__attachments_free(loop);
	loop->closed = true;
	loop->process = LOOP_CLOSED;
	fend__tasks_close(loop);
	fend__timers_close(loop);
	fend__children_close(loop);
	fend__signals_close(loop);
	loop->ops->close(loop, loop->dispatcher);
	/* In a child the threads that hold references are not there to drop them. */
	if (loop->owner != fend__process()) {
		close_wakeup(loop);
		loop->wakeup[0] = loop->wakeup[1] = -1;
	}
	fend_loop_unref(loop);
	fend__loop_drop(loop);
	return NULL;
}

void
fend__loop_wake(struct fend_loop *loop)
{
	static const uint64_t one = 1;

	/* It can only fail because it is full, and then the loop is woken already. */
	if (atomic_load(&loop->sleeping) && atomic_exchange(&loop->sleeping, false))
		fend__kernel->write(loop->wakeup[1], &one, sizeof(one));
}

FEND_PUBLIC int
fend_loop_stop(struct fend_loop *loop, int code)
{
	long long none = 0;

	if (!loop)
		return -EINVAL;
	if (loop->owner != fend__process())
		return -ECHILD;
	if (fend__tasks_closed(loop))
		return -ESHUTDOWN;
	atomic_compare_exchange_strong(&loop->stop, &none, LOOP_STOP | (unsigned)code);
	fend__loop_wake(loop);
	return 0;
}

/*
 * The parts of an iteration are one function to the compiler, in each of the two that iterate: what
 * they cost is what every program pays that has one descriptor ready at a time.
 */
#define PART static inline __attribute__((always_inline))

/* What comes before the wait, if there is any of it. */
static void
prepare(struct fend_loop *loop)
{
	if (fend__tasks_queued(loop))
		fend__tasks_run(loop);
	fend__hooks_run(loop, &loop->before_wait);
}

PART int
wait_for_events(struct fend_loop *loop, fend_time max_wait, bool heed_stop)
{
	fend_time start = fend__unlikely(loop->timing) ? fend__kernel->now() : 0;
	int ready;

	if (!list_is_empty(&loop->changed))
		fend__ios_flush(loop);
	/* From here on whoever wants the loop awake writes the wake-up; look once more after that. */
	atomic_store(&loop->sleeping, true);
	if (heed_stop && fend__unlikely(atomic_load(&loop->stop)))
		max_wait = 0;
	ready = loop->ops->wait(loop, loop->dispatcher, fend__loop_wait_time(loop, max_wait));
	atomic_store_explicit(&loop->sleeping, false, memory_order_relaxed);
	loop->now_valid = false;
	if (fend__unlikely(loop->timing))
		loop->stats.waiting += fend__kernel->now() - start;
	FEND_PROBE_ITERATION(loop, ready);
	return ready;
}

/* What comes after it. */
PART void
dispatch(struct fend_loop *loop, int ready)
{
	if (loop->timers.n > 0)
		fend__timers_settle(loop);
	if (fend__unlikely(!list_is_empty(&loop->after_wait)))
		fend__hooks_run(loop, &loop->after_wait);
	if (fend__unlikely(!list_is_empty(&loop->refused)))
		fend__refused_run(loop);
	if (ready > 0)
		loop->ops->report(loop, loop->dispatcher, ready);
	if (loop->due >= 0)
		fend__timers_run(loop);
	if (fend__signals_pending(loop) && !fend__loop_is_over(loop))
		fend__signals_run(loop);
	if (fend__unlikely(loop->ended > 0) && !fend__loop_is_over(loop))
		fend__children_run(loop);
}

/* 0 or -errno. */
PART int
iterate(struct fend_loop *loop, fend_time max_wait, bool running)
{
	bool tasks = fend__tasks_queued(loop);
	int ready;

	loop->stats.iterations++;
	if (tasks || fend__unlikely(!list_is_empty(&loop->before_wait))) {
		prepare(loop);
		if (fend__loop_is_over(loop))
			return fend__loop_check(loop);
		/* Who asked for one iteration wants to hear of the tasks, not wait for more. */
		if (tasks && !running)
			max_wait = 0;
	}
	ready = wait_for_events(loop, max_wait, running);
	if (fend__unlikely(ready < 0) && ready != -EINTR) {
		/* Whoever let go of something before the wait is to have it back. */
		fend__hooks_run(loop, &loop->after_wait);
	} else {
		dispatch(loop, ready);
		ready = 0;
	}
	return fend__loop_is_over(loop) ? fend__loop_check(loop) : ready;
}

static int
enter(struct fend_loop *loop)
{
	int r = fend__loop_check(loop);

	if (r < 0)
		return r;
	if (loop->dispatching)
		return -EBUSY;
	loop->dispatching = true;
	fend__loop_hold(loop);
	return 0;
}

static void
leave(struct fend_loop *loop)
{
	loop->dispatching = false;
	if (loop->embedded && !fend__loop_is_over(loop))
		fend__embed_settle(loop);
	fend__loop_drop(loop);
}

static uint64_t
count_callbacks(const struct fend_loop_stats *stats)
{
	return stats->tasks + stats->ios + stats->timers + stats->signals + stats->children;
}

FEND_PUBLIC int
fend_loop_dispatch(struct fend_loop *loop, fend_time max_wait)
{
	uint64_t before;
	int r;

	if (!fend__timeout_valid(max_wait))
		return -EINVAL;
	r = enter(loop);
	if (r < 0)
		return r;
	before = count_callbacks(&loop->stats);
	r = iterate(loop, max_wait, false);
	if (r == 0)
		r = (int)(count_callbacks(&loop->stats) - before);
	leave(loop);
	return r;
}

FEND_PUBLIC int
fend_loop_run(struct fend_loop *loop, int *ret_code)
{
	int r;

	r = enter(loop);
	if (r < 0)
		return r;
	while (r == 0 && fend__likely(!atomic_load(&loop->stop)))
		r = iterate(loop, FEND_FOREVER, true);
	if (r == 0) {
		long long stop = atomic_exchange(&loop->stop, 0);

		if (ret_code)
			*ret_code = (int)(unsigned)stop;
	}
	leave(loop);
	return r;
}

FEND_PUBLIC fend_time
fend_loop_now(struct fend_loop *loop)
{
	if (!loop)
		return -EINVAL;
	if (!loop->now_valid) {
		loop->now = fend__kernel->now();
		loop->now_valid = true;
	}
	return loop->now;
}

FEND_PUBLIC fend_time
fend_now(void)
{
	return fend__kernel->now();
}

FEND_PUBLIC const char *
fend_loop_dispatcher(const struct fend_loop *loop)
{
	return loop ? loop->ops->name : NULL;
}

FEND_PUBLIC unsigned
fend_loop_features(const struct fend_loop *loop)
{
	return loop ? loop->ops->features : 0;
}
