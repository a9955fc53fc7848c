/* SPDX-License-Identifier: MIT */
/*
 * How servers are asked: options of a resolver and of resolv.conf(5), families, zones, turns. In a
 * network of its own, where loopback has a link-local address.
 */
#include <errno.h>
#include <string.h>

#include "dns-test.h"

static struct fend_resolver *
start(struct test *test, struct fend_resolver_options *options)
{
	struct fend_resolver *resolver;

	options->size = sizeof(*options);
	if (!options->resolv_conf)
		options->resolv_conf = "/dev/null";
	options->hosts = "/dev/null";
	if (!options->try_timeout)
		options->try_timeout = PATIENT;
	test_ok(fend_resolver_new(test->loop, options, &resolver));
	return resolver;
}

static void
expect(struct test *test, struct fend_resolver *resolver, const char *name, int err)
{
	struct outcome outcome = { 0 };

	lookup_run(test, &outcome, resolver, name, AF_INET, 0);
	test_error(outcome.err, err);
	outcome_clear(&outcome);
}

/* Look one name up, for which the server is asked so often. */
static void
ask(struct test *test, struct fend_resolver_options *options, struct server *server,
    unsigned questions)
{
	struct fend_resolver *resolver = start(test, options);
	unsigned before = server->n_a;

	expect(test, resolver, "name.test", 0);
	g_assert_cmpuint(server->n_a, ==, before + questions);
	fend_resolver_free(resolver);
}

static void
ask_server_on(struct test *test, const char *host)
{
	struct server *server = server_start_on(test->loop, host);
	struct fend_resolver_options options = { .servers = server_address(server) };

	ask(test, &options, server, 1);
	/* And over TCP. */
	server->a = SERVER_TRUNCATE;
	ask(test, &options, server, 2);
	g_assert_cmpuint(server->n_tcp, ==, 1);
	server_stop(server);
}

static void
test_families_and_zones(struct test *test)
{
	ask_server_on(test, "127.0.0.1");
	ask_server_on(test, "::1");
	ask_server_on(test, "fe80::53%lo");
}

/* Of servers with zones it is told which of them has answered. */
static void
test_several_with_zones(struct test *test)
{
	struct server *first = server_start_on(test->loop, "fe80::53%lo");
	struct server *second = server_start_on(test->loop, "fe80::53%lo");
	char *servers = g_strdup_printf("%s,%s", server_address(first), server_address(second));
	struct fend_resolver *resolver =
		start(test, &(struct fend_resolver_options){ .servers = servers, .tries = 1 });
	struct outcome outcome = { 0 };

	first->a = SERVER_REFUSED;
	second->a = SERVER_NXDOMAIN;
	lookup_run(test, &outcome, resolver, "name.test", AF_INET, 0);
	test_error(outcome.err, FEND_EAI_NONAME);
	g_assert_true(
		g_str_has_prefix(fend_lookup_detail(outcome.lookup), "NXDOMAIN from [fe80::53%"));
	g_assert_cmpuint(first->n_a, ==, 1);
	g_assert_cmpuint(second->n_a, ==, 1);
	outcome_clear(&outcome);
	fend_resolver_free(resolver);
	server_stop(first);
	server_stop(second);
	g_free(servers);
}

static void
test_edns_size(struct test *test)
{
	static const struct {
		int option;
		unsigned size;
	} sizes[] = { { 0, 1232 }, { 512, 512 }, { 4096, 4096 }, { -1, 0 } };
	static const int bad[] = { 1, 511, 4097 };
	struct server *server = server_start(test->loop);
	struct fend_resolver_options options = { .servers = server_address(server) };
	struct fend_resolver *resolver;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		options.edns_size = sizes[i].option;
		ask(test, &options, server, 1);
		g_assert_cmpuint(server->edns_size, ==, sizes[i].size);
	}
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		options.edns_size = bad[i];
		test_error(fend_resolver_new(test->loop, &options, &resolver), -EINVAL);
	}
	server_stop(server);
}

