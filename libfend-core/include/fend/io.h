/* SPDX-License-Identifier: MIT */
#ifndef FEND_IO_H
#define FEND_IO_H

#include <fend/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;

/* A source that tells when a file descriptor is ready (epoll(7), poll(2)). */
struct fend_io;

enum {
	/* interest and readiness */
	FEND_IN = 1 << 0,     /* recv(2), read(2), accept(2) would not block; also at end of file */
	FEND_PRI = 1 << 1,    /* exceptional condition, such as TCP's urgent data */
	FEND_OUT = 1 << 2,    /* send(2), write(2) would not block; connect(2) has ended */
	FEND_RDHUP = 1 << 13, /* a stream's peer has shut down its sending side (FEND_LOOP_RDHUP) */

	/* readiness only: reported whatever the interest, and never folded into IN or OUT */
	FEND_ERR = 1 << 3, /* an error is pending; the reading end of a pipe is closed */
	FEND_HUP = 1 << 4, /* both directions are closed */

	/* how to report; fixed by fend_io_new() */
	FEND_EDGE = 1 << 8,      /* only when readiness changes (FEND_LOOP_EDGE) */
	FEND_ONESHOT = 1 << 9,   /* once, then nothing, ERR and HUP included, until fend_io_set() */
	FEND_EXCLUSIVE = 1 << 10 /* of several loops that wait, wake few (FEND_LOOP_EXCLUSIVE) */
};

/*
 * events: what is ready, a subset of the interest at this moment and of ERR and HUP. Without
 * FEND_EDGE and FEND_ONESHOT it is called again in the next iteration as long as that holds.
 */
typedef void fend_io_fn(struct fend_io *io, unsigned events, void *data);

/*
 * Watch fd, which is borrowed: free the source first, then close fd. If fd was closed first,
 * nothing is lost once the source is freed: the loop neither spins nor calls back, also while a
 * duplicate of fd is open elsewhere (for which it needs a descriptor for a moment, and may be busy
 * until there is one). Until then, with epoll, it is the duplicate that is reported; with poll the
 * number falls silent, but one that was reused meanwhile cannot be told from the old one.
 *
 * events is any set of IN OUT PRI RDHUP, with EDGE ONESHOT EXCLUSIVE added if wanted; with none of
 * the first four nothing is reported, not even ERR and HUP, until fend_io_set() names one.
 *
 *   -EBADF    fd is not open
 *   -EPERM    fd is a regular file or a directory, which are always ready; with epoll also devices
 *             that cannot be waited for, such as /dev/null; with poll also the files of proc(5) and
 *             sysfs(5) that could be. Read and write those directly.
 *   -EEXIST   this loop has a source on this fd already
 *   -ENOTSUP  the dispatcher lacks EDGE or EXCLUSIVE, or the system RDHUP
 *   -EINVAL   an unknown bit; EXCLUSIVE with RDHUP, PRI or ONESHOT; fd is this loop's own
 *   -ELOOP    epolls inside one another, too deep or in a circle
 *   -ENOSPC   the limit on watches is reached (epoll(7), max_user_watches)
 */
int fend_io_new(struct fend_loop *loop, int fd, unsigned events, fend_io_fn *fn, void *data,
		struct fend_io **ret_io);

/* After it returns fn is not called any more. NULL does nothing. Returns NULL. fd stays open. */
struct fend_io *fend_io_free(struct fend_io *io);

/*
 * Change the interest to events: any set of IN OUT PRI RDHUP. It also re-arms a ONESHOT source. The
 * kernel is told just before the next wait, so changing to and fro in between costs nothing; should
 * the kernel refuse then, the source gets FEND_ERR, once.
 *   -EINVAL   any other bit; RDHUP or PRI for an EXCLUSIVE source
 *   -ENOTSUP  RDHUP where the system lacks it
 */
int fend_io_set(struct fend_io *io, unsigned events);

/* What it watches, and for what: the interest, with those of EDGE ONESHOT EXCLUSIVE it has. */
int fend_io_fd(const struct fend_io *io);
unsigned fend_io_events(const struct fend_io *io);

/*
 * Name it in statistics and traces (<fend/stats.h>). The string is borrowed: it must stay as long
 * as the source does. NULL: no name.
 */
void fend_io_set_name(struct fend_io *io, const char *name);

FEND_DEFINE_CLEANUP(fend_io)

#ifdef __cplusplus
}
#endif

#endif
