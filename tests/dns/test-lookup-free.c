/* SPDX-License-Identifier: MIT */
/*
 * The end of lookups: freed before they are told, in callbacks, with their resolver, with their
 * loop, and in a child after fork(2).
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dns-test.h"

static void
count_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	++*(int *)data;
}

static void
test_free_before_it_is_told(struct test *test)
{
	struct setting setting;
	struct outcome running = { 0 }, ended = { 0 }, other = { 0 };

	setting_start(&setting, test, PATIENT);
	lookup_start(&running, setting.resolver, "a.test", AF_UNSPEC, 0, FEND_SEC(9));
	lookup_start(&ended, setting.resolver, "localhost", AF_UNSPEC, 0, FEND_SEC(9));
	lookup_start(&other, setting.resolver, "b.test", AF_UNSPEC, 0, FEND_SEC(9));
	running.lookup = fend_lookup_free(running.lookup);
	ended.lookup = fend_lookup_free(ended.lookup);
	test_wait(test, &other.calls);
	test_drain(test);
	g_assert_cmpint(running.calls, ==, 0);
	g_assert_cmpint(ended.calls, ==, 0);
	g_assert_cmpint(other.calls, ==, 1);
	g_assert_cmpuint(setting.server->n_a, ==, 2);
	outcome_clear(&other);
	setting_end(&setting);
}

static void
test_free_in_its_own_callback(struct test *test)
{
	struct setting setting;
	struct outcome outcome = { .free_it = 1 }, literal = { .free_it = 1 },
		       late = { .free_it = 1 };

	setting_start(&setting, test, PATIENT);
	setting.server->aaaa = SERVER_DROP;
	lookup_start(&outcome, setting.resolver, "a.test", AF_INET, 0, FEND_SEC(9));
	lookup_start(&literal, setting.resolver, "::1", AF_INET6, 0, FEND_SEC(9));
	lookup_start(&late, setting.resolver, "a.test", AF_INET6, 0, FEND_MS(20));
	test_wait(test, &outcome.calls);
	test_wait(test, &literal.calls);
	test_wait(test, &late.calls);
	test_error(outcome.err, 0);
	test_error(literal.err, 0);
	test_error(late.err, -ETIMEDOUT);
	g_assert_null(outcome.lookup);
	outcome_clear(&outcome);
	outcome_clear(&literal);
	outcome_clear(&late);
	setting_end(&setting);
}

struct scene {
	struct test *test;
	struct server *server;
	struct fend_resolver *resolver;
	struct outcome other, third;
	struct fend_lookup *lookup;
	int calls;
};

static void
scene_start(struct scene *scene, struct test *test)
{
	memset(scene, 0, sizeof(*scene));
	scene->test = test;
	scene->server = server_start(test->loop);
	scene->resolver = resolver_start(test->loop, server_address(scene->server), PATIENT);
}

static void
scene_end(struct scene *scene)
{
	fend_lookup_free(scene->lookup);
	outcome_clear(&scene->other);
	outcome_clear(&scene->third);
	fend_resolver_free(scene->resolver);
	server_stop(scene->server);
}

/* Look host up with fn, while two others are under way and about to be told. */
static void
scene_play(struct scene *scene, const char *host, fend_lookup_fn *fn)
{
	const struct addrinfo hints = { .ai_family = AF_INET };

	test_ok(fend_resolver_lookup(scene->resolver, host, NULL, &hints, FEND_SEC(9), fn, scene,
				     &scene->lookup));
	lookup_start(&scene->other, scene->resolver, "localhost", AF_INET, 0, FEND_SEC(9));
	lookup_start(&scene->third, scene->resolver, "third.test", AF_INET, 0, FEND_SEC(9));
	test_wait(scene->test, &scene->calls);
	test_drain(scene->test);
	g_assert_cmpint(scene->calls, ==, 1);
}

static void
free_others_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct scene *scene = data;

	scene->calls++;
	scene->other.lookup = fend_lookup_free(scene->other.lookup);
	scene->third.lookup = fend_lookup_free(scene->third.lookup);
}

static void
test_free_others_in_a_callback(struct test *test)
{
	struct scene scene;

	scene_start(&scene, test);
	scene_play(&scene, "::ffff:127.0.0.1", free_others_fn);
	g_assert_cmpint(scene.other.calls, ==, 0);
	g_assert_cmpint(scene.third.calls, ==, 0);
	scene_end(&scene);
}

static void
free_resolver_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct scene *scene = data;

	scene->calls++;
	scene->resolver = fend_resolver_free(scene->resolver);
	test_error(fend_lookup_wait(lookup, 0), 0);
	test_error(fend_lookup_wait(scene->third.lookup, FEND_FOREVER), -ESHUTDOWN);
	g_assert_null(fend_lookup_take(scene->third.lookup));
}

