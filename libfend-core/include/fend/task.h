/* SPDX-License-Identifier: MIT */
#ifndef FEND_TASK_H
#define FEND_TASK_H

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;
struct fend_task;

/* task is the one that was queued, and data what is in it. */
typedef void fend_task_fn(struct fend_task *task, void *data);

/*
 * A function to be run by a loop, soon and once. The memory is the caller's: zero-initialise it,
 * set fn and data, keep it until it has run or was cancelled. Queuing allocates nothing.
 *
 * The task counts as not queued from just before fn runs and is not touched after that, so fn may
 * free it or queue it again. A task sits in one queue at a time: queuing a queued one is -EALREADY,
 * which makes a task a notification that merges with itself. Tasks run in the order in which a
 * thread queued them; those queued while tasks run wait for the next iteration.
 */
struct fend_task {
	fend_task_fn *fn;
	void *data;

	/* private */
	struct fend_link {
		struct fend_link *next, *prev;
	} link;
	struct fend_loop *loop;
	unsigned state;
};

/*
 * Run task in the next iteration. On the loop's thread; from another, fend_task_post().
 *   -EALREADY  it is queued, here or on another loop
 *   -EINVAL    it has no fn
 */
int fend_task_defer(struct fend_loop *loop, struct fend_task *task);

/*
 * [any thread, async-signal-safe] Run task on the loop's thread, waking the loop if it sleeps. What
 * the caller wrote before is visible to fn. The caller needs the loop alive: from another thread
 * hold a fend_loop_ref().
 *   -EALREADY   it is queued; it will run after this call
 *   -ESHUTDOWN  the loop was freed; it will not run
 */
int fend_task_post(struct fend_loop *loop, struct fend_task *task);

/*
 * Take task out of the queue of loop, on the loop's thread. Afterwards the task is the
 * caller's again, provided that no other thread is posting it at the same time. Legal also in a
 * child after fork(2), before the memory of a task that was inherited is released.
 *   1        it was queued, and will not run
 *   0        it was not queued
 *   -EINVAL  it is queued on another loop
 */
int fend_task_cancel(struct fend_loop *loop, struct fend_task *task);

#ifdef __cplusplus
}
#endif

#endif
