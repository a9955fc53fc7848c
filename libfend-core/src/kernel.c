/* SPDX-License-Identifier: MIT */
/*
 * The real kernel behind the door: thin calls that return -errno instead of setting it.
 *
 * What only some systems have is in sibling files, one of which the build chooses: kernel-epoll.c
 * or kernel-no-epoll.c, kernel-eventfd.c or kernel-pipe.c, kernel-pidfd.c or kernel-no-pidfd.c,
 * kernel-accept4.c or kernel-no-accept4.c, kernel-mmsg.c or kernel-no-mmsg.c. The allocator that
 * fend_set_allocator() replaces stands behind the allocate entry, in memory.c.
 */
#include <fend-internal/kernel.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fend-internal/public.h>

#include "config.h"
#include "kernel-real.h"

static fend_time
real_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return FEND_SEC(now.tv_sec) + now.tv_nsec;
}

static int64_t
real_date(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

static int
real_open(const char *path, int flags)
{
	return RETRY(open(path, flags | O_CLOEXEC));
}

static int
real_create(const char *path, int flags, mode_t mode)
{
	return RETRY(open(path, flags | O_CREAT | O_CLOEXEC, mode));
}

/*
 * Never repeated: Linux has released the number even if it says EINTR, and another thread may own
 * it by now.
 */
static int
real_close(int fd)
{
	return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

static ssize_t
real_read(int fd, void *buffer, size_t size)
{
	return RETRY(read(fd, buffer, size));
}

static ssize_t
real_write(int fd, const void *buffer, size_t size)
{
	return RETRY(write(fd, buffer, size));
}

static ssize_t
real_pread(int fd, void *buffer, size_t size, off_t offset)
{
	return RETRY(pread(fd, buffer, size, offset));
}

static int
real_fstat(int fd, struct stat *ret_stat)
{
	return fstat(fd, ret_stat) < 0 ? -errno : 0;
}

static int
real_get_flags(int fd)
{
	return RETRY(fcntl(fd, F_GETFL));
}

static int
real_set_flags(int fd, int flags)
{
	return RETRY(fcntl(fd, F_SETFL, flags));
}

static int
real_set_cloexec(int fd)
{
	return RETRY(fcntl(fd, F_SETFD, FD_CLOEXEC));
}

static int
real_poll(struct pollfd *fds, size_t n, fend_time timeout)
{
	int ready;
#ifdef HAVE_PPOLL
	struct timespec wait, *limit = NULL;

	if (timeout != FEND_FOREVER) {
		wait.tv_sec = (time_t)(timeout / FEND_SEC(1));
		wait.tv_nsec = (long)(timeout % FEND_SEC(1));
		limit = &wait;
	}
	ready = ppoll(fds, (nfds_t)n, limit, NULL);
#else
	ready = poll(fds, (nfds_t)n, fend__real_milliseconds(timeout));
#endif
	return ready < 0 ? -errno : ready;
}

static int
real_set_signal_mask(int how, const sigset_t *set, sigset_t *ret_old)
{
	return -pthread_sigmask(how, set, ret_old);
}

static int
real_sigaction(int signo, const struct sigaction *action, struct sigaction *ret_old)
{
	return sigaction(signo, action, ret_old) < 0 ? -errno : 0;
}

static int
real_waitid(pid_t pid, siginfo_t *ret_info, int options)
{
	return RETRY(waitid(P_PID, (id_t)pid, ret_info, options));
}

static int
real_kill(pid_t pid, int signo)
{
	return kill(pid, signo) < 0 ? -errno : 0;
}

static int
real_wiped_page(void **ret_page)
{
#ifdef MADV_WIPEONFORK
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	if (madvise(page, size, MADV_WIPEONFORK) < 0) {
		int err = -errno;

		munmap(page, size);
		return err;
	}
	*ret_page = page;
	return 0;
#else
	return -ENOTSUP;
#endif
}

static int
real_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	return RETRY(bind(fd, address, size));
}

static int
real_listen(int fd, int backlog)
{
	return RETRY(listen(fd, backlog));
}

/*
 * Not repeated: an interrupted connect goes on by itself (POSIX), and asking again would only say
 * EALREADY.
 */
static int
real_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	if (connect(fd, address, size) == 0)
		return 0;
	return errno == EINTR ? -EINPROGRESS : -errno;
}

static int
real_shutdown(int fd, int how)
{
	return RETRY(shutdown(fd, how));
}

static int
real_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	return getsockname(fd, address, size) < 0 ? -errno : 0;
}

static int
real_getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
	return getpeername(fd, address, size) < 0 ? -errno : 0;
}

static int
real_getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
	return getsockopt(fd, level, option, value, size) < 0 ? -errno : 0;
}

