/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

struct probe {
	struct test *test;
	struct fend_child *child;
	struct fend_child_status status;
	int err, calls;
	void (*then)(struct probe *probe);
};

static void
on_child(struct fend_child *child, int err, const struct fend_child_status *status, void *data)
{
	struct probe *probe = data;

	g_assert_true(child == probe->child);
	g_assert_true((err == 0) == (status != NULL));
	probe->err = err;
	if (status)
		probe->status = *status;
	probe->calls++;
	if (probe->then)
		probe->then(probe);
}

/* A child that waits until its standard input ends, then exits with code, or kills itself. */
static pid_t
start(int *ret_hold, int code, int signo)
{
	int fds[2];
	pid_t pid;
	char byte;

	g_assert_cmpint(pipe(fds), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		close(fds[1]);
		while (read(fds[0], &byte, 1) > 0)
			;
		if (signo)
			raise(signo);
		_exit(code);
	}
	close(fds[0]);
	*ret_hold = fds[1];
	return pid;
}

static void
probe_init(struct probe *probe, struct test *test, pid_t pid)
{
	memset(probe, 0, sizeof(*probe));
	probe->test = test;
	test_ok(fend_child_new(test->loop, pid, on_child, probe, &probe->child));
	g_assert_cmpint(fend_child_pid(probe->child), ==, pid);
}

/* Where a child of ours is a zombie or running: 0; reaped: -1. */
static int
exists(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
}

