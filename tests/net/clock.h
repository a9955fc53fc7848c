/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_NET_CLOCK_H
#define FEND_TEST_NET_CLOCK_H

#include <fend/time.h>

/*
 * A clock that stands still until a loop waits: what is ready is told at once, and if nothing is,
 * the wait is over and the clock has moved. It goes on top of the kernel door that is there.
 * Install it before the first loop is made, and remove it after the last is gone.
 */
void clock_install(void);
void clock_remove(void);
/* Move it. */
void clock_pass(fend_time time);

#endif
