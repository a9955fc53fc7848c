/* SPDX-License-Identifier: MIT */
/*
 * Connecting by name: when which family's attempt begins, and how it ends. Times are exact, in
 * milliseconds since the call, on a clock that jumps (stopwatch.h).
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "race.h"

static void
play(struct test *test, const struct scenario *scenario)
{
	struct race race;

	race_init(&race, test);
	race.scenario = scenario;
	if (race_find_port(&race)) {
		place_init(&race.in6, scenario->in6);
		place_init(&race.in, scenario->in);
		race_script(race.server, scenario);
		g_snprintf(race.service, sizeof(race.service), "%d", race.port);
		race_begin(&race, "host.test", race.service, scenario->timeout);
		race_run(&race);
		g_assert_cmpstr(race.starts->str, ==, scenario->starts);
		test_error(race.err, scenario->err);
		g_assert_cmpstr(race.end, ==, scenario->end);
		if (scenario->err)
			g_assert_cmpint(race.when, ==, FEND_MS(scenario->when));
		place_fini(&race.in6);
		place_fini(&race.in);
	}
	race_fini(&race);
}

#define SCENARIO(name, ...)                                          \
	static void test_##name(struct test *test)                   \
	{                                                            \
		play(test, &(const struct scenario){ __VA_ARGS__ }); \
	}

SCENARIO(both_answer, .starts = "6@0", .end = "6@0")
SCENARIO(ipv6_is_a_hole, .in6 = HOLE, .starts = "6@0 4@250", .end = "4@250")
SCENARIO(ipv6_is_refused, .in6 = REFUSED, .starts = "6@0 4@0", .end = "4@0")
SCENARIO(both_are_holes, .in6 = HOLE, .in = HOLE, .timeout = 3000, .starts = "6@0 4@250",
	 .err = -ETIMEDOUT, .when = 3000)
SCENARIO(both_are_refused, .in6 = REFUSED, .in = REFUSED, .starts = "6@0 4@0", .err = -ECONNREFUSED,
	 .when = 0)
SCENARIO(ipv6_comes_within_the_delay, .aaaa_delay = 30, .starts = "6@30", .end = "6@30")
SCENARIO(ipv6_comes_after_the_delay, .aaaa_delay = 200, .starts = "4@50", .end = "4@50")
SCENARIO(ipv6_joins_late, .aaaa_delay = 200, .in = HOLE, .starts = "4@50 6@300", .end = "6@300")
SCENARIO(ipv6_joins_at_once_if_all_have_failed, .aaaa_delay = 200, .in = REFUSED,
	 .starts = "4@50 6@200", .end = "6@200")
SCENARIO(ipv4_comes_later, .a_delay = 200, .starts = "6@0", .end = "6@0")
SCENARIO(ipv4_joins_late, .a_delay = 300, .in6 = HOLE, .starts = "6@0 4@300", .end = "4@300")
SCENARIO(both_come_late, .aaaa_delay = 700, .a_delay = 660, .starts = "6@700", .end = "6@700")
SCENARIO(ipv6_servfail, .aaaa = SERVER_SERVFAIL, .starts = "4@0", .end = "4@0")
SCENARIO(ipv6_nxdomain, .aaaa = SERVER_NXDOMAIN, .starts = "4@0", .end = "4@0")
SCENARIO(ipv6_nodata, .aaaa = SERVER_NODATA, .starts = "4@0", .end = "4@0")
SCENARIO(ipv6_nodata_ends_the_delay, .aaaa = SERVER_NODATA, .aaaa_delay = 20, .starts = "4@20",
	 .end = "4@20")
SCENARIO(ipv6_is_not_answered, .aaaa = SERVER_DROP, .starts = "4@50", .end = "4@50")
SCENARIO(ipv4_is_not_answered, .a = SERVER_DROP, .starts = "6@0", .end = "6@0")
SCENARIO(nothing_is_answered, .aaaa = SERVER_DROP, .a = SERVER_DROP, .timeout = 4000, .starts = "",
	 .err = -ETIMEDOUT, .when = 4000)
SCENARIO(slow_is_not_cut_off, .in6 = HOLE, .in = REFUSED, .slow = 6, .starts = "6@0 4@250",
	 .end = "6@250")
SCENARIO(refused_although_ipv6_failed, .aaaa = SERVER_SERVFAIL, .in = REFUSED, .starts = "4@0",
	 .err = -ECONNREFUSED, .when = 0)
SCENARIO(no_such_name, .aaaa = SERVER_NXDOMAIN, .a = SERVER_NXDOMAIN, .starts = "",
	 .err = FEND_EAI_NONAME)
SCENARIO(no_address, .aaaa = SERVER_NODATA, .a = SERVER_NODATA, .starts = "",
	 .err = FEND_EAI_NODATA)
SCENARIO(no_answer_of_one, .aaaa = SERVER_NODATA, .a = SERVER_SERVFAIL, .starts = "",
	 .err = FEND_EAI_AGAIN)
SCENARIO(no_answer_of_the_other, .aaaa = SERVER_SERVFAIL, .a = SERVER_NODATA, .starts = "",
	 .err = FEND_EAI_AGAIN)
SCENARIO(no_answer_of_one_and_no_such_name, .aaaa = SERVER_SERVFAIL, .a = SERVER_NXDOMAIN,
	 .starts = "", .err = FEND_EAI_AGAIN)

/* What routes of some kinds, and the lack of one, say at once. */
static void
test_ipv6_is_unreachable(struct test *test)
{
	static const int errors[] = { -ENETUNREACH, -EHOSTUNREACH, -EACCES, -EINVAL };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(errors); i++)
		play(test, &(const struct scenario){
				   .failing = 6,
				   .error = errors[i],
				   .starts = "6@0 4@0",
				   .end = "4@0",
			   });
}

