/* SPDX-License-Identifier: MIT */
/* Stands in for kernel-pidfd.c where the system has no pidfds. */
#include "kernel-real.h"

#include <errno.h>

int
fend__real_pidfd_open(pid_t pid)
{
	return -ENOSYS;
}

int
fend__real_pidfd_send_signal(int pidfd, int signo)
{
	return -ENOSYS;
}
