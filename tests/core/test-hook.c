/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <string.h>

#include "fault.h"

struct probe {
	struct test *test;
	struct fend_hook *hook;
	int calls, place;
	void (*then)(struct probe *probe);
};

static int places;

static void
on_hook(struct fend_hook *hook, void *data)
{
	struct probe *probe = data;

	g_assert_true(hook == probe->hook);
	probe->calls++;
	probe->place = places++;
	if (probe->then)
		probe->then(probe);
}

static void
probe_init(struct probe *probe, struct test *test, enum fend_hook_point point)
{
	memset(probe, 0, sizeof(*probe));
	probe->test = test;
	test_ok(fend_hook_new(test->loop, point, on_hook, probe, &probe->hook));
}

static void
count_task(struct fend_task *task, void *data)
{
	*(int *)data = places++;
}

static void
count_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	*(int *)data = places++;
}

static void
test_place_in_the_iteration(struct test *test)
{
	struct probe before, after, second;
	struct fend_timer *timer;
	int task_place, timer_place;
	struct fend_task task = { count_task, &task_place };

	places = 0;
	probe_init(&after, test, FEND_HOOK_AFTER_WAIT);
	probe_init(&before, test, FEND_HOOK_BEFORE_WAIT);
	probe_init(&second, test, FEND_HOOK_BEFORE_WAIT);
	test_ok(fend_timer_new(test->loop, count_timer, &timer_place, &timer));
	fend_timer_after(timer, 0);
	test_ok(fend_task_defer(test->loop, &task));
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 2);
	g_assert_cmpint(task_place, ==, 0);
	g_assert_cmpint(before.place, ==, 1);
	g_assert_cmpint(second.place, ==, 2);
	g_assert_cmpint(after.place, ==, 3);
	g_assert_cmpint(timer_place, ==, 4);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(before.calls, ==, 2);
	g_assert_cmpint(after.calls, ==, 2);
	fend_hook_free(before.hook);
	fend_hook_free(second.hook);
	fend_hook_free(after.hook);
	fend_timer_free(timer);
}

static struct fend_task task_of_hook;

static void
queue_task(struct probe *probe)
{
	test_ok(fend_task_defer(probe->test->loop, &task_of_hook));
}

static void
test_task_queued_before_the_wait_keeps_it_short(struct test *test)
{
	struct probe probe;
	int place = -1;

	task_of_hook = (struct fend_task){ count_task, &place };
	probe_init(&probe, test, FEND_HOOK_BEFORE_WAIT);
	probe.then = queue_task;
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 0);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	fend_hook_free(probe.hook);
	test_error(fend_task_cancel(test->loop, &task_of_hook), 1);
}

static struct probe *others[2];

static void
free_both(struct probe *probe)
{
	int i;

	for (i = 0; i < 2; i++)
		others[i]->hook = fend_hook_free(others[i]->hook);
}

static struct probe made;

static void
make_another(struct probe *probe)
{
	probe->then = NULL;
	probe_init(&made, probe->test, FEND_HOOK_BEFORE_WAIT);
}

static void
free_loop(struct probe *probe)
{
	probe->test->loop = fend_loop_free(probe->test->loop);
}

static void
test_free_and_make_inside_hooks(struct test *test)
{
	struct probe a, b;

	probe_init(&a, test, FEND_HOOK_BEFORE_WAIT);
	probe_init(&b, test, FEND_HOOK_BEFORE_WAIT);
	others[0] = &a;
	others[1] = &b;
	a.then = make_another;
	test_ok(fend_loop_dispatch(test->loop, 0));
	g_assert_cmpint(made.calls, ==, 0);
	test_ok(fend_loop_dispatch(test->loop, 0));
	g_assert_cmpint(made.calls, ==, 1);
	a.then = free_both;
	test_ok(fend_loop_dispatch(test->loop, 0));
	g_assert_cmpint(b.calls, ==, 2);
	g_assert_cmpint(made.calls, ==, 2);
	made.then = free_loop;
	test_error(fend_loop_dispatch(test->loop, 0), -ESHUTDOWN);
	fend_hook_free(made.hook);
}

