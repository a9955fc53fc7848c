/* SPDX-License-Identifier: MIT */
#ifndef FEND_TIMER_PRIVATE_H
#define FEND_TIMER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fend/task.h>
#include <fend/timer.h>

#define TIMER_NOT_QUEUED SIZE_MAX

struct fend_timer {
	struct fend_loop *loop;
	fend_timer_fn *fn;
	void *data;
	const char *name;
	fend_time when;    /* the deadline, while armed */
	fend_time period;  /* 0: once */
	uint64_t serial;   /* of the arming: the order among equal deadlines */
	uint64_t queued;   /* the serial that the heap entry stands for */
	size_t index;      /* of the heap entry, or TIMER_NOT_QUEUED */
	struct fend_link due; /* in loop->due: settled to fire in this iteration */
	bool armed;
	bool internal; /* the loop's own: not counted among the callbacks */
};

#endif