static void
test_many_of_ipv6(struct test *test)
{
	static const char *const addresses[] = {
		"::1",         "2001:db8::2", "2001:db8::3", "2001:db8::4",
		"2001:db8::5", "2001:db8::6", "2001:db8::7", NULL,
	};

	play(test, &(const struct scenario){
			   .in6 = HOLE,
			   .aaaa_addresses = addresses,
			   .starts = "6@0 4@250",
			   .end = "4@250",
		   });
}

/* No question is asked; the attempt and its outcome. */
static void
play_hinted(struct test *test, const char *host, const char *service, const struct addrinfo *hints,
	    const char *starts, int err)
{
	struct race race;

	race_init(&race, test);
	race.hints = hints;
	race_begin(&race, host, service, 0);
	race_run(&race);
	g_assert_cmpstr(race.starts->str, ==, starts);
	test_error(race.err, err);
	g_assert_cmpint(race.when, ==, 0);
	g_assert_cmpuint(race.server->n_a + race.server->n_aaaa, ==, 0);
	race_fini(&race);
}

static void
play_literal(struct test *test, const char *host, const char *service, const char *starts, int err)
{
	play_hinted(test, host, service, NULL, starts, err);
}

static void
test_literals(struct test *test)
{
	struct race race;
	char *service;

	memset(&race, 0, sizeof(race));
	if (!race_find_port(&race))
		return;
	service = g_strdup_printf("%d", race.port);
	play_literal(test, "127.0.0.1", service, "4@0", -ECONNREFUSED);
	play_literal(test, "127.1", service, "4@0", -ECONNREFUSED);
	play_literal(test, "::1", service, "6@0", -ECONNREFUSED);
	play_literal(test, "::1%1", service, "6@0", -ECONNREFUSED);
	place_init(&race.in6, OPEN);
	place_init(&race.in, OPEN);
	play_literal(test, "127.0.0.1", service, "4@0", 0);
	play_literal(test, "::1", service, "6@0", 0);
	play_literal(test, "localhost", service, "6@0", 0);
	play_literal(test, "www.LocalHost.", service, "6@0", 0);
	g_free(service);
	place_fini(&race.in6);
	place_fini(&race.in);
}

/* With files of our own; the name has no more than an address of IPv4, where nobody listens. */
static void
play_files(struct test *test, const char *hosts, unsigned questions)
{
	static const char *const in[] = { "127.0.0.1", NULL };
	char *hosts_file = test_file("hosts", hosts);
	char *resolv_conf = test_file("resolv.conf", "search suffix.test\n");
	struct fend_resolver_options options = {
		.size = sizeof(options),
		.hosts = hosts_file,
		.resolv_conf = resolv_conf,
	};
	struct race race;

	race_init(&race, test);
	fend_resolver_free(race.resolver);
	options.servers = server_address(race.server);
	test_ok(fend_resolver_new(test->loop, &options, &race.resolver));
	race.server->a_addresses = in;
	race.server->aaaa = SERVER_NODATA;
	race_begin(&race, "four.test", "1", 0);
	race_run(&race);
	test_error(race.err, -ECONNREFUSED);
	g_assert_cmpstr(race.starts->str, ==, "4@0");
	g_assert_cmpuint(race.server->n_a + race.server->n_aaaa, ==, questions);
	race_fini(&race);
	g_free(hosts_file);
	g_free(resolv_conf);
}

