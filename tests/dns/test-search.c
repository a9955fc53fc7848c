/* SPDX-License-Identifier: MIT */
/*
 * The search list, and what hosts(5) and name servers say together: both families of a name are one
 * step.
 */
#include <errno.h>
#include <string.h>

#include <fend-internal/kernel.h>

#include "dns-test.h"

static const char resolv_conf[] = "search first.test second.test\n"
				  "options ndots:2\n";

struct scene {
	struct server *server;
	struct fend_resolver *resolver;
	struct outcome outcome;
};

static GString *asked; /* names and families, in order */

static void
scene_start(struct scene *scene, struct test *test, const char *resolv_conf_text, const char *hosts,
	    enum server_mode (*choose)(const char *name, gboolean aaaa), fend_time try_timeout)
{
	char *resolv_conf_path = test_file("resolv.conf", resolv_conf_text);
	char *hosts_path = test_file("hosts", hosts);
	struct fend_resolver_options options = {
		.size = sizeof(options),
		.resolv_conf = resolv_conf_path,
		.hosts = hosts_path,
		.try_timeout = try_timeout,
		.tries = 1,
	};

	memset(scene, 0, sizeof(*scene));
	scene->server = server_start(test->loop);
	scene->server->choose = choose;
	options.servers = server_address(scene->server);
	test_ok(fend_resolver_new(test->loop, &options, &scene->resolver));
	asked = g_string_new(NULL);
	g_free(resolv_conf_path);
	g_free(hosts_path);
}

static void
scene_end(struct scene *scene)
{
	outcome_clear(&scene->outcome);
	fend_resolver_free(scene->resolver);
	server_stop(scene->server);
	g_string_free(asked, TRUE);
}

/* questions: those that the server got, "name/family ...", where both families have no order. */
static void
expect(struct test *test, struct scene *scene, const char *name, int family, int err,
       const char *addresses, const char *questions)
{
	g_string_truncate(asked, 0);
	outcome_clear(&scene->outcome);
	lookup_run(test, &scene->outcome, scene->resolver, name, family, 0);
	test_error(scene->outcome.err, err);
	g_assert_cmpstr(scene->outcome.addresses, ==, addresses);
	g_assert_cmpstr(asked->str, ==, questions);
}

static void
note(const char *name, gboolean aaaa)
{
	g_string_append_printf(asked, "%s%s/%d", asked->len ? " " : "", name, aaaa ? 6 : 4);
}

/* first.test has hosts of one family, second.test of both. */
static enum server_mode
choose_one_family(const char *name, gboolean aaaa)
{
	note(name, aaaa);
	if (!strcmp(name, "four.first.test"))
		return aaaa ? SERVER_NODATA : SERVER_ANSWER;
	if (!strcmp(name, "text.first.test"))
		return SERVER_NODATA;
	return g_str_has_suffix(name, "second.test") ? SERVER_ANSWER : SERVER_NXDOMAIN;
}

static void
test_one_host_for_both_families(struct test *test)
{
	struct scene scene;

	scene_start(&scene, test, resolv_conf, "", choose_one_family, PATIENT);
	expect(test, &scene, "four", AF_UNSPEC, 0, "192.0.2.1",
	       "four.first.test/6 four.first.test/4");
	expect(test, &scene, "four", AF_INET, 0, "192.0.2.1", "four.first.test/4");
	/* There is such a host, and the one in second.test is another. */
	expect(test, &scene, "four", AF_INET6, FEND_EAI_NODATA, "",
	       "four.first.test/6 four.first.test/4");
	/* A name without addresses is no host. */
	expect(test, &scene, "text", AF_INET6, 0, "2001:db8::1",
	       "text.first.test/6 text.first.test/4 text.second.test/6");
	expect(test, &scene, "text", AF_UNSPEC, 0, "192.0.2.1 2001:db8::1",
	       "text.first.test/6 text.first.test/4 text.second.test/6 text.second.test/4");
	expect(test, &scene, "none", AF_INET, 0, "192.0.2.1",
	       "none.first.test/4 none.second.test/4");
	scene_end(&scene);
}

static enum server_mode
choose_as_is(const char *name, gboolean aaaa)
{
	note(name, aaaa);
	return g_str_has_suffix(name, "first.test") ? SERVER_NODATA : SERVER_NXDOMAIN;
}

static void
test_order_and_errors(struct test *test)
{
	struct scene scene;

	scene_start(&scene, test, resolv_conf, "", choose_as_is, PATIENT);
	/* As it is last; that first.test has the name, if no address, is what remains. */
	expect(test, &scene, "a.b", AF_INET, FEND_EAI_NODATA, "",
	       "a.b.first.test/4 a.b.first.test/6 a.b.second.test/4 a.b/4");
	/* As it is first, and then its error is the one to tell. */
	expect(test, &scene, "a.b.c", AF_INET, FEND_EAI_NONAME, "",
	       "a.b.c/4 a.b.c.first.test/4 a.b.c.first.test/6 a.b.c.second.test/4");
	expect(test, &scene, "a.", AF_INET, FEND_EAI_NONAME, "", "a/4");
	scene_end(&scene);
}

static enum server_mode
choose_failure(const char *name, gboolean aaaa)
{
	note(name, aaaa);
	if (!strcmp(name, "fail.first.test"))
		return SERVER_SERVFAIL;
	if (g_str_has_prefix(name, "drop"))
		return SERVER_DROP;
	return SERVER_NXDOMAIN;
}

