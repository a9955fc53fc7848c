/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

/* A clock that stands still until it is told to move; waiting moves it. */
static struct fend__kernel stopped;
static fend_time clock_now;

static fend_time
stopped_now(void)
{
	return clock_now;
}

static int
stopped_epoll_wait(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
	g_assert_cmpint(timeout, !=, FEND_FOREVER);
	clock_now += timeout;
	return fend__kernel_real.epoll_wait(epoll, events, n, 0);
}

static int
stopped_poll(struct pollfd *fds, size_t n, fend_time timeout)
{
	g_assert_cmpint(timeout, !=, FEND_FOREVER);
	clock_now += timeout;
	return fend__kernel_real.poll(fds, n, 0);
}

static void
stop_clock(void)
{
	stopped = fend__kernel_real;
	stopped.now = stopped_now;
	stopped.epoll_wait = stopped_epoll_wait;
	stopped.poll = stopped_poll;
	clock_now = FEND_SEC(1000);
	fend__kernel = &stopped;
}

static void
resume_clock(void)
{
	fend__kernel = &fend__kernel_real;
}

struct probe {
	struct test *test;
	struct fend_timer *timer;
	fend_time due;
	fend_time fired; /* at the last call */
	uint64_t expirations;
	int calls;
	int place; /* in the order of all calls */
	void (*then)(struct probe *probe);
};

static int places;

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct probe *probe = data;

	g_assert_true(timer == probe->timer);
	probe->fired = fend_now();
	probe->expirations = expirations;
	probe->calls++;
	probe->place = places++;
	if (probe->then)
		probe->then(probe);
}

static void
probe_init(struct probe *probe, struct test *test)
{
	memset(probe, 0, sizeof(*probe));
	probe->test = test;
	places = 0;
	test_ok(fend_timer_new(test->loop, on_timer, probe, &probe->timer));
}

static void
test_fires_once_and_never_early(struct test *test)
{
	struct probe probe;
	fend_time start;

	probe_init(&probe, test);
	g_assert_false(fend_timer_is_armed(probe.timer));
	g_assert_cmpint(fend_timer_remaining(probe.timer), ==, FEND_FOREVER);
	start = fend_now();
	fend_timer_after(probe.timer, FEND_MS(10));
	g_assert_true(fend_timer_is_armed(probe.timer));
	g_assert_cmpint(fend_timer_remaining(probe.timer), <=, FEND_MS(10));
	test_wait(test, &probe.calls);
	g_assert_cmpint(probe.fired - start, >=, FEND_MS(10));
	g_assert_cmpuint(probe.expirations, ==, 1);
	g_assert_false(fend_timer_is_armed(probe.timer));
	test_error(fend_loop_dispatch(test->loop, FEND_MS(15)), 0);
	fend_timer_free(probe.timer);
}

static int
milliseconds_only(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
	if (timeout > 0)
		timeout = (timeout + FEND_MS(1) - 1) / FEND_MS(1) * FEND_MS(1);
	return fend__kernel_real.epoll_wait(epoll, events, n, timeout);
}

static int waits;

static int
counting_poll(struct pollfd *fds, size_t n, fend_time timeout)
{
	waits++;
	return fend__kernel_real.poll(fds, n, timeout);
}

static int
counting_epoll_wait(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
	waits++;
	return milliseconds_only(epoll, events, n, timeout);
}

/* Odd nanoseconds, on a kernel that knows milliseconds only: neither early nor in a busy loop. */
static void
test_never_early_by_the_nanosecond(struct test *test)
{
	struct fend__kernel coarse = fend__kernel_real;
	struct probe probe;
	int i;

	coarse.epoll_wait = counting_epoll_wait;
	coarse.poll = counting_poll;
	fend__kernel = &coarse;
	probe_init(&probe, test);
	waits = 0;
	for (i = 0; i < 200; i++) {
		probe.calls = 0;
		probe.due = fend_now() + 1 + i * 7919;
		fend_timer_at(probe.timer, probe.due);
		test_wait(test, &probe.calls);
		g_assert_cmpint(probe.fired, >=, probe.due);
	}
	g_assert_cmpint(waits, <=, 3 * 200);
	fend_timer_free(probe.timer);
	resume_clock();
}

