/* SPDX-License-Identifier: MIT */
/*
 * The faulty door: each entry asks whether its call is the one to fail, and otherwise hands it to
 * the real kernel. Blocks of memory are counted, so that what a failure leaks is noticed.
 */
#include "fault.h"

#include <glib.h>
#include <sys/uio.h>

#define REAL (&fend__kernel_real)

static struct {
	enum fault_op op;
	unsigned left; /* calls until it strikes; 0: off */
	int error, sticky, struck;
} fault;
static size_t limit;
static long blocks;

/* The error that this call is to fail with, 0: let it pass. */
static int
strike(enum fault_op op)
{
	if (fault.left == 0 || op != fault.op)
		return 0;
	if (--fault.left > 0)
		return 0;
	fault.struck = 1;
	if (fault.sticky)
		fault.left = 1;
	return fault.error;
}

static void *
faulty_allocate(void *pointer, size_t size)
{
	void *result;

	if (size > 0 && strike(FAULT_ALLOCATE))
		return NULL;
	result = REAL->allocate(pointer, size);
	if (!pointer && result)
		blocks++;
	else if (pointer && size == 0)
		blocks--;
	return result;
}

#define FAULTY(op, name, parameters, ...)                       \
	static int faulty_##name parameters                     \
	{                                                       \
		int error = strike(op);                         \
                                                                \
		return error ? error : REAL->name(__VA_ARGS__); \
	}

FAULTY(FAULT_OPEN, open, (const char *path, int flags), path, flags)
FAULTY(FAULT_OPEN, create, (const char *path, int flags, mode_t mode), path, flags, mode)
FAULTY(FAULT_FSTAT, fstat, (int fd, struct stat *ret_stat), fd, ret_stat)
FAULTY(FAULT_GET_FLAGS, get_flags, (int fd), fd)
FAULTY(FAULT_SET_FLAGS, set_flags, (int fd, int flags), fd, flags)
FAULTY(FAULT_PIDFD_OPEN, pidfd_open, (pid_t pid), pid)
FAULTY(FAULT_PIDFD_SEND_SIGNAL, pidfd_send_signal, (int pidfd, int signo), pidfd, signo)
FAULTY(FAULT_WAITID, waitid, (pid_t pid, siginfo_t *ret_info, int options), pid, ret_info, options)
FAULTY(FAULT_TIMERFD_CREATE, timerfd_create, (void))
FAULTY(FAULT_POLL, poll, (struct pollfd * fds, size_t n, fend_time timeout), fds, n, timeout)
FAULTY(FAULT_WAKEUP, wakeup, (int ret_fds[2]), ret_fds)
FAULTY(FAULT_SIGACTION, sigaction,
       (int signo, const struct sigaction *action, struct sigaction *old), signo, action, old)
FAULTY(FAULT_EPOLL_CREATE, epoll_create, (void))
FAULTY(FAULT_EPOLL_CTL, epoll_ctl, (int epoll, int op, int fd, struct epoll_event *event), epoll,
       op, fd, event)
FAULTY(FAULT_EPOLL_WAIT, epoll_wait,
       (int epoll, struct epoll_event *events, int n, fend_time timeout), epoll, events, n, timeout)
FAULTY(FAULT_SOCKET, socket, (int domain, int type, int protocol), domain, type, protocol)
FAULTY(FAULT_BIND, bind, (int fd, const struct sockaddr *address, socklen_t size), fd, address,
       size)
FAULTY(FAULT_LISTEN, listen, (int fd, int backlog), fd, backlog)
FAULTY(FAULT_ACCEPT, accept, (int fd, struct sockaddr *address, socklen_t *size), fd, address, size)
FAULTY(FAULT_CONNECT, connect, (int fd, const struct sockaddr *address, socklen_t size), fd,
       address, size)
FAULTY(FAULT_SHUTDOWN, shutdown, (int fd, int how), fd, how)
FAULTY(FAULT_GETSOCKOPT, getsockopt, (int fd, int level, int option, void *value, socklen_t *size),
       fd, level, option, value, size)
FAULTY(FAULT_SETSOCKOPT, setsockopt,
       (int fd, int level, int option, const void *value, socklen_t size), fd, level, option, value,
       size)

FAULTY(FAULT_RECVMMSG, recvmmsg, (int fd, struct fend__message *messages, unsigned n, int flags),
       fd, messages, n, flags)
FAULTY(FAULT_SENDMMSG, sendmmsg, (int fd, struct fend__message *messages, unsigned n, int flags),
       fd, messages, n, flags)
FAULTY(FAULT_INTERFACE, interface, (const char *name, unsigned *ret_index), name, ret_index)
FAULTY(FAULT_INTERFACE_NAME, interface_name, (unsigned index, char ret_name[IF_NAMESIZE]), index,
       ret_name)
FAULTY(FAULT_HOST_NAME, host_name, (char *ret_name, size_t size), ret_name, size)
FAULTY(FAULT_LIST, list, (const char *path, fend__list_fn *fn, void *data), path, fn, data)

static ssize_t
faulty_read(int fd, void *buffer, size_t size)
{
	int error = strike(FAULT_READ);

	return error ? error : REAL->read(fd, buffer, size);
}

