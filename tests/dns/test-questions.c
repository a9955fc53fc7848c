/* SPDX-License-Identifier: MIT */
/* Questions that lookups share, and answers that are kept. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "dns-test.h"

/* Lookups of the same name share what they have in common, and each has an outcome of its own. */
static void
test_identical_lookups_share(struct test *test)
{
	struct outcome first = { 0 }, second = { 0 }, four = { 0 }, upper = { 0 };
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	lookup_start(&first, setting.resolver, "name.test", AF_UNSPEC, 0, FEND_FOREVER);
	lookup_start(&second, setting.resolver, "name.test", AF_UNSPEC, AI_CANONNAME, FEND_FOREVER);
	lookup_start(&four, setting.resolver, "name.test.", AF_INET, 0, FEND_FOREVER);
	lookup_start(&upper, setting.resolver, "NAME.test", AF_INET6, 0, FEND_FOREVER);
	test_wait(test, &first.calls);
	test_wait(test, &second.calls);
	test_wait(test, &four.calls);
	test_wait(test, &upper.calls);
	g_assert_cmpstr(first.addresses, ==, "192.0.2.1 2001:db8::1");
	g_assert_cmpstr(second.addresses, ==, "192.0.2.1 2001:db8::1");
	g_assert_cmpstr(four.addresses, ==, "192.0.2.1");
	g_assert_cmpstr(upper.addresses, ==, "2001:db8::1");
	g_assert_cmpuint(setting.server->n_a, ==, 1);
	g_assert_cmpuint(setting.server->n_aaaa, ==, 1);
	outcome_clear(&first);
	outcome_clear(&second);
	outcome_clear(&four);
	outcome_clear(&upper);

	/* What is over is asked for anew. */
	setting_expect(test, &setting, "name.test", AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpuint(setting.server->n_a, ==, 2);
	setting_end(&setting);
}

static void
test_cancel_one_who_shares(struct test *test)
{
	struct outcome first = { 0 }, second = { 0 }, third = { 0 }, fourth = { 0 };
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	lookup_start(&first, setting.resolver, "name.test", AF_UNSPEC, 0, FEND_FOREVER);
	lookup_start(&second, setting.resolver, "name.test", AF_UNSPEC, 0, FEND_FOREVER);
	lookup_start(&third, setting.resolver, "name.test", AF_UNSPEC, 0, FEND_FOREVER);
	lookup_start(&fourth, setting.resolver, "name.test", AF_UNSPEC, 0, FEND_FOREVER);
	outcome_clear(&second);
	outcome_clear(&fourth);
	test_wait(test, &first.calls);
	test_wait(test, &third.calls);
	test_error(first.err, 0);
	test_error(third.err, 0);
	test_drain(test);
	g_assert_cmpint(second.calls + fourth.calls, ==, 0);

	/* All are gone before the answer, and the next one asks on behalf of nobody else. */
	outcome_clear(&first);
	outcome_clear(&third);
	lookup_start(&third, setting.resolver, "other.test", AF_INET, 0, FEND_FOREVER);
	outcome_clear(&third);
	setting_expect(test, &setting, "other.test", AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpuint(setting.server->n_a, ==, 2);
	setting_end(&setting);
}

static void
keeping_start(struct setting *setting, struct test *test, fend_time keep_max)
{
	struct fend_resolver_options options = { .size = sizeof(options), .keep_max = keep_max };

	clock_start();
	memset(setting, 0, sizeof(*setting));
	setting->server = server_start(test->loop);
	options.servers = server_address(setting->server);
	test_ok(fend_resolver_new(test->loop, &options, &setting->resolver));
}

static void
keeping_end(struct setting *setting)
{
	setting_end(setting);
	clock_end();
}

static void
expect_asked(struct test *test, struct setting *setting, unsigned n_a)
{
	setting_expect(test, setting, "name.test", AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpuint(setting->server->n_a, ==, n_a);
}

static void
test_answers_are_kept_as_long_as_they_live(struct test *test)
{
	struct setting setting;

	keeping_start(&setting, test, FEND_SEC(3600));
	expect_asked(test, &setting, 1);
	expect_asked(test, &setting, 1);
	clock_forward(FEND_SEC(30));
	expect_asked(test, &setting, 1);
	/* The time to live is 60 s. */
	clock_forward(FEND_SEC(31));
	expect_asked(test, &setting, 2);
	expect_asked(test, &setting, 2);
	/* Each family for itself. */
	setting_expect(test, &setting, "name.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	g_assert_cmpuint(setting.server->n_a, ==, 2);
	g_assert_cmpuint(setting.server->n_aaaa, ==, 1);
	keeping_end(&setting);
}

static void
test_limits_of_keeping(struct test *test)
{
	struct setting setting;

	keeping_start(&setting, test, FEND_SEC(10));
	expect_asked(test, &setting, 1);
	clock_forward(FEND_SEC(9));
	expect_asked(test, &setting, 1);
	clock_forward(FEND_SEC(2));
	expect_asked(test, &setting, 2);
	keeping_end(&setting);

	/* What lives for no time is for those who ask now. */
	keeping_start(&setting, test, FEND_SEC(10));
	setting.server->ttl = 0;
	expect_asked(test, &setting, 1);
	expect_asked(test, &setting, 2);
	/* A time that is out of range is none (RFC 2181). */
	setting.server->ttl = 0x80000000;
	expect_asked(test, &setting, 3);
	expect_asked(test, &setting, 4);
	keeping_end(&setting);

	keeping_start(&setting, test, 0);
	expect_asked(test, &setting, 1);
	expect_asked(test, &setting, 2);
	keeping_end(&setting);
}

static void
test_errors_are_not_kept(struct test *test)
{
	struct setting setting;

	keeping_start(&setting, test, FEND_SEC(10));
	setting.server->a = SERVER_NXDOMAIN;
	setting_expect(test, &setting, "name.test", AF_INET, 0, FEND_EAI_NONAME, NULL);
	setting.server->a = SERVER_NODATA;
	setting_expect(test, &setting, "name.test", AF_INET, 0, FEND_EAI_NODATA, NULL);
	/* An error may have records, too. */
	setting.server->a = SERVER_CNAME_NXDOMAIN;
	setting_expect(test, &setting, "name.test", AF_INET, 0, FEND_EAI_NONAME, NULL);
	setting.server->a = SERVER_ANSWER;
	expect_asked(test, &setting, 4);
	keeping_end(&setting);
}

static void
test_flush(struct test *test)
{
	struct setting setting;

	keeping_start(&setting, test, FEND_SEC(60));
	expect_asked(test, &setting, 1);
	test_error(fend_resolver_flush(NULL), -EINVAL);
	test_ok(fend_resolver_flush(setting.resolver));
	expect_asked(test, &setting, 2);
	expect_asked(test, &setting, 2);
	keeping_end(&setting);
}

/* The oldest go first. */
static void
test_number_that_is_kept_is_limited(struct test *test)
{
	struct setting setting;
	char name[32];
	int i;

	keeping_start(&setting, test, FEND_SEC(3600));
	setting.server->ttl = 3600;
	expect_asked(test, &setting, 1);
	for (i = 0; i < 1024; i++) {
		g_snprintf(name, sizeof(name), "name%d.test", i);
		setting_expect(test, &setting, name, AF_INET, 0, 0, "192.0.2.1");
	}
	g_assert_cmpuint(setting.server->n_a, ==, 1025);
	setting_expect(test, &setting, "name1023.test", AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpuint(setting.server->n_a, ==, 1025);
	expect_asked(test, &setting, 1026);
	keeping_end(&setting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/questions/identical-lookups-share", test_identical_lookups_share);
	test_add("/questions/cancel-one-who-shares", test_cancel_one_who_shares);
	test_add("/questions/answers-are-kept-as-long-as-they-live",
		 test_answers_are_kept_as_long_as_they_live);
	test_add("/questions/limits-of-keeping", test_limits_of_keeping);
	test_add("/questions/errors-are-not-kept", test_errors_are_not_kept);
	test_add("/questions/flush", test_flush);
	test_add("/questions/number-that-is-kept-is-limited", test_number_that_is_kept_is_limited);
	return g_test_run();
}
