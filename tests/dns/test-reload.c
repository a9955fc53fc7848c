/* SPDX-License-Identifier: MIT */
/* Configuration that changes while a resolver lives. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "dns-test.h"

/* Two servers, one of which the file names, and a resolver that reads it. */
struct scene {
	struct server *first, *second;
	char *resolv_conf, *hosts;
	struct fend_resolver *resolver;
	struct outcome outcome;
};

/* The file is replaced by another. */
static void
name_server(const struct server *server, const char *more)
{
	char *text = g_strdup_printf("nameserver %s\n%s", server_address(server), more);

	g_free(test_file("resolv.conf", text));
	g_free(text);
}

static void
scene_start(struct scene *scene, struct test *test)
{
	struct fend_resolver_options options = { .size = sizeof(options), .try_timeout = PATIENT };

	clock_start();
	memset(scene, 0, sizeof(*scene));
	scene->first = server_start(test->loop);
	scene->second = server_start(test->loop);
	scene->hosts = test_file("hosts", "");
	scene->resolv_conf = test_file("resolv.conf", "");
	name_server(scene->first, "");
	options.resolv_conf = scene->resolv_conf;
	options.hosts = scene->hosts;
	test_ok(fend_resolver_new(test->loop, &options, &scene->resolver));
}

static void
scene_end(struct scene *scene)
{
	outcome_clear(&scene->outcome);
	fend_resolver_free(scene->resolver);
	server_stop(scene->first);
	server_stop(scene->second);
	g_free(scene->hosts);
	g_free(scene->resolv_conf);
	clock_end();
}

static void
expect(struct test *test, struct scene *scene, const char *name, int err, const char *addresses)
{
	outcome_clear(&scene->outcome);
	lookup_run(test, &scene->outcome, scene->resolver, name, AF_INET, 0);
	test_error(scene->outcome.err, err);
	g_assert_cmpstr(scene->outcome.addresses, ==, addresses);
}

static void
test_resolv_conf_changes(struct test *test)
{
	struct scene scene;

	scene_start(&scene, test);
	expect(test, &scene, "a.test", 0, "192.0.2.1");
	name_server(scene.second, "");
	/* It was looked at less than a second ago. */
	expect(test, &scene, "b.test", 0, "192.0.2.1");
	g_assert_cmpuint(scene.first->n_a, ==, 2);
	clock_forward(FEND_SEC(1));
	expect(test, &scene, "c.test", 0, "192.0.2.1");
	g_assert_cmpuint(scene.first->n_a, ==, 2);
	g_assert_cmpuint(scene.second->n_a, ==, 1);

	/* Also what it says besides, if the file is the same one with another content. */
	name_server(scene.second, "search corp.test\n");
	clock_forward(FEND_SEC(1));
	expect(test, &scene, "host", 0, "192.0.2.1");
	g_assert_cmpstr(scene.second->name, ==, "host.corp.test");
	scene_end(&scene);
}

static void
test_running_lookups_go_on(struct test *test)
{
	struct outcome old = { 0 }, waited = { 0 };
	struct scene scene;

	scene_start(&scene, test);
	scene.first->a = SERVER_TRUNCATE;
	scene.first->delay = FEND_MS(30);
	lookup_start(&old, scene.resolver, "old.test", AF_INET, 0, FEND_FOREVER);
	lookup_start(&waited, scene.resolver, "waited.test", AF_INET, 0, FEND_FOREVER);
	while (scene.first->n_a < 2)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(5)));
	name_server(scene.second, "");
	clock_forward(FEND_SEC(1));
	expect(test, &scene, "new.test", 0, "192.0.2.1");
	g_assert_cmpuint(scene.second->n_a, ==, 1);

	/* Even what they have still to ask goes to the server that they began with. */
	test_wait(test, &old.calls);
	test_wait(test, &waited.calls);
	test_error(old.err, 0);
	test_error(waited.err, 0);
	g_assert_cmpuint(scene.first->n_tcp, ==, 2);
	g_assert_cmpuint(scene.second->n_a, ==, 1);
	outcome_clear(&old);
	outcome_clear(&waited);
	scene_end(&scene);
}

static void
test_free_with_old_lookups_running(struct test *test)
{
	struct outcome old = { 0 }, new = { 0 };
	struct scene scene;
	int fds;

	scene_start(&scene, test);
	scene.first->a = scene.second->a = SERVER_DROP;
	fds = test_count_fds();
	lookup_start(&old, scene.resolver, "old.test", AF_INET, 0, FEND_SEC(1));
	name_server(scene.second, "");
	clock_forward(FEND_MS(1000));
	lookup_start(&new, scene.resolver, "new.test", AF_INET, 0, FEND_SEC(1));
	scene.resolver = fend_resolver_free(scene.resolver);
	g_assert_cmpint(test_count_fds(), ==, fds);
	clock_forward(FEND_SEC(60));
	test_drain(test);
	g_assert_cmpint(old.calls + new.calls, ==, 0);
	test_error(fend_lookup_wait(old.lookup, FEND_FOREVER), -ESHUTDOWN);
	outcome_clear(&old);
	outcome_clear(&new);
	scene_end(&scene);
}

/* An old channel that nobody waits for is not kept until its questions are answered. */
static void
test_old_lookups_may_be_freed(struct test *test)
{
	struct outcome old = { 0 };
	struct scene scene;
	int fds;

	scene_start(&scene, test);
	scene.first->a = SERVER_DROP;
	fds = test_count_fds();
	lookup_start(&old, scene.resolver, "old.test", AF_INET, 0, FEND_FOREVER);
	name_server(scene.second, "");
	clock_forward(FEND_SEC(1));
	expect(test, &scene, "new.test", 0, "192.0.2.1");
	outcome_clear(&old);
	outcome_clear(&scene.outcome);
	/* The new one keeps its socket for a second. */
	clock_forward(FEND_SEC(1));
	test_drain(test);
	g_assert_cmpint(test_count_fds(), ==, fds);
	scene_end(&scene);
}

