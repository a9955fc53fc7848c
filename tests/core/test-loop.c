/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fend-internal/loop.h>

#include "fault.h"

static void
test_stop_before_run(struct test *test)
{
	int code = 0;

	test_ok(fend_loop_stop(test->loop, 7));
	test_ok(fend_loop_stop(test->loop, 8));
	test_ok(fend_loop_run(test->loop, &code));
	g_assert_cmpint(code, ==, 7);
}

static void
test_dispatch_does_not_heed_stop(struct test *test)
{
	fend_time start = fend_now();
	int code = 0;

	test_ok(fend_loop_stop(test->loop, 9));
	test_error(fend_loop_dispatch(test->loop, FEND_MS(20)), 0);
	g_assert_cmpint(fend_now() - start, >=, FEND_MS(20));
	test_ok(fend_loop_run(test->loop, &code));
	g_assert_cmpint(code, ==, 9);
}

static void
stop_task(struct fend_task *task, void *data)
{
	test_ok(fend_loop_stop(data, -5));
}

static void
test_stop_inside(struct test *test)
{
	struct fend_task task = { stop_task, test->loop };
	int code = 0;

	test_ok(fend_task_defer(test->loop, &task));
	test_ok(fend_loop_run(test->loop, &code));
	g_assert_cmpint(code, ==, -5);
	test_ok(fend_task_defer(test->loop, &task));
	test_ok(fend_loop_run(test->loop, NULL));
}

static void *
stop_thread(void *data)
{
	test_ok(fend_loop_stop(data, 3));
	fend_loop_unref(data);
	return NULL;
}

static void
test_stop_from_thread(struct test *test)
{
	int i;

	for (i = 0; i < 200; i++) {
		pthread_t thread;
		int code = 0;

		g_assert_cmpint(pthread_create(&thread, NULL, stop_thread,
					       fend_loop_ref(test->loop)),
				==, 0);
		test_ok(fend_loop_run(test->loop, &code));
		g_assert_cmpint(code, ==, 3);
		g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
	}
}

static void
never(struct fend_timer *timer, uint64_t expirations, void *data)
{
	g_assert_not_reached();
}

static struct fend_loop *signalled;

static void
stop_in_handler(int signo)
{
	fend_loop_stop(signalled, 4);
}

static void
test_stop_from_a_signal_handler(struct test *test)
{
	struct sigaction action = { .sa_handler = stop_in_handler }, old;
	int code = 0;

	signalled = test->loop;
	g_assert_cmpint(sigaction(SIGALRM, &action, &old), ==, 0);
	alarm(1);
	test_ok(fend_loop_run(test->loop, &code));
	g_assert_cmpint(code, ==, 4);
	g_assert_cmpint(sigaction(SIGALRM, &old, NULL), ==, 0);
}

static void
test_cleanup_helper_frees(struct test *test)
{
	FEND_CLEANUP(fend_loop) struct fend_loop *loop = NULL;
	FEND_CLEANUP(fend_timer) struct fend_timer *timer = NULL;

	/* In the opposite order, and the sanitizers say whether it was done. */
	test_ok(fend_loop_new(NULL, &loop));
	test_ok(fend_timer_new(loop, never, NULL, &timer));
}

static void
nested_task(struct fend_task *task, void *data)
{
	struct test *test = data;

	test_error(fend_loop_run(test->loop, NULL), -EBUSY);
	test_error(fend_loop_dispatch(test->loop, 0), -EBUSY);
	test->done = 1;
}

static void
test_nested_run_is_refused(struct test *test)
{
	struct fend_task task = { nested_task, test };

	test_ok(fend_task_defer(test->loop, &task));
	test_run(test);
}

static void
test_dispatch_waits_no_longer_than_asked(struct test *test)
{
	fend_time start = fend_now();

	test_error(fend_loop_dispatch(test->loop, FEND_MS(20)), 0);
	g_assert_cmpint(fend_now() - start, >=, FEND_MS(20));
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	test_error(fend_loop_dispatch(test->loop, -2), -EINVAL);
}

