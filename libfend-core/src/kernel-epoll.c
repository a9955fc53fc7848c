/* SPDX-License-Identifier: MIT */
/*
 * epoll behind the kernel door, and the timerfd that goes with it.
 *
 * epoll_pwait2 (Linux 5.11) waits with nanoseconds. Where the running kernel lacks it, or a sandbox
 * or valgrind forbids it, that is found out once and remembered for the process; from then on
 * epoll_wait serves, whose milliseconds are rounded up.
 */
#include "kernel-real.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "config.h"

int
fend__real_epoll_create(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int
fend__real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	return epoll_ctl(epoll, op, fd, event) < 0 ? -errno : 0;
}

/* Milliseconds will do for these: not at all, for ever, and whatever is left for them. */
static inline int
wait_ms(int epoll, struct epoll_event *events, int n, int timeout)
{
	int ready = epoll_wait(epoll, events, n, timeout);

	return ready < 0 ? -errno : ready;
}

#ifdef HAVE_EPOLL_PWAIT2
static atomic_bool no_pwait2;

static int
wait_ns(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
	struct timespec wait = {
		.tv_sec = (time_t)(timeout / FEND_SEC(1)),
		.tv_nsec = (long)(timeout % FEND_SEC(1)),
	};
	int ready;

	ready = epoll_pwait2(epoll, events, n, &wait, NULL);
	return ready < 0 ? -errno : ready;
}
#endif

static __attribute__((noinline)) int
wait_for_time(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
#ifdef HAVE_EPOLL_PWAIT2
	if (!atomic_load_explicit(&no_pwait2, memory_order_relaxed)) {
		int ready = wait_ns(epoll, events, n, timeout);

		if (ready != -ENOSYS && ready != -EPERM)
			return ready;
		atomic_store_explicit(&no_pwait2, true, memory_order_relaxed);
	}
#endif
	return wait_ms(epoll, events, n, fend__real_milliseconds(timeout));
}

int
fend__real_epoll_wait(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
	if (timeout > 0)
		return wait_for_time(epoll, events, n, timeout);
	return wait_ms(epoll, events, n, timeout == FEND_FOREVER ? -1 : 0);
}

int
fend__real_timerfd_create(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

/* FEND_FOREVER disarms; a time that has passed makes it readable at once, but 0 would disarm. */
int
fend__real_timerfd_set(int fd, fend_time when)
{
	struct itimerspec spec = { 0 };

	if (when != FEND_FOREVER) {
		if (when < 1)
			when = 1;
		spec.it_value.tv_sec = (time_t)(when / FEND_SEC(1));
		spec.it_value.tv_nsec = (long)(when % FEND_SEC(1));
	}
	return timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0 ? -errno : 0;
}
