/* SPDX-License-Identifier: MIT */
/* Stands in for kernel-epoll.c where no dispatcher uses epoll. */
#include "kernel-real.h"

#include <errno.h>

int
fend__real_epoll_create(void)
{
	return -ENOSYS;
}

int
fend__real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	return -ENOSYS;
}

int
fend__real_epoll_wait(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
	return -ENOSYS;
}

int
fend__real_timerfd_create(void)
{
	return -ENOSYS;
}

int
fend__real_timerfd_set(int fd, fend_time when)
{
	return -ENOSYS;
}
