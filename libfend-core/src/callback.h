/* SPDX-License-Identifier: MIT */
#ifndef FEND_CALLBACK_H
#define FEND_CALLBACK_H

#include "loop.h"
#include "probe.h"

/*
 * Around each callback of the user's: where times are taken, and where tracers look. The name is
 * copied before the call, since the source and its name may be gone afterwards; the loop's memory
 * is not, a dispatch holds it.
 *
 *	callback_begin(loop, &callback, "timer", timer->name);
 *	timer->fn(...);
 *	callback_end(loop, &callback);
 */
struct callback {
	bool timed;
	fend_time start;
	char name[FEND_NAME_MAX];
};

void fend__callback_timed_begin(struct callback *callback, const char *name);
void fend__callback_timed_end(struct fend_loop *loop, const struct callback *callback);

static inline void
callback_begin(struct fend_loop *loop, struct callback *callback, const char *kind,
	       const char *name)
{
	FEND_PROBE_CALLBACK_BEGIN(loop, kind, name);
	callback->timed = loop->timing;
	if (fend__unlikely(callback->timed))
		fend__callback_timed_begin(callback, name ? name : kind);
}

static inline void
callback_end(struct fend_loop *loop, const struct callback *callback)
{
	FEND_PROBE_CALLBACK_END(loop);
	if (fend__unlikely(callback->timed))
		fend__callback_timed_end(loop, callback);
}

#endif
