/* SPDX-License-Identifier: MIT */
#ifndef STANDARD_H
#define STANDARD_H

/*
 * A program may be started with standard input, output or error closed, and the next descriptor it
 * opens would then take that number: what is meant for standard output would go into a socket. Fill
 * the gaps with descriptors on which reading or writing, respectively, fails with EBADF. To be
 * called before anything is opened. Returns 0 or -errno.
 */
int standard_fill_gaps(void);

#endif
