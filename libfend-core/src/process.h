/* SPDX-License-Identifier: MIT */
#ifndef FEND_PROCESS_H
#define FEND_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>

#include <fend-internal/loop.h>

/* Is this a child of the process that had this number? */
static inline bool
fend__process_is_not(unsigned process)
{
	return atomic_load_explicit(fend__process_number, memory_order_relaxed) != process;
}

#endif
