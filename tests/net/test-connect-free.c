/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "races.h"

static void
test_the_feeder_is_stopped_once(struct test *test)
{
	struct fend_address address;
	struct fend_socket *listener = listen_on(AF_INET, 8, &address);
	struct race race;

	race_begin(&race, test, NULL);
	test_error(fend_connect_set_feeder(race.connect, NULL, &race), -EINVAL);
	test_error(fend_connect_set_feeder(race.connect, race_on_stop, &race), 0);
	test_error(fend_connect_set_feeder(race.connect, race_on_stop, &race), -EBUSY);
	test_error(fend_connect_add(race.connect, &address), 0);
	g_assert_cmpint(race.stops, ==, 0);
	race_run(&race);
	test_error(race.err, 0);
	g_assert_cmpint(race.stops_at_call, ==, 1);
	race_fini(&race);
	g_assert_cmpint(race.stops, ==, 1);

	race_begin(&race, test, NULL);
	test_error(fend_connect_set_feeder(race.connect, race_on_stop, &race), 0);
	race_fini(&race);
	g_assert_cmpint(race.stops, ==, 1);
	g_assert_cmpint(race.calls, ==, 0);
	fend_socket_free(listener);
}

static void
free_loop(struct race *race)
{
	race->test->loop = fend_loop_free(race->test->loop);
}

static void
test_the_feeder_may_free_the_loop(struct test *test)
{
	struct fend_address address;
	struct fend_socket *listener = listen_on(AF_INET, 8, &address);
	struct race race;

	race_begin(&race, test, NULL);
	race.on_stop = free_loop;
	test_error(fend_connect_set_feeder(race.connect, race_on_stop, &race), 0);
	race_add(&race, &address, 1);
	while (test->loop) {
		struct fend_loop *loop = test->loop;

		if (fend_loop_dispatch(loop, FEND_SEC(20)) == -ESHUTDOWN)
			break;
	}
	g_assert_null(test->loop);
	g_assert_cmpint(race.calls, ==, 0);
	race_fini(&race);
	fend_socket_free(listener);
}

static void
free_connect(struct race *race)
{
	race->connect = fend_connect_free(race->connect);
}

static void
free_all(struct race *race)
{
	race_fini(race);
	free_loop(race);
}

static void
test_the_callback_may_free_everything(struct test *test)
{
	static void (*const frees[])(struct race *) = { free_connect, free_loop, free_all };
	struct fend_address addresses[2];
	struct fend_socket *listener = listen_on(AF_INET, 8, &addresses[0]);
	struct race race;
	size_t i;
	int good;

	refused_address(AF_INET, &addresses[1]);
	for (good = 0; good < 2; good++) {
		for (i = 0; i < G_N_ELEMENTS(frees); i++) {
			int r = 0;

			if (!test->loop)
				test_ok(fend_loop_new(NULL, &test->loop));
			race_begin(&race, test, NULL);
			race.then = frees[i];
			race_add(&race, &addresses[!good], 1);
			while (!race.calls && r >= 0)
				r = fend_loop_dispatch(test->loop, FEND_SEC(20));
			test_error(race.err, good ? 0 : -ECONNREFUSED);
			race_fini(&race);
		}
	}
	fend_socket_free(listener);
}

/* Free after so many iterations; the fixture counts descriptors. Returns whether it had ended. */
static bool
free_after(struct test *test, int iterations, const struct fend_address *addresses, size_t n)
{
	struct fend_connect_options given = race_options(0, FEND_MS(10));
	struct race race;
	int fds, calls;

	fds = test_count_fds();
	race_begin(&race, test, &given);
	test_error(fend_connect_set_feeder(race.connect, race_on_stop, &race), 0);
	race_add(&race, addresses, n);
	while (iterations-- > 0 && !race.calls)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
	calls = race.calls;
	race_fini(&race);
	g_assert_cmpint(race.stops, ==, 1);
	test_drain(test);
	g_assert_cmpint(race.calls, ==, calls);
	g_assert_cmpint(test_count_fds(), ==, fds);
	return calls > 0;
}

static void
test_it_may_be_freed_at_every_step(struct test *test)
{
	struct fend_address addresses[4];
	struct fend_socket *listener;
	struct hole holes[2];
	int n = 0;

	hole_init(&holes[0], AF_INET);
	hole_init(&holes[1], AF_INET);
	addresses[0] = holes[0].address;
	refused_address(AF_INET, &addresses[1]);
	addresses[2] = holes[1].address;
	listener = listen_on(AF_INET, 64, &addresses[3]);
	while (!free_after(test, n, addresses, 4))
		g_assert_cmpint(n++, <, 50);
	g_assert_cmpint(n, >=, 4);
	hole_fini(&holes[0]);
	hole_fini(&holes[1]);
	fend_socket_free(listener);
}

static void
test_a_freed_loop_ends_it_silently(struct test *test)
{
	struct fend_address address;
	struct race race;
	struct hole hole;

	hole_init(&hole, AF_INET);
	race_begin(&race, test, NULL);
	test_error(fend_connect_set_feeder(race.connect, race_on_stop, &race), 0);
	test_error(fend_connect_add(race.connect, &hole.address), 0);
	test_drain(test);
	test->loop = fend_loop_free(test->loop);
	address = hole.address;
	test_error(fend_connect_add(race.connect, &address), -ESHUTDOWN);
	test_error(fend_connect_last(race.connect), -ESHUTDOWN);
	test_error(fend_connect_set_feeder(race.connect, race_on_stop, &race), -ESHUTDOWN);
	g_assert_cmpint(race.stops, ==, 0);
	race_fini(&race);
	g_assert_cmpint(race.stops, ==, 1);
	g_assert_cmpint(race.calls, ==, 0);
	hole_fini(&hole);
}

static void
test_a_child_only_frees(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_MS(10));
	struct fend_address addresses[2];
	struct fend_socket *listener;
	struct hole hole;
	struct race race;
	int status, i;

	hole_init(&hole, AF_INET);
	addresses[0] = hole.address;
	listener = listen_on(AF_INET, 8, &addresses[1]);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	for (i = 0; i < 2; i++) {
		pid_t pid = fork();

		g_assert_cmpint(pid, >=, 0);
		if (pid == 0) {
			test_error(fend_connect_add(race.connect, &addresses[0]), -ECHILD);
			test_error(fend_connect_last(race.connect), -ECHILD);
			if (i)
				free_loop(&race);
			race_fini(&race);
			if (!i)
				free_loop(&race);
			_exit(race.calls);
		}
		g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
		g_assert_cmpint(status, ==, 0);
	}
	race_run(&race);
	assert_peer(&race, &addresses[1]);
	race_fini(&race);
	hole_fini(&hole);
	fend_socket_free(listener);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/connect-free/the-feeder-is-stopped-once", test_the_feeder_is_stopped_once);
	test_add("/connect-free/the-feeder-may-free-the-loop", test_the_feeder_may_free_the_loop);
	test_add("/connect-free/the-callback-may-free-everything",
		 test_the_callback_may_free_everything);
	test_add("/connect-free/it-may-be-freed-at-every-step", test_it_may_be_freed_at_every_step);
	test_add("/connect-free/a-freed-loop-ends-it-silently", test_a_freed_loop_ends_it_silently);
	test_add("/connect-free/a-child-only-frees", test_a_child_only_frees);
	return g_test_run();
}
