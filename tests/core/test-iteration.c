/* SPDX-License-Identifier: MIT */
/* What an iteration does, in which order, and what it costs. */
#include "fend-test.h"

#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fend-internal/kernel.h>

/* What was called in an iteration, a letter for each. */
static char called[16];

static void
note(char letter)
{
	size_t length = strlen(called);

	g_assert_cmpuint(length, <, sizeof(called) - 1);
	called[length] = letter;
	called[length + 1] = '\0';
}

static void
note_task(struct fend_task *task, void *data)
{
	note('t');
}

static void
note_hook(struct fend_hook *hook, void *data)
{
	note(*(const char *)data);
}

static void
note_io(struct fend_io *io, unsigned events, void *data)
{
	note('i');
}

static void
note_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	note('T');
}

static void
note_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	note('s');
}

static void
note_child(struct fend_child *child, int err, const struct fend_child_status *status, void *data)
{
	note('c');
}

/*
 * One of each kind, made the other way round. Each is called in every iteration until the end of a
 * child is told, once, behind them all.
 */
static void
test_order(struct test *test)
{
	char letters[] = { 'a', 'b' };
	struct fend_task task = { note_task };
	int fd = eventfd(1, EFD_CLOEXEC), rounds = 0;
	pid_t pid = fork();
	struct fend_child *child;
	struct fend_signal *signal;
	struct fend_timer *timer;
	struct fend_io *io;
	struct fend_hook *after, *before;
	siginfo_t info;

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		_exit(0);
	g_assert_cmpint(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ==, 0);
	test_ok(fend_child_new(test->loop, pid, note_child, NULL, &child));
	test_ok(fend_signal_new(test->loop, SIGUSR1, note_signal, NULL, &signal));
	test_ok(fend_timer_new(test->loop, note_timer, NULL, &timer));
	test_ok(fend_io_new(test->loop, fd, FEND_IN, note_io, NULL, &io));
	test_ok(fend_hook_new(test->loop, FEND_HOOK_AFTER_WAIT, note_hook, &letters[0], &after));
	test_ok(fend_hook_new(test->loop, FEND_HOOK_BEFORE_WAIT, note_hook, &letters[1], &before));
	do {
		called[0] = '\0';
		test_ok(fend_task_defer(test->loop, &task));
		fend_timer_after(timer, 0);
		g_assert_cmpint(raise(SIGUSR1), ==, 0);
		test_ok(fend_loop_dispatch(test->loop, 0));
		g_assert_true(g_str_has_prefix(called, "tbaiTs"));
		g_assert_cmpint(++rounds, <, 1000);
	} while (called[6] == '\0');
	g_assert_cmpstr(called, ==, "tbaiTsc");
	fend_hook_free(before);
	fend_hook_free(after);
	fend_io_free(io);
	fend_timer_free(timer);
	fend_signal_free(signal);
	fend_child_free(child);
	close(fd);
}

/* A door that counts who passes. */
static struct fend__kernel counting;
static int waits, others;

static int
counting_epoll_wait(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
	waits++;
	return fend__kernel_real.epoll_wait(epoll, events, n, timeout);
}

static int
counting_poll(struct pollfd *fds, size_t n, fend_time timeout)
{
	waits++;
	return fend__kernel_real.poll(fds, n, timeout);
}

static void *
counting_allocate(void *pointer, size_t size)
{
	others++;
	return fend__kernel_real.allocate(pointer, size);
}

static fend_time
counting_now(void)
{
	others++;
	return fend__kernel_real.now();
}

static ssize_t
counting_read(int fd, void *buffer, size_t size)
{
	others++;
	return fend__kernel_real.read(fd, buffer, size);
}

static ssize_t
counting_write(int fd, const void *buffer, size_t size)
{
	others++;
	return fend__kernel_real.write(fd, buffer, size);
}

static int
counting_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	others++;
	return fend__kernel_real.epoll_ctl(epoll, op, fd, event);
}

static void
count_calls(void)
{
	counting = fend__kernel_real;
	counting.epoll_wait = counting_epoll_wait;
	counting.poll = counting_poll;
	counting.allocate = counting_allocate;
	counting.now = counting_now;
	counting.read = counting_read;
	counting.write = counting_write;
	counting.epoll_ctl = counting_epoll_ctl;
	fend__kernel = &counting;
	waits = others = 0;
}

static void
ignore_io(struct fend_io *io, unsigned events, void *data)
{
}

/* The loop is awake then, and nobody has to wake it. */
static void
post_again(struct fend_task *task, void *data)
{
	test_ok(fend_task_post(data, task));
}

static void
test_costs_one_system_call(struct test *test)
{
	struct fend_task task = { post_again, test->loop };
	struct fend_io *io;
	int fd = eventfd(1, EFD_CLOEXEC), i;

	test_ok(fend_io_new(test->loop, fd, FEND_IN, ignore_io, NULL, &io));
	test_ok(fend_task_post(test->loop, &task));
	test_error(fend_loop_dispatch(test->loop, 0), 2);
	count_calls();
	for (i = 1; i <= 10; i++) {
		test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 2);
		g_assert_cmpint(waits, ==, i);
		g_assert_cmpint(others, ==, 0);
	}
	fend__kernel = &fend__kernel_real;
	test_error(fend_task_cancel(test->loop, &task), 1);
	fend_io_free(io);
	close(fd);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/iteration/order", test_order);
	test_add("/iteration/costs-one-system-call", test_costs_one_system_call);
	return g_test_run();
}