static void
test_options(struct test *test)
{
	struct {
		struct fend_loop_options options;
		long newer;
	} bigger = { { sizeof(bigger), NULL }, 0 };
	struct fend_loop_options options = { sizeof(options), "no such dispatcher" };
	struct fend_loop *loop = NULL;

	test_error(fend_loop_new(&options, &loop), -ENOTSUP);
	test_ok(fend_loop_new(&bigger.options, &loop));
	loop = fend_loop_free(loop);
	bigger.newer = 1;
	test_error(fend_loop_new(&bigger.options, &loop), -E2BIG);
	options.size = 1;
	test_error(fend_loop_new(&options, &loop), -EINVAL);
	test_error(fend_loop_new(NULL, NULL), -EINVAL);
	g_assert_null(loop);
	g_assert_null(fend_loop_free(NULL));
}

static void
test_dispatcher_by_name_and_environment(struct test *test)
{
	const char *name = g_getenv("FEND_DISPATCHER");
	struct fend_loop_options options = { sizeof(options), name };
	struct fend_loop *loop;

	if (name)
		g_assert_cmpstr(fend_loop_dispatcher(test->loop), ==, name);
	test_ok(fend_loop_new(&options, &loop));
	g_assert_cmpstr(fend_loop_dispatcher(loop), ==, fend_loop_dispatcher(test->loop));
	if (strcmp(fend_loop_dispatcher(loop), "epoll") == 0)
		g_assert_cmpuint(fend_loop_features(loop), ==,
				 FEND_LOOP_EDGE | FEND_LOOP_EXCLUSIVE | FEND_LOOP_RDHUP);
	else
		g_assert_cmpuint(fend_loop_features(loop), ==, FEND_LOOP_RDHUP);
	fend_loop_free(loop);
}

struct everything {
	struct fend_loop *loop;
	struct fend_io *io;
	struct fend_timer *timer;
	struct fend_signal *signal;
	struct fend_task queued, posted;
	int fd;
	int calls;
};

static void
count_io(struct fend_io *io, unsigned events, void *data)
{
	((struct everything *)data)->calls++;
}

static void
count_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	((struct everything *)data)->calls++;
}

static void
count_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	((struct everything *)data)->calls++;
}

static void
count_task(struct fend_task *task, void *data)
{
	((struct everything *)data)->calls++;
}

static void
count_hook(struct fend_hook *hook, void *data)
{
	((struct everything *)data)->calls++;
}

static void
count_child(struct fend_child *child, int err, const struct fend_child_status *status, void *data)
{
	((struct everything *)data)->calls++;
}

/* One object of each kind, each about to call back. */
static void
everything_init(struct everything *all, struct fend_loop *loop)
{
	memset(all, 0, sizeof(*all));
	all->loop = loop;
	all->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	test_ok(all->fd);
	test_ok(fend_io_new(loop, all->fd, FEND_IN, count_io, all, &all->io));
	test_ok(fend_timer_new(loop, count_timer, all, &all->timer));
	fend_timer_after(all->timer, 0);
	test_ok(fend_signal_new(loop, SIGUSR1, count_signal, all, &all->signal));
	g_assert_cmpint(raise(SIGUSR1), ==, 0);
	all->queued = (struct fend_task){ count_task, all };
	all->posted = (struct fend_task){ count_task, all };
	test_ok(fend_task_defer(loop, &all->queued));
	test_ok(fend_task_post(loop, &all->posted));
}

