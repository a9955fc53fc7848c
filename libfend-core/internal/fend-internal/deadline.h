/* SPDX-License-Identifier: MIT */
#ifndef FEND_INTERNAL_DEADLINE_H
#define FEND_INTERNAL_DEADLINE_H

#include <stdbool.h>

#include <fend-internal/kernel.h>

/* A timeout parameter is 0, a positive time or FEND_FOREVER. */
static inline bool
fend__timeout_valid(fend_time timeout)
{
	return timeout >= 0 || timeout == FEND_FOREVER;
}

/* The deadline of a timeout that starts now; FEND_FOREVER stays what it is. */
static inline fend_time
fend__deadline(fend_time timeout)
{
	return timeout == FEND_FOREVER ? FEND_FOREVER
				       : fend__time_add(fend__kernel->now(), timeout);
}

/* What is left of a deadline: >= 0, or FEND_FOREVER. */
static inline fend_time
fend__remaining(fend_time deadline)
{
	fend_time now;

	if (deadline == FEND_FOREVER)
		return FEND_FOREVER;
	now = fend__kernel->now();
	return deadline > now ? deadline - now : 0;
}

#endif
