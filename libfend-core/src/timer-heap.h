/* SPDX-License-Identifier: MIT */
#ifndef FEND_TIMER_HEAP_H
#define FEND_TIMER_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include <fend/time.h>

struct fend_timer;

/*
 * A 4-ary heap of timers in an array, each entry with a copy of its key, so that comparing touches
 * no timer unless two keys are equal.
 *
 * An entry's key may be earlier than its timer's deadline, never later: arming an already queued
 * timer for later just writes the deadline down, which makes restarting an idle timeout free. The
 * entry is moved when it reaches the top.
 *
 * Late timers, which are queued but not in the heap for now, have the entries from the end of the
 * array backwards.
 */
struct timer_entry {
	fend_time key;
	struct fend_timer *timer;
};

struct timer_heap {
	struct timer_entry *entries;
	size_t n, late, capacity;
	size_t timers;   /* that exist, queued or not: there is room for all of them */
	uint64_t serial; /* of the last arming */
};

int fend__timer_heap_reserve(struct timer_heap *heap);
/* Queue timer, or move it, to where its deadline demands. */
void fend__timer_heap_put(struct timer_heap *heap, struct fend_timer *timer);
void fend__timer_heap_put_late(struct timer_heap *heap, struct fend_timer *timer);
/* No timer is late any more. */
void fend__timer_heap_put_back(struct timer_heap *heap);
/* Late or not. */
void fend__timer_heap_remove(struct timer_heap *heap, struct fend_timer *timer);
/* The timer with the earliest deadline, NULL: none is queued. Its key is exact. */
struct fend_timer *fend__timer_heap_top(struct timer_heap *heap);

#endif
