/* SPDX-License-Identifier: MIT */
/* What lookups make of what servers say: aliases, malformed messages, sizes, and what is told. */
#include <errno.h>

#include "dns-test.h"

static void
expect_a(struct test *test, struct setting *setting, enum server_mode mode, int err,
	 const char *addresses)
{
	setting->server->a = mode;
	setting_expect(test, setting, "name.test", AF_INET, AI_CANONNAME, err, addresses);
}

static void
expect_canonical(struct setting *setting, const char *name)
{
	struct addrinfo *list = fend_lookup_take(setting->outcome.lookup);

	g_assert_cmpstr(list->ai_canonname, ==, name);
	fend_addrinfo_free(list);
}

static void
test_aliases(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	expect_a(test, &setting, SERVER_CNAME, 0, "192.0.2.1");
	expect_canonical(&setting, "real.test");
	expect_a(test, &setting, SERVER_CNAME_CHAIN, 0, "192.0.2.1");
	expect_canonical(&setting, "10.test");
	expect_a(test, &setting, SERVER_CNAME_BACKWARDS, 0, "192.0.2.1");
	expect_canonical(&setting, "real.test");
	expect_a(test, &setting, SERVER_CNAME_ONLY, FEND_EAI_NODATA, NULL);
	setting_end(&setting);
}

static void
test_alias_loops_end(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	expect_a(test, &setting, SERVER_CNAME_LOOP, FEND_EAI_FAIL, NULL);
	expect_a(test, &setting, SERVER_CNAME_LONG, FEND_EAI_FAIL, NULL);
	setting_end(&setting);
}

static void
test_addresses_of_others_do_not_count(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	expect_a(test, &setting, SERVER_FOREIGN, 0, "192.0.2.1");
	expect_canonical(&setting, "name.test");
	setting_end(&setting);
}

/* A version of c-ares that reads such a message itself asks again, and fails in another way. */
static void
expect_malformed(struct test *test, struct setting *setting, enum server_mode mode)
{
	setting->server->a = mode;
	outcome_clear(&setting->outcome);
	lookup_run(test, &setting->outcome, setting->resolver, "bad.test", AF_INET, 0);
	g_assert_true(setting->outcome.err == FEND_EAI_FAIL ||
		      setting->outcome.err == FEND_EAI_AGAIN);
	g_assert_nonnull(fend_lookup_detail(setting->outcome.lookup));
}

static void
test_malformed_messages(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, HASTY);
	expect_malformed(test, &setting, SERVER_CUT);
	expect_malformed(test, &setting, SERVER_MISCOUNTED);
	expect_malformed(test, &setting, SERVER_POINTER_LOOP);
	expect_malformed(test, &setting, SERVER_HALF);
	/* Nothing of it stays. */
	expect_a(test, &setting, SERVER_ANSWER, 0, "192.0.2.1");
	setting_end(&setting);
}

static int
count_entries(struct setting *setting)
{
	struct addrinfo *list = fend_lookup_take(setting->outcome.lookup), *info;
	int n = 0;

	for (info = list; info; info = info->ai_next)
		n++;
	fend_addrinfo_free(list);
	return n;
}

static void
run_long(struct test *test, struct setting *setting, enum server_mode mode)
{
	setting->server->a = mode;
	outcome_clear(&setting->outcome);
	lookup_run(test, &setting->outcome, setting->resolver, "long.test", AF_INET, 0);
	test_error(setting->outcome.err, 0);
}

static void
test_long_answers(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	run_long(test, &setting, SERVER_MANY);
	g_assert_cmpuint(setting.server->n_tcp, ==, 1);
	g_assert_cmpint(count_entries(&setting), ==, 3000);
	run_long(test, &setting, SERVER_OVERSIZED);
	g_assert_cmpint(count_entries(&setting), ==, 300);
	setting_end(&setting);
}

/* Both families are on their way when the server refuses the first. */
static void
test_server_without_edns(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	setting.server->a = setting.server->aaaa = SERVER_NO_EDNS;
	setting_expect(test, &setting, "old.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	g_assert_cmpuint(setting.server->edns_size, ==, 0);
	g_assert_cmpuint(setting.server->n_a, ==, 2);
	g_assert_cmpuint(setting.server->n_aaaa, ==, 2);
	setting_end(&setting);
}

static void
expect_detail(struct test *test, struct setting *setting, enum server_mode mode, const char *format)
{
	char *detail = g_strdup_printf(format, server_address(setting->server));

	setting->server->a = mode;
	outcome_clear(&setting->outcome);
	lookup_run(test, &setting->outcome, setting->resolver, "name.test", AF_INET, 0);
	g_assert_cmpstr(fend_lookup_detail(setting->outcome.lookup), ==, detail);
	g_free(detail);
}

static void
test_detail(struct test *test)
{
	struct setting setting;

	setting_start(&setting, test, HASTY);
	expect_detail(test, &setting, SERVER_NXDOMAIN, "NXDOMAIN from %s for name.test A");
	expect_detail(test, &setting, SERVER_SERVFAIL, "SERVFAIL from %s for name.test A");
	expect_detail(test, &setting, SERVER_REFUSED, "REFUSED from %s for name.test A");
	expect_detail(test, &setting, SERVER_NODATA, "no such record from %s for name.test A");
	expect_detail(test, &setting, SERVER_DROP, "no answer from %s for name.test A");
	setting.server->a = SERVER_ANSWER;
	setting_expect(test, &setting, "name.test", AF_INET, 0, 0, "192.0.2.1");
	g_assert_null(fend_lookup_detail(setting.outcome.lookup));
	setting_end(&setting);
	g_assert_null(fend_lookup_detail(NULL));
}

static void
test_detail_of_a_deadline(struct test *test)
{
	struct setting setting;
	struct outcome *outcome = &setting.outcome;
	char *detail;

	setting_start(&setting, test, PATIENT);
	setting.server->a = SERVER_DROP;
	detail = g_strdup_printf("no answer from %s for name.test A",
				 server_address(setting.server));
	lookup_start(outcome, setting.resolver, "name.test", AF_INET, 0, FEND_MS(30));
	g_assert_null(fend_lookup_detail(outcome->lookup));
	test_wait(test, &outcome->calls);
	test_error(outcome->err, -ETIMEDOUT);
	g_assert_cmpstr(fend_lookup_detail(outcome->lookup), ==, detail);
	g_free(detail);
	setting_end(&setting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/replies/aliases", test_aliases);
	test_add("/replies/alias-loops-end", test_alias_loops_end);
	test_add("/replies/addresses-of-others-do-not-count",
		 test_addresses_of_others_do_not_count);
	test_add("/replies/malformed-messages", test_malformed_messages);
	test_add("/replies/long-answers", test_long_answers);
	test_add("/replies/server-without-edns", test_server_without_edns);
	test_add("/replies/detail", test_detail);
	test_add("/replies/detail-of-a-deadline", test_detail_of_a_deadline);
	return g_test_run();
}
