/* SPDX-License-Identifier: MIT */
/*
 * Resolvers, and what they make of servers: answers, errors, faults and silence. Many lookups at
 * once are in test-crowd.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dns-test.h"

static void
test_options(struct test *test)
{
	static const char *const good[] = {
		"127.0.0.1",  "127.0.0.1:5353",          "::1",        "[::1]",
		"[::1]:5353", "2001:db8::1,192.0.2.1:1", "fe80::1%lo", "[fe80::1%lo]:5353",
	};
	/* clang-format off */
	static const char *const bad[] = {
		"", ",", "127.0.0.1,", ",127.0.0.1", "127.0.0.1,,127.0.0.2", "localhost", "127.1",
		"127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:53x", " 127.0.0.1",
		"127.0.0.1 127.0.0.2", "[::1", "[::1]:", "::1]", "[127.0.0.1]", "fe80::1%nothere",
		"unix:/run/dns", "/run/dns",
	};
	/* clang-format on */
	struct {
		struct fend_resolver_options known;
		int unknown;
	} newer = { .known.size = sizeof(newer) };
	struct fend_resolver_options options = { .size = sizeof(options) };
	struct fend_resolver *none = (struct fend_resolver *)&none, *resolver = none;
	size_t i;

	test_error(fend_resolver_new(test->loop, NULL, NULL), -EINVAL);
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		options.servers = bad[i];
		test_error(fend_resolver_new(test->loop, &options, &resolver), -EINVAL);
	}
	options = (struct fend_resolver_options){ .size = sizeof(options), .try_timeout = -1 };
	test_error(fend_resolver_new(test->loop, &options, &resolver), -EINVAL);
	options = (struct fend_resolver_options){ .size = sizeof(options), .tries = -1 };
	test_error(fend_resolver_new(test->loop, &options, &resolver), -EINVAL);
	options = (struct fend_resolver_options){ .size = sizeof(options), .tries = 11 };
	test_error(fend_resolver_new(test->loop, &options, &resolver), -EINVAL);
	options = (struct fend_resolver_options){ .size = sizeof(options), .keep_max = -1 };
	test_error(fend_resolver_new(test->loop, &options, &resolver), -EINVAL);
	options.size = 1;
	test_error(fend_resolver_new(test->loop, &options, &resolver), -EINVAL);
	newer.unknown = 1;
	test_error(fend_resolver_new(test->loop, &newer.known, &resolver), -E2BIG);
	g_assert_true(resolver == none);

	newer.unknown = 0;
	options = (struct fend_resolver_options){ 0 };
	test_ok(fend_resolver_new(test->loop, &newer.known, &resolver));
	g_assert_null(fend_resolver_free(resolver));
	for (i = 0; i < G_N_ELEMENTS(good); i++) {
		options.size = sizeof(options);
		options.servers = good[i];
		test_ok(fend_resolver_new(test->loop, &options, &resolver));
		fend_resolver_free(resolver);
	}
	g_assert_null(fend_resolver_free(NULL));
}

static void
test_configuration_cannot_be_read(struct test *test)
{
	struct fend_resolver *none = (struct fend_resolver *)&none, *resolver = none;
	struct rlimit limit, lowered;
	int next = dup(STDIN_FILENO);

	/* No descriptor is left to open resolv.conf with. */
	g_assert_cmpint(next, >=, 0);
	close(next);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	lowered = limit;
	lowered.rlim_cur = (rlim_t)next;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &lowered), ==, 0);
	test_error(fend_resolver_new(test->loop, NULL, &resolver), -EMFILE);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	g_assert_true(resolver == none);
}

