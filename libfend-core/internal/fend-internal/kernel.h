/* SPDX-License-Identifier: MIT */
#ifndef FEND_INTERNAL_KERNEL_H
#define FEND_INTERNAL_KERNEL_H

#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <fend/time.h>

struct epoll_event;
struct stat;

/* One of several messages of recvmmsg(2) and sendmmsg(2), laid out as their struct mmsghdr. */
struct fend__message {
	struct msghdr header;
	unsigned size; /* how much was moved */
};

typedef int fend__list_fn(const char *name, void *data);

/*
 * The one door to the kernel. Every system call, clock reading and allocation of fend's own goes
 * through fend__kernel, so that a test can fail the n-th of them, shorten reads and writes or stop
 * the clock, and so that a simulated kernel can take its place.
 *
 * Each entry is the system call of its name, except that it returns -errno and leaves errno alone
 * in no particular state. Descriptors come out close-on-exec, and those of sockets, accepted
 * connections and the wake-up nonblocking. EINTR is passed on only by those that wait (poll,
 * epoll_wait); the others repeat the call.
 *
 * A test sets the pointer before it makes its first object and restores it after the last is gone.
 */
struct fend__kernel {
	/* fend_allocate_fn without data: allocates, resizes, frees */
	void *(*allocate)(void *pointer, size_t size);
	fend_time (*now)(void);
	int64_t (*date)(void); /* seconds since 1970 in UTC; it may be set back */

	int (*open)(const char *path, int flags);
	int (*create)(const char *path, int flags, mode_t mode); /* open(2) with O_CREAT */
	int (*close)(int fd);
	ssize_t (*read)(int fd, void *buffer, size_t size);
	ssize_t (*write)(int fd, const void *buffer, size_t size);
	ssize_t (*pread)(int fd, void *buffer, size_t size, off_t offset);
	int (*fstat)(int fd, struct stat *ret_stat);
	int (*get_flags)(int fd);            /* fcntl(F_GETFL) */
	int (*set_flags)(int fd, int flags); /* fcntl(F_SETFL) */
	int (*set_cloexec)(int fd);          /* fcntl(F_SETFD) */

	int (*poll)(struct pollfd *fds, size_t n, fend_time timeout);
	/* [0] becomes readable when 64 bits are written to [1]; an eventfd gives the same number twice */
	int (*wakeup)(int ret_fds[2]);
	/* of this thread */
	int (*set_signal_mask)(int how, const sigset_t *set, sigset_t *ret_old);
	int (*sigaction)(int signo, const struct sigaction *action, struct sigaction *ret_old);

	/* -ENOSYS where the build has no epoll; the timeout is exact or rounded up, never down */
	int (*epoll_create)(void);
	int (*epoll_ctl)(int epoll, int op, int fd, struct epoll_event *event);
	int (*epoll_wait)(int epoll, struct epoll_event *events, int n, fend_time timeout);

	/* of the child pid alone; -ENOSYS where the system has no pidfds */
	int (*pidfd_open)(pid_t pid);
	int (*pidfd_send_signal)(int pidfd, int signo);
	int (*waitid)(pid_t pid, siginfo_t *ret_info, int options);
	int (*kill)(pid_t pid, int signo);

	/* -ENOSYS where the build has no timerfd; when is absolute, on the clock of now */
	int (*timerfd_create)(void);
	int (*timerfd_set)(int fd, fend_time when);

	/* a page that a child finds zeroed after fork, or -errno */
	int (*wiped_page)(void **ret_page);

	int (*socket)(int domain, int type, int protocol);
	int (*bind)(int fd, const struct sockaddr *address, socklen_t size);
	int (*listen)(int fd, int backlog);
	int (*accept)(int fd, struct sockaddr *address, socklen_t *size);
	int (*connect)(int fd, const struct sockaddr *address, socklen_t size);
	int (*shutdown)(int fd, int how);
	int (*getsockname)(int fd, struct sockaddr *address, socklen_t *size);
	int (*getpeername)(int fd, struct sockaddr *address, socklen_t *size);
	int (*getsockopt)(int fd, int level, int option, void *value, socklen_t *size);
	int (*setsockopt)(int fd, int level, int option, const void *value, socklen_t size);
	ssize_t (*recv)(int fd, void *buffer, size_t size, int flags);
	ssize_t (*send)(int fd, const void *buffer, size_t size, int flags); /* adds MSG_NOSIGNAL */
	ssize_t (*recvmsg)(int fd, struct msghdr *message, int flags);
	ssize_t (*sendmsg)(int fd, const struct msghdr *message, int flags); /* adds MSG_NOSIGNAL */

	/* in one call where the system has one for it, else one by one */
	int (*recvmmsg)(int fd, struct fend__message *messages, unsigned n, int flags);
	int (*sendmmsg)(int fd, struct fend__message *messages, unsigned n, int flags);

	int (*interface)(const char *name, unsigned *ret_index); /* if_nametoindex(3); -ENODEV */
	int (*interface_name)(unsigned index, char ret_name[IF_NAMESIZE]); /* if_indextoname(3) */
	int (*host_name)(char *ret_name, size_t size); /* gethostname(3), with a NUL always */

	/* each name in a directory, "." and ".." included, until fn fails; its error is returned */
	int (*list)(const char *path, fend__list_fn *fn, void *data);

	/* of the file of a Unix socket */
	int (*lstat)(const char *path, struct stat *ret_stat);
	int (*chmod)(const char *path, mode_t mode);
	int (*unlink)(const char *path);
};

extern const struct fend__kernel fend__kernel_real;
extern const struct fend__kernel *fend__kernel;

/* Zeroed memory for n objects of size bytes; NULL when there is none or n * size overflows. */
void *fend__calloc(size_t n, size_t size);
/* Resize an array; NULL when there is no memory or n * size overflows, and the old one stays. */
void *fend__resize(void *pointer, size_t n, size_t size);
/* A copy of text; NULL when there is no memory. */
char *fend__strdup(const char *text);
/* A text made as by sprintf; NULL when there is no memory. */
char *fend__printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Returns NULL. */
void *fend__release(void *pointer);
/* Returns -1. Descriptors < 0 are left alone. */
int fend__close(int fd);
/* Switch O_NONBLOCK on fd. */
int fend__set_nonblocking(int fd, bool nonblocking);

/* when + delay, where both are >= 0, without overflow. */
static inline fend_time
fend__time_add(fend_time when, fend_time delay)
{
	return when > INT64_MAX - delay ? INT64_MAX : when + delay;
}

#endif
