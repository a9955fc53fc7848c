/* SPDX-License-Identifier: MIT */
#ifndef FEND_STATS_H
#define FEND_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fend/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;

/* How much of a source's name is kept, with the final NUL. */
#define FEND_NAME_MAX 32

/* What a loop has done since it was made. */
struct fend_loop_stats {
	size_t size; /* sizeof(struct fend_loop_stats), set by the caller */

	uint64_t iterations; /* begun */
	/* callbacks called, by what for; hooks do not count */
	uint64_t tasks, ios, timers, signals, children;

	/* while timing was on */
	fend_time waiting;                /* in the wait */
	fend_time busy;                   /* in callbacks, hooks included */
	fend_time longest;                /* the longest callback */
	char longest_name[FEND_NAME_MAX]; /* the name or kind of what it belonged to */
};

/*
 * Fill in as much of *ret_stats as its size says. Fields that this version does not know become 0.
 *   -EINVAL  ret_stats->size is not set
 */
int fend_loop_stats(const struct fend_loop *loop, struct fend_loop_stats *ret_stats);

/*
 * Measure times, at the price of two clock readings per callback. While it is on, a callback that
 * takes longer than slow is told to the log (<fend/log.h>): 0: 100 ms; FEND_FOREVER: none is.
 */
int fend_loop_set_timing(struct fend_loop *loop, bool on, fend_time slow);

#ifdef __cplusplus
}
#endif

#endif