static void
test_addresses(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	setting_expect(test, &setting, "both.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	g_assert_cmpstr(setting.server->name, ==, "both.test");
	setting_expect(test, &setting, "four.test", AF_INET, 0, 0, "192.0.2.1");
	setting_expect(test, &setting, "six.test.", AF_INET6, 0, 0, "2001:db8::1");
	g_assert_cmpstr(setting.server->name, ==, "six.test");
	setting_expect(test, &setting, "under_score-1.test", AF_INET, 0, 0, "192.0.2.1");
	setting_expect(test, &setting, "not-localhost.", AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpuint(setting.server->n_a, ==, 4);
	g_assert_cmpuint(setting.server->n_aaaa, ==, 2);
	setting_end(&setting);
}

static void
test_longest_name(struct test *test)
{
	struct setting setting;
	char *name = g_strnfill(253, 'a'), *absolute;
	int i;

	for (i = 63; i < 253; i += 64)
		name[i] = '.';
	setting_start(&setting, test, PATIENT);
	setting_expect(test, &setting, name, AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpstr(setting.server->name, ==, name);
	/* The dot at the end of an absolute name does not count. */
	absolute = g_strdup_printf("%s.", name);
	setting_expect(test, &setting, absolute, AF_INET, 0, 0, "192.0.2.1");
	setting_end(&setting);
	g_free(absolute);
	g_free(name);
}

static void
test_kinds_of_socket(struct test *test)
{
	struct setting setting;
	struct outcome *outcome = &setting.outcome;
	struct addrinfo *list;
	char *text;

	setting_start(&setting, test, PATIENT);
	test_ok(fend_resolver_lookup(setting.resolver, "name.test", "domain",
				     &(struct addrinfo){ .ai_family = AF_INET }, FEND_FOREVER,
				     outcome_fn, outcome, &outcome->lookup));
	test_wait(test, &outcome->calls);
	list = fend_lookup_take(outcome->lookup);
	text = list_describe(list);
	g_assert_cmpstr(text, ==,
			"192.0.2.1:53 type 1 protocol 6 flags 0 name none; "
			"192.0.2.1:53 type 2 protocol 17 flags 0 name none; ");
	g_free(text);
	fend_addrinfo_free(list);
	setting_end(&setting);
}

static void
expect_canonical(struct test *test, struct setting *setting, const char *name, int flags,
		 const char *canonical)
{
	struct addrinfo *list;

	setting_expect(test, setting, name, AF_UNSPEC, flags, 0, "192.0.2.1 2001:db8::1");
	list = fend_lookup_take(setting->outcome.lookup);
	g_assert_cmpstr(list->ai_canonname, ==, canonical);
	g_assert_null(list->ai_next->ai_canonname);
	fend_addrinfo_free(list);
}

static void
test_canonical_name(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	expect_canonical(test, &setting, "itself.test", 0, NULL);
	expect_canonical(test, &setting, "itself.test", AI_CANONNAME, "itself.test");
	setting.server->a = setting.server->aaaa = SERVER_CNAME;
	expect_canonical(test, &setting, "alias.test", 0, NULL);
	expect_canonical(test, &setting, "alias.test", AI_CANONNAME, "real.test");
	setting.server->a = setting.server->aaaa = SERVER_BAD_CNAME;
	outcome_clear(&setting.outcome);
	lookup_run(test, &setting.outcome, setting.resolver, "bad.test", AF_UNSPEC, AI_CANONNAME);
	test_error(setting.outcome.err, FEND_EAI_FAIL);
	setting_end(&setting);
}

static void
test_mapped(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	setting_expect(test, &setting, "a.test", AF_INET6, AI_V4MAPPED, 0, "2001:db8::1");
	setting_expect(test, &setting, "b.test", AF_INET6, AI_V4MAPPED | AI_ALL, 0,
		       "2001:db8::1 ::ffff:192.0.2.1");
	setting_expect(test, &setting, "c.test", AF_INET6, AI_ALL, 0, "2001:db8::1");
	setting_expect(test, &setting, "d.test", AF_INET, AI_V4MAPPED | AI_ALL, 0, "192.0.2.1");
	setting.server->aaaa = SERVER_NODATA;
	setting_expect(test, &setting, "e.test", AF_INET6, AI_V4MAPPED, 0, "::ffff:192.0.2.1");
	setting_expect(test, &setting, "f.test", AF_INET6, AI_V4MAPPED | AI_ALL, 0,
		       "::ffff:192.0.2.1");
	setting_expect(test, &setting, "g.test", AF_INET6, 0, FEND_EAI_NODATA, NULL);
	setting.server->a = SERVER_NODATA;
	setting_expect(test, &setting, "h.test", AF_INET6, AI_V4MAPPED, FEND_EAI_NODATA, NULL);
	setting_end(&setting);
}

static void
test_errors(struct test *test)
{
	static const struct {
		enum server_mode mode;
		int err;
	} errors[] = {
		{ SERVER_NXDOMAIN, FEND_EAI_NONAME }, { SERVER_NODATA, FEND_EAI_NODATA },
		{ SERVER_SERVFAIL, FEND_EAI_AGAIN },  { SERVER_REFUSED, FEND_EAI_AGAIN },
		{ SERVER_FORMERR, FEND_EAI_FAIL },    { SERVER_DROP, FEND_EAI_AGAIN },
	};
	struct setting setting;
	char name[32];
	size_t i;

	setting_start(&setting, test, HASTY);
	for (i = 0; i < G_N_ELEMENTS(errors); i++) {
		g_snprintf(name, sizeof(name), "mode%u.test", errors[i].mode);
		setting.server->a = setting.server->aaaa = errors[i].mode;
		setting_expect(test, &setting, name, AF_INET, 0, errors[i].err, NULL);
		setting_expect(test, &setting, name, AF_UNSPEC, 0, errors[i].err, NULL);
	}
	setting_end(&setting);
}

static void
test_one_family_is_enough(struct test *test)
{
	static const enum server_mode modes[] = { SERVER_NODATA, SERVER_NXDOMAIN, SERVER_SERVFAIL,
						  SERVER_DROP };
	struct setting setting;
	char name[32];
	size_t i;

	setting_start(&setting, test, HASTY);
	for (i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_snprintf(name, sizeof(name), "four%zu.test", i);
		setting.server->a = SERVER_ANSWER;
		setting.server->aaaa = modes[i];
		setting_expect(test, &setting, name, AF_UNSPEC, 0, 0, "192.0.2.1");
		g_snprintf(name, sizeof(name), "six%zu.test", i);
		setting.server->a = modes[i];
		setting.server->aaaa = SERVER_ANSWER;
		setting_expect(test, &setting, name, AF_UNSPEC, 0, 0, "2001:db8::1");
	}
	setting_end(&setting);
}

static void
test_truncated_goes_on_over_tcp(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	setting.server->a = setting.server->aaaa = SERVER_TRUNCATE;
	setting_expect(test, &setting, "long.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	g_assert_cmpuint(setting.server->n_tcp, ==, 2);
	/* The family that is answered first waits for the other. */
	setting.server->aaaa = SERVER_ANSWER;
	setting_expect(test, &setting, "other.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	g_assert_cmpuint(setting.server->n_tcp, ==, 3);
	setting_end(&setting);
}

static void
test_noise_is_ignored(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	setting.server->a = setting.server->aaaa = SERVER_NOISE;
	setting_expect(test, &setting, "noise.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	/* Nothing was asked twice. */
	g_assert_cmpuint(setting.server->n_a + setting.server->n_aaaa, ==, 2);
	setting_end(&setting);
}

static void
test_silence_is_asked_again(struct test *test)
{
	struct setting setting;
	fend_time start;

	setting_start(&setting, test, HASTY);
	setting.server->a = SERVER_DROP;
	start = fend_now();
	setting_expect(test, &setting, "silent.test", AF_INET, 0, FEND_EAI_AGAIN, NULL);
	g_assert_cmpuint(setting.server->n_a, ==, 2);
	/* Once as long as asked for, and twice that; later versions of c-ares vary it. */
	g_assert_cmpint(setting.outcome.when - start, >=, HASTY);
	g_assert_cmpint(setting.outcome.when - start, <, 10 * HASTY);

	/* An answer to the second try is in time. */
	outcome_clear(&setting.outcome);
	setting.server->n_a = 0;
	lookup_start(&setting.outcome, setting.resolver, "late.test", AF_INET, 0, FEND_FOREVER);
	while (setting.server->n_a == 0)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(5)));
	setting.server->a = SERVER_ANSWER;
	test_wait(test, &setting.outcome.calls);
	test_error(setting.outcome.err, 0);
	g_assert_cmpuint(setting.server->n_a, ==, 2);
	setting_end(&setting);
}

static void
test_nobody_there(struct test *test)
{
	char *servers = g_strdup_printf("127.0.0.1:%d", test_port(SOCK_DGRAM));
	struct fend_resolver *resolver = resolver_start(test->loop, servers, PATIENT);
	struct outcome outcome = { 0 };
	fend_time start = fend_now();

	/* The kernel tells, so nobody has to wait. */
	lookup_run(test, &outcome, resolver, "name.test", AF_UNSPEC, 0);
	test_error(outcome.err, FEND_EAI_AGAIN);
	g_assert_cmpint(outcome.when - start, <, PATIENT);
	outcome_clear(&outcome);
	fend_resolver_free(resolver);
	g_free(servers);
}

static void
ask_two(struct test *test, struct server *first, struct server *second, fend_time try_timeout)
{
	char *servers = g_strdup_printf("%s,%s", server_address(first), server_address(second));
	struct fend_resolver *resolver = resolver_start(test->loop, servers, try_timeout);
	struct outcome outcome = { 0 };

	first->n_a = second->n_a = 0;
	lookup_run(test, &outcome, resolver, "name.test", AF_INET, 0);
	test_error(outcome.err, 0);
	g_assert_cmpuint(first->n_a, ==, 1);
	g_assert_cmpuint(second->n_a, >=, 1);
	outcome_clear(&outcome);
	fend_resolver_free(resolver);
	g_free(servers);
}

static void
test_next_server(struct test *test)
{
	struct server *first = server_start(test->loop), *second = server_start(test->loop);

	first->a = SERVER_REFUSED;
	ask_two(test, first, second, PATIENT);
	first->a = SERVER_DROP;
	ask_two(test, first, second, HASTY);
	server_stop(first);
	server_stop(second);
}

static void
test_free_with_lookups_running(struct test *test)
{
	struct outcome tcp = { 0 }, waiting = { 0 };
	struct fend_timer *timer;
	struct setting setting;
	int passed = 0;

	setting_start(&setting, test, PATIENT);
	setting.server->aaaa = SERVER_DROP;
	setting.server->a = SERVER_TRUNCATE;
	lookup_start(&setting.outcome, setting.resolver, "half.test", AF_UNSPEC, 0, FEND_MS(100));
	lookup_start(&tcp, setting.resolver, "tcp.test", AF_INET, 0, FEND_SEC(9));
	setting.server->delay = FEND_MS(50);
	while (setting.server->n_tcp == 0)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	lookup_start(&waiting, setting.resolver, "localhost", AF_INET, 0, FEND_SEC(9));
	setting.resolver = fend_resolver_free(setting.resolver);

	/* The first one's deadline, the server's answer and the task pass unheard. */
	test_ok(fend_timer_new(test->loop, timer_fn, &passed, &timer));
	fend_timer_after(timer, FEND_MS(150));
	test_wait(test, &passed);
	test_drain(test);
	g_assert_null(setting.server->delayed);
	g_assert_cmpint(setting.outcome.calls, ==, 0);
	g_assert_cmpint(tcp.calls, ==, 0);
	g_assert_cmpint(waiting.calls, ==, 0);
	outcome_clear(&tcp);
	outcome_clear(&waiting);
	fend_timer_free(timer);
	setting_end(&setting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/resolver/options", test_options);
	test_add("/resolver/configuration-cannot-be-read", test_configuration_cannot_be_read);
	test_add("/resolver/addresses", test_addresses);
	test_add("/resolver/longest-name", test_longest_name);
	test_add("/resolver/kinds-of-socket", test_kinds_of_socket);
	test_add("/resolver/canonical-name", test_canonical_name);
	test_add("/resolver/mapped", test_mapped);
	test_add("/resolver/errors", test_errors);
	test_add("/resolver/one-family-is-enough", test_one_family_is_enough);
	test_add("/resolver/truncated-goes-on-over-tcp", test_truncated_goes_on_over_tcp);
	test_add("/resolver/noise-is-ignored", test_noise_is_ignored);
	test_add("/resolver/silence-is-asked-again", test_silence_is_asked_again);
	test_add("/resolver/nobody-there", test_nobody_there);
	test_add("/resolver/next-server", test_next_server);
	test_add("/resolver/free-with-lookups-running", test_free_with_lookups_running);
	return g_test_run();
}
