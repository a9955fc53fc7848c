/* SPDX-License-Identifier: MIT */
/*
 * A loop inside another one.
 *
 * While the host waits, the loop counts as sleeping, so that posts and signals write the wake-up,
 * which is among what the host watches. A host that got fend_loop_fd() is told of the rest by that
 * descriptor's clock, which is set anew whenever a dispatch ends or something changes outside of
 * one; changes of interest are passed on at once then, since nobody will before the host has woken.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>

#include <fend-internal/public.h>

#include "dispatcher.h"
#include "loop.h"
#include "timer.h"

#define NEVER_SETTLED (FEND_FOREVER - 1)
#define AT_ONCE 0

void
fend__embed_settle(struct fend_loop *loop)
{
	const struct fend_timer *first;
	fend_time when = FEND_FOREVER;

	fend__ios_flush(loop);
	atomic_store(&loop->sleeping, true);
	first = fend__timer_heap_top(&loop->timers);
	if (fend__loop_wait_time(loop, FEND_FOREVER) == 0)
		when = AT_ONCE;
	else if (first)
		when = first->when;
	if (when == loop->settled)
		return;
	loop->settled = loop->ops->settle(loop, loop->dispatcher, when) < 0 ? NEVER_SETTLED : when;
}

FEND_PUBLIC int
fend_loop_fd(struct fend_loop *loop)
{
	int r = fend__loop_check(loop);
	int fd;

	if (r < 0)
		return r;
	if (!loop->ops->fd)
		return -ENOTSUP;
	fd = loop->ops->fd(loop, loop->dispatcher);
	if (fd < 0 || loop->embedded)
		return fd;
	loop->embedded = true;
	loop->settled = NEVER_SETTLED;
	fend__embed_changed(loop);
	return fd;
}

FEND_PUBLIC int
fend_loop_prepare(struct fend_loop *loop, struct pollfd *fds, size_t n, fend_time *ret_timeout)
{
	int r = fend__loop_check(loop);
	size_t needed;

	if (r < 0)
		return r;
	if (n > 0 && !fds)
		return -EINVAL;
	if (loop->dispatching)
		return -EBUSY;
	fend__ios_flush(loop);
	atomic_store(&loop->sleeping, true);
	if (ret_timeout)
		*ret_timeout = fend__loop_wait_time(loop, FEND_FOREVER);
	needed = loop->ops->pollfds(loop, loop->dispatcher, fds, n);
	return needed > INT_MAX ? -EOVERFLOW : (int)needed;
}