static void
everything_is(struct everything *all, int error)
{
	struct fend_io *io = NULL;
	struct fend_timer *timer = NULL;
	struct fend_signal *signal = NULL;
	struct fend_hook *hook = NULL;
	struct fend_child *child = NULL;
	struct fend_task task = { count_task, all };

	test_error(fend_io_set(all->io, 0), error);
	g_assert_cmpint(fend_io_fd(all->io), ==, all->fd);
	g_assert_cmpuint(fend_io_events(all->io), ==, FEND_IN);
	fend_timer_after(all->timer, 0);
	fend_timer_at(all->timer, 1);
	fend_timer_every(all->timer, 1, 1);
	fend_timer_stop(all->timer);
	g_assert_cmpint(fend_signal_signo(all->signal), ==, SIGUSR1);
	test_error(fend_io_new(all->loop, all->fd, FEND_IN, count_io, all, &io), error);
	test_error(fend_timer_new(all->loop, count_timer, all, &timer), error);
	test_error(fend_signal_new(all->loop, SIGUSR1, count_signal, all, &signal), error);
	test_error(fend_hook_new(all->loop, FEND_HOOK_AFTER_WAIT, count_hook, all, &hook), error);
	test_error(fend_child_new(all->loop, 1, count_child, all, &child), error);
	test_error(fend_loop_fd(all->loop), error);
	test_error(fend_loop_prepare(all->loop, NULL, 0, NULL), error);
	test_error(fend_loop_set_timing(all->loop, true, 0), error);
	test_error(fend_task_defer(all->loop, &task), error);
	test_error(fend_task_post(all->loop, &task), error);
	test_error(fend_task_cancel(all->loop, &task), error == -ECHILD ? 0 : error);
	test_error(fend_loop_stop(all->loop, 0), error);
	test_error(fend_loop_run(all->loop, NULL), error);
	test_error(fend_loop_dispatch(all->loop, 0), error);
}

static void
everything_free(struct everything *all)
{
	fend_io_free(all->io);
	fend_timer_free(all->timer);
	fend_signal_free(all->signal);
	close(all->fd);
}

static void
test_freed_loop_leaves_objects_inert(struct test *test)
{
	struct everything all, other;

	everything_init(&all, fend_loop_ref(test->loop));
	test->loop = fend_loop_free(test->loop);
	everything_is(&all, -ESHUTDOWN);
	g_assert_false(fend_timer_is_armed(all.timer));
	g_assert_cmpint(all.calls, ==, 0);
	fend_loop_unref(all.loop);

	/* Queued tasks were let go of. */
	test_ok(fend_loop_new(NULL, &test->loop));
	everything_init(&other, test->loop);
	test_ok(fend_task_defer(test->loop, &all.queued));
	test_ok(fend_task_post(test->loop, &all.posted));
	test_ok(fend_loop_dispatch(test->loop, 0));
	g_assert_cmpint(all.calls, ==, 2);
	everything_free(&all);
	everything_free(&other);
}

static void
free_loop_task(struct fend_task *task, void *data)
{
	fend_loop_free(data);
}

static void
free_loop_io(struct fend_io *io, unsigned events, void *data)
{
	fend_loop_free(data);
}

static void
free_loop_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	fend_loop_free(data);
}

static void
free_loop_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	fend_loop_free(data);
}

/* In each kind of callback, with one of every kind yet to be called behind it. */
static void
test_free_loop_in_callback(struct test *test)
{
	int kind;

	for (kind = 0; kind < 4; kind++) {
		struct fend_loop *loop;
		struct fend_io *io = NULL;
		struct fend_timer *timer = NULL;
		struct fend_signal *signal = NULL;
		struct everything all;
		struct fend_task task = { 0 };
		int fd = eventfd(1, EFD_CLOEXEC);

		test_ok(fend_loop_new(NULL, &loop));
		task = (struct fend_task){ free_loop_task, loop };
		if (kind == 0)
			test_ok(fend_task_defer(loop, &task));
		else if (kind == 1)
			test_ok(fend_io_new(loop, fd, FEND_IN, free_loop_io, loop, &io));
		else if (kind == 2)
			test_ok(fend_timer_new(loop, free_loop_timer, loop, &timer));
		else
			test_ok(fend_signal_new(loop, SIGUSR1, free_loop_signal, loop, &signal));
		if (timer)
			fend_timer_after(timer, 0);
		everything_init(&all, loop);
		test_error(kind % 2 ? fend_loop_run(loop, NULL) : fend_loop_dispatch(loop, 0),
			   -ESHUTDOWN);
		/* Tasks come before the freeing callback except for the freeing task itself. */
		g_assert_cmpint(all.calls, <=, kind == 0 ? 0 : 5);
		everything_free(&all);
		fend_io_free(io);
		fend_timer_free(timer);
		fend_signal_free(signal);
		close(fd);
	}
}

static void
test_reference_outlives_the_loop(struct test *test)
{
	struct fend_loop *loop = fend_loop_ref(test->loop);
	struct everything all = { 0 };
	struct fend_task task = { count_task, &all };

	test->loop = fend_loop_free(test->loop);
	test_error(fend_task_post(loop, &task), -ESHUTDOWN);
	test_error(fend_loop_stop(loop, 1), -ESHUTDOWN);
	g_assert_null(fend_loop_unref(loop));
	g_assert_null(fend_loop_unref(NULL));
}

