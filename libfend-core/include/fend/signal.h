/* SPDX-License-Identifier: MIT */
#ifndef FEND_SIGNAL_H
#define FEND_SIGNAL_H

#include <fend/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;

/*
 * A source that turns a signal (signal(7)) into a callback in the loop.
 *
 * Making a source for a signal installs a handler with sigaction(2) (SA_RESTART, SA_ONSTACK) unless
 * it is there; when the process's last one is freed, the disposition found before comes back,
 * unless someone has changed it in between. Any number of loops and sources may watch the same
 * signal: each is told. Signal masks are left alone; a signal that every thread blocks never
 * arrives.
 *
 * A child inherits the handler over fork(2), until it calls execve(2), and as long as it has no
 * source of its own for the signal nothing happens there: one that the signal is to end sets its
 * disposition.
 */
struct fend_signal;

/*
 * count: how often the signal arrived since the last call, 1 or more. The kernel itself merges
 * standard signals that come in quick succession.
 */
typedef void fend_signal_fn(struct fend_signal *signal, int signo, unsigned count, void *data);

/*
 * Watch for signo. What has arrived before is not told.
 *   -EINVAL  signo is no signal; cannot be caught (SIGKILL, SIGSTOP); or reports a fault of the
 *            running instruction (SIGSEGV, SIGBUS, SIGILL, SIGFPE), which no loop can handle
 */
int fend_signal_new(struct fend_loop *loop, int signo, fend_signal_fn *fn, void *data,
		    struct fend_signal **ret_signal);

/*
 * After it returns fn is not called any more. NULL does nothing. Returns NULL. In a child after
 * fork(2) it leaves the disposition alone.
 */
struct fend_signal *fend_signal_free(struct fend_signal *signal);

/* The signal it was made for. */
int fend_signal_signo(const struct fend_signal *signal);

/*
 * Name it in statistics and traces (<fend/stats.h>). The string is borrowed: it must stay as long
 * as the source does. NULL: no name.
 */
void fend_signal_set_name(struct fend_signal *signal, const char *name);

FEND_DEFINE_CLEANUP(fend_signal)

#ifdef __cplusplus
}
#endif

#endif
