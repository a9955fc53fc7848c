/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

struct probe {
	struct fend_signal *signal;
	int calls, signo;
	unsigned count;
	void (*then)(struct probe *probe);
};

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	struct probe *probe = data;

	g_assert_true(signal == probe->signal);
	probe->calls++;
	probe->signo = signo;
	probe->count += count;
	if (probe->then)
		probe->then(probe);
}

static void
test_arrives_and_is_counted(struct test *test)
{
	struct probe probe = { 0 };

	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &probe, &probe.signal));
	g_assert_cmpint(fend_signal_signo(probe.signal), ==, SIGUSR1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	g_assert_cmpint(probe.signo, ==, SIGUSR1);
	g_assert_cmpuint(probe.count, ==, 2);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	fend_signal_free(probe.signal);
}

/* Nobody has collected it yet, and another source is to be told. */
static void
test_what_came_before_a_source_is_not_told(struct test *test)
{
	struct probe older = { 0 }, newer = { 0 };

	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &older, &older.signal));
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &newer, &newer.signal));
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	g_assert_cmpuint(older.count, ==, 1);
	g_assert_cmpuint(newer.count, ==, 0);
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 2);
	g_assert_cmpuint(older.count, ==, 2);
	g_assert_cmpuint(newer.count, ==, 1);
	fend_signal_free(older.signal);
	fend_signal_free(newer.signal);
}

static void
test_wakes_a_sleeping_loop(struct test *test)
{
	struct probe probe = { 0 };
	pid_t parent = getpid(), pid;
	int status;

	test_ok(fend_signal_new(test->loop, SIGUSR2, on_signal, &probe, &probe.signal));
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		_exit(kill(parent, SIGUSR2));
	test_wait(test, &probe.calls);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	fend_signal_free(probe.signal);
}

static void
old_handler(int signo)
{
}

static void
test_old_disposition_comes_back(struct test *test)
{
	struct sigaction action = { .sa_handler = old_handler, .sa_flags = SA_RESTART };
	struct sigaction now;
	struct probe a = { 0 }, b = { 0 };

	g_assert_cmpint(sigaction(SIGUSR1, &action, NULL), ==, 0);
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &a, &a.signal));
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &b, &b.signal));
	fend_signal_free(a.signal);
	g_assert_cmpint(sigaction(SIGUSR1, NULL, &now), ==, 0);
	g_assert_true(now.sa_handler != old_handler);
	g_assert_true(now.sa_flags & SA_RESTART);
	g_assert_true(now.sa_flags & SA_ONSTACK);
	fend_signal_free(b.signal);
	g_assert_cmpint(sigaction(SIGUSR1, NULL, &now), ==, 0);
	g_assert_true(now.sa_handler == old_handler);

	/* Unless somebody else has put something there meanwhile. */
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &a, &a.signal));
	action.sa_handler = SIG_IGN;
	g_assert_cmpint(sigaction(SIGUSR1, &action, NULL), ==, 0);
	fend_signal_free(a.signal);
	g_assert_cmpint(sigaction(SIGUSR1, NULL, &now), ==, 0);
	g_assert_true(now.sa_handler == SIG_IGN);
	action.sa_handler = SIG_DFL;
	g_assert_cmpint(sigaction(SIGUSR1, &action, NULL), ==, 0);
}

/* Somebody else takes the signal over, and then another source is made. */
static void
test_handler_is_put_back_in_place(struct test *test)
{
	struct sigaction action = { .sa_handler = SIG_IGN }, now;
	struct probe a = { 0 }, b = { 0 };

	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &a, &a.signal));
	g_assert_cmpint(sigaction(SIGUSR1, &action, NULL), ==, 0);
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &b, &b.signal));
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 2);
	fend_signal_free(a.signal);
	fend_signal_free(b.signal);
	g_assert_cmpint(sigaction(SIGUSR1, NULL, &now), ==, 0);
	g_assert_true(now.sa_handler == SIG_IGN);
	action.sa_handler = SIG_DFL;
	g_assert_cmpint(sigaction(SIGUSR1, &action, NULL), ==, 0);
}