static int
real_setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	return setsockopt(fd, level, option, value, size) < 0 ? -errno : 0;
}

static ssize_t
real_recv(int fd, void *buffer, size_t size, int flags)
{
	return RETRY(recv(fd, buffer, size, flags));
}

static ssize_t
real_send(int fd, const void *buffer, size_t size, int flags)
{
	return RETRY(send(fd, buffer, size, flags | MSG_NOSIGNAL));
}

static ssize_t
real_recvmsg(int fd, struct msghdr *message, int flags)
{
	return RETRY(recvmsg(fd, message, flags));
}

static ssize_t
real_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return RETRY(sendmsg(fd, message, flags | MSG_NOSIGNAL));
}

static int
real_interface(const char *name, unsigned *ret_index)
{
	unsigned index = if_nametoindex(name);

	/* Linux says ENODEV, POSIX ENXIO. */
	if (!index)
		return errno == ENXIO ? -ENODEV : -errno;
	*ret_index = index;
	return 0;
}

static int
real_interface_name(unsigned index, char ret_name[IF_NAMESIZE])
{
	if (!if_indextoname(index, ret_name))
		return errno == ENXIO ? -ENODEV : -errno;
	return 0;
}

static int
real_host_name(char *ret_name, size_t size)
{
	if (gethostname(ret_name, size) < 0)
		return -errno;
	ret_name[size - 1] = '\0';
	return 0;
}

static int
real_list(const char *path, fend__list_fn *fn, void *data)
{
	struct dirent *entry;
	DIR *directory;
	int r;

	do
		directory = opendir(path);
	while (!directory && errno == EINTR);
	if (!directory)
		return -errno;
	do {
		errno = 0;
		entry = readdir(directory);
		r = entry ? fn(entry->d_name, data) : -errno;
	} while (entry && r >= 0);
	closedir(directory);
	return r;
}

static int
real_lstat(const char *path, struct stat *ret_stat)
{
	return lstat(path, ret_stat) < 0 ? -errno : 0;
}

static int
real_chmod(const char *path, mode_t mode)
{
	return RETRY(chmod(path, mode));
}

static int
real_unlink(const char *path)
{
	return unlink(path) < 0 ? -errno : 0;
}

FEND_PUBLIC const struct fend__kernel fend__kernel_real = {
	.allocate = fend__real_allocate,
	.now = real_now,
	.date = real_date,
	.open = real_open,
	.create = real_create,
	.close = real_close,
	.read = real_read,
	.write = real_write,
	.pread = real_pread,
	.fstat = real_fstat,
	.get_flags = real_get_flags,
	.set_flags = real_set_flags,
	.set_cloexec = real_set_cloexec,
	.poll = real_poll,
	.wakeup = fend__real_wakeup,
	.set_signal_mask = real_set_signal_mask,
	.sigaction = real_sigaction,
	.epoll_create = fend__real_epoll_create,
	.epoll_ctl = fend__real_epoll_ctl,
	.epoll_wait = fend__real_epoll_wait,
	.pidfd_open = fend__real_pidfd_open,
	.pidfd_send_signal = fend__real_pidfd_send_signal,
	.waitid = real_waitid,
	.kill = real_kill,
	.timerfd_create = fend__real_timerfd_create,
	.timerfd_set = fend__real_timerfd_set,
	.wiped_page = real_wiped_page,
	.socket = fend__real_socket,
	.bind = real_bind,
	.listen = real_listen,
	.accept = fend__real_accept,
	.connect = real_connect,
	.shutdown = real_shutdown,
	.getsockname = real_getsockname,
	.getpeername = real_getpeername,
	.getsockopt = real_getsockopt,
	.setsockopt = real_setsockopt,
	.recv = real_recv,
	.send = real_send,
	.recvmsg = real_recvmsg,
	.sendmsg = real_sendmsg,
	.recvmmsg = fend__real_recvmmsg,
	.sendmmsg = fend__real_sendmmsg,
	.interface = real_interface,
	.interface_name = real_interface_name,
	.host_name = real_host_name,
	.list = real_list,
	.lstat = real_lstat,
	.chmod = real_chmod,
	.unlink = real_unlink,
};

FEND_PUBLIC const struct fend__kernel *fend__kernel = &fend__kernel_real;

FEND_PUBLIC int
fend__close(int fd)
{
	if (fd >= 0)
		fend__kernel->close(fd);
	return -1;
}

FEND_PUBLIC int
fend__set_nonblocking(int fd, bool nonblocking)
{
	int flags = fend__kernel->get_flags(fd);
	int wanted;

	if (flags < 0)
		return flags;
	wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return wanted == flags ? 0 : fend__kernel->set_flags(fd, wanted);
}
