/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fend-internal/log.h>

static void
on_io(struct fend_io *io, unsigned events, void *data)
{
}

static void
on_task(struct fend_task *task, void *data)
{
}

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
}

/* Busy for some time, by the clock. */
static void
linger(struct fend_timer *timer, uint64_t expirations, void *data)
{
	fend_time until = fend_now() + *(fend_time *)data;

	while (fend_now() < until)
		;
}

static void
test_counters_are_always_on(struct test *test)
{
	struct fend_loop_stats stats = { sizeof(stats) };
	struct fend_task task = { on_task };
	struct fend_signal *signal;
	struct fend_timer *timer;
	struct fend_io *io;
	fend_time none = 0;
	int fd = eventfd(1, EFD_CLOEXEC), i;

	test_ok(fend_io_new(test->loop, fd, FEND_IN, on_io, NULL, &io));
	test_ok(fend_timer_new(test->loop, linger, &none, &timer));
	test_ok(fend_signal_new(test->loop, SIGUSR1, on_signal, NULL, &signal));
	for (i = 0; i < 3; i++) {
		fend_timer_after(timer, 0);
		test_ok(fend_task_defer(test->loop, &task));
		g_assert_cmpint(raise(SIGUSR1), ==, 0);
		test_error(fend_loop_dispatch(test->loop, 0), 4);
	}
	test_ok(fend_loop_stats(test->loop, &stats));
	g_assert_cmpuint(stats.size, ==, sizeof(stats));
	g_assert_cmpuint(stats.iterations, ==, 3);
	g_assert_cmpuint(stats.tasks, ==, 3);
	g_assert_cmpuint(stats.ios, ==, 3);
	g_assert_cmpuint(stats.timers, ==, 3);
	g_assert_cmpuint(stats.signals, ==, 3);
	g_assert_cmpuint(stats.children, ==, 0);
	g_assert_cmpint(stats.busy, ==, 0);
	fend_io_free(io);
	fend_timer_free(timer);
	fend_signal_free(signal);
	close(fd);
}

static char last_line[256];
static int lines;

static void
on_log(const char *text, void *data)
{
	g_assert_true(data == &lines);
	g_strlcpy(last_line, text, sizeof(last_line));
	lines++;
}

static void
test_timing_finds_the_slow_callback(struct test *test)
{
	struct fend_loop_stats stats = { sizeof(stats) };
	struct fend_timer *timer;
	fend_time time = FEND_MS(5);

	lines = 0;
	fend_set_log(on_log, &lines);
	test_ok(fend_timer_new(test->loop, linger, &time, &timer));
	fend_timer_set_name(timer, "the slow one");
	test_ok(fend_loop_set_timing(test->loop, true, FEND_MS(4)));
	test_error(fend_loop_dispatch(test->loop, FEND_MS(3)), 0);
	fend_timer_after(timer, 0);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	test_ok(fend_loop_stats(test->loop, &stats));
	g_assert_cmpint(stats.busy, >=, FEND_MS(5));
	g_assert_cmpint(stats.longest, >=, FEND_MS(5));
	g_assert_cmpint(stats.longest, <=, stats.busy);
	g_assert_cmpint(stats.waiting, >=, FEND_MS(3));
	g_assert_cmpstr(stats.longest_name, ==, "the slow one");
	g_assert_cmpint(lines, ==, 1);
	g_assert_nonnull(strstr(last_line, "the slow one"));

	/* Within a second there is no second line. */
	fend_timer_after(timer, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(lines, ==, 1);
	test_ok(fend_loop_set_timing(test->loop, true, FEND_FOREVER));
	test_ok(fend_loop_set_timing(test->loop, false, 0));
	test_error(fend_loop_set_timing(test->loop, true, -5), -EINVAL);
	fend_timer_free(timer);
	fend_set_log(NULL, NULL);
}

static void
test_log_is_limited_and_says_so(struct test *test)
{
	struct fend__log_limit limit = { 0 };
	int i;

	lines = 0;
	fend__log(&limit, "nobody listens");
	fend_set_log(on_log, &lines);
	for (i = 0; i < 1000; i++)
		fend__log(&limit, "line %d", i);
	g_assert_cmpint(lines, ==, 1);
	g_assert_cmpstr(last_line, ==, "line 0");
	limit.next = 0;
	fend__log(&limit, "again");
	g_assert_cmpstr(last_line, ==, "again (and 999 more like it)");
	fend_set_log(NULL, NULL);
}

static void
test_bad_arguments(struct test *test)
{
	struct {
		struct fend_loop_stats stats;
		long newer;
	} bigger = { { sizeof(bigger) }, 5 };
	struct fend_loop_stats stats = { 0 };

	test_error(fend_loop_stats(test->loop, &stats), -EINVAL);
	test_error(fend_loop_stats(test->loop, NULL), -EINVAL);
	stats.size = sizeof(stats);
	test_error(fend_loop_stats(NULL, &stats), -EINVAL);
	test_error(fend_loop_set_timing(NULL, true, 0), -EINVAL);
	test_ok(fend_loop_stats(test->loop, &bigger.stats));
	g_assert_cmpint(bigger.newer, ==, 0);
	/* An older caller's struct is not written beyond its end. */
	stats.size = offsetof(struct fend_loop_stats, tasks);
	stats.tasks = 77;
	test_ok(fend_loop_stats(test->loop, &stats));
	g_assert_cmpuint(stats.tasks, ==, 77);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/stats/counters-are-always-on", test_counters_are_always_on);
	test_add("/stats/timing-finds-the-slow-callback", test_timing_finds_the_slow_callback);
	test_add("/stats/log-is-limited-and-says-so", test_log_is_limited_and_says_so);
	test_add("/stats/bad-arguments", test_bad_arguments);
	return g_test_run();
}
