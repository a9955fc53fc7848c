/* SPDX-License-Identifier: MIT */
/* Loops inside other loops: fend_loop_fd() and fend_loop_prepare(). */
#include "fend-test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int
is_epoll(struct test *test)
{
	return strcmp(fend_loop_dispatcher(test->loop), "epoll") == 0;
}

static int
readable(int fd, int ms)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };

	return poll(&entry, 1, ms);
}

static void
count_task(struct fend_task *task, void *data)
{
	++*(int *)data;
}

static void
count_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	++*(int *)data;
}

static void
count_io(struct fend_io *io, unsigned events, void *data)
{
	++*(int *)data;
}

static void *
post_it(void *data)
{
	struct fend_task *task = data;

	return fend_task_post(task->data, task) == 0 ? NULL : data;
}

static void
quiet(struct fend_task *task, void *data)
{
}

/* Whatever a dispatch would do makes it readable, and having done it makes it silent again. */
static void
test_fd_is_readable_when_there_is_something_to_do(struct test *test)
{
	struct fend_task task = { count_task, &test->done }, posted = { quiet };
	struct fend_timer *timer;
	struct fend_io *io;
	int fds[2], fd = fend_loop_fd(test->loop);
	pthread_t thread;
	void *failed;
	char byte;

	if (!is_epoll(test)) {
		test_error(fd, -ENOTSUP);
		return;
	}
	test_ok(fd);
	g_assert_cmpint(fend_loop_fd(test->loop), ==, fd);
	g_assert_cmpint(readable(fd, 0), ==, 0);
	test_error(fend_io_new(test->loop, fd, FEND_IN, count_io, &test->done, &io), -EINVAL);

	test_ok(fend_task_defer(test->loop, &task));
	g_assert_cmpint(readable(fd, 0), ==, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(readable(fd, 0), ==, 0);

	posted.data = test->loop;
	g_assert_cmpint(pthread_create(&thread, NULL, post_it, &posted), ==, 0);
	g_assert_cmpint(readable(fd, 20000), ==, 1);
	g_assert_cmpint(pthread_join(thread, &failed), ==, 0);
	g_assert_null(failed);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	/* The wake-up itself may take one more look. */
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(readable(fd, 0), ==, 0);

	test_ok(fend_timer_new(test->loop, count_timer, &test->done, &timer));
	fend_timer_after(timer, FEND_MS(5));
	g_assert_cmpint(readable(fd, 20000), ==, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(readable(fd, 0), ==, 0);
	fend_timer_after(timer, FEND_SEC(100));
	g_assert_cmpint(readable(fd, 0), ==, 0);
	fend_timer_after(timer, 0);
	g_assert_cmpint(readable(fd, 20000), ==, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(readable(fd, 0), ==, 0);
	fend_timer_at(timer, FEND_FOREVER);
	g_assert_cmpint(readable(fd, 20000), ==, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	fend_timer_free(timer);

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	test_ok(fend_io_new(test->loop, fds[0], 0, count_io, &test->done, &io));
	g_assert_cmpint(write(fds[1], "x", 1), ==, 1);
	g_assert_cmpint(readable(fd, 0), ==, 0);
	test_ok(fend_io_set(io, FEND_IN));
	g_assert_cmpint(readable(fd, 0), ==, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(readable(fd, 0), ==, 1);
	g_assert_cmpint(read(fds[0], &byte, 1), ==, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(readable(fd, 0), ==, 0);
	fend_io_free(io);
	close(fds[0]);
	close(fds[1]);
}

static void
count_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	++*(int *)data;
}

static void
count_child(struct fend_child *child, int err, const struct fend_child_status *status, void *data)
{
	++*(int *)data;
}

/* What a host waits with, by fend_loop_fd() if there is one. */
static void
wait_as_host(struct test *test, bool by_fd)
{
	struct pollfd fds[16];
	fend_time timeout;
	int n;

	if (by_fd) {
		g_assert_cmpint(readable(fend_loop_fd(test->loop), 20000), ==, 1);
		return;
	}
	n = fend_loop_prepare(test->loop, fds, G_N_ELEMENTS(fds), &timeout);
	g_assert_cmpint(n, <=, (int)G_N_ELEMENTS(fds));
	if (timeout != 0)
		g_assert_cmpint(poll(fds, (nfds_t)n, 20000), ==, 1);
}

/* Both are told by dispatches that each follow a wait of the host's. */
static void
test_host_hears_of_signals_and_children(struct test *test)
{
	int way;

	for (way = is_epoll(test) ? 0 : 1; way < 2; way++) {
		int signals = 0, children = 0;
		struct fend_signal *signal;
		struct fend_child *child;
		siginfo_t info;
		pid_t pid;

		test_ok(fend_signal_new(test->loop, SIGUSR1, count_signal, &signals, &signal));
		g_assert_cmpint(raise(SIGUSR1), ==, 0);
		wait_as_host(test, way == 0);
		test_error(fend_loop_dispatch(test->loop, 0), 1);
		g_assert_cmpint(signals, ==, 1);

		pid = fork();
		g_assert_cmpint(pid, >=, 0);
		if (pid == 0)
			_exit(0);
		g_assert_cmpint(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ==, 0);
		test_ok(fend_child_new(test->loop, pid, count_child, &children, &child));
		while (children == 0) {
			wait_as_host(test, way == 0);
			test_ok(fend_loop_dispatch(test->loop, 0));
		}
		fend_child_free(child);
		fend_signal_free(signal);
		test_drain(test);
	}
}

static void
test_fd_survives_a_rebuild(struct test *test)
{
	struct fend_io *io, *other;
	int fds[2], others[2], copy, fd, i;

	if (!is_epoll(test))
		return;
	fd = fend_loop_fd(test->loop);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, others), ==, 0);
	test_ok(fend_io_new(test->loop, fds[0], FEND_IN, count_io, &test->done, &io));
	test_ok(fend_io_new(test->loop, others[0], FEND_IN, count_io, &test->done, &other));
	copy = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	close(fds[0]);
	fend_io_free(io);
	g_assert_cmpint(write(fds[1], "x", 1), ==, 1);
	for (i = 0; i < 3; i++)
		test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(fend_loop_fd(test->loop), ==, fd);
	g_assert_cmpint(readable(fd, 0), ==, 0);
	g_assert_cmpint(write(others[1], "x", 1), ==, 1);
	g_assert_cmpint(readable(fd, 0), ==, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	fend_io_free(other);
	close(copy);
	close(fds[1]);
	close(others[0]);
	close(others[1]);
}

static void
dispatch_inner(struct fend_io *io, unsigned events, void *data)
{
	test_ok(fend_loop_dispatch(data, 0));
}

static void
test_loops_in_loops(struct test *test)
{
	enum { N = 3 };
	struct fend_loop *loops[N] = { test->loop };
	struct fend_io *ios[N] = { NULL };
	struct fend_timer *timer;
	int i;

	if (!is_epoll(test))
		return;
	for (i = 1; i < N; i++) {
		test_ok(fend_loop_new(NULL, &loops[i]));
		test_ok(fend_io_new(loops[i], fend_loop_fd(loops[i - 1]), FEND_IN, dispatch_inner,
				    loops[i - 1], &ios[i]));
	}
	test_error(fend_loop_fd(loops[N - 1]), -ELOOP);
	/* A timer of the innermost is told by running the outermost. */
	test_ok(fend_timer_new(loops[0], count_timer, &test->done, &timer));
	fend_timer_after(timer, FEND_MS(2));
	while (!test->done)
		test_ok(fend_loop_dispatch(loops[N - 1], FEND_SEC(20)));
	fend_timer_free(timer);
	for (i = 1; i < N; i++) {
		fend_io_free(ios[i]);
		fend_loop_free(loops[i]);
	}
}

/* Drive a loop the way a poll-style host does, which is not to wait as long as limit_ms. */
static int
host_iteration(struct fend_loop *loop, int limit_ms)
{
	struct pollfd fds[16];
	fend_time timeout;
	int n = fend_loop_prepare(loop, fds, G_N_ELEMENTS(fds), &timeout);
	int ms = timeout == FEND_FOREVER ? limit_ms
					 : (int)((timeout + FEND_MS(1) - 1) / FEND_MS(1));
	int ready;

	g_assert_cmpint(n, <=, (int)G_N_ELEMENTS(fds));
	ready = poll(fds, (nfds_t)n, ms < limit_ms ? ms : limit_ms);
	test_ok(ready);
	g_assert_true(ready > 0 || ms < limit_ms || limit_ms == 0);
	return fend_loop_dispatch(loop, 0);
}

static void
test_prepare_drives_everything(struct test *test)
{
	struct fend_task task = { count_task, &test->done }, posted = { quiet, NULL };
	struct fend_timer *timer;
	struct fend_io *io;
	struct pollfd fds[2];
	fend_time timeout = 0;
	int pair[2], n;
	pthread_t thread;
	void *failed;

	n = fend_loop_prepare(test->loop, NULL, 0, &timeout);
	g_assert_cmpint(n, ==, 1);
	g_assert_cmpint(timeout, ==, FEND_FOREVER);
	test_error(fend_loop_prepare(test->loop, NULL, 1, NULL), -EINVAL);
	test_error(fend_loop_prepare(NULL, NULL, 0, NULL), -EINVAL);

	test_ok(fend_task_defer(test->loop, &task));
	n = fend_loop_prepare(test->loop, fds, G_N_ELEMENTS(fds), &timeout);
	g_assert_cmpint(timeout, ==, 0);
	test_error(host_iteration(test->loop, 20000), 1);

	test_ok(fend_timer_new(test->loop, count_timer, &test->done, &timer));
	fend_timer_after(timer, FEND_MS(3));
	test->done = 0;
	while (!test->done)
		test_ok(host_iteration(test->loop, 20000));
	fend_timer_free(timer);

	posted.data = test->loop;
	fend_loop_prepare(test->loop, fds, G_N_ELEMENTS(fds), &timeout);
	g_assert_cmpint(pthread_create(&thread, NULL, post_it, &posted), ==, 0);
	g_assert_cmpint(poll(fds, 1, 20000), ==, 1);
	g_assert_cmpint(pthread_join(thread, &failed), ==, 0);
	g_assert_null(failed);
	test_error(fend_loop_dispatch(test->loop, 0), 1);

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
	test_ok(fend_io_new(test->loop, pair[0], FEND_IN, count_io, &test->done, &io));
	g_assert_cmpint(write(pair[1], "x", 1), ==, 1);
	test_error(host_iteration(test->loop, 20000), 1);
	test_ok(fend_io_set(io, 0));
	test_error(host_iteration(test->loop, 0), 0);
	test_ok(fend_io_set(io, FEND_IN));
	test_error(host_iteration(test->loop, 20000), 1);
	fend_io_free(io);
	close(pair[0]);
	close(pair[1]);
}

/* A GSource that drives a loop, as a program with a GLib main loop would have it. */
struct glib_source {
	GSource base;
	struct fend_loop *loop;
	struct pollfd fds[16];
	gpointer tags[16];
	int n;
};

static gboolean
source_prepare(GSource *base, gint *ret_timeout)
{
	struct glib_source *source = (struct glib_source *)base;
	fend_time timeout;
	int i;

	for (i = 0; i < source->n; i++)
		g_source_remove_unix_fd(base, source->tags[i]);
	source->n =
		fend_loop_prepare(source->loop, source->fds, G_N_ELEMENTS(source->fds), &timeout);
	g_assert_cmpint(source->n, <=, (int)G_N_ELEMENTS(source->fds));
	for (i = 0; i < source->n; i++)
		source->tags[i] = g_source_add_unix_fd(base, source->fds[i].fd,
						       (GIOCondition)source->fds[i].events);
	*ret_timeout = timeout == FEND_FOREVER ? -1
					       : (gint)((timeout + FEND_MS(1) - 1) / FEND_MS(1));
	return timeout == 0;
}

static gboolean
source_check(GSource *base)
{
	struct glib_source *source = (struct glib_source *)base;
	fend_time timeout;
	int i;

	for (i = 0; i < source->n; i++)
		if (g_source_query_unix_fd(base, source->tags[i]))
			return TRUE;
	fend_loop_prepare(source->loop, NULL, 0, &timeout);
	return timeout == 0;
}

static gboolean
source_dispatch(GSource *base, GSourceFunc callback, gpointer data)
{
	test_ok(fend_loop_dispatch(((struct glib_source *)base)->loop, 0));
	return G_SOURCE_CONTINUE;
}

static gboolean
count_idle(gpointer data)
{
	++*(int *)data;
	return G_SOURCE_REMOVE;
}

static void
test_glib_drives_a_loop(struct test *test)
{
	static GSourceFuncs functions = { source_prepare, source_check, source_dispatch };
	GMainContext *context = g_main_context_new();
	GSource *base = g_source_new(&functions, sizeof(struct glib_source));
	GSource *idle = g_timeout_source_new(1);
	struct fend_timer *timer;
	struct fend_io *io;
	int fds[2], ticks = 0, reads = 0, idles = 0;

	((struct glib_source *)base)->loop = test->loop;
	g_source_attach(base, context);
	g_source_set_callback(idle, count_idle, &idles, NULL);
	g_source_attach(idle, context);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	test_ok(fend_io_new(test->loop, fds[0], FEND_IN, count_io, &reads, &io));
	test_ok(fend_timer_new(test->loop, count_timer, &ticks, &timer));
	fend_timer_every(timer, FEND_MS(2), FEND_MS(2));
	g_assert_cmpint(write(fds[1], "x", 1), ==, 1);
	while (ticks < 5 || reads == 0 || idles == 0)
		g_main_context_iteration(context, TRUE);
	fend_timer_free(timer);
	fend_io_free(io);
	g_source_destroy(base);
	g_source_unref(base);
	g_source_destroy(idle);
	g_source_unref(idle);
	g_main_context_unref(context);
	close(fds[0]);
	close(fds[1]);
}

static void
prepare_inside(struct fend_task *task, void *data)
{
	test_error(fend_loop_prepare(data, NULL, 0, NULL), -EBUSY);
}

static void
test_prepare_inside_a_callback(struct test *test)
{
	struct fend_task task = { prepare_inside, test->loop };

	test_ok(fend_task_defer(test->loop, &task));
	test_error(fend_loop_dispatch(test->loop, 0), 1);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/embed/fd-is-readable-when-there-is-something-to-do",
		 test_fd_is_readable_when_there_is_something_to_do);
	test_add("/embed/host-hears-of-signals-and-children",
		 test_host_hears_of_signals_and_children);
	test_add("/embed/fd-survives-a-rebuild", test_fd_survives_a_rebuild);
	test_add("/embed/loops-in-loops", test_loops_in_loops);
	test_add("/embed/prepare-drives-everything", test_prepare_drives_everything);
	test_add("/embed/glib-drives-a-loop", test_glib_drives_a_loop);
	test_add("/embed/prepare-inside-a-callback", test_prepare_inside_a_callback);
	return g_test_run();
}