static ssize_t
faulty_write(int fd, const void *buffer, size_t size)
{
	int error = strike(FAULT_WRITE);

	return error ? error : REAL->write(fd, buffer, size);
}

static ssize_t
faulty_pread(int fd, void *buffer, size_t size, off_t offset)
{
	int error = strike(FAULT_PREAD);

	if (limit && limit < size)
		size = limit;
	return error ? error : REAL->pread(fd, buffer, size, offset);
}

/* The first bytes of a vector, limit at most, as a vector of its own. */
static size_t
cut(const struct iovec *from, size_t n, struct iovec *to, size_t max)
{
	size_t left = limit, i;

	for (i = 0; i < n && i < max && left > 0; i++) {
		to[i] = from[i];
		if (to[i].iov_len > left)
			to[i].iov_len = left;
		left -= to[i].iov_len;
	}
	return i;
}

static ssize_t
faulty_recv(int fd, void *buffer, size_t size, int flags)
{
	int error = strike(FAULT_RECVMSG);

	return error ? error : REAL->recv(fd, buffer, limit && limit < size ? limit : size, flags);
}

static ssize_t
faulty_send(int fd, const void *buffer, size_t size, int flags)
{
	int error = strike(FAULT_SENDMSG);

	return error ? error : REAL->send(fd, buffer, limit && limit < size ? limit : size, flags);
}

static ssize_t
faulty_recvmsg(int fd, struct msghdr *message, int flags)
{
	int error = strike(FAULT_RECVMSG);
	struct iovec iov[16];
	struct msghdr less = *message;
	ssize_t n;

	if (error)
		return error;
	if (!limit)
		return REAL->recvmsg(fd, message, flags);
	less.msg_iovlen = cut(message->msg_iov, message->msg_iovlen, iov, G_N_ELEMENTS(iov));
	less.msg_iov = iov;
	n = REAL->recvmsg(fd, &less, flags);
	message->msg_namelen = less.msg_namelen;
	message->msg_controllen = less.msg_controllen;
	message->msg_flags = less.msg_flags;
	return n;
}

static ssize_t
faulty_sendmsg(int fd, const struct msghdr *message, int flags)
{
	int error = strike(FAULT_SENDMSG);
	struct iovec iov[16];
	struct msghdr less = *message;

	if (error)
		return error;
	if (limit) {
		less.msg_iovlen =
			cut(message->msg_iov, message->msg_iovlen, iov, G_N_ELEMENTS(iov));
		less.msg_iov = iov;
	}
	return REAL->sendmsg(fd, &less, flags);
}

static struct fend__kernel faulty;

void
fault_install(void)
{
	fault_clear();
	limit = 0;
	blocks = 0;
	faulty = *REAL;
	faulty.allocate = faulty_allocate;
	faulty.open = faulty_open;
	faulty.create = faulty_create;
	faulty.read = faulty_read;
	faulty.write = faulty_write;
	faulty.pread = faulty_pread;
	faulty.poll = faulty_poll;
	faulty.wakeup = faulty_wakeup;
	faulty.sigaction = faulty_sigaction;
	faulty.epoll_create = faulty_epoll_create;
	faulty.epoll_ctl = faulty_epoll_ctl;
	faulty.epoll_wait = faulty_epoll_wait;
	faulty.socket = faulty_socket;
	faulty.bind = faulty_bind;
	faulty.listen = faulty_listen;
	faulty.accept = faulty_accept;
	faulty.connect = faulty_connect;
	faulty.shutdown = faulty_shutdown;
	faulty.getsockopt = faulty_getsockopt;
	faulty.setsockopt = faulty_setsockopt;
	faulty.recv = faulty_recv;
	faulty.send = faulty_send;
	faulty.recvmsg = faulty_recvmsg;
	faulty.sendmsg = faulty_sendmsg;
	faulty.recvmmsg = faulty_recvmmsg;
	faulty.sendmmsg = faulty_sendmmsg;
	faulty.interface = faulty_interface;
	faulty.interface_name = faulty_interface_name;
	faulty.host_name = faulty_host_name;
	faulty.list = faulty_list;
	faulty.fstat = faulty_fstat;
	faulty.get_flags = faulty_get_flags;
	faulty.set_flags = faulty_set_flags;
	faulty.pidfd_open = faulty_pidfd_open;
	faulty.pidfd_send_signal = faulty_pidfd_send_signal;
	faulty.waitid = faulty_waitid;
	faulty.timerfd_create = faulty_timerfd_create;
	fend__kernel = &faulty;
}

void
fault_remove(void)
{
	fend__kernel = REAL;
	g_assert_cmpint(blocks, ==, 0);
}

void
fault_set(enum fault_op op, unsigned n, int error, int sticky)
{
	fault.op = op;
	fault.left = n;
	fault.error = error;
	fault.sticky = sticky;
	fault.struck = 0;
}

void
fault_clear(void)
{
	fault.left = 0;
}

int
fault_struck(void)
{
	return fault.struck;
}

void
fault_limit(size_t max)
{
	limit = max;
}
