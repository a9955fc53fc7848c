/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_DNS_STOPWATCH_H
#define FEND_TEST_DNS_STOPWATCH_H

#include <fend/time.h>

/*
 * A clock for tests that measure. It stands still while something happens; a wait in which nothing
 * does becomes a jump to its end, after a moment of real time (the grace) for the kernel to deliver
 * what was sent. So times are exact however slow the machine is, and long ones cost nothing.
 *
 * It counts between _start and _end, with objects that were made in between or do not mind. What
 * c-ares measures for itself, and what the kernel does, still takes its real time.
 */
void stopwatch_start(void);
void stopwatch_end(void);

/* The grace from now on; 0: the usual one. For what takes the kernel time, such as a lost SYN. */
void stopwatch_set_grace(fend_time grace);

#endif
