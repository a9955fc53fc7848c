/* SPDX-License-Identifier: MIT */
#ifndef FEND_INTERNAL_LOG_H
#define FEND_INTERNAL_LOG_H

#include <fend/time.h>

/* The limit of one kind of message: a static variable, zero-initialised. */
struct fend__log_limit {
	fend_time next; /* not before this */
	unsigned left_out;
};

/* Tell the log, if there is one and the limit allows. [any thread] */
void fend__log(struct fend__log_limit *limit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
