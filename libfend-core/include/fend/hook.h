/* SPDX-License-Identifier: MIT */
#ifndef FEND_HOOK_H
#define FEND_HOOK_H

#include <fend/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;

/*
 * A function that is called in every iteration, next to the wait: to hand over work that was
 * gathered meanwhile, to drop and retake a lock, to measure. Hooks are called in the order in which
 * they were made, and do not count among the callbacks that fend_loop_dispatch() returns.
 */
struct fend_hook;

enum fend_hook_point {
	FEND_HOOK_BEFORE_WAIT = 1, /* after the tasks; what is queued here keeps the wait short */
	FEND_HOOK_AFTER_WAIT,      /* before other callbacks; also if the kernel refused to wait */
};

/* Called once in each iteration, at its point. It may free the hook, or the loop. */
typedef void fend_hook_fn(struct fend_hook *hook, void *data);

/* Have fn called at point. A hook made in a callback is called from the next iteration on. */
int fend_hook_new(struct fend_loop *loop, enum fend_hook_point point, fend_hook_fn *fn, void *data,
		  struct fend_hook **ret_hook);

/* After it returns fn is not called any more. NULL does nothing. Returns NULL. */
struct fend_hook *fend_hook_free(struct fend_hook *hook);

FEND_DEFINE_CLEANUP(fend_hook)

#ifdef __cplusplus
}
#endif

#endif