static void
test_hosts_change(struct test *test)
{
	struct scene scene;

	scene_start(&scene, test);
	expect(test, &scene, "name.test", 0, "192.0.2.1");
	g_free(test_file("hosts", "192.0.2.20 name.test\n"));
	clock_forward(FEND_SEC(1));
	expect(test, &scene, "name.test", 0, "192.0.2.20");
	g_free(test_file("hosts", "192.0.2.21 name.test\n"));
	expect(test, &scene, "name.test", 0, "192.0.2.20");
	test_ok(fend_resolver_flush(scene.resolver));
	expect(test, &scene, "name.test", 0, "192.0.2.21");
	g_assert_cmpint(unlink(scene.hosts), ==, 0);
	clock_forward(FEND_SEC(1));
	expect(test, &scene, "name.test", 0, "192.0.2.1");
	scene_end(&scene);
}

static int logged;

static void
log_fn(const char *message, void *data)
{
	logged++;
	g_assert_nonnull(strstr(message, data));
}

/* What was read before goes on to count. */
static void
test_files_that_cannot_be_read_any_more(struct test *test)
{
	struct scene scene;

	scene_start(&scene, test);
	g_free(test_file("hosts", "192.0.2.20 hosted.test\n"));
	expect(test, &scene, "hosted.test", 0, "192.0.2.20");
	g_assert_cmpint(unlink(scene.hosts), ==, 0);
	g_assert_cmpint(mkfifo(scene.hosts, 0600), ==, 0);
	fend_set_log(log_fn, scene.hosts);
	clock_forward(FEND_SEC(1));
	expect(test, &scene, "hosted.test", 0, "192.0.2.20");
	g_assert_cmpint(logged, ==, 1);
	fend_set_log(NULL, NULL);

	g_assert_cmpint(unlink(scene.resolv_conf), ==, 0);
	g_assert_cmpint(mkdir(scene.resolv_conf, 0700), ==, 0);
	clock_forward(FEND_SEC(1));
	expect(test, &scene, "name.test", 0, "192.0.2.1");
	g_assert_cmpint(rmdir(scene.resolv_conf), ==, 0);
	g_assert_cmpint(unlink(scene.hosts), ==, 0);
	scene_end(&scene);
}

static void
test_hosts_that_cannot_be_read_at_all(struct test *test)
{
	const struct fend_resolver_options options = {
		.size = sizeof(options),
		.servers = "127.0.0.1:1",
		.hosts = test_directory(),
	};
	struct fend_resolver *resolver;
	struct outcome outcome = { 0 };

	/* Nobody is asked about what may be in there. */
	test_ok(fend_resolver_new(test->loop, &options, &resolver));
	lookup_run(test, &outcome, resolver, "name.test", AF_INET, 0);
	test_error(outcome.err, FEND_EAI_SYSTEM);
	g_assert_true(g_str_has_prefix(fend_lookup_detail(outcome.lookup), test_directory()));
	outcome_clear(&outcome);
	fend_resolver_free(resolver);
}

/* What was in the way, such as a limit of descriptors, may be gone at any time. */
static void
test_hosts_that_can_be_read_now(struct test *test)
{
	struct scene scene;

	scene_start(&scene, test);
	g_assert_cmpint(unlink(scene.hosts), ==, 0);
	g_assert_cmpint(mkdir(scene.hosts, 0700), ==, 0);
	expect(test, &scene, "hosted.test", FEND_EAI_SYSTEM, "");
	g_assert_cmpint(rmdir(scene.hosts), ==, 0);
	g_free(test_file("hosts", "192.0.2.20 hosted.test\n"));
	/* The clock stands still. */
	expect(test, &scene, "hosted.test", 0, "192.0.2.20");
	g_assert_cmpuint(scene.first->n_a, ==, 0);
	scene_end(&scene);
}

/* A crash may have left zeros where lines have been. */
static void
test_zeros_in_a_file(struct test *test)
{
	static const char text[] = "192.0.2.8 lost.test\0\0\0 and more\n\0"
				   "192.0.2.9 name.test\n";
	char *path = test_file("hosts", "");
	const struct fend_resolver_options options = { .size = sizeof(options), .hosts = path };
	struct fend_resolver *resolver;
	struct outcome outcome = { 0 };

	g_assert_true(g_file_set_contents(path, text, sizeof(text) - 1, NULL));
	test_ok(fend_resolver_new(test->loop, &options, &resolver));
	lookup_run(test, &outcome, resolver, "name.test", AF_INET, 0);
	g_assert_cmpstr(outcome.addresses, ==, "192.0.2.9");
	outcome_clear(&outcome);
	fend_resolver_free(resolver);
	g_free(path);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/reload/resolv-conf-changes", test_resolv_conf_changes);
	test_add("/reload/running-lookups-go-on", test_running_lookups_go_on);
	test_add("/reload/free-with-old-lookups-running", test_free_with_old_lookups_running);
	test_add("/reload/old-lookups-may-be-freed", test_old_lookups_may_be_freed);
	test_add("/reload/hosts-change", test_hosts_change);
	test_add("/reload/files-that-cannot-be-read-any-more",
		 test_files_that_cannot_be_read_any_more);
	test_add("/reload/hosts-that-cannot-be-read-at-all", test_hosts_that_cannot_be_read_at_all);
	test_add("/reload/hosts-that-can-be-read-now", test_hosts_that_can_be_read_now);
	test_add("/reload/zeros-in-a-file", test_zeros_in_a_file);
	return g_test_run();
}
