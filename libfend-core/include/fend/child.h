/* SPDX-License-Identifier: MIT */
#ifndef FEND_CHILD_H
#define FEND_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include <fend/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;

/*
 * A source that tells when a child process has ended, and reaps it: that child alone (waitid(2),
 * P_PID), never another's. It uses a pidfd (pidfd_open(2)); where the system has none, SIGCHLD, and
 * then a source for SIGCHLD is made along with the loop's first child.
 *
 * It starts no process: the child comes from fork(2), posix_spawn(3) or the like, before or after
 * it has ended. What else reaps children, such as wait(2) for any, takes the status away.
 */
struct fend_child;

struct fend_child_status {
	bool exited;      /* by exit(3) or a return from main, with code; else killed by signal */
	bool core_dumped; /* killed, and a file tells of it (core(5)) */
	int code;         /* the exit status, 0 to 255; 0 if killed */
	int signal;       /* the signal's number; 0 if exited */
};

/*
 * Called once, an iteration or more after the end was noticed, so that the callbacks for
 * descriptors which were ready before it come first: output that the child has left in a pipe can
 * be told before its end. A reader that is called reads until the end or keeps watching.
 *   err 0        status is how it ended
 *   err -ECHILD  somebody else reaped it, or SIGCHLD is ignored: status is NULL
 */
typedef void fend_child_fn(struct fend_child *child, int err,
			   const struct fend_child_status *status, void *data);

/*
 * Watch the child pid. From here on nobody else is to wait for it. Errors of fend_io_new() and:
 *   -ECHILD  pid is not a child of this process that has yet to be reaped
 *   -EINVAL  pid <= 0
 *   -EMFILE -ENFILE  no descriptor left
 */
int fend_child_new(struct fend_loop *loop, pid_t pid, fend_child_fn *fn, void *data,
		   struct fend_child **ret_child);

/*
 * After it returns fn is not called any more. The process is neither ended nor reaped by this: if
 * fn was not called, that is the caller's to do. NULL does nothing. Returns NULL.
 */
struct fend_child *fend_child_free(struct fend_child *child);

/*
 * Send a signal (kill(2)). It reaches this child or nobody, never another process that has come by
 * the number.
 *   -ESRCH   it has ended already
 *   -EINVAL  signo is no signal
 *   -EPERM   it has changed its user (setuid(2)), and this process may not
 */
int fend_child_kill(struct fend_child *child, int signo);

/* The process it was made for, also when that has ended. */
pid_t fend_child_pid(const struct fend_child *child);

/*
 * Name it in statistics and traces (<fend/stats.h>). The string is borrowed: it must stay as long
 * as the source does. NULL: no name.
 */
void fend_child_set_name(struct fend_child *child, const char *name);

FEND_DEFINE_CLEANUP(fend_child)

#ifdef __cplusplus
}
#endif

#endif
