/* SPDX-License-Identifier: MIT */
/* Connecting by name: mistakes in the call, and every way to be given up. */
#include <errno.h>
#include <string.h>

#include "fault.h"
#include "race.h"
#include "stopwatch.h"

static void
test_arguments(struct test *test)
{
	const struct fend_connect_options wrong = { .size = sizeof(wrong), .timeout = -2 };
	struct fend_connect *connect = NULL;

	test_error(fend_connect_host(test->loop, NULL, "80", NULL, NULL, race_on_end, NULL,
				     &connect),
		   -EINVAL);
	test_error(fend_connect_host(test->loop, "::1", NULL, NULL, NULL, race_on_end, NULL,
				     &connect),
		   -EINVAL);
	test_error(fend_connect_host(test->loop, "::1", "80", NULL, NULL, NULL, NULL, &connect),
		   -EINVAL);
	test_error(fend_connect_host(test->loop, "::1", "80", NULL, NULL, race_on_end, NULL, NULL),
		   -EINVAL);
	test_error(fend_connect_host(test->loop, "::1", "80", NULL, &wrong, race_on_end, NULL,
				     &connect),
		   -EINVAL);
	test_error(fend_connect_host(NULL, "::1", "80", NULL, NULL, race_on_end, NULL, &connect),
		   -EINVAL);
	test_error(fend_resolver_connect(NULL, "::1", "80", NULL, NULL, race_on_end, NULL,
					 &connect),
		   -EINVAL);
	g_assert_null(connect);
}

/* With the loop's own resolver, and given up before it is told. */
static void
test_the_loops_resolver(struct test *test)
{
	struct race race;

	race_init(&race, test);
	race.begun = fend_now();
	test_error(fend_connect_host(test->loop, "localhost", "no-such-service", NULL, NULL,
				     race_on_end, &race, &race.connect),
		   0);
	race_run(&race);
	test_error(race.err, FEND_EAI_SERVICE);
	race_fini(&race);
}

/* With the loop's own resolver, before anything has come. */
static void
test_freed_at_once(struct test *test)
{
	struct race race;

	race_init(&race, test);
	test_error(fend_connect_host(test->loop, "host.test", "80", NULL, NULL, race_on_end, &race,
				     &race.connect),
		   0);
	race.connect = fend_connect_free(race.connect);
	test_drain(test);
	g_assert_cmpint(race.calls, ==, 0);
	race_fini(&race);
}

static void
test_freed_in_its_callback(struct test *test)
{
	struct race race;

	race_init(&race, test);
	race.free_it = 1;
	race.server->a = race.server->aaaa = SERVER_NXDOMAIN;
	race_begin(&race, "host.test", "80", 0);
	race_run(&race);
	g_assert_null(race.connect);
	race_fini(&race);
}

static void
on_free_it(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct race *race = data;

	race->connect = fend_connect_free(race->connect);
}

/* At each step: before the answers, between them, within the delay, with attempts under way. */
static void
test_freed_at_any_time(struct test *test)
{
	const struct scenario scenario = { .aaaa_delay = 40, .a_delay = 20 };
	static const int times[] = { 0, 10, 20, 30, 40, 60, 290, 300 };
	struct fend_timer *timer;
	struct race race;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(times); i++) {
		race_init(&race, test);
		if (race_find_port(&race)) {
			place_init(&race.in6, HOLE);
			place_init(&race.in, HOLE);
			race_script(race.server, &scenario);
			g_snprintf(race.service, sizeof(race.service), "%d", race.port);
			race_begin(&race, "host.test", race.service, 0);
			test_ok(fend_timer_new(test->loop, on_free_it, &race, &timer));
			fend_timer_after(timer, FEND_MS(times[i]));
			while (race.connect)
				test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
			test_ok(fend_loop_dispatch(test->loop, FEND_MS(500)));
			g_assert_cmpint(race.calls, ==, 0);
			fend_timer_free(timer);
			place_fini(&race.in6);
			place_fini(&race.in);
		}
		race_fini(&race);
	}
}

static void
test_the_resolver_is_freed(struct test *test)
{
	struct race race;

	race_init(&race, test);
	race.server->a = race.server->aaaa = SERVER_DROP;
	race_begin(&race, "host.test", "80", 3000);
	test_ok(fend_loop_dispatch(test->loop, 0));
	race.resolver = fend_resolver_free(race.resolver);
	race_run(&race);
	test_error(race.err, -ETIMEDOUT);
	g_assert_cmpint(race.when, ==, FEND_MS(3000));
	race_fini(&race);
}

static void
test_the_loop_is_freed(struct test *test)
{
	struct race race;

	race_init(&race, test);
	race_begin(&race, "host.test", "80", 0);
	test_ok(fend_loop_dispatch(test->loop, 0));
	server_stop(race.server);
	test->loop = fend_loop_free(test->loop);
	race.connect = fend_connect_free(race.connect);
	race.resolver = fend_resolver_free(race.resolver);
	test_ok(fend_loop_new(NULL, &test->loop));
	race.server = server_start(test->loop);
	g_assert_cmpint(race.calls, ==, 0);
	race_fini(&race);
}

/* Memory runs out at each point in turn: an error, and nothing is lost. */
static void
test_no_memory(struct test *test)
{
	static const char *const in[] = { "127.0.0.1", NULL };
	struct setting setting;
	struct race race;
	unsigned n;
	int r, struck;

	/* Everything that is counted is to be made and freed while it is. */
	fend_loop_free(test->loop);
	fault_install();
	test_ok(fend_loop_new(NULL, &test->loop));
	setting_start(&setting, test, PATIENT);
	setting.server->aaaa = SERVER_NODATA;
	setting.server->a_addresses = in;
	for (n = 1, struck = 1; struck; n++) {
		memset(&race, 0, sizeof(race));
		fault_set(FAULT_ALLOCATE, n, -ENOMEM, 0);
		r = fend_resolver_connect(setting.resolver, "host.test", "1", NULL, NULL,
					  race_on_end, &race, &race.connect);
		if (r == 0)
			test_wait(test, &race.calls);
		else
			test_error(r, -ENOMEM);
		struck = fault_struck();
		fault_clear();
		if (!struck)
			test_error(race.err, -ECONNREFUSED);
		fend_connect_free(race.connect);
	}
	g_assert_cmpuint(n, >, 5);
	setting_end(&setting);
	fend_loop_free(test->loop);
	fault_remove();
	test_ok(fend_loop_new(NULL, &test->loop));
}

#define ADD(path, name) test_add("/connect-host-free/" path, test_##name)

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	ADD("arguments", arguments);
	ADD("the-loops-resolver", the_loops_resolver);
	ADD("freed-at-once", freed_at_once);
	ADD("freed-in-its-callback", freed_in_its_callback);
	ADD("freed-at-any-time", freed_at_any_time);
	ADD("the-resolver-is-freed", the_resolver_is_freed);
	ADD("the-loop-is-freed", the_loop_is_freed);
	ADD("no-memory", no_memory);
	return g_test_run();
}
