/* SPDX-License-Identifier: MIT */
#ifndef FEND_SOURCES_H
#define FEND_SOURCES_H

#include <stdbool.h>

#include <fend/time.h>

#include "request.h"

enum {
	SOURCES_KEPT = 32,
};

/* The kernel's choice of source addresses, as far as it was asked for lately; zeroed at first. */
struct sources {
	struct source {
		struct host_address to, from;
		fend_time until; /* 0: there is none */
	} kept[SOURCES_KEPT];
};

/*
 * From which of this host's addresses would be sent to another? False: it cannot be reached.
 * sources NULL: nothing is kept.
 */
bool fend__source_find(struct sources *sources, const struct host_address *to,
		       struct host_address *ret_from);

#endif
