/* SPDX-License-Identifier: MIT */
/* c-ares that takes questions and forgets them: lookups end all the same. */
#include <errno.h>
#include <string.h>

#include <ares.h>

#include "clock.h"
#include "dns-test.h"

static int forgotten;
static ares_callback last_fn;
static void *last_data;

/* The dynamic linker finds this one before that of c-ares. */
void
ares_query(ares_channel channel, const char *name, int class, int type, ares_callback fn,
	   void *data)
{
	forgotten++;
	last_fn = fn;
	last_data = data;
}

static void
setting_begin(struct setting *setting, struct test *test)
{
	clock_start();
	setting_start(setting, test, FEND_SEC(1));
	forgotten = 0;
}

static void
setting_finish(struct setting *setting)
{
	setting_end(setting);
	clock_end();
}

/* Twice 1 s and 2 s, for one server, and more than that for what c-ares may do besides. */
static const fend_time not_yet = FEND_SEC(3), too_long = FEND_SEC(60);

static void
test_forgotten_questions_end(struct test *test)
{
	struct setting setting;
	struct outcome *outcome = &setting.outcome;

	setting_begin(&setting, test);
	lookup_start(outcome, setting.resolver, "name.test", AF_UNSPEC, 0, FEND_FOREVER);
	g_assert_cmpint(forgotten, ==, 2);
	clock_forward(not_yet);
	test_drain(test);
	g_assert_cmpint(outcome->calls, ==, 0);
	clock_forward(too_long);
	test_wait(test, &outcome->calls);
	test_error(outcome->err, FEND_EAI_AGAIN);
	g_assert_nonnull(strstr(fend_lookup_detail(outcome->lookup), "no answer"));

	/* That c-ares remembers does not matter any more. */
	last_fn(last_data, ARES_ETIMEOUT, 0, NULL, 0);
	test_drain(test);
	g_assert_cmpint(outcome->calls, ==, 1);
	setting_finish(&setting);
}

static void
test_waiting_for_a_forgotten_question_ends(struct test *test)
{
	struct setting setting;

	setting_begin(&setting, test);
	lookup_start(&setting.outcome, setting.resolver, "name.test", AF_INET, 0, FEND_FOREVER);
	clock_forward(too_long);
	test_error(fend_lookup_wait(setting.outcome.lookup, FEND_FOREVER), 0);
	test_error(setting.outcome.err, FEND_EAI_AGAIN);
	setting_finish(&setting);
}

static void
test_who_asks_again_is_not_forgotten_with_it(struct test *test)
{
	struct outcome again = { 0 };
	struct setting setting;

	setting_begin(&setting, test);
	lookup_start(&setting.outcome, setting.resolver, "name.test", AF_INET, 0, FEND_FOREVER);
	clock_forward(too_long);
	test_wait(test, &setting.outcome.calls);
	lookup_start(&again, setting.resolver, "name.test", AF_INET, 0, FEND_SEC(9));
	g_assert_cmpint(forgotten, ==, 2);
	/* Its own deadline is sooner. */
	clock_forward(FEND_SEC(9));
	test_wait(test, &again.calls);
	test_error(again.err, -ETIMEDOUT);
	outcome_clear(&again);
	setting_finish(&setting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/watchdog/forgotten-questions-end", test_forgotten_questions_end);
	test_add("/watchdog/waiting-for-a-forgotten-question-ends",
		 test_waiting_for_a_forgotten_question_ends);
	test_add("/watchdog/who-asks-again-is-not-forgotten-with-it",
		 test_who_asks_again_is_not_forgotten_with_it);
	return g_test_run();
}
