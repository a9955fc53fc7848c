/* SPDX-License-Identifier: MIT */
/*
 * Failing system calls and allocations: each of a life with one object of every kind fails once,
 * and then that one and all after it. Whoever asked is told by a return value or by its callback,
 * nothing leaks, and nothing crashes.
 */
#include "fend-test.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

struct life {
	struct fend_loop *loop;
	struct fend_io *io;
	struct fend_timer *timer;
	struct fend_signal *signal;
	struct fend_child *child;
	struct fend_hook *hook;
	struct fend_file *file;
	struct fend_task task;
	int fd;
	pid_t pid;
	bool child_is_told;
	int err; /* what a callback was told */
};

static void
on_io(struct fend_io *io, unsigned events, void *data)
{
	struct life *life = data;

	if (events & FEND_ERR)
		life->err = -EIO;
	fend_io_set(io, 0);
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
}

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
}

static void
on_child(struct fend_child *child, int err, const struct fend_child_status *status, void *data)
{
	struct life *life = data;

	life->child_is_told = true;
	life->err = err;
}

static void
on_hook(struct fend_hook *hook, void *data)
{
}

static void
on_task(struct fend_task *task, void *data)
{
}

static int
make(struct life *life)
{
	int r = fend_loop_new(NULL, &life->loop);

	if (r == 0)
		r = fend_file_wrap(life->fd, FEND_KEEP_OPEN, &life->file);
	if (r == 0)
		r = fend_file_set_blocking(life->file, false);
	if (r == 0)
		r = fend_io_new(life->loop, life->fd, 0, on_io, life, &life->io);
	if (r == 0)
		r = fend_timer_new(life->loop, on_timer, life, &life->timer);
	if (r == 0)
		r = fend_signal_new(life->loop, SIGUSR1, on_signal, life, &life->signal);
	if (r == 0)
		r = fend_hook_new(life->loop, FEND_HOOK_BEFORE_WAIT, on_hook, life, &life->hook);
	if (r == 0)
		r = fend_child_new(life->loop, life->pid, on_child, life, &life->child);
	if (r == 0)
		r = fend_loop_fd(life->loop);
	return r == -ENOTSUP ? 0 : r;
}

static int
work(struct life *life)
{
	int i, r;

	r = fend_io_set(life->io, FEND_IN);
	fend_timer_after(life->timer, 0);
	if (r == 0)
		r = fend_task_post(life->loop, &life->task);
	if (r == 0)
		r = fend_child_kill(life->child, SIGKILL);
	for (i = 0; r >= 0 && !life->child_is_told && i < 1000; i++)
		r = fend_loop_dispatch(life->loop, FEND_SEC(20));
	return r < 0 ? r : life->err;
}

static void
end(struct life *life)
{
	fend_child_free(life->child);
	fend_hook_free(life->hook);
	fend_signal_free(life->signal);
	fend_timer_free(life->timer);
	fend_io_free(life->io);
	fend_file_free(life->file);
	fend_loop_free(life->loop);
	if (!life->child_is_told || life->err < 0) {
		kill(life->pid, SIGKILL);
		waitpid(life->pid, NULL, 0);
	}
	close(life->fd);
}

/* 0, or the error of whatever failed. */
static int
live(void)
{
	struct life life = { .task = { .fn = on_task }, .fd = eventfd(1, EFD_CLOEXEC) };
	int r;

	life.pid = fork();
	g_assert_cmpint(life.pid, >=, 0);
	if (life.pid == 0)
		for (;;)
			pause();
	r = make(&life);
	if (r >= 0)
		r = work(&life);
	end(&life);
	return r;
}

static const struct failure {
	enum fault_op op;
	int error;
	int told;               /* what the user is told instead, or 0 */
	const char *dispatcher; /* that makes this call; NULL: both */
	unsigned least; /* failures that are told: calls known to be there, and not optional */
} failures[] = {
	/* the loop, its dispatcher, tables and sources of descriptors, timers, a signal, ... */
	{ FAULT_ALLOCATE, -ENOMEM, 0, NULL, 10 },
	{ FAULT_WAKEUP, -EMFILE, 0, NULL, 1 },
	{ FAULT_GET_FLAGS, -EBADF, 0, NULL, 2 },
	{ FAULT_SET_FLAGS, -EPERM, 0, NULL, 1 },
	{ FAULT_SIGACTION, -EINVAL, 0, NULL, 1 },
	{ FAULT_PIDFD_OPEN, -EMFILE, 0, NULL, 1 },
	{ FAULT_PIDFD_SEND_SIGNAL, -EPERM, 0, NULL, 1 },
	{ FAULT_WAITID, -ECHILD, -ESRCH, NULL, 2 },
	{ FAULT_EPOLL_CREATE, -EMFILE, 0, "epoll", 2 },
	{ FAULT_EPOLL_CTL, -ENOSPC, -EIO, "epoll", 4 },
	{ FAULT_EPOLL_WAIT, -EBADF, 0, "epoll", 1 },
	{ FAULT_TIMERFD_CREATE, -EMFILE, 0, "epoll", 1 },
	{ FAULT_FSTAT, -EBADF, 0, "poll", 1 },
	{ FAULT_POLL, -ENOMEM, 0, "poll", 1 },
};

/* Fail the n-th call, for every n there is. Returns how many of these lives were told. */
static unsigned
walk(const struct failure *failure, int sticky)
{
	int fds = test_count_fds();
	unsigned n, told = 0;

	for (n = 1;; n++) {
		int r;

		fault_install();
		fault_set(failure->op, n, failure->error, sticky);
		r = live();
		fault_remove();
		g_assert_cmpint(test_count_fds(), ==, fds);
		if (!fault_struck())
			return told;
		if (r < 0 && r != failure->told)
			g_assert_cmpint(r, ==, failure->error);
		told += r < 0;
	}
}

/* valgrind has none, for one. */
static bool
there_are_pidfds(void)
{
	int fd = fend__kernel_real.pidfd_open(getpid());

	if (fd >= 0)
		close(fd);
	return fd != -ENOSYS;
}

static bool
is_called(const struct failure *failure, const char *dispatcher)
{
	if (failure->op == FAULT_PIDFD_SEND_SIGNAL && !there_are_pidfds())
		return false;
	return !failure->dispatcher || strcmp(failure->dispatcher, dispatcher) == 0;
}

static void
test_every_failure_is_told(struct test *test)
{
	unsigned i;

	/* The memory behind signals stays for the next loop: have it before counting. */
	g_assert_cmpint(live(), ==, 0);
	for (i = 0; i < G_N_ELEMENTS(failures); i++) {
		const struct failure *failure = &failures[i];

		if (!is_called(failure, fend_loop_dispatcher(test->loop)))
			continue;
		g_assert_cmpuint(walk(failure, 0), >=, failure->least);
		g_assert_cmpuint(walk(failure, 1), >=, failure->least);
	}
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/fault/every-failure-is-told", test_every_failure_is_told);
	return g_test_run();
}
