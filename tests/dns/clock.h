/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_DNS_CLOCK_H
#define FEND_TEST_DNS_CLOCK_H

#include <fend/core.h>

/*
 * The clock of fend, which a test can set forward between _start and _end. That of c-ares is
 * another and goes on as ever.
 */
void clock_start(void);
void clock_end(void);
void clock_forward(fend_time by);

#endif
