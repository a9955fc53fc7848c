/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_CLOCK_H
#define FEND_TEST_CLOCK_H

#include <fend/time.h>

/*
 * A clock for tests that measure. It stands still while something happens; a wait in which nothing
 * does becomes a jump to its end, after a moment of real time (the grace) for the kernel to deliver
 * what was sent. So times are exact however slow the machine is, and long ones cost nothing.
 *
 * Install it before the first object is made that reads the clock, and remove it after the last is
 * gone. What c-ares measures for itself, and what the kernel does, still takes its real time.
 */
void clock_install(void);
void clock_remove(void);

/* The grace from now on; 0: the usual one. For what takes the kernel time, such as a lost SYN. */
void clock_set_grace(fend_time grace);

#endif
