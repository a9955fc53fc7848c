/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_FAULT_H
#define FEND_TEST_FAULT_H

#include <fend-internal/kernel.h>

/*
 * A kernel door that fails on demand. fault_install() puts it in place of the real one, with all
 * faults off; call it before the first object is made, and fault_remove() after the last is gone.
 * Memory and descriptors are counted, so that fault_remove() can assert that nothing leaked.
 */
enum fault_op {
	FAULT_ALLOCATE,
	FAULT_OPEN,
	FAULT_READ,
	FAULT_WRITE,
	FAULT_PREAD,
	FAULT_FSTAT,
	FAULT_GET_FLAGS,
	FAULT_SET_FLAGS,
	FAULT_POLL,
	FAULT_WAKEUP,
	FAULT_SIGACTION,
	FAULT_PIDFD_OPEN,
	FAULT_PIDFD_SEND_SIGNAL,
	FAULT_WAITID,
	FAULT_TIMERFD_CREATE,
	FAULT_EPOLL_CREATE,
	FAULT_EPOLL_CTL,
	FAULT_EPOLL_WAIT,
	FAULT_SOCKET,
	FAULT_BIND,
	FAULT_LISTEN,
	FAULT_ACCEPT,
	FAULT_CONNECT,
	FAULT_SHUTDOWN,
	FAULT_GETSOCKOPT,
	FAULT_SETSOCKOPT,
	FAULT_RECVMSG, /* recv as well */
	FAULT_SENDMSG, /* send as well */
	FAULT_RECVMMSG,
	FAULT_SENDMMSG,
	FAULT_INTERFACE,
	FAULT_INTERFACE_NAME,
	FAULT_HOST_NAME,
	FAULT_LIST,
	FAULT_OPS
};

void fault_install(void);
void fault_remove(void);

/* Let the n-th call of op from now (1 is the next) return error; sticky: all after it as well. */
void fault_set(enum fault_op op, unsigned n, int error, int sticky);
void fault_clear(void);
/* Did a fault strike since fault_set()? A walk over n = 1, 2, ... ends when none did. */
int fault_struck(void);

/* Move at most max bytes per call; 0: no limit. */
void fault_limit(size_t max);

#endif
