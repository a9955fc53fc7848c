/* SPDX-License-Identifier: MIT */
#ifndef FEND_TIMER_PRIVATE_H
#define FEND_TIMER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include <fend/timer.h>

#define TIMER_NOT_QUEUED UINT32_MAX

/* Small, and what the heap touches comes first: with many timers the cache decides how fast they are. */
struct fend_timer {
	struct fend_loop *loop;
	uint32_t index;   /* of the heap's entry, or TIMER_NOT_QUEUED */
	bool internal;    /* the loop's own: not counted among the callbacks */
	fend_time when;   /* the deadline, while armed */
	uint64_t serial;  /* of the arming: the order among equal deadlines */
	uint64_t queued;  /* the serial that the heap entry stands for */
	fend_time period; /* 0: once */
	fend_timer_fn *fn;
	void *data;
	const char *name;
};

#endif
