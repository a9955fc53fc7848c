/* SPDX-License-Identifier: MIT */
/* pidfds behind the kernel door (Linux 5.3), by number since C libraries lack the calls for long. */
#include "kernel-real.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

int
fend__real_pidfd_open(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : (int)fd;
}

int
fend__real_pidfd_send_signal(int pidfd, int signo)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}
