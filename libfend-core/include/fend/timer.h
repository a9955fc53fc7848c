/* SPDX-License-Identifier: MIT */
#ifndef FEND_TIMER_H
#define FEND_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include <fend/cleanup.h>
#include <fend/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;

/*
 * A timer on CLOCK_MONOTONIC, with nanoseconds as far as the kernel grants them.
 *
 * It never fires early. Timers with equal deadlines fire in the order they were armed in. Which
 * timers are due is settled when an iteration's wait is over: one armed in a callback after that
 * fires in a later iteration, even if it is due at once, so that a timer which re-arms itself for
 * ever with 0 does not keep descriptors from being served.
 */
struct fend_timer;

/*
 * expirations: how many deadlines have passed since the last call: 1, or more if a periodic timer
 * was held up; those missed are counted here, not called for one by one.
 */
typedef void fend_timer_fn(struct fend_timer *timer, uint64_t expirations, void *data);

/* Make a timer. It is not armed. All it will ever need is reserved here: arming cannot fail. */
int fend_timer_new(struct fend_loop *loop, fend_timer_fn *fn, void *data,
		   struct fend_timer **ret_timer);

/* After it returns fn is not called any more. NULL does nothing. Returns NULL. */
struct fend_timer *fend_timer_free(struct fend_timer *timer);

/*
 * Arm the timer, in place of what it was armed for before:
 *   _after  once, delay from this very moment (not from fend_loop_now()); < 0 counts as 0, except
 *           that FEND_FOREVER disarms
 *   _at     once, at when, on the clock of fend_now(); a past time is due at once, and every
 *           negative one is past, FEND_FOREVER included
 *   _every  at first from this moment, and then each period after the deadline before, so it does
 *           not drift; a period <= 0 means once
 *
 * An armed timer that is armed for later costs next to nothing until the earlier time comes. Who
 * restarts many idle timeouts saves the clock reading, too:
 * fend_timer_at(timer, fend_loop_now(loop) + timeout), which is earlier by what has passed in the
 * iteration so far.
 */
void fend_timer_after(struct fend_timer *timer, fend_time delay);
void fend_timer_at(struct fend_timer *timer, fend_time when);
void fend_timer_every(struct fend_timer *timer, fend_time first, fend_time period);

/* Disarm. After it returns fn is not called until the timer is armed again. */
void fend_timer_stop(struct fend_timer *timer);

/* Will it fire? In its own callback only if it is periodic, or was armed again. */
bool fend_timer_is_armed(const struct fend_timer *timer);

/* Time left until the deadline by fend_now(), 0 if it has passed; FEND_FOREVER if not armed. */
fend_time fend_timer_remaining(const struct fend_timer *timer);

/*
 * Name it in statistics and traces (<fend/stats.h>). The string is borrowed: it must stay as long
 * as the timer does. NULL: no name.
 */
void fend_timer_set_name(struct fend_timer *timer, const char *name);

FEND_DEFINE_CLEANUP(fend_timer)

#ifdef __cplusplus
}
#endif

#endif