/* A child that makes sources of its own gets a handler, and its old disposition back, whoever frees. */
static void
test_child_with_sources_of_its_own(struct test *test)
{
	struct probe parents = { 0 }, own = { 0 };
	struct sigaction now;
	int status;
	pid_t pid;

	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &parents, &parents.signal));
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		struct fend_loop *loop;

		signal(SIGUSR1, SIG_DFL);
		test_ok(fend_loop_new(NULL, &loop));
		test_ok(fend_signal_new(loop, SIGUSR1, on_signal, &own, &own.signal));
		raise(SIGUSR1);
		test_error(fend_loop_dispatch(loop, 0), 1);
		fend_signal_free(own.signal);
		fend_signal_free(parents.signal);
		sigaction(SIGUSR1, NULL, &now);
		fend_loop_free(loop);
		_exit(now.sa_handler == SIG_DFL ? 0 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	fend_signal_free(parents.signal);
}

static void
test_every_loop_is_told(struct test *test)
{
	struct probe a = { 0 }, b = { 0 }, c = { 0 };
	struct fend_loop *loop;

	test_ok(fend_loop_new(NULL, &loop));
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &a, &a.signal));
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &b, &b.signal));
	test_ok(fend_signal_new(loop, SIGUSR1, on_signal, &c, &c.signal));
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 2);
	test_error(fend_loop_dispatch(loop, 0), 1);
	g_assert_cmpint(a.calls, ==, 1);
	g_assert_cmpint(b.calls, ==, 1);
	g_assert_cmpint(c.calls, ==, 1);
	fend_signal_free(a.signal);
	fend_loop_free(loop);
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	fend_signal_free(b.signal);
	fend_signal_free(c.signal);
}

static struct probe *others[2];

static void
free_others(struct probe *probe)
{
	int i;

	for (i = 0; i < 2; i++)
		others[i]->signal = fend_signal_free(others[i]->signal);
}

static void
free_self(struct probe *probe)
{
	probe->signal = fend_signal_free(probe->signal);
}

static void
test_free_inside_the_callback(struct test *test)
{
	struct probe a = { .then = free_others }, b = { .then = free_others };

	others[0] = &a;
	others[1] = &b;
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &a, &a.signal));
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &b, &b.signal));
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(a.calls + b.calls, ==, 1);

	/* The first of two goes; the other is still told, now and later. */
	a = (struct probe){ .then = free_self };
	b = (struct probe){ 0 };
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &a, &a.signal));
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &b, &b.signal));
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 2);
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(b.calls, ==, 2);
	fend_signal_free(b.signal);
}

static void
test_bad_arguments(struct test *test)
{
	static const int bad[] = { 0, -1, 1000, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	struct fend_signal *signal = NULL;
	unsigned i;

	for (i = 0; i < G_N_ELEMENTS(bad); i++)
		test_error(fend_signal_new(test->loop, bad[i], on_signal, NULL, &signal), -EINVAL);
	test_error(fend_signal_new(NULL, SIGUSR1, on_signal, NULL, &signal), -EINVAL);
	test_error(fend_signal_new(test->loop, SIGUSR1, NULL, NULL, &signal), -EINVAL);
	test_error(fend_signal_new(test->loop, SIGUSR1, on_signal, NULL, NULL), -EINVAL);
	test_error(fend_signal_signo(NULL), -EINVAL);
	g_assert_null(fend_signal_free(NULL));
	g_assert_null(signal);
}

static ssize_t
failing_write(int fd, const void *buffer, size_t size)
{
	errno = EIO;
	return -EIO;
}

/* Whatever the handler does, whom it interrupts does not notice. */
static void
test_handler_keeps_errno(struct test *test)
{
	struct fend__kernel door = fend__kernel_real;
	struct probe probe = { 0 };

	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &probe, &probe.signal));
	/* From now on the loop wants to be woken. */
	test_ok(fend_loop_prepare(test->loop, NULL, 0, NULL));
	door.write = failing_write;
	fend__kernel = &door;
	errno = ENOTTY;
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	g_assert_cmpint(errno, ==, ENOTTY);
	fend__kernel = &fend__kernel_real;
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	fend_signal_free(probe.signal);
}