static void
test_exit_status(struct test *test)
{
	struct probe probe;
	int hold;
	pid_t pid = start(&hold, 42, 0);

	probe_init(&probe, test, pid);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	close(hold);
	test_wait(test, &probe.calls);
	g_assert_cmpint(probe.err, ==, 0);
	g_assert_true(probe.status.exited);
	g_assert_cmpint(probe.status.code, ==, 42);
	g_assert_cmpint(exists(pid), ==, -1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	test_error(fend_child_kill(probe.child, SIGTERM), -ESRCH);
	fend_child_free(probe.child);
}

static void
test_killed_by_signal(struct test *test)
{
	struct probe probe;
	int hold;

	probe_init(&probe, test, start(&hold, 0, SIGUSR2));
	close(hold);
	test_wait(test, &probe.calls);
	g_assert_false(probe.status.exited);
	g_assert_cmpint(probe.status.signal, ==, SIGUSR2);
	g_assert_false(probe.status.core_dumped);
	fend_child_free(probe.child);
}

static void
test_kill(struct test *test)
{
	struct probe probe;
	int hold;

	probe_init(&probe, test, start(&hold, 0, 0));
	test_ok(fend_child_kill(probe.child, 0));
	test_error(fend_child_kill(probe.child, 1000), -EINVAL);
	test_ok(fend_child_kill(probe.child, SIGKILL));
	test_wait(test, &probe.calls);
	g_assert_cmpint(probe.status.signal, ==, SIGKILL);
	fend_child_free(probe.child);
	close(hold);
}

/* Although the loop has not noticed yet, and nobody has reaped it. */
static void
test_kill_says_that_it_has_ended(struct test *test)
{
	struct probe probe;
	siginfo_t info;
	int hold;
	pid_t pid = start(&hold, 7, 0);

	probe_init(&probe, test, pid);
	close(hold);
	g_assert_cmpint(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ==, 0);
	test_error(fend_child_kill(probe.child, SIGTERM), -ESRCH);
	test_wait(test, &probe.calls);
	g_assert_true(probe.status.exited);
	g_assert_cmpint(probe.status.code, ==, 7);
	fend_child_free(probe.child);
}

static void
test_ended_before_it_was_watched(struct test *test)
{
	struct probe probe;
	siginfo_t info;
	int hold;
	pid_t pid = start(&hold, 7, 0);

	close(hold);
	g_assert_cmpint(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ==, 0);
	probe_init(&probe, test, pid);
	g_assert_cmpint(probe.calls, ==, 0);
	test_wait(test, &probe.calls);
	g_assert_cmpint(probe.status.code, ==, 7);
	fend_child_free(probe.child);
}

static void
test_reaped_by_somebody_else(struct test *test)
{
	struct probe probe;
	int hold, status;
	pid_t pid = start(&hold, 7, 0);

	probe_init(&probe, test, pid);
	close(hold);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	test_error(fend_child_kill(probe.child, SIGTERM), -ESRCH);
	test_wait(test, &probe.calls);
	g_assert_cmpint(probe.err, ==, -ECHILD);
	fend_child_free(probe.child);
}

static int refusals;

/* A child that is traced cannot be reaped before its tracer has seen the end (ptrace(2)). */
static int
waitid_of_a_traced_child(pid_t pid, siginfo_t *ret_info, int options)
{
	if (!(options & WNOWAIT) && refusals > 0) {
		refusals--;
		return 0;
	}
	return fend__kernel_real.waitid(pid, ret_info, options);
}

static void
test_reaped_when_its_tracer_lets_go(struct test *test)
{
	struct fend__kernel traced = fend__kernel_real;
	struct probe probe;
	int hold;

	probe_init(&probe, test, start(&hold, 9, 0));
	traced.waitid = waitid_of_a_traced_child;
	fend__kernel = &traced;
	refusals = 3;
	close(hold);
	test_wait(test, &probe.calls);
	fend__kernel = &fend__kernel_real;
	g_assert_cmpint(refusals, ==, 0);
	g_assert_cmpint(probe.err, ==, 0);
	g_assert_cmpint(probe.status.code, ==, 9);
	fend_child_free(probe.child);
}

static void
test_reaps_no_other(struct test *test)
{
	struct probe probe;
	int hold, status;
	pid_t other = start(&hold, 2, 0);
	siginfo_t info;

	/* Who asks for any child gets the other: it is older, and has ended. */
	close(hold);
	g_assert_cmpint(waitid(P_PID, (id_t)other, &info, WEXITED | WNOWAIT), ==, 0);
	probe_init(&probe, test, start(&hold, 1, 0));
	close(hold);
	test_wait(test, &probe.calls);
	g_assert_cmpint(waitpid(other, &status, 0), ==, other);
	g_assert_cmpint(WEXITSTATUS(status), ==, 2);
	fend_child_free(probe.child);
}

static void
test_free_neither_kills_nor_reaps(struct test *test)
{
	struct probe probe;
	int hold, status;
	pid_t pid = start(&hold, 3, 0);

	probe_init(&probe, test, pid);
	g_assert_null(fend_child_free(probe.child));
	close(hold);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(WEXITSTATUS(status), ==, 3);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_null(fend_child_free(NULL));
}

/* No failure of memory costs the program a descriptor. */
static void
test_allocation_fails(struct test *test)
{
	int hold, status, fds, n, r;
	pid_t pid = start(&hold, 0, 0);
	struct probe probe = { 0 };

	fds = test_count_fds();
	for (n = 1, r = -ENOMEM; r < 0; n++) {
		fault_install();
		fault_set(FAULT_ALLOCATE, (unsigned)n, -ENOMEM, 0);
		r = fend_child_new(test->loop, pid, on_child, &probe, &probe.child);
		fend__kernel = &fend__kernel_real;
		if (r < 0) {
			test_error(r, -ENOMEM);
			g_assert_cmpint(test_count_fds(), ==, fds);
		}
	}
	g_assert_cmpint(n, >, 2);
	fend_child_free(probe.child);
	close(hold);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
}

static void
test_bad_arguments(struct test *test)
{
	struct fend_child *child = NULL;

	test_error(fend_child_new(test->loop, 0, on_child, NULL, &child), -EINVAL);
	test_error(fend_child_new(test->loop, -1, on_child, NULL, &child), -EINVAL);
	test_error(fend_child_new(test->loop, getpid(), on_child, NULL, &child), -ECHILD);
	test_error(fend_child_new(test->loop, 1, on_child, NULL, &child), -ECHILD);
	test_error(fend_child_new(test->loop, getpid(), NULL, NULL, &child), -EINVAL);
	test_error(fend_child_new(NULL, getpid(), on_child, NULL, &child), -EINVAL);
	test_error(fend_child_kill(NULL, SIGTERM), -EINVAL);
	test_error(fend_child_pid(NULL), -EINVAL);
	g_assert_null(child);
}

struct reader {
	struct fend_io *io;
	int fd;
	int *order, place, eof;
};

static void
on_output(struct fend_io *io, unsigned events, void *data)
{
	struct reader *reader = data;
	char bytes[64];

	if (reader->place == 0)
		reader->place = ++*reader->order;
	reader->eof = read(reader->fd, bytes, sizeof(bytes)) == 0;
	if (reader->eof)
		reader->io = fend_io_free(io);
}

static int order;

static void
note_order(struct probe *probe)
{
	probe->err = ++order;
}

/* Many children whose last output and end are ready at once, more of them than a batch holds. */
static void
test_exit_comes_after_the_last_output(struct test *test)
{
	enum { N = 200 };
	struct probe *probes = g_new0(struct probe, N);
	struct reader *readers = g_new0(struct reader, N);
	int all = 0, i;

	order = 0;
	for (i = 0; i < N; i++) {
		int fds[2];
		siginfo_t info;
		pid_t pid;

		g_assert_cmpint(pipe(fds), ==, 0);
		pid = fork();
		g_assert_cmpint(pid, >=, 0);
		if (pid == 0) {
			ssize_t n = write(fds[1], "last words", 10);

			_exit(n == 10 ? 0 : 1);
		}
		close(fds[1]);
		g_assert_cmpint(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ==, 0);
		/* All children's sources first, so that their ends are reported first. */
		probe_init(&probes[i], test, pid);
		probes[i].then = note_order;
		readers[i].fd = fds[0];
		readers[i].order = &order;
	}
	for (i = 0; i < N; i++)
		test_ok(fend_io_new(test->loop, readers[i].fd, FEND_IN, on_output, &readers[i],
				    &readers[i].io));
	while (!all) {
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20) * test_slowness()));
		for (i = 0, all = 1; i < N; i++)
			all &= probes[i].calls > 0;
	}
	for (i = 0; i < N; i++) {
		g_assert_cmpint(readers[i].place, >, 0);
		g_assert_cmpint(probes[i].err, >, readers[i].place);
		fend_io_free(readers[i].io);
		close(readers[i].fd);
		fend_child_free(probes[i].child);
	}
	g_free(probes);
	g_free(readers);
}