#ifdef SYS_epoll_pwait2
/* From now on this process runs on a kernel before Linux 5.11, which waits for milliseconds. */
static int
forget_nanoseconds(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { G_N_ELEMENTS(filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}
#else
static int
forget_nanoseconds(void)
{
	return 0;
}
#endif

/* 0 if a timer of part of a millisecond is neither early nor waited for in a busy loop. */
static int
wait_in_milliseconds(void)
{
	struct fend_loop_stats stats = { sizeof(stats) };
	struct probe probe = { 0 };
	struct fend_loop *loop;
	int i;

	if (forget_nanoseconds() < 0 || fend_loop_new(NULL, &loop) < 0 ||
	    fend_timer_new(loop, on_timer, &probe, &probe.timer) < 0)
		return 1;
	for (i = 1; i <= 20; i++) {
		probe.due = fend_now() + FEND_US(700);
		fend_timer_at(probe.timer, probe.due);
		while (probe.calls < i)
			fend_loop_dispatch(loop, FEND_FOREVER);
		if (probe.fired < probe.due)
			return 2;
	}
	fend_loop_stats(loop, &stats);
	return stats.iterations <= 3 * 20 ? 0 : 3;
}

static void
test_never_early_where_waits_are_in_milliseconds(struct test *test)
{
	pid_t pid = fork();
	int status;

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		_exit(wait_in_milliseconds());
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

static void
test_equal_deadlines_fire_in_arming_order(struct test *test)
{
	enum { N = 50 };
	struct probe probes[N];
	fend_time when;
	int i;

	stop_clock();
	when = clock_now + FEND_SEC(1);
	for (i = 0; i < N; i++)
		probe_init(&probes[i], test);
	for (i = 0; i < N; i++)
		fend_timer_at(probes[i].timer, when);
	/* Arming again moves to the end of the line, however it came to be there. */
	fend_timer_at(probes[3].timer, when);
	fend_timer_at(probes[0].timer, when + 1);
	fend_timer_at(probes[0].timer, when);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), N);
	g_assert_cmpint(probes[1].place, ==, 0);
	g_assert_cmpint(probes[2].place, ==, 1);
	for (i = 4; i < N; i++)
		g_assert_cmpint(probes[i].place, ==, i - 2);
	g_assert_cmpint(probes[3].place, ==, N - 2);
	g_assert_cmpint(probes[0].place, ==, N - 1);
	for (i = 0; i < N; i++)
		fend_timer_free(probes[i].timer);
	resume_clock();
}

static void
test_random_deadlines_fire_in_order(struct test *test)
{
	enum { N = 1000 };
	struct probe *probes = g_new0(struct probe, N);
	fend_time last = 0;
	int i, fired = 0, armed = 0;

	stop_clock();
	for (i = 0; i < N; i++)
		probe_init(&probes[i], test);
	for (i = 0; i < 4 * N; i++) {
		struct probe *probe = &probes[g_test_rand_int_range(0, N)];

		if (g_test_rand_int_range(0, 5) == 0) {
			fend_timer_stop(probe->timer);
			probe->due = 0;
		} else {
			probe->due = clock_now + 1 + g_test_rand_int_range(0, 100000);
			fend_timer_at(probe->timer, probe->due);
		}
	}
	for (i = 0; i < N; i++)
		armed += probes[i].due > 0;
	while (fired < armed) {
		int n = fend_loop_dispatch(test->loop, FEND_FOREVER);

		g_assert_cmpint(n, >, 0);
		fired += n;
		g_assert_cmpint(clock_now, >, last);
		last = clock_now;
		for (i = 0; i < N; i++) {
			if (probes[i].due > 0 && probes[i].due <= clock_now)
				g_assert_cmpint(probes[i].fired, ==, probes[i].due);
			else
				g_assert_cmpint(probes[i].calls, ==, 0);
		}
	}
	g_assert_cmpint(fired, ==, armed);
	for (i = 0; i < N; i++)
		fend_timer_free(probes[i].timer);
	g_free(probes);
	resume_clock();
}

static void
test_period_does_not_drift_and_counts_what_it_missed(struct test *test)
{
	struct probe probe;
	fend_time start;

	stop_clock();
	probe_init(&probe, test);
	start = clock_now;
	fend_timer_every(probe.timer, FEND_MS(5), FEND_MS(10));
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	g_assert_cmpint(clock_now, ==, start + FEND_MS(5));
	clock_now += FEND_MS(3); /* late, but the next is not */
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	g_assert_cmpint(clock_now, ==, start + FEND_MS(15));
	g_assert_cmpuint(probe.expirations, ==, 1);
	clock_now += FEND_MS(34); /* at 49: those of 25, 35 and 45 are due */
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	g_assert_cmpuint(probe.expirations, ==, 3);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	g_assert_cmpint(clock_now, ==, start + FEND_MS(55));
	g_assert_cmpuint(probe.expirations, ==, 1);
	fend_timer_free(probe.timer);
	resume_clock();
}

static void
rearm_at_once(struct probe *probe)
{
	fend_timer_after(probe->timer, 0);
}

static void
count_event(struct fend_io *io, unsigned events, void *data)
{
	++*(int *)data;
}

static void
test_rearmed_with_zero_starves_nobody(struct test *test)
{
	struct probe probe;
	struct fend_io *io;
	int fd = eventfd(1, EFD_CLOEXEC), served = 0, i;

	probe_init(&probe, test);
	probe.then = rearm_at_once;
	test_ok(fend_io_new(test->loop, fd, FEND_IN, count_event, &served, &io));
	fend_timer_after(probe.timer, 0);
	for (i = 1; i <= 10; i++) {
		test_error(fend_loop_dispatch(test->loop, 0), 2);
		g_assert_cmpint(probe.calls, ==, i);
		g_assert_cmpint(served, ==, i);
	}
	fend_io_free(io);
	fend_timer_free(probe.timer);
	close(fd);
}

static struct probe *other;

static void
stop_other(struct probe *probe)
{
	fend_timer_stop(other->timer);
}

static void
free_other(struct probe *probe)
{
	other->timer = fend_timer_free(other->timer);
}

static void
free_self(struct probe *probe)
{
	probe->timer = fend_timer_free(probe->timer);
}

static void
delay_other(struct probe *probe)
{
	fend_timer_after(other->timer, FEND_SEC(1));
}

/* What a callback does to a timer that is due in the same iteration takes effect. */
static void
test_due_timer_stopped_delayed_or_freed_by_another(struct test *test)
{
	void (*const acts[])(struct probe *) = { stop_other, free_other, delay_other };
	unsigned i;

	stop_clock();
	for (i = 0; i < G_N_ELEMENTS(acts); i++) {
		struct probe a, b;

		probe_init(&a, test);
		probe_init(&b, test);
		a.then = acts[i];
		other = &b;
		fend_timer_after(a.timer, 0);
		fend_timer_after(b.timer, 0);
		test_error(fend_loop_dispatch(test->loop, 0), 1);
		g_assert_cmpint(b.calls, ==, 0);
		test_error(fend_loop_dispatch(test->loop, 0), 0);
		fend_timer_free(a.timer);
		fend_timer_free(b.timer);
	}
	resume_clock();
}

static struct probe *crowd;

enum { LATE = 5, CROWD = 100 };

/* So many that the room for them grows, while some wait for the next iteration. */
static void
make_a_crowd(struct probe *probe)
{
	int i;

	for (i = 0; i < CROWD; i++) {
		probe_init(&crowd[i], probe->test);
		if (i % (CROWD / LATE) == 0)
			fend_timer_after(crowd[i].timer, 0);
	}
}

static void
test_many_made_while_some_are_late(struct test *test)
{
	struct probe probe;
	int i;

	stop_clock();
	crowd = g_new0(struct probe, CROWD);
	probe_init(&probe, test);
	probe.then = make_a_crowd;
	fend_timer_after(probe.timer, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), LATE);
	for (i = 0; i < CROWD; i++) {
		g_assert_cmpint(crowd[i].calls, ==, i % (CROWD / LATE) == 0);
		if (crowd[i].calls)
			g_assert_cmpint(crowd[i].place, ==, i / (CROWD / LATE));
		fend_timer_free(crowd[i].timer);
	}
	fend_timer_free(probe.timer);
	g_free(crowd);
	resume_clock();
}