/* What a child frees is the parent's: the disposition stays as it is. */
static void
test_child_that_frees_leaves_the_disposition(struct test *test)
{
	struct sigaction before, after;
	struct probe probe = { 0 };
	int status;
	pid_t pid;

	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &probe, &probe.signal));
	g_assert_cmpint(sigaction(SIGUSR1, NULL, &before), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		fend_signal_free(probe.signal);
		fend_loop_free(test->loop);
		sigaction(SIGUSR1, NULL, &after);
		_exit(after.sa_handler == before.sa_handler ? 0 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	fend_signal_free(probe.signal);
}

/* A signal that comes to a child must not wake the parent's loop. */
static void
test_child_does_not_wake_the_parent(struct test *test)
{
	struct probe probe = { 0 };
	struct pollfd fds[2];
	int status, n;
	pid_t pid;

	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, &probe, &probe.signal));
	/* The loop counts as asleep from here on. */
	n = fend_loop_prepare(test->loop, fds, G_N_ELEMENTS(fds), NULL);
	g_assert_cmpint(n, ==, 1);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		raise(SIGUSR1);
		_exit(probe.calls);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpint(poll(fds, (nfds_t)n, 0), ==, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	fend_signal_free(probe.signal);
}

static void *
bombard(void *data)
{
	int i;

	for (i = 0; i < 2000; i++)
		kill(getpid(), SIGUSR1);
	return NULL;
}

/* Loops with signals come and go while signals keep arriving on several threads. */
static void
test_storm_while_loops_come_and_go(struct test *test)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	pthread_t threads[2];
	int i;

	g_assert_cmpint(sigaction(SIGUSR1, &ignore, &old), ==, 0);
	for (i = 0; i < 2; i++)
		g_assert_cmpint(pthread_create(&threads[i], NULL, bombard, NULL), ==, 0);
	for (i = 0; i < 300; i++) {
		struct probe probe = { 0 };
		struct fend_loop *loop;

		test_ok(fend_loop_new(NULL, &loop));
		test_ok(fend_signal_new(loop, SIGUSR1, on_signal, &probe, &probe.signal));
		test_ok(fend_loop_dispatch(loop, 0));
		if (i % 2)
			fend_signal_free(probe.signal);
		fend_loop_free(loop);
		if (i % 2 == 0)
			fend_signal_free(probe.signal);
	}
	for (i = 0; i < 2; i++)
		g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
	g_assert_cmpint(sigaction(SIGUSR1, &old, NULL), ==, 0);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/signal/arrives-and-is-counted", test_arrives_and_is_counted);
	test_add("/signal/what-came-before-a-source-is-not-told",
		 test_what_came_before_a_source_is_not_told);
	test_add("/signal/wakes-a-sleeping-loop", test_wakes_a_sleeping_loop);
	test_add("/signal/old-disposition-comes-back", test_old_disposition_comes_back);
	test_add("/signal/handler-is-put-back-in-place", test_handler_is_put_back_in_place);
	test_add("/signal/child-with-sources-of-its-own", test_child_with_sources_of_its_own);
	test_add("/signal/every-loop-is-told", test_every_loop_is_told);
	test_add("/signal/free-inside-the-callback", test_free_inside_the_callback);
	test_add("/signal/bad-arguments", test_bad_arguments);
	test_add("/signal/handler-keeps-errno", test_handler_keeps_errno);
	test_add("/signal/child-that-frees-leaves-the-disposition",
		 test_child_that_frees_leaves_the_disposition);
	test_add("/signal/child-does-not-wake-the-parent", test_child_does_not_wake_the_parent);
	test_add("/signal/storm-while-loops-come-and-go", test_storm_while_loops_come_and_go);
	return g_test_run();
}
