/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int order[8], calls;

static void
record(struct fend_task *task, void *data)
{
	order[calls++] = GPOINTER_TO_INT(data);
}

static void
test_run_in_the_order_queued(struct test *test)
{
	struct fend_task tasks[4] = {
		{ record, GINT_TO_POINTER(0) },
		{ record, GINT_TO_POINTER(1) },
		{ record, GINT_TO_POINTER(2) },
		{ record, GINT_TO_POINTER(3) },
	};
	int i;

	calls = 0;
	for (i = 0; i < 4; i++)
		test_ok(fend_task_defer(test->loop, &tasks[i]));
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 4);
	for (i = 0; i < 4; i++)
		test_ok(fend_task_post(test->loop, &tasks[i]));
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 4);
	for (i = 0; i < 8; i++)
		g_assert_cmpint(order[i], ==, i % 4);
}

static void
test_queued_one_is_refused(struct test *test)
{
	struct fend_task task = { record };

	calls = 0;
	test_ok(fend_task_post(test->loop, &task));
	test_error(fend_task_post(test->loop, &task), -EALREADY);
	test_error(fend_task_defer(test->loop, &task), -EALREADY);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_ok(fend_task_defer(test->loop, &task));
	test_error(fend_task_post(test->loop, &task), -EALREADY);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(calls, ==, 2);
}

static void
queue_again(struct fend_task *task, void *data)
{
	struct test *test = data;

	test->done++;
	test_ok(fend_task_defer(test->loop, task));
}

static void
free_task(struct fend_task *task, void *data)
{
	g_free(task);
}

static void
test_function_may_queue_or_free_its_task(struct test *test)
{
	struct fend_task again = { queue_again, test };
	struct fend_task *freed = g_new0(struct fend_task, 1);

	freed->fn = free_task;
	test_ok(fend_task_defer(test->loop, &again));
	test_ok(fend_task_post(test->loop, freed));
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 2);
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	g_assert_cmpint(test->done, ==, 2);
	test_error(fend_task_cancel(test->loop, &again), 1);
}

static void
test_post_then_defer_keeps_the_order(struct test *test)
{
	struct fend_task tasks[3] = {
		{ record, GINT_TO_POINTER(0) },
		{ record, GINT_TO_POINTER(1) },
		{ record, GINT_TO_POINTER(2) },
	};
	int i;

	calls = 0;
	test_ok(fend_task_post(test->loop, &tasks[0]));
	test_ok(fend_task_defer(test->loop, &tasks[1]));
	test_ok(fend_task_post(test->loop, &tasks[2]));
	test_error(fend_loop_dispatch(test->loop, 0), 3);
	for (i = 0; i < 3; i++)
		g_assert_cmpint(order[i], ==, i);
}

static struct fend_task *victim;

static void
cancel_victim(struct fend_task *task, void *data)
{
	test_error(fend_task_cancel(data, victim), 1);
}

static void
test_cancel(struct test *test)
{
	struct fend_task a = { cancel_victim, test->loop }, b = { record };
	struct fend_loop *loop;

	calls = 0;
	victim = &b;
	test_error(fend_task_cancel(test->loop, &b), 0);
	test_ok(fend_task_post(test->loop, &b));
	test_error(fend_task_cancel(test->loop, &b), 1);
	test_error(fend_task_cancel(test->loop, &b), 0);
	/* Also one of the same batch. */
	test_ok(fend_task_post(test->loop, &a));
	test_ok(fend_task_post(test->loop, &b));
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(calls, ==, 0);
	/* But not one of another loop. */
	test_ok(fend_loop_new(NULL, &loop));
	test_ok(fend_task_defer(loop, &b));
	test_error(fend_task_cancel(test->loop, &b), -EINVAL);
	test_error(fend_loop_dispatch(loop, 0), 1);
	test_ok(fend_task_post(loop, &b));
	test_error(fend_task_cancel(test->loop, &b), -EINVAL);
	test_error(fend_loop_dispatch(loop, 0), 1);
	fend_loop_free(loop);
}

static void
test_bad_arguments(struct test *test)
{
	struct fend_task task = { record }, empty = { 0 };

	test_error(fend_task_defer(NULL, &task), -EINVAL);
	test_error(fend_task_defer(test->loop, NULL), -EINVAL);
	test_error(fend_task_defer(test->loop, &empty), -EINVAL);
	test_error(fend_task_post(NULL, &task), -EINVAL);
	test_error(fend_task_post(test->loop, NULL), -EINVAL);
	test_error(fend_task_post(test->loop, &empty), -EINVAL);
	test_error(fend_task_cancel(test->loop, NULL), -EINVAL);
}

enum { PRODUCERS = 4, MESSAGES = 20000 };

struct message {
	struct fend_task task;
	int number;
	struct producer *producer;
};

struct producer {
	pthread_t thread;
	struct fend_loop *loop;
	struct message *messages;
	int received;
	int *finished;
};

static void
receive(struct fend_task *task, void *data)
{
	struct message *message = data;

	g_assert_cmpint(message->number, ==, message->producer->received);
	if (++message->producer->received == MESSAGES)
		++*message->producer->finished;
}