/* A family that hosts(5) does not have is not asked for elsewhere. */
static void
test_hosts(struct test *test)
{
	play_files(test, "127.0.0.1 four.test\n", 0);
}

/* Nor is one that the name does not have looked for under another name. */
static void
test_search(struct test *test)
{
	play_files(test, "", 2);
}

static const struct addrinfo in_only = { .ai_family = AF_INET };
static const struct addrinfo in6_only = { .ai_family = AF_INET6 };
static const struct addrinfo idn = { .ai_flags = AI_IDN };

/* A host of both families, of which one is asked for. */
static void
play_family(struct test *test, const struct addrinfo *hints, const char *starts)
{
	const struct scenario scenario = { .aaaa = SERVER_ANSWER };
	struct race race;

	race_init(&race, test);
	race.hints = hints;
	if (race_find_port(&race)) {
		place_init(&race.in6, OPEN);
		place_init(&race.in, OPEN);
		race_script(race.server, &scenario);
		g_snprintf(race.service, sizeof(race.service), "%d", race.port);
		race_begin(&race, "host.test", race.service, 0);
		race_run(&race);
		test_error(race.err, 0);
		g_assert_cmpstr(race.starts->str, ==, starts);
		g_assert_cmpuint(race.server->n_a, ==, hints->ai_family == AF_INET);
		g_assert_cmpuint(race.server->n_aaaa, ==, hints->ai_family == AF_INET6);
		place_fini(&race.in6);
		place_fini(&race.in);
	}
	race_fini(&race);
}

static void
test_one_family(struct test *test)
{
	play_family(test, &in_only, "4@0");
	play_family(test, &in6_only, "6@0");
}

/* The host has addresses, but none of the family that is asked for. */
static void
test_no_address_of_the_family(struct test *test)
{
	struct race race;

	race_init(&race, test);
	race.hints = &in6_only;
	race.server->aaaa = SERVER_NODATA;
	race_begin(&race, "host.test", "80", 0);
	race_run(&race);
	test_error(race.err, FEND_EAI_NODATA);
	g_assert_cmpuint(race.starts->len, ==, 0);
	race_fini(&race);
}

static void
test_beyond_ascii(struct test *test)
{
	static const char *const in[] = { "127.0.0.1", NULL };
	struct race race;

	race_init(&race, test);
	race.hints = &idn;
	race.server->a_addresses = in;
	race.server->aaaa = SERVER_NODATA;
	race_begin(&race, "b\u00fccher.test", "1", 0);
	race_run(&race);
	test_error(race.err, has_idn() ? -ECONNREFUSED : FEND_EAI_BADFLAGS);
	g_assert_cmpstr(race.server->name, ==, has_idn() ? "xn--bcher-kva.test" : NULL);
	race_fini(&race);
}

static void
test_too_many_addresses(struct test *test)
{
	const char *addresses[101] = { NULL };
	struct race race;
	unsigned i, n = 0;
	char *at;

	race_init(&race, test);
	for (i = 0; i < 100; i++)
		addresses[i] = g_strdup_printf("127.0.1.%u", i + 1);
	race.server->a_addresses = addresses;
	race.server->aaaa = SERVER_NODATA;
	race_begin(&race, "many.test", "1", 0);
	race_run(&race);
	test_error(race.err, -ECONNREFUSED);
	for (at = race.starts->str; (at = strstr(at, "4@0")); at++)
		n++;
	g_assert_cmpuint(n, ==, 32);
	race_fini(&race);
	for (i = 0; i < 100; i++)
		g_free((char *)addresses[i]);
}

static void
test_mistakes(struct test *test)
{
	play_literal(test, "127.0.0.1", "no-such-service", "", FEND_EAI_SERVICE);
	play_literal(test, "127.0.0.1", "65536", "", FEND_EAI_SERVICE);
	play_literal(test, "fe80::1%no-such", "80", "", FEND_EAI_NONAME);
	play_literal(test, "", "80", "", FEND_EAI_NONAME);
	play_literal(test, "two..dots", "80", "", FEND_EAI_NONAME);
	play_literal(test, "unix:", NULL, "", -EINVAL);
}

static void
refuse(struct test *test, const char *host, const char *service, struct addrinfo hints, int err)
{
	play_hinted(test, host, service, &hints, "", err);
}

