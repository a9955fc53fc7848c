/* SPDX-License-Identifier: MIT */
#ifndef FEND_TIME_H
#define FEND_TIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Every time in fend is a fend_time: nanoseconds in 64 signed bits, which last 292 years. A point
 * in time is a reading of CLOCK_MONOTONIC (clock_gettime(2)), so it never jumps; it is comparable
 * only within one boot of one machine.
 *
 * Every timeout parameter takes 0 for "now, do not wait" and FEND_FOREVER for "no limit"; other
 * negative values are -EINVAL. In an option struct a time left 0 means that option's default.
 */
typedef int64_t fend_time;

/* No limit, as a timeout. */
#define FEND_FOREVER ((fend_time)-1)

/* n microseconds, milliseconds and seconds. */
#define FEND_US(n) (1000 * (fend_time)(n))
#define FEND_MS(n) (1000000 * (fend_time)(n))
#define FEND_SEC(n) (1000000000 * (fend_time)(n))

/* A fresh reading of CLOCK_MONOTONIC. [any thread] Cannot fail. */
fend_time fend_now(void);

#ifdef __cplusplus
}
#endif

#endif