static void *
produce(void *data)
{
	struct producer *producer = data;
	int i;

	for (i = 0; i < MESSAGES; i++) {
		struct message *message = &producer->messages[i];

		message->number = i;
		message->producer = producer;
		message->task.fn = receive;
		message->task.data = message;
		if (fend_task_post(producer->loop, &message->task) != 0)
			abort();
	}
	fend_loop_unref(producer->loop);
	return NULL;
}

static void
test_posts_of_threads_run_exactly_once_in_order(struct test *test)
{
	struct producer producers[PRODUCERS] = { 0 };
	int i, finished = 0, all = 0;

	for (i = 0; i < PRODUCERS; i++) {
		producers[i].loop = fend_loop_ref(test->loop);
		producers[i].messages = g_new0(struct message, MESSAGES);
		producers[i].finished = &finished;
		g_assert_cmpint(pthread_create(&producers[i].thread, NULL, produce, &producers[i]),
				==, 0);
	}
	while (!all) {
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20) * test_slowness()));
		all = finished == PRODUCERS;
	}
	for (i = 0; i < PRODUCERS; i++) {
		g_assert_cmpint(pthread_join(producers[i].thread, NULL), ==, 0);
		g_assert_cmpint(producers[i].received, ==, MESSAGES);
		g_free(producers[i].messages);
	}
}

/* A loop freed while threads post: each message either runs never, or was refused. */
static void *
post_until_refused(void *data)
{
	struct fend_loop *loop = data;
	struct fend_task task = { record };
	int r;

	do
		r = fend_task_post(loop, &task);
	while (r == 0 || r == -EALREADY);
	fend_loop_unref(loop);
	return GINT_TO_POINTER(r == -ESHUTDOWN && task.state == 0 ? 0 : 1);
}

static void
ignore(struct fend_task *task, void *data)
{
}

static void
test_post_while_the_loop_is_freed(struct test *test)
{
	int i, k;

	for (i = 0; i < 50; i++) {
		pthread_t threads[PRODUCERS];
		struct fend_task task = { ignore };
		struct fend_loop *loop;
		void *failed;

		calls = 0;
		test_ok(fend_loop_new(NULL, &loop));
		for (k = 0; k < PRODUCERS; k++)
			g_assert_cmpint(pthread_create(&threads[k], NULL, post_until_refused,
						       fend_loop_ref(loop)),
					==, 0);
		test_ok(fend_task_defer(loop, &task));
		fend_loop_free(loop);
		for (k = 0; k < PRODUCERS; k++) {
			g_assert_cmpint(pthread_join(threads[k], &failed), ==, 0);
			g_assert_null(failed);
		}
	}
}

static struct fend_loop *signalled_loop;
static struct fend_task signalled_task;

static void
post_in_handler(int signo)
{
	fend_task_post(signalled_loop, &signalled_task);
}

static void
handled(struct fend_task *task, void *data)
{
	*(int *)data = 1;
}

static void
test_post_from_a_signal_handler(struct test *test)
{
	struct sigaction action = { .sa_handler = post_in_handler }, old;

	signalled_loop = test->loop;
	signalled_task = (struct fend_task){ handled, &test->done };
	g_assert_cmpint(sigaction(SIGALRM, &action, &old), ==, 0);
	alarm(1);
	test_run(test);
	g_assert_cmpint(sigaction(SIGALRM, &old, NULL), ==, 0);
}

static void *
post_one(void *data)
{
	static struct fend_task task;
	struct test *test = data;

	task = (struct fend_task){ handled, &test->done };
	g_usleep(20000); /* only so that the loop is likely to sleep; either way must work */
	if (fend_task_post(test->loop, &task) != 0)
		abort();
	return NULL;
}

static void
test_post_wakes_a_sleeping_loop(struct test *test)
{
	pthread_t thread;

	g_assert_cmpint(pthread_create(&thread, NULL, post_one, test), ==, 0);
	while (!test->done)
		test_ok(fend_loop_dispatch(test->loop, FEND_FOREVER));
	g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/task/run-in-the-order-queued", test_run_in_the_order_queued);
	test_add("/task/queued-one-is-refused", test_queued_one_is_refused);
	test_add("/task/function-may-queue-or-free-its-task",
		 test_function_may_queue_or_free_its_task);
	test_add("/task/post-then-defer-keeps-the-order", test_post_then_defer_keeps_the_order);
	test_add("/task/cancel", test_cancel);
	test_add("/task/bad-arguments", test_bad_arguments);
	test_add("/task/posts-of-threads-run-exactly-once-in-order",
		 test_posts_of_threads_run_exactly_once_in_order);
	test_add("/task/post-while-the-loop-is-freed", test_post_while_the_loop_is_freed);
	test_add("/task/post-from-a-signal-handler", test_post_from_a_signal_handler);
	test_add("/task/post-wakes-a-sleeping-loop", test_post_wakes_a_sleeping_loop);
	return g_test_run();
}