static void
test_hints_that_do_not_fit(struct test *test)
{
	static const int no_use[] = { AI_PASSIVE, AI_CANONNAME, AI_V4MAPPED, AI_ALL, AI_CANONIDN };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(no_use); i++)
		refuse(test, "::1", "80", (struct addrinfo){ .ai_flags = no_use[i] },
		       FEND_EAI_BADFLAGS);
	refuse(test, "::1", "80", (struct addrinfo){ .ai_socktype = SOCK_DGRAM },
	       FEND_EAI_SOCKTYPE);
	refuse(test, "::1", "80", (struct addrinfo){ .ai_protocol = IPPROTO_UDP },
	       FEND_EAI_SOCKTYPE);
	refuse(test, "::1", "80", (struct addrinfo){ .ai_protocol = IPPROTO_SCTP },
	       FEND_EAI_SOCKTYPE);
	refuse(test, "::1", "80", (struct addrinfo){ .ai_family = AF_UNIX }, FEND_EAI_FAMILY);
	refuse(test, "::1", "80", in_only, FEND_EAI_ADDRFAMILY);
	refuse(test, "host.test", "80", (struct addrinfo){ .ai_flags = AI_NUMERICHOST },
	       FEND_EAI_NONAME);
	refuse(test, "::1", "http", (struct addrinfo){ .ai_flags = AI_NUMERICSERV },
	       FEND_EAI_NONAME);
}

static void
test_unix(struct test *test)
{
	char *host = g_strdup_printf("unix:%s/socket", test_directory());
	struct fend_address address;
	struct fend_socket *listener;

	test_ok(fend_address_parse(host, &address));
	play_literal(test, host, NULL, "0@0", -ENOENT);
	test_ok(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &listener));
	test_ok(fend_socket_bind(listener, &address));
	test_ok(fend_socket_listen(listener, 1));
	play_literal(test, host, NULL, "0@0", 0);
	play_literal(test, host, "ignored", "0@0", 0);
	fend_socket_free(listener);
	unlink(host + strlen("unix:"));
	g_free(host);
}

#define ADD(path, name) test_add("/connect-host/" path, test_##name)

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	ADD("both-answer", both_answer);
	ADD("ipv6-is-a-hole", ipv6_is_a_hole);
	ADD("ipv6-is-refused", ipv6_is_refused);
	ADD("ipv6-is-unreachable", ipv6_is_unreachable);
	ADD("both-are-holes", both_are_holes);
	ADD("both-are-refused", both_are_refused);
	ADD("ipv6-comes-within-the-delay", ipv6_comes_within_the_delay);
	ADD("ipv6-comes-after-the-delay", ipv6_comes_after_the_delay);
	ADD("ipv6-joins-late", ipv6_joins_late);
	ADD("ipv6-joins-at-once-if-all-have-failed", ipv6_joins_at_once_if_all_have_failed);
	ADD("ipv4-comes-later", ipv4_comes_later);
	ADD("ipv4-joins-late", ipv4_joins_late);
	ADD("both-come-late", both_come_late);
	ADD("ipv6-servfail", ipv6_servfail);
	ADD("ipv6-nxdomain", ipv6_nxdomain);
	ADD("ipv6-nodata", ipv6_nodata);
	ADD("ipv6-nodata-ends-the-delay", ipv6_nodata_ends_the_delay);
	ADD("ipv6-is-not-answered", ipv6_is_not_answered);
	ADD("ipv4-is-not-answered", ipv4_is_not_answered);
	ADD("nothing-is-answered", nothing_is_answered);
	ADD("slow-is-not-cut-off", slow_is_not_cut_off);
	ADD("refused-although-ipv6-failed", refused_although_ipv6_failed);
	ADD("no-such-name", no_such_name);
	ADD("no-address", no_address);
	ADD("no-answer-of-one", no_answer_of_one);
	ADD("no-answer-of-the-other", no_answer_of_the_other);
	ADD("no-answer-of-one-and-no-such-name", no_answer_of_one_and_no_such_name);
	ADD("many-of-ipv6", many_of_ipv6);
	ADD("literals", literals);
	ADD("too-many-addresses", too_many_addresses);
	ADD("one-family", one_family);
	ADD("no-address-of-the-family", no_address_of_the_family);
	ADD("beyond-ascii", beyond_ascii);
	ADD("hints-that-do-not-fit", hints_that_do_not_fit);
	ADD("hosts", hosts);
	ADD("search", search);
	ADD("mistakes", mistakes);
	ADD("unix", unix);
	return g_test_run();
}
