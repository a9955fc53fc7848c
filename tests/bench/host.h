/* SPDX-License-Identifier: MIT */
#ifndef FEND_BENCH_HOST_H
#define FEND_BENCH_HOST_H

#include "bench.h"
#include "echo.h"

/*
 * Runs the servers of bench-echo and bench-tls: each in a process of its own, with the load from
 * another, on a processor of its own if there are two.
 */
enum { HOST_NOTES = 4 };

/* What the server had used when the load asked for it, or had ended, which is the last note. */
struct host_note {
	int64_t cpu;
	size_t heap, resident;
	int descriptors;
};

struct host_outcome {
	struct host_note notes[HOST_NOTES];
	int n;
	struct load_result result;
};

/* name: the program's, for messages. Raises the limit of descriptors; returns how many there are. */
int host_init(const char *name);

/*
 * argv: the load's program and arguments up to NULL, the first of which host_serve() sets to the
 * port. here: in this very process. Valid until the next call.
 */
const struct host_outcome *host_serve(const struct contestant *contestant, char **argv, bool here);

#endif
