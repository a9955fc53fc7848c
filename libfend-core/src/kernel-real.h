/* SPDX-License-Identifier: MIT */
#ifndef FEND_KERNEL_REAL_H
#define FEND_KERNEL_REAL_H

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include <fend-internal/kernel.h>

/* A call that is made again when a signal has interrupted it; -errno if it fails. */
#define RETRY(call)                                               \
	({                                                        \
		__typeof__(call) result_;                         \
		do                                                \
			result_ = (call);                         \
		while (result_ < 0 && errno == EINTR);            \
		result_ < 0 ? (__typeof__(call))-errno : result_; \
	})

/* Entries of the real kernel that have files of their own. */
void *fend__real_allocate(void *pointer, size_t size);
int fend__real_wakeup(int ret_fds[2]);
int fend__real_epoll_create(void);
int fend__real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int fend__real_epoll_wait(int epoll, struct epoll_event *events, int n, fend_time timeout);
int fend__real_timerfd_create(void);
int fend__real_timerfd_set(int fd, fend_time when);
int fend__real_pidfd_open(pid_t pid);
int fend__real_pidfd_send_signal(int pidfd, int signo);
int fend__real_socket(int domain, int type, int protocol);
int fend__real_accept(int fd, struct sockaddr *address, socklen_t *size);
int fend__real_recvmmsg(int fd, struct fend__message *messages, unsigned n, int flags);
int fend__real_sendmmsg(int fd, struct fend__message *messages, unsigned n, int flags);

/* For calls that only know milliseconds: rounded up, so that nobody wakes early and spins. */
static inline int
fend__real_milliseconds(fend_time timeout)
{
	if (timeout == FEND_FOREVER)
		return -1;
	if (timeout > FEND_MS(INT_MAX - 1))
		return INT_MAX;
	return (int)((timeout + FEND_MS(1) - 1) / FEND_MS(1));
}

#endif
