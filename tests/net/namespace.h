/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_NET_NAMESPACE_H
#define FEND_TEST_NET_NAMESPACE_H

#include "fend-test.h"

/*
 * Run play with a loop, a process and a network namespace of its own. Nothing is there but the
 * loopback interface, which is up. Skips the test where that may not be made, or ip(8) is missing.
 */
void in_namespace(test_fn *play);

/* Within: run ip(8) with these arguments, which must succeed. */
void ip(const char *arguments, ...) G_GNUC_PRINTF(1, 2);
/* A device that swallows what is sent to 192.0.2.0/24 and 2001:db8::/64. */
void ip_add_hole(void);

#endif