static void
test_failures_of_servers(struct test *test)
{
	struct scene scene;

	scene_start(&scene, test, resolv_conf, "", choose_failure, PATIENT);
	/* A server that fails says something about this name only. */
	expect(test, &scene, "fail", AF_INET, FEND_EAI_AGAIN, "",
	       "fail.first.test/4 fail.second.test/4 fail/4");
	g_assert_nonnull(strstr(fend_lookup_detail(scene.outcome.lookup), "SERVFAIL"));
	g_assert_nonnull(strstr(fend_lookup_detail(scene.outcome.lookup), "fail.first.test A"));
	scene_end(&scene);
	/* One that is silent would be silent again. */
	scene_start(&scene, test, resolv_conf, "", choose_failure, HASTY);
	expect(test, &scene, "drop", AF_INET, FEND_EAI_AGAIN, "", "drop.first.test/4");
	scene_end(&scene);
}

static enum server_mode
choose_answer(const char *name, gboolean aaaa)
{
	note(name, aaaa);
	return SERVER_ANSWER;
}

static void
test_hosts_come_first(struct test *test)
{
	static const char hosts[] = "192.0.2.20 four.test four\n"
				    "192.0.2.21 both.test\n"
				    "2001:db8::21 both.test\n";
	struct scene scene;

	scene_start(&scene, test, "search first.test", hosts, choose_answer, PATIENT);
	expect(test, &scene, "both.test", AF_UNSPEC, 0, "192.0.2.21 2001:db8::21", "");
	expect(test, &scene, "four.test", AF_INET, 0, "192.0.2.20", "");
	expect(test, &scene, "four", AF_UNSPEC, 0, "192.0.2.20", "");
	/* What is blocked in hosts(5) is not to be had in DNS, and has no other name. */
	expect(test, &scene, "four.test", AF_INET6, FEND_EAI_NODATA, "", "");
	expect(test, &scene, "four", AF_INET6, FEND_EAI_NODATA, "", "");
	/* The search list is not for hosts(5). */
	expect(test, &scene, "both", AF_INET, 0, "192.0.2.1", "both.first.test/4");
	scene_end(&scene);
}

static void
test_not_asked_for(struct test *test)
{
	struct scene scene;

	scene_start(&scene, test, "search first.test", "", choose_answer, PATIENT);
	expect(test, &scene, "name.onion", AF_UNSPEC, FEND_EAI_NONAME, "", "");
	expect(test, &scene, "NAME.Onion.", AF_UNSPEC, FEND_EAI_NONAME, "", "");
	expect(test, &scene, "localhost.", AF_UNSPEC, 0, "127.0.0.1 ::1", "");
	expect(test, &scene, "a.LocalHost", AF_INET, 0, "127.0.0.1", "");
	expect(test, &scene, "onion.test", AF_INET, 0, "192.0.2.1", "onion.test/4");
	scene_end(&scene);
}

static void
test_names_that_get_too_long(struct test *test)
{
	/* What fits of its name in first.test would be a name, too. */
	char *name = g_strnfill(247, 'a'), *questions;
	struct scene scene;
	int i;

	for (i = 62; i < 247; i += 63)
		name[i] = '.';
	scene_start(&scene, test, "search first.test\noptions ndots:15\n", "", choose_answer,
		    PATIENT);
	questions = g_strdup_printf("%s/4", name);
	expect(test, &scene, name, AF_INET, 0, "192.0.2.1", questions);
	scene_end(&scene);
	g_free(questions);
	g_free(name);
}

static int
own_host_name(char *ret_name, size_t size)
{
	g_strlcpy(ret_name, "own.corp.test", size);
	return 0;
}

static int
no_host_name(char *ret_name, size_t size)
{
	return -EPERM;
}

static enum server_mode
choose_any(const char *name, gboolean aaaa)
{
	note(name, aaaa);
	return SERVER_ANSWER;
}

/* Without a search list the domain of this host is one, if it has one. */
static void
test_own_domain(struct test *test)
{
	static struct fend__kernel door;
	struct scene scene;

	door = fend__kernel_real;
	door.host_name = own_host_name;
	fend__kernel = &door;
	scene_start(&scene, test, "", "", choose_any, PATIENT);
	expect(test, &scene, "host", AF_INET, 0, "192.0.2.1", "host.corp.test/4");
	scene_end(&scene);
	scene_start(&scene, test, "search other.test\n", "", choose_any, PATIENT);
	expect(test, &scene, "host", AF_INET, 0, "192.0.2.1", "host.other.test/4");
	scene_end(&scene);
	door.host_name = no_host_name;
	scene_start(&scene, test, "", "", choose_any, PATIENT);
	expect(test, &scene, "host", AF_INET, 0, "192.0.2.1", "host/4");
	scene_end(&scene);
	fend__kernel = &fend__kernel_real;
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/search/one-host-for-both-families", test_one_host_for_both_families);
	test_add("/search/order-and-errors", test_order_and_errors);
	test_add("/search/failures-of-servers", test_failures_of_servers);
	test_add("/search/hosts-come-first", test_hosts_come_first);
	test_add("/search/not-asked-for", test_not_asked_for);
	test_add("/search/own-domain", test_own_domain);
	test_add("/search/names-that-get-too-long", test_names_that_get_too_long);
	return g_test_run();
}
