/* SPDX-License-Identifier: MIT */
#ifndef FEND_LOOP_PRIVATE_H
#define FEND_LOOP_PRIVATE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <fend/stats.h>

#include <fend-internal/kernel.h>
#include <fend-internal/list.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>

#include "io.h"
#include "signal-port.h"
#include "timer-heap.h"

struct attachment;
struct dispatcher_ops;
struct signal_port;

/* No process ever has this number. */
#define LOOP_CLOSED UINT_MAX

struct fend_loop {
	/* first, for fend__loop_is_usable(): the owner's, after the end LOOP_CLOSED */
	unsigned process;
	unsigned owner; /* whose loop this is: fend__process() */

	/*
	 * The posting end, which other threads and signal handlers use while they hold a reference.
	 * The wake-up is closed with the last reference, so that nobody writes to a number that has
	 * become somebody else's.
	 */
	atomic_uint refs;
	int wakeup[2];
	atomic_bool sleeping;               /* the loop waits, or is about to: write the wake-up */
	_Atomic(struct fend_link *) posted; /* a stack of tasks; see task.c */
	atomic_llong stop;                  /* 0, or LOOP_STOP and a code */

	/*
	 * The memory stays until the posting end and every object on the loop are gone: one count
	 * for each of the two sides.
	 */
	atomic_uint memory;
	unsigned holds; /* objects, the owner, and a dispatch in progress */

	struct fend_loop_stats stats;
	bool timing;
	fend_time slow; /* what the log is told of */

	bool closed;      /* fend_loop_free() was called */
	bool dispatching; /* fend_loop_run() or _dispatch() is on the stack */
	bool now_valid;
	fend_time now;

	const struct dispatcher_ops *ops;
	struct dispatcher *dispatcher;
	struct io_table ios;
	struct fend_link changed; /* sources whose change the dispatcher is to be told */
	struct fend_link refused; /* sources whose change it refused */

	struct fend_link tasks;   /* queued */
	struct fend_link running; /* of this iteration, not yet run */

	struct timer_heap timers;
	fend_time due; /* deadlines up to this one fire in this iteration; < 0: none do */

	struct fend_link signals;
	size_t n_signals;
	struct signal_port *port; /* while there are signals */

	struct fend_link children;
	size_t n_children;
	size_t ended;                /* of them, not yet told */
	struct fend_signal *sigchld; /* where there are no pidfds */

	struct fend_link before_wait, after_wait; /* hooks */
	struct fend_link hook_mark;               /* in one of them, while these are called */
	bool embedded;                            /* somebody polls fend_loop_fd() */
	fend_time settled;                        /* when that is to become readable by itself */

	struct attachment *attachments;
};

_Static_assert(offsetof(struct fend_loop, process) == 0, "fend__loop_is_usable() reads it there");

/* Wake the loop if it sleeps. [any thread, async-signal-safe] */
void fend__loop_wake(struct fend_loop *loop);

/* attachment.c: free all that is attached, newest first. */
void fend__attachments_free(struct fend_loop *loop);

/*
 * Called by loop.c, in the order of an iteration. Each runs callbacks and counts them in the loop's
 * statistics; each calls nothing (more) once the loop is over.
 */
void fend__tasks_run(struct fend_loop *loop);
void fend__refused_run(struct fend_loop *loop);
void fend__timers_run(struct fend_loop *loop);
void fend__signals_run(struct fend_loop *loop);
void fend__children_run(struct fend_loop *loop);
/* loop->before_wait or ->after_wait. */
void fend__hooks_run(struct fend_loop *loop, struct fend_link *hooks);

/* Did a callback free the loop, or return in a child that it forked? */
static inline bool
fend__loop_is_over(const struct fend_loop *loop)
{
	return fend__unlikely(fend__process_is_not(loop->process));
}

/* Was the loop freed? [any thread] */
bool fend__tasks_closed(struct fend_loop *loop);

/* Is there something that the wait must not delay? */
static inline bool
fend__tasks_queued(struct fend_loop *loop)
{
	return !list_is_empty(&loop->tasks) || atomic_load(&loop->posted);
}

static inline bool
fend__signals_pending(struct fend_loop *loop)
{
	return fend__unlikely(loop->port) && fend__signal_port_pending(loop->port);
}

/* max_wait, or what is left until the first timer if that is less. There is a timer. */
fend_time fend__timers_wait_time(struct fend_loop *loop, fend_time max_wait);

/*
 * How long a wait of max_wait at most may take now: 0 if there is anything else to do, and no
 * longer than until the first timer.
 */
static inline fend_time
fend__loop_wait_time(struct fend_loop *loop, fend_time max_wait)
{
	if (fend__tasks_queued(loop) || fend__signals_pending(loop) ||
	    fend__unlikely(!list_is_empty(&loop->refused)) || fend__unlikely(loop->ended > 0))
		return 0;
	return loop->timers.n == 0 ? max_wait : fend__timers_wait_time(loop, max_wait);
}

/*
 * embed.c: something was queued, armed or changed, perhaps outside of a dispatch: see to it that
 * who polls the loop from outside notices.
 */
void fend__embed_settle(struct fend_loop *loop);

static inline void
fend__embed_changed(struct fend_loop *loop)
{
	if (fend__unlikely(loop->embedded) && !loop->dispatching)
		fend__embed_settle(loop);
}

/* Tell the dispatcher what has changed. */
void fend__ios_flush(struct fend_loop *loop);
/* Settle which timers are due. */
void fend__timers_settle(struct fend_loop *loop);

/* fend_loop_free(): make the objects of this kind inert. */
void fend__tasks_close(struct fend_loop *loop);
void fend__timers_close(struct fend_loop *loop);
void fend__signals_close(struct fend_loop *loop);
void fend__children_close(struct fend_loop *loop);

#endif