static void
ask_in_turn(struct test *test, struct fend_resolver_options *options, int both)
{
	struct server *first = server_start(test->loop), *second = server_start(test->loop);
	char *servers = g_strdup_printf("%s,%s", server_address(first), server_address(second));
	struct fend_resolver *resolver;
	char name[32];
	int i;

	options->servers = servers;
	resolver = start(test, options);
	for (i = 0; i < 40; i++) {
		g_snprintf(name, sizeof(name), "name%d.test", i);
		expect(test, resolver, name, 0);
	}
	g_assert_cmpuint(first->n_a + second->n_a, ==, 40);
	g_assert_cmpint(second->n_a > 0, ==, both);
	fend_resolver_free(resolver);
	server_stop(first);
	server_stop(second);
	g_free(servers);
}

static void
test_rotate(struct test *test)
{
	char *path = test_file("resolv.conf", "options rotate\n");

	ask_in_turn(test, &(struct fend_resolver_options){ 0 }, 0);
	ask_in_turn(test, &(struct fend_resolver_options){ .rotate = true }, 1);
	ask_in_turn(test, &(struct fend_resolver_options){ .resolv_conf = path }, 1);
	g_free(path);
}

/* Ask a server that is silent, named in resolv.conf with more of it; how often it is asked. */
static unsigned
ask_silent(struct test *test, const char *more, struct fend_resolver_options *options)
{
	struct server *server = server_start(test->loop);
	char *text = g_strdup_printf("nameserver %s\n%s", server_address(server), more);
	char *path = test_file("resolv.conf", text);
	struct fend_resolver *resolver;
	unsigned n;

	options->resolv_conf = path;
	options->try_timeout = HASTY;
	server->a = SERVER_DROP;
	resolver = start(test, options);
	expect(test, resolver, "name.test", FEND_EAI_AGAIN);
	n = server->n_a;
	fend_resolver_free(resolver);
	server_stop(server);
	g_free(text);
	g_free(path);
	return n;
}

static void
test_attempts(struct test *test)
{
	g_assert_cmpuint(ask_silent(test, "options attempts:1\n",
				    &(struct fend_resolver_options){ 0 }),
			 ==, 1);
	g_assert_cmpuint(ask_silent(test, "options attempts:2 nonsense attempts: attempts:x\n",
				    &(struct fend_resolver_options){ 0 }),
			 ==, 2);
	/* What the program says counts more. */
	g_assert_cmpuint(ask_silent(test, "options attempts:3\n",
				    &(struct fend_resolver_options){ .tries = 1 }),
			 ==, 1);
}

static void
test_tcp_alone(struct test *test)
{
	struct server *server = server_start(test->loop);
	char *text = g_strdup_printf("nameserver %s\noptions use-vc\n", server_address(server));
	char *path = test_file("resolv.conf", text);

	ask(test, &(struct fend_resolver_options){ .resolv_conf = path }, server, 1);
	g_assert_cmpuint(server->n_tcp, ==, 1);
	server_stop(server);
	g_free(text);
	g_free(path);
}

static void
expect_name(struct test *test, const char *resolv_conf, const char *name)
{
	struct server *server = server_start(test->loop);
	char *path = test_file("resolv.conf", resolv_conf);

	ask(test,
	    &(struct fend_resolver_options){ .servers = server_address(server),
					     .resolv_conf = path },
	    server, 1);
	g_assert_cmpstr(server->name, ==, name);
	server_stop(server);
	g_free(path);
}

static void
test_environment(struct test *test)
{
	expect_name(test, "search corp.test\noptions ndots:2\n", "name.test.corp.test");
	g_setenv("LOCALDOMAIN", "local.test more.test", TRUE);
	expect_name(test, "search corp.test\noptions ndots:2\n", "name.test.local.test");
	g_setenv("RES_OPTIONS", "ndots:1", TRUE);
	expect_name(test, "search corp.test\noptions ndots:2\n", "name.test");
	g_unsetenv("LOCALDOMAIN");
	g_unsetenv("RES_OPTIONS");
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	if (namespace_enter("", "", "files dns", 1))
		return 0;
	loopback_add_ipv6("fe80::53", 64);
	test_add("/servers/families-and-zones", test_families_and_zones);
	test_add("/servers/several-with-zones", test_several_with_zones);
	test_add("/servers/edns-size", test_edns_size);
	test_add("/servers/rotate", test_rotate);
	test_add("/servers/attempts", test_attempts);
	test_add("/servers/tcp-alone", test_tcp_alone);
	test_add("/servers/environment", test_environment);
	return g_test_run();
}