static struct probe *others[2];

static void
free_both(struct probe *probe)
{
	int i;

	for (i = 0; i < 2; i++)
		others[i]->child = fend_child_free(others[i]->child);
}

static void
free_loop(struct probe *probe)
{
	probe->test->loop = fend_loop_free(probe->test->loop);
}

static void
test_free_inside_the_callback(struct test *test)
{
	void (*const acts[])(struct probe *) = { free_both, free_loop };
	unsigned i;

	for (i = 0; i < G_N_ELEMENTS(acts); i++) {
		struct probe a, b;
		int holds[2], r = 0;
		siginfo_t info;

		probe_init(&a, test, start(&holds[0], 0, 0));
		probe_init(&b, test, start(&holds[1], 0, 0));
		a.then = b.then = acts[i];
		others[0] = &a;
		others[1] = &b;
		close(holds[0]);
		close(holds[1]);
		g_assert_cmpint(waitid(P_PID, (id_t)fend_child_pid(a.child), &info,
				       WEXITED | WNOWAIT),
				==, 0);
		g_assert_cmpint(waitid(P_PID, (id_t)fend_child_pid(b.child), &info,
				       WEXITED | WNOWAIT),
				==, 0);
		while (a.calls + b.calls == 0 && r >= 0)
			r = fend_loop_dispatch(test->loop, FEND_SEC(20));
		g_assert_cmpint(a.calls + b.calls, ==, 1);
		g_assert_cmpint(r, ==, i == 0 ? 1 : -ESHUTDOWN);
		if (i == 1) {
			fend_child_free(a.child);
			fend_child_free(b.child);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static int
no_pidfd(pid_t pid)
{
	return -ENOSYS;
}

/* Once it was reaped the number may be anybody's. */
static int
kill_of_a_child(pid_t pid, int signo)
{
	g_assert_cmpint(exists(pid), ==, 0);
	return fend__kernel_real.kill(pid, signo);
}

static struct fend__kernel old_kernel;

/* The same promises where the system has no pidfds. */
static void
without_pidfd(struct test *test, test_fn *fn)
{
	struct sigaction before, after;

	g_assert_cmpint(sigaction(SIGCHLD, NULL, &before), ==, 0);
	old_kernel = fend__kernel_real;
	old_kernel.pidfd_open = no_pidfd;
	old_kernel.kill = kill_of_a_child;
	fend__kernel = &old_kernel;
	fn(test);
	fend__kernel = &fend__kernel_real;
	g_assert_cmpint(sigaction(SIGCHLD, NULL, &after), ==, 0);
	g_assert_true(before.sa_handler == after.sa_handler);
}

static void
test_without_pidfd(struct test *test)
{
	test_fn *const fns[] = {
		test_exit_status,
		test_killed_by_signal,
		test_kill,
		test_kill_says_that_it_has_ended,
		test_ended_before_it_was_watched,
		test_reaped_by_somebody_else,
		test_reaps_no_other,
		test_free_neither_kills_nor_reaps,
		test_bad_arguments,
		test_exit_comes_after_the_last_output,
		test_free_inside_the_callback,
	};
	unsigned i;

	for (i = 0; i < G_N_ELEMENTS(fns); i++)
		without_pidfd(test, fns[i]);
}

static void
test_forked_child_leaves_it_alone(struct test *test)
{
	struct probe probe;
	int hold, status;
	pid_t pid = start(&hold, 5, 0), forked;

	probe_init(&probe, test, pid);
	forked = fork();
	g_assert_cmpint(forked, >=, 0);
	if (forked == 0) {
		int r = fend_child_kill(probe.child, SIGKILL);

		fend_child_free(probe.child);
		fend_loop_free(test->loop);
		close(hold);
		_exit(r == -ECHILD ? 0 : 1);
	}
	g_assert_cmpint(waitpid(forked, &status, 0), ==, forked);
	g_assert_cmpint(status, ==, 0);
	close(hold);
	test_wait(test, &probe.calls);
	g_assert_cmpint(probe.status.code, ==, 5);
	fend_child_free(probe.child);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/child/exit-status", test_exit_status);
	test_add("/child/killed-by-signal", test_killed_by_signal);
	test_add("/child/kill", test_kill);
	test_add("/child/kill-says-that-it-has-ended", test_kill_says_that_it_has_ended);
	test_add("/child/ended-before-it-was-watched", test_ended_before_it_was_watched);
	test_add("/child/reaped-by-somebody-else", test_reaped_by_somebody_else);
	test_add("/child/reaped-when-its-tracer-lets-go", test_reaped_when_its_tracer_lets_go);
	test_add("/child/reaps-no-other", test_reaps_no_other);
	test_add("/child/free-neither-kills-nor-reaps", test_free_neither_kills_nor_reaps);
	test_add("/child/allocation-fails", test_allocation_fails);
	test_add("/child/bad-arguments", test_bad_arguments);
	test_add("/child/exit-comes-after-the-last-output", test_exit_comes_after_the_last_output);
	test_add("/child/free-inside-the-callback", test_free_inside_the_callback);
	test_add("/child/without-pidfd", test_without_pidfd);
	test_add("/child/forked-child-leaves-it-alone", test_forked_child_leaves_it_alone);
	return g_test_run();
}
