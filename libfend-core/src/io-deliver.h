/* SPDX-License-Identifier: MIT */
#ifndef FEND_IO_DELIVER_H
#define FEND_IO_DELIVER_H

#include "callback.h"
#include "dispatcher.h"
#include "io.h"
#include "loop.h"

/* The path that every event takes, inlined into each dispatcher's report. */

/* An event of an EDGE or ONESHOT source has come: what that means for the next. */
void fend__io_spend(struct fend_io *io, unsigned events);

/* Call back for those of events that pass. */
static inline void
fend__io_deliver(struct fend_loop *loop, struct fend_io *io, unsigned events)
{
	unsigned passes = io->passes;
	struct callback callback;

	if (fend__unlikely(io->mode & (FEND_EDGE | FEND_ONESHOT)))
		fend__io_spend(io, events);
	events &= passes;
	if (fend__unlikely(!events))
		return;
	loop->stats.ios += io->counts;
	callback_begin(loop, &callback, "io", io->name);
	io->fn(io, events, io->data);
	callback_end(loop, &callback);
}

/* The same for what a dispatcher has found about the source behind a cookie, which may be gone. */
static inline void
fend__io_report(struct fend_loop *loop, uint64_t cookie, unsigned events)
{
	struct fend_io *io = fend__io_at(&loop->ios, (uint32_t)cookie);

	if (fend__unlikely(io->generation != (uint32_t)(cookie >> 32))) {
		/* Freed by a callback of this batch, or by one that should have come before it. */
		if (io->freed != io_moment(loop->stats.iterations))
			loop->ops->stale(loop, loop->dispatcher);
		return;
	}
	fend__io_deliver(loop, io, events);
}

#endif