static void
test_free_the_resolver_in_a_callback(struct test *test)
{
	static const char *const names[] = { "127.0.0.1", "name.test" };
	struct scene scene;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		scene_start(&scene, test);
		scene_play(&scene, names[i], free_resolver_fn);
		g_assert_cmpint(scene.third.calls, ==, 0);
		scene_end(&scene);
	}
}

static void
free_loop_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct scene *scene = data;

	scene->calls++;
	scene->test->loop = fend_loop_free(scene->test->loop);
	test_error(fend_lookup_wait(lookup, 0), -ESHUTDOWN);
}

static void
test_free_the_loop_in_a_callback(struct test *test)
{
	struct fend_lookup *lookup;
	struct scene scene;
	int calls = 0;

	scene_start(&scene, test);
	test_ok(fend_resolver_lookup(scene.resolver, "::1", NULL, NULL, 0, free_loop_fn, &scene,
				     &scene.lookup));
	lookup_start(&scene.third, scene.resolver, "third.test", AF_INET, 0, FEND_SEC(9));
	test_error(fend_loop_dispatch(test->loop, FEND_SEC(9)), -ESHUTDOWN);
	g_assert_cmpint(scene.calls, ==, 1);
	test_error(fend_lookup_wait(scene.third.lookup, 0), -ESHUTDOWN);
	g_assert_null(fend_lookup_take(scene.third.lookup));
	test_error(fend_resolver_lookup(scene.resolver, "::1", NULL, NULL, 0, count_fn, &calls,
					&lookup),
		   -ESHUTDOWN);
	g_assert_cmpint(calls, ==, 0);
	scene_end(&scene);
}

static void
start_another_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct scene *scene = data;

	scene->calls++;
	scene->lookup = fend_lookup_free(lookup);
	lookup_start(&scene->other, scene->resolver, "localhost", AF_INET, 0, FEND_SEC(9));
	lookup_start(&scene->third, scene->resolver, "third.test", AF_INET, 0, FEND_SEC(9));
	g_assert_cmpint(scene->other.calls, ==, 0);
}

static void
test_start_in_a_callback(struct test *test)
{
	struct scene scene;

	scene_start(&scene, test);
	test_ok(fend_resolver_lookup(scene.resolver, "name.test", NULL, NULL, FEND_SEC(9),
				     start_another_fn, &scene, &scene.lookup));
	test_wait(test, &scene.other.calls);
	test_wait(test, &scene.third.calls);
	test_error(scene.third.err, 0);
	scene_end(&scene);
}

/*
 * In the child: each call says so, and freeing touches neither the loop nor the parent's lookups.
 */
static void
use_in_child(struct test *test, struct scene *scene)
{
	struct fend_lookup *lookup;
	int calls = 0;
	int ok = fend_lookup_wait(scene->third.lookup, 0) == -ECHILD &&
		 fend_resolver_lookup(scene->resolver, "::1", NULL, NULL, 0, count_fn, &calls,
				      &lookup) == -ECHILD &&
		 fend_lookup_start(test->loop, "::1", NULL, NULL, 0, count_fn, &calls, &lookup) ==
			 -ECHILD;

	fend_lookup_free(scene->lookup);
	fend_lookup_free(scene->other.lookup);
	fend_lookup_free(scene->third.lookup);
	fend_resolver_free(scene->resolver);
	fend_loop_free(test->loop);
	_exit(ok && calls == 0 ? 0 : 1);
}

static void
test_fork(struct test *test)
{
	struct scene scene;
	int status;
	pid_t pid;

	scene_start(&scene, test);
	test_ok(fend_lookup_start(test->loop, "localhost", NULL, NULL, FEND_SEC(9), count_fn,
				  &scene.calls, &scene.lookup));
	lookup_start(&scene.other, scene.resolver, "localhost", AF_INET, 0, FEND_SEC(9));
	lookup_start(&scene.third, scene.resolver, "third.test", AF_INET, 0, FEND_SEC(9));
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		use_in_child(test, &scene);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	test_wait(test, &scene.calls);
	test_wait(test, &scene.other.calls);
	test_wait(test, &scene.third.calls);
	test_error(scene.third.err, 0);
	scene_end(&scene);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/lookup-free/before-it-is-told", test_free_before_it_is_told);
	test_add("/lookup-free/in-its-own-callback", test_free_in_its_own_callback);
	test_add("/lookup-free/others-in-a-callback", test_free_others_in_a_callback);
	test_add("/lookup-free/the-resolver-in-a-callback", test_free_the_resolver_in_a_callback);
	test_add("/lookup-free/the-loop-in-a-callback", test_free_the_loop_in_a_callback);
	test_add("/lookup-free/start-in-a-callback", test_start_in_a_callback);
	test_add("/lookup-free/fork", test_fork);
	return g_test_run();
}
