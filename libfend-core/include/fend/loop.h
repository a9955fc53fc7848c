/* SPDX-License-Identifier: MIT */
#ifndef FEND_LOOP_H
#define FEND_LOOP_H

#include <stddef.h>

#include <fend/cleanup.h>
#include <fend/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A loop waits for file descriptors, times, signals and tasks, and calls back. It belongs to one
 * thread, the one that runs it, as does every object made on it; only what is marked [any thread]
 * may be called from another. A program that wants more threads makes a loop in each.
 *
 * One iteration does, in this order:
 *   1. run the tasks that were queued when it began        <fend/task.h>
 *      and the hooks before the wait                      <fend/hook.h>
 *   2. wait, no longer than until the first timer
 *   3. run the hooks after the wait
 *   4. call back for ready descriptors, each at most once   <fend/io.h>
 *   5. call back for timers that are due                    <fend/timer.h>
 *   6. call back for signals                                <fend/signal.h>
 *   7. call back for children that have ended               <fend/child.h>
 *
 * Callbacks run only inside fend_loop_run() and fend_loop_dispatch(), never inside the _new, _set,
 * _start, _stop or _free of an object. Inside a callback everything may be called and every object
 * may be freed, the loop included, except that running the loop again is -EBUSY. An iteration in
 * which nobody changed an interest costs one system call and allocates nothing.
 */
struct fend_loop;
struct pollfd; /* <poll.h> */

struct fend_loop_options {
	size_t size; /* sizeof(struct fend_loop_options) */

	/*
	 * The mechanism to wait with: "epoll" or "poll". NULL: what the environment variable
	 * FEND_DISPATCHER names (not heeded in a set-user-ID program, secure_getenv(3)), else
	 * the first one this build was configured with.
	 */
	const char *dispatcher;
};

/* What this loop's dispatcher can do beyond the common ground; bits of fend_loop_features(). */
enum fend_loop_feature {
	FEND_LOOP_EDGE = 1 << 0,      /* FEND_EDGE */
	FEND_LOOP_EXCLUSIVE = 1 << 1, /* FEND_EXCLUSIVE */
	FEND_LOOP_RDHUP = 1 << 2,     /* FEND_RDHUP: with Linux, every dispatcher */
};

/*
 * Make a loop. options may be NULL: all defaults.
 *   -ENOTSUP         this build has no dispatcher of that name
 *   -E2BIG           options hold a field this version of fend does not know
 *   -EMFILE -ENFILE  no descriptor left (a loop needs two)
 */
int fend_loop_new(const struct fend_loop_options *options, struct fend_loop **ret_loop);

/*
 * Free a loop: by its owner, on its thread, once. NULL does nothing. Returns NULL.
 *
 * It closes what the loop has of the kernel, forgets queued tasks without running them (they may
 * be queued elsewhere then) and makes every object on the loop inert: their _free stays legal and
 * is still needed, their getters answer, functions returning void do nothing, all others return
 * -ESHUTDOWN. In a callback of the loop it is legal; nothing is called any more then, and the
 * fend_loop_run() or fend_loop_dispatch() around it returns -ESHUTDOWN.
 *
 * In a child after fork(2) it only closes the child's descriptors and releases memory.
 */
struct fend_loop *fend_loop_free(struct fend_loop *loop);

/*
 * [any thread] Keep the posting end of the loop usable: with a reference of its own a thread may
 * call fend_task_post() and fend_loop_stop() at any time; once the loop was freed both return
 * -ESHUTDOWN. A reference does not keep the loop alive otherwise. _unref returns NULL, and takes
 * it.
 */
struct fend_loop *fend_loop_ref(struct fend_loop *loop);
struct fend_loop *fend_loop_unref(struct fend_loop *loop);

/*
 * Iterate until fend_loop_stop(). It does not return because nothing is left to wait for: with no
 * source at all it sleeps until another thread or a signal handler stops it.
 *   0            it was stopped; *ret_code (NULL: not wanted) is the code given there
 *   -EBUSY       this loop is running already
 *   -ESHUTDOWN   a callback freed the loop
 *   -errno       the kernel refused to wait; the loop is intact
 */
int fend_loop_run(struct fend_loop *loop, int *ret_code);

/*
 * [any thread, async-signal-safe] End fend_loop_run() after the iteration in progress. Called
 * while the loop is not running it ends the next run at once, before its first iteration. Of
 * several stops before the run returns the first one's code counts. fend_loop_dispatch() does not
 * heed it.
 */
int fend_loop_stop(struct fend_loop *loop, int code);

/*
 * One iteration, which waits max_wait at most, and not at all if tasks were queued. Returns how
 * many callbacks ran; errors as fend_loop_run(). A signal that interrupts the wait is not an error:
 * perhaps 0 callbacks then.
 */
int fend_loop_dispatch(struct fend_loop *loop, fend_time max_wait);

/*
 * Run the loop inside another one. Both ways, the host waits, and then calls
 * fend_loop_dispatch(loop, 0).
 *
 * _fd: a descriptor, the loop's, that is readable whenever that call would do something, whatever
 * it is: timers, posts from other threads, changes made outside of callbacks. The same number for
 * the loop's life. Made by the first call.
 *   -ENOTSUP         this dispatcher has none: use fend_loop_prepare()
 *   -ELOOP           the kernel stacks five epolls at most, and a loop that is watched this way is
 *                    two of them: of three loops, one inside another, the outermost has none
 *   -EMFILE -ENFILE  no descriptor left for it
 *
 * _prepare: for a host that polls a set of descriptors (poll(2), GLib), with any dispatcher. Call
 * it before each of the host's waits; it fills fds and sets *ret_timeout (NULL: not wanted) to how
 * long the host may wait. Returns how many descriptors there are: if more than n, make room and
 * call again. An entry whose fd is negative is there to be ignored, as poll(2) does.
 *   -EBUSY          called inside a callback of the loop
 */
int fend_loop_fd(struct fend_loop *loop);
int fend_loop_prepare(struct fend_loop *loop, struct pollfd *fds, size_t n, fend_time *ret_timeout);

/*
 * The loop's idea of the present: read from the clock on first use after the wait and the same
 * until the next, so it may lag behind fend_now() by the callbacks that have run since.
 */
fend_time fend_loop_now(struct fend_loop *loop);

/* The name of the dispatcher in use, "epoll" or "poll". */
const char *fend_loop_dispatcher(const struct fend_loop *loop);

/* Bits of enum fend_loop_feature. */
unsigned fend_loop_features(const struct fend_loop *loop);

FEND_DEFINE_CLEANUP(fend_loop)

#ifdef __cplusplus
}
#endif

#endif