static void
test_free_inside_own_callback(struct test *test)
{
	struct probe probe;

	probe_init(&probe, test);
	probe.then = free_self;
	fend_timer_every(probe.timer, 0, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
}

static void
test_extreme_times(struct test *test)
{
	struct probe probe;

	stop_clock();
	probe_init(&probe, test);
	fend_timer_after(probe.timer, INT64_MAX);
	g_assert_cmpint(fend_timer_remaining(probe.timer), ==, INT64_MAX - clock_now);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	fend_timer_after(probe.timer, FEND_FOREVER);
	g_assert_false(fend_timer_is_armed(probe.timer));
	fend_timer_at(probe.timer, FEND_FOREVER); /* as a time it is long past */
	g_assert_cmpint(fend_timer_remaining(probe.timer), ==, 0);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	fend_timer_at(probe.timer, INT64_MIN);
	g_assert_cmpint(fend_timer_remaining(probe.timer), ==, 0);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	fend_timer_every(probe.timer, -5, INT64_MAX);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	g_assert_cmpint(fend_timer_remaining(probe.timer), ==, INT64_MAX - clock_now);
	fend_timer_every(probe.timer, 0, -5);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	g_assert_false(fend_timer_is_armed(probe.timer));
	fend_timer_free(probe.timer);
	resume_clock();
}

static void
test_bad_arguments(struct test *test)
{
	struct fend_timer *timer = NULL;

	test_error(fend_timer_new(NULL, on_timer, NULL, &timer), -EINVAL);
	test_error(fend_timer_new(test->loop, NULL, NULL, &timer), -EINVAL);
	test_error(fend_timer_new(test->loop, on_timer, NULL, NULL), -EINVAL);
	g_assert_null(timer);
	g_assert_null(fend_timer_free(NULL));
	fend_timer_after(NULL, 0);
	fend_timer_stop(NULL);
	g_assert_false(fend_timer_is_armed(NULL));
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/timer/fires-once-and-never-early", test_fires_once_and_never_early);
	test_add("/timer/never-early-by-the-nanosecond", test_never_early_by_the_nanosecond);
	test_add("/timer/never-early-where-waits-are-in-milliseconds",
		 test_never_early_where_waits_are_in_milliseconds);
	test_add("/timer/equal-deadlines-fire-in-arming-order",
		 test_equal_deadlines_fire_in_arming_order);
	test_add("/timer/random-deadlines-fire-in-order", test_random_deadlines_fire_in_order);
	test_add("/timer/period-does-not-drift-and-counts-what-it-missed",
		 test_period_does_not_drift_and_counts_what_it_missed);
	test_add("/timer/rearmed-with-zero-starves-nobody", test_rearmed_with_zero_starves_nobody);
	test_add("/timer/due-timer-stopped-delayed-or-freed-by-another",
		 test_due_timer_stopped_delayed_or_freed_by_another);
	test_add("/timer/many-made-while-some-are-late", test_many_made_while_some_are_late);
	test_add("/timer/free-inside-own-callback", test_free_inside_own_callback);
	test_add("/timer/extreme-times", test_extreme_times);
	test_add("/timer/bad-arguments", test_bad_arguments);
	return g_test_run();
}