/* What one hook drops the other retakes, whatever becomes of the wait. */
static void
test_refused_wait_calls_both(struct test *test)
{
	struct probe before, after;

	probe_init(&before, test, FEND_HOOK_BEFORE_WAIT);
	probe_init(&after, test, FEND_HOOK_AFTER_WAIT);
	fault_install();
	fault_set(strcmp(fend_loop_dispatcher(test->loop), "epoll") == 0 ? FAULT_EPOLL_WAIT
									 : FAULT_POLL,
		  1, -ENOMEM, 0);
	test_error(fend_loop_dispatch(test->loop, 0), -ENOMEM);
	fend__kernel = &fend__kernel_real;
	g_assert_cmpint(before.calls, ==, 1);
	g_assert_cmpint(after.calls, ==, 1);
	fend_hook_free(before.hook);
	fend_hook_free(after.hook);
}

static struct probe made_before, made_after;

static void
make_one_at_each_point(struct fend_task *task, void *data)
{
	probe_init(&made_before, data, FEND_HOOK_BEFORE_WAIT);
	probe_init(&made_after, data, FEND_HOOK_AFTER_WAIT);
}

/* In a callback that comes before the hook's point, too. */
static void
test_made_in_a_callback_is_called_from_the_next_iteration_on(struct test *test)
{
	struct fend_task task = { make_one_at_each_point, test };

	test_ok(fend_task_defer(test->loop, &task));
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(made_before.calls, ==, 0);
	g_assert_cmpint(made_after.calls, ==, 0);
	test_ok(fend_loop_dispatch(test->loop, 0));
	g_assert_cmpint(made_before.calls, ==, 1);
	g_assert_cmpint(made_after.calls, ==, 1);
	fend_hook_free(made_before.hook);
	fend_hook_free(made_after.hook);
}

static void
test_made_in_a_hook_comes_after_the_older_ones(struct test *test)
{
	struct probe a, b;
	int i;

	probe_init(&a, test, FEND_HOOK_BEFORE_WAIT);
	probe_init(&b, test, FEND_HOOK_BEFORE_WAIT);
	a.then = make_another;
	test_ok(fend_loop_dispatch(test->loop, 0));
	for (i = 1; i <= 2; i++) {
		places = 0;
		test_ok(fend_loop_dispatch(test->loop, 0));
		g_assert_cmpint(made.calls, ==, i);
		g_assert_cmpint(a.place, ==, 0);
		g_assert_cmpint(b.place, ==, 1);
		g_assert_cmpint(made.place, ==, 2);
	}
	fend_hook_free(a.hook);
	fend_hook_free(b.hook);
	fend_hook_free(made.hook);
}

static void
test_bad_arguments(struct test *test)
{
	struct fend_hook *hook = NULL;

	test_error(fend_hook_new(test->loop, 0, on_hook, NULL, &hook), -EINVAL);
	test_error(fend_hook_new(test->loop, FEND_HOOK_BEFORE_WAIT, NULL, NULL, &hook), -EINVAL);
	test_error(fend_hook_new(test->loop, FEND_HOOK_BEFORE_WAIT, on_hook, NULL, NULL), -EINVAL);
	test_error(fend_hook_new(NULL, FEND_HOOK_BEFORE_WAIT, on_hook, NULL, &hook), -EINVAL);
	g_assert_null(fend_hook_free(NULL));
	g_assert_null(hook);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/hook/place-in-the-iteration", test_place_in_the_iteration);
	test_add("/hook/task-queued-before-the-wait-keeps-it-short",
		 test_task_queued_before_the_wait_keeps_it_short);
	test_add("/hook/free-and-make-inside-hooks", test_free_and_make_inside_hooks);
	test_add("/hook/refused-wait-calls-both", test_refused_wait_calls_both);
	test_add("/hook/made-in-a-callback-is-called-from-the-next-iteration-on",
		 test_made_in_a_callback_is_called_from_the_next_iteration_on);
	test_add("/hook/made-in-a-hook-comes-after-the-older-ones",
		 test_made_in_a_hook_comes_after_the_older_ones);
	test_add("/hook/bad-arguments", test_bad_arguments);
	return g_test_run();
}