/* Run fn in a child and fail if it fails. */
static void
in_child(void (*fn)(void *), void *data)
{
	pid_t pid = fork();
	int status;

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		fn(data);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

static void
child_refuses_then_frees(void *data)
{
	struct everything *all = data;
	struct fend_loop *own;
	int calls;

	everything_is(all, -ECHILD);
	calls = all->calls;
	everything_free(all);
	fend_loop_free(all->loop);
	g_assert_cmpint(all->calls, ==, calls);

	/* A loop of the child's own works. */
	test_ok(fend_loop_new(NULL, &own));
	everything_init(all, own);
	test_ok(fend_loop_dispatch(own, 0));
	g_assert_cmpint(all->calls, ==, calls + 5);
	everything_free(all);
	fend_loop_free(own);
}

static void
test_fork_leaves_the_parent_alone(struct test *test)
{
	struct everything all;
	struct sigaction before, after;

	g_assert_cmpint(sigaction(SIGUSR1, NULL, &before), ==, 0);
	everything_init(&all, test->loop);
	in_child(child_refuses_then_frees, &all);
	test_error(fend_loop_dispatch(test->loop, 0), 5);
	g_assert_cmpint(all.calls, ==, 5);
	everything_free(&all);
	g_assert_cmpint(sigaction(SIGUSR1, NULL, &after), ==, 0);
	g_assert_true(before.sa_handler == after.sa_handler);
}

static void
fork_task(struct fend_task *task, void *data)
{
	*(pid_t *)data = fork();
	g_assert_cmpint(*(pid_t *)data, >=, 0);
}

/* A child that returns from the callback it was forked in must not go on with the parent's loop. */
static void
test_fork_in_callback(struct test *test)
{
	pid_t pid = -1;
	struct fend_task task = { fork_task, &pid };
	struct everything all;
	int status, r;

	test_ok(fend_task_defer(test->loop, &task));
	everything_init(&all, test->loop);
	r = fend_loop_dispatch(test->loop, 0);
	if (pid == 0)
		_exit(r == -ECHILD && all.calls == 0 ? 0 : 1);
	g_assert_cmpint(r, ==, 6);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	everything_free(&all);
}

#define WITHOUT_WIPED_PAGES "/loop/fork-is-noticed-without-wiped-pages"
#define NO_WIPED_PAGE "FEND_TEST_NO_WIPED_PAGE"

static const char *program;

static void
run_without_wiped_pages(void *data)
{
	/* main() sees that before anything of fend is used. Its output is none of this test's. */
	g_setenv(NO_WIPED_PAGE, "1", TRUE);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execl(program, program, "-p", WITHOUT_WIPED_PAGES, NULL);
	_exit(127);
}

/* The same where the system has no pages that a child finds wiped. */
static void
test_fork_is_noticed_without_wiped_pages(struct test *test)
{
	if (!g_getenv(NO_WIPED_PAGE)) {
		in_child(run_without_wiped_pages, NULL);
		return;
	}
	test_fork_leaves_the_parent_alone(test);
	test_fork_in_callback(test);
}

static char key_a, key_b;
static int order;

static void
detach_a(void *object)
{
	g_assert_cmpint(order++, ==, 1);
	g_assert_true(object == &key_a);
}

static void
detach_b(void *object)
{
	struct fend_loop *loop = object;
	struct fend_timer *timer;

	g_assert_cmpint(order++, ==, 0);
	test_ok(fend_timer_new(loop, count_timer, NULL, &timer));
	fend_timer_free(timer);
}

static void
test_attachments_go_newest_first_while_the_loop_works(struct test *test)
{
	order = 0;
	test_ok(fend__loop_attach(test->loop, &key_a, &key_a, detach_a));
	test_ok(fend__loop_attach(test->loop, &key_b, test->loop, detach_b));
	test_error(fend__loop_attach(test->loop, &key_b, test->loop, detach_b), -EEXIST);
	g_assert_true(fend__loop_attached(test->loop, &key_a) == &key_a);
	g_assert_null(fend__loop_attached(test->loop, &order));
	test->loop = fend_loop_free(test->loop);
	g_assert_cmpint(order, ==, 2);
}

static void
test_now_is_read_once_per_iteration(struct test *test)
{
	fend_time now, start;

	test_ok(fend_loop_dispatch(test->loop, 0));
	now = fend_loop_now(test->loop);
	start = fend_now();
	while (fend_now() == start)
		;
	g_assert_cmpint(fend_loop_now(test->loop), ==, now);
	test_ok(fend_loop_dispatch(test->loop, 0));
	g_assert_cmpint(fend_loop_now(test->loop), >, now);
}

static void
test_interrupted_wait_is_no_error(struct test *test)
{
	fault_install();
	fault_set(FAULT_EPOLL_WAIT, 1, -EINTR, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	fault_set(FAULT_POLL, 1, -EINTR, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	fault_clear();
	fend__kernel = &fend__kernel_real;
}

static void
test_full_descriptor_table(struct test *test)
{
	struct rlimit limit, tight;
	struct fend_loop *loop = NULL;
	int fds[64], n = 0, free_fds;

	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	tight = limit;
	tight.rlim_cur = G_N_ELEMENTS(fds);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &tight), ==, 0);
	while ((fds[n] = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
		n++;
	/* A loop needs two, the poll dispatcher one of them. */
	for (free_fds = 0; fend_loop_new(NULL, &loop) < 0; free_fds++) {
		test_error(fend_loop_new(NULL, &loop), -EMFILE);
		g_assert_null(loop);
		close(fds[--n]);
	}
	g_assert_cmpint(free_fds, ==,
			strcmp(fend_loop_dispatcher(test->loop), "epoll") == 0 ? 2 : 1);
	fend_loop_free(loop);
	while (n > 0)
		close(fds[--n]);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
}

static int
no_wiped_page(void **ret_page)
{
	return -EINVAL;
}

int
main(int argc, char **argv)
{
	static struct fend__kernel old;

	test_init(&argc, &argv);
	old = fend__kernel_real;
	old.wiped_page = no_wiped_page;
	if (g_getenv(NO_WIPED_PAGE))
		fend__kernel = &old;
	program = argv[0];
	test_add("/loop/stop-before-run-ends-it-at-once", test_stop_before_run);
	test_add("/loop/dispatch-does-not-heed-stop", test_dispatch_does_not_heed_stop);
	test_add("/loop/stop-inside-a-callback", test_stop_inside);
	test_add("/loop/stop-from-another-thread", test_stop_from_thread);
	test_add("/loop/stop-from-a-signal-handler", test_stop_from_a_signal_handler);
	test_add("/loop/cleanup-helper-frees", test_cleanup_helper_frees);
	test_add("/loop/nested-run-is-refused", test_nested_run_is_refused);
	test_add("/loop/dispatch-waits-no-longer-than-asked",
		 test_dispatch_waits_no_longer_than_asked);
	test_add("/loop/options", test_options);
	test_add("/loop/dispatcher-by-name-and-environment",
		 test_dispatcher_by_name_and_environment);
	test_add("/loop/freed-loop-leaves-objects-inert", test_freed_loop_leaves_objects_inert);
	test_add("/loop/free-inside-each-kind-of-callback", test_free_loop_in_callback);
	test_add("/loop/reference-outlives-the-loop", test_reference_outlives_the_loop);
	test_add("/loop/fork-leaves-the-parent-alone", test_fork_leaves_the_parent_alone);
	test_add("/loop/child-returning-from-a-callback-stops", test_fork_in_callback);
	test_add(WITHOUT_WIPED_PAGES, test_fork_is_noticed_without_wiped_pages);
	test_add("/loop/attachments-go-newest-first-while-the-loop-works",
		 test_attachments_go_newest_first_while_the_loop_works);
	test_add("/loop/now-is-read-once-per-iteration", test_now_is_read_once_per_iteration);
	test_add("/loop/interrupted-wait-is-no-error", test_interrupted_wait_is_no_error);
	test_add("/loop/full-descriptor-table", test_full_descriptor_table);
	return g_test_run();
}
