/* SPDX-License-Identifier: MIT */
/*
 * A lookup: what it tells and when, its deadline, waiting for it, taking its result. Freeing is in
 * test-lookup-free.c, what servers do in test-resolver.c.
 */
#include <errno.h>

#include "dns-test.h"

static void
count_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	++*(int *)data;
}

static void
test_arguments(struct test *test)
{
	struct fend_lookup *none = (struct fend_lookup *)&none, *lookup = none;
	int calls = 0;

	test_error(fend_lookup_start(NULL, "::1", NULL, NULL, 0, count_fn, &calls, &lookup),
		   -EINVAL);
	test_error(fend_lookup_start(test->loop, "::1", NULL, NULL, 0, NULL, &calls, &lookup),
		   -EINVAL);
	test_error(fend_lookup_start(test->loop, "::1", NULL, NULL, 0, count_fn, &calls, NULL),
		   -EINVAL);
	test_error(fend_lookup_start(test->loop, "::1", NULL, NULL, -2, count_fn, &calls, &lookup),
		   -EINVAL);
	test_error(fend_resolver_lookup(NULL, "::1", NULL, NULL, 0, count_fn, &calls, &lookup),
		   -EINVAL);
	g_assert_true(lookup == none);
	test_error(fend_lookup_wait(NULL, 0), -EINVAL);
	g_assert_null(fend_lookup_take(NULL));
	g_assert_null(fend_lookup_free(NULL));
	test_drain(test);
	g_assert_cmpint(calls, ==, 0);
}

static void
test_told_by_the_loop_only(struct test *test)
{
	struct outcome outcome = { 0 };

	test_ok(fend_lookup_start(test->loop, "192.0.2.7", "80", NULL, 0, outcome_fn, &outcome,
				  &outcome.lookup));
	g_assert_cmpint(outcome.calls, ==, 0);
	g_assert_null(fend_lookup_take(outcome.lookup));
	test_wait(test, &outcome.calls);
	test_drain(test);
	g_assert_cmpint(outcome.calls, ==, 1);
	test_error(outcome.err, 0);
	g_assert_cmpstr(outcome.addresses, ==, "192.0.2.7");
	outcome_clear(&outcome);
}

/* A name of n letters in labels of 49. */
static char *
long_name(int n)
{
	char *name = g_strnfill((gsize)n, 'a');
	int i;

	for (i = 49; i < n - 1; i += 50)
		name[i] = '.';
	return name;
}

static void
tell_mistake(struct test *test, const char *host, const char *service, const struct addrinfo *hints,
	     int error)
{
	struct outcome outcome = { 0 };

	test_ok(fend_lookup_start(test->loop, host, service, hints, FEND_FOREVER, outcome_fn,
				  &outcome, &outcome.lookup));
	g_assert_cmpint(outcome.calls, ==, 0);
	test_wait(test, &outcome.calls);
	test_error(outcome.err, error);
	outcome_clear(&outcome);
}

static void
test_mistakes_are_told(struct test *test)
{
	const struct addrinfo flags = { .ai_flags = 1 << 20 };
	const struct addrinfo name = { .ai_flags = AI_CANONNAME };
	const struct addrinfo family = { .ai_family = AF_UNIX };
	const struct addrinfo type = { .ai_socktype = 99 };
	const struct addrinfo in6 = { .ai_family = AF_INET6 };
	const struct addrinfo number = { .ai_flags = AI_NUMERICHOST };
	char *long_label = g_strnfill(64, 'a');
	char *long_host = long_name(254), *longer_host = long_name(1000);

	tell_mistake(test, NULL, NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, "::1", NULL, &flags, FEND_EAI_BADFLAGS);
	tell_mistake(test, NULL, "80", &name, FEND_EAI_BADFLAGS);
	tell_mistake(test, "::1", NULL, &family, FEND_EAI_FAMILY);
	tell_mistake(test, "::1", NULL, &type, FEND_EAI_SOCKTYPE);
	tell_mistake(test, "::1", "nosuch", NULL, FEND_EAI_SERVICE);
	tell_mistake(test, "::1", "65536", NULL, FEND_EAI_SERVICE);
	tell_mistake(test, "::1", "99999999999999999999", NULL, FEND_EAI_SERVICE);
	tell_mistake(test, "127.0.0.1", NULL, &in6, FEND_EAI_ADDRFAMILY);
	tell_mistake(test, "host.test", NULL, &number, FEND_EAI_NONAME);
	tell_mistake(test, "", NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, ".", NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, ".host.test", NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, "host..test", NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, "host.test..", NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, "host test", NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, "host.test\n", NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, "host\\.test", NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, "host%lo", NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, "h\xc3\xb6st.test", NULL, NULL, FEND_EAI_IDN_ENCODE);
	tell_mistake(test, long_label, NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, long_host, NULL, NULL, FEND_EAI_NONAME);
	tell_mistake(test, longer_host, NULL, NULL, FEND_EAI_NONAME);
	g_free(long_label);
	g_free(long_host);
	g_free(longer_host);
}

static void
expect_local(struct test *test, const char *host, int family, int flags, const char *addresses)
{
	const struct addrinfo hints = { .ai_family = family, .ai_flags = flags };
	struct outcome outcome = { 0 };

	test_ok(fend_lookup_start(test->loop, host, "80", &hints, 0, outcome_fn, &outcome,
				  &outcome.lookup));
	test_wait(test, &outcome.calls);
	test_error(outcome.err, 0);
	g_assert_cmpstr(outcome.addresses, ==, addresses);
	outcome_clear(&outcome);
}

static void
test_localhost_is_not_asked_for(struct test *test)
{
	expect_local(test, "localhost", AF_UNSPEC, 0, "127.0.0.1 ::1");
	expect_local(test, "localhost", AF_INET, 0, "127.0.0.1");
	expect_local(test, "localhost", AF_INET6, 0, "::1");
	expect_local(test, "localhost", AF_INET6, AI_V4MAPPED, "::1");
	expect_local(test, "localhost", AF_INET6, AI_V4MAPPED | AI_ALL, "::1 ::ffff:127.0.0.1");
	expect_local(test, "LocalHost.", AF_INET, 0, "127.0.0.1");
	expect_local(test, "any.Thing.localhost", AF_INET, 0, "127.0.0.1");
	expect_local(test, "any.localhost.", AF_INET, 0, "127.0.0.1");
	expect_local(test, NULL, AF_UNSPEC, AI_PASSIVE, "0.0.0.0 ::");
	expect_local(test, "localhost", AF_UNSPEC, AI_PASSIVE, "127.0.0.1 ::1");
}

static void
test_deadline_is_an_outcome(struct test *test)
{
	struct setting setting;
	struct outcome *outcome = &setting.outcome;
	fend_time start;

	setting_start(&setting, test, PATIENT);
	setting.server->a = setting.server->aaaa = SERVER_DROP;
	start = fend_now();
	lookup_start(outcome, setting.resolver, "deadline.test", AF_UNSPEC, 0, FEND_MS(70));
	test_wait(test, &outcome->calls);
	test_error(outcome->err, -ETIMEDOUT);
	g_assert_cmpint(outcome->when, >=, start + FEND_MS(70));
	g_assert_cmpint(outcome->when, <, start + FEND_SEC(1) * test_slowness());

	/* What is still under way for it comes to nothing. */
	g_assert_null(fend_lookup_take(outcome->lookup));
	test_error(fend_lookup_wait(outcome->lookup, FEND_FOREVER), 0);
	test_drain(test);
	g_assert_cmpint(outcome->calls, ==, 1);
	setting_end(&setting);
}

static void
test_deadline_does_not_come_after_the_end(struct test *test)
{
	struct setting setting;
	struct outcome *outcome = &setting.outcome;
	struct fend_timer *timer;
	int passed = 0;

	setting_start(&setting, test, PATIENT);
	lookup_start(outcome, setting.resolver, "name.test", AF_INET, 0,
		     FEND_MS(400) * test_slowness());
	test_ok(fend_timer_new(test->loop, timer_fn, &passed, &timer));
	fend_timer_after(timer, FEND_MS(420) * test_slowness());
	test_wait(test, &passed);
	g_assert_cmpint(outcome->calls, ==, 1);
	test_error(outcome->err, 0);
	fend_timer_free(timer);
	setting_end(&setting);
}

static void
test_deadline_now(struct test *test)
{
	struct setting setting;
	struct outcome *outcome = &setting.outcome;

	setting_start(&setting, test, PATIENT);
	lookup_start(outcome, setting.resolver, "now.test", AF_INET, 0, 0);
	g_assert_cmpint(outcome->calls, ==, 0);
	test_wait(test, &outcome->calls);
	test_error(outcome->err, -ETIMEDOUT);
	outcome_clear(outcome);

	/* What needs no server is in time. */
	lookup_start(outcome, setting.resolver, "localhost", AF_INET, 0, 0);
	test_wait(test, &outcome->calls);
	test_error(outcome->err, 0);
	setting_end(&setting);
}

static void
test_wait_tells_before_it_returns(struct test *test)
{
	struct outcome outcome = { 0 };

	/* Ended, but nobody knows it yet. */
	test_ok(fend_lookup_start(test->loop, "192.0.2.7", NULL, NULL, 0, outcome_fn, &outcome,
				  &outcome.lookup));
	test_error(fend_lookup_wait(outcome.lookup, 0), 0);
	g_assert_cmpint(outcome.calls, ==, 1);
	test_error(fend_lookup_wait(outcome.lookup, FEND_FOREVER), 0);
	test_error(fend_lookup_wait(outcome.lookup, -2), -EINVAL);
	test_drain(test);
	g_assert_cmpint(outcome.calls, ==, 1);
	outcome_clear(&outcome);

	outcome.free_it = 1;
	test_ok(fend_lookup_start(test->loop, "192.0.2.7", NULL, NULL, 0, outcome_fn, &outcome,
				  &outcome.lookup));
	test_error(fend_lookup_wait(outcome.lookup, 0), 0);
	g_assert_cmpint(outcome.calls, ==, 1);
	test_drain(test);
	g_assert_cmpint(outcome.calls, ==, 1);
	outcome_clear(&outcome);
}

static void
test_wait_for_a_server(struct test *test)
{
	static const char *const records[] = { "--host-record=name.test,192.0.2.8", NULL };
	int port = test_port(SOCK_DGRAM);
	struct process *dnsmasq = dnsmasq_start(port, records);
	char *servers = g_strdup_printf("127.0.0.1:%d", port);
	struct fend_resolver *resolver = resolver_start(test->loop, servers, PATIENT);
	struct outcome outcome = { 0 }, other = { 0 };

	lookup_start(&other, resolver, "name.test", AF_INET, 0, FEND_SEC(9));
	lookup_start(&outcome, resolver, "name.test", AF_INET, 0, FEND_SEC(9));
	test_error(fend_lookup_wait(outcome.lookup, FEND_SEC(9)), 0);
	g_assert_cmpint(outcome.calls, ==, 1);
	test_error(outcome.err, 0);
	g_assert_cmpstr(outcome.addresses, ==, "192.0.2.8");

	/* The other was asked first and answered meanwhile, but that is the loop's to tell. */
	g_assert_cmpint(other.calls, ==, 0);
	test_wait(test, &other.calls);
	test_error(other.err, 0);
	test_drain(test);
	g_assert_cmpint(outcome.calls, ==, 1);
	outcome_clear(&outcome);
	outcome_clear(&other);
	fend_resolver_free(resolver);
	g_free(servers);
	process_stop(dnsmasq);
}

/* What c-ares does when time has passed, it does without the loop as well. */
static void
test_wait_asks_the_next_server(struct test *test)
{
	static const char *const records[] = { "--host-record=name.test,192.0.2.8", NULL };
	struct server *silent = server_start(test->loop);
	int port = test_port(SOCK_DGRAM);
	struct process *dnsmasq = dnsmasq_start(port, records);
	char *servers = g_strdup_printf("%s,127.0.0.1:%d", server_address(silent), port);
	struct fend_resolver *resolver = resolver_start(test->loop, servers, HASTY);
	struct outcome outcome = { 0 };

	lookup_start(&outcome, resolver, "name.test", AF_INET, 0, FEND_SEC(20));
	test_error(fend_lookup_wait(outcome.lookup, FEND_FOREVER), 0);
	test_error(outcome.err, 0);
	g_assert_cmpstr(outcome.addresses, ==, "192.0.2.8");
	outcome_clear(&outcome);
	fend_resolver_free(resolver);
	g_free(servers);
	process_stop(dnsmasq);
	server_stop(silent);
}

struct pair {
	struct outcome hasty, patient;
	int calls;
};

static void
wait_fn(struct fend_task *task, void *data)
{
	struct pair *pair = data;

	test_error(fend_lookup_wait(pair->patient.lookup, FEND_MS(20)), -ETIMEDOUT);
	g_assert_cmpint(pair->patient.calls, ==, 0);
	test_error(fend_lookup_wait(pair->hasty.lookup, FEND_SEC(9)), 0);
	g_assert_cmpint(pair->hasty.calls, ==, 1);
	test_error(pair->hasty.err, -ETIMEDOUT);
	pair->calls++;
}

static void
test_wait_in_a_callback(struct test *test)
{
	struct pair pair = { 0 };
	struct fend_task task = { .fn = wait_fn, .data = &pair };
	struct setting setting;
	fend_time start = fend_now();

	/* The server is on this loop, and cannot answer as long as it does not run. */
	setting_start(&setting, test, PATIENT);
	lookup_start(&pair.hasty, setting.resolver, "a.test", AF_INET, 0, FEND_MS(60));
	lookup_start(&pair.patient, setting.resolver, "b.test", AF_INET, 0, FEND_SEC(9));
	test_ok(fend_task_defer(test->loop, &task));
	test_wait(test, &pair.calls);
	g_assert_cmpint(pair.hasty.when, >=, start + FEND_MS(60));
	test_wait(test, &pair.patient.calls);
	test_error(pair.patient.err, 0);
	g_assert_cmpint(pair.hasty.calls, ==, 1);
	outcome_clear(&pair.hasty);
	outcome_clear(&pair.patient);
	setting_end(&setting);
}

static void
test_take(struct test *test)
{
	struct outcome outcome = { 0 };
	struct addrinfo *list;

	test_ok(fend_lookup_start(test->loop, "192.0.2.7", NULL, NULL, 0, outcome_fn, &outcome,
				  &outcome.lookup));
	test_wait(test, &outcome.calls);
	list = fend_lookup_take(outcome.lookup);
	g_assert_nonnull(list);
	g_assert_null(fend_lookup_take(outcome.lookup));
	outcome_clear(&outcome);
	g_assert_cmpint(list->ai_family, ==, AF_INET);
	fend_addrinfo_free(list);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/lookup/arguments", test_arguments);
	test_add("/lookup/told-by-the-loop-only", test_told_by_the_loop_only);
	test_add("/lookup/mistakes-are-told", test_mistakes_are_told);
	test_add("/lookup/localhost-is-not-asked-for", test_localhost_is_not_asked_for);
	test_add("/lookup/deadline-is-an-outcome", test_deadline_is_an_outcome);
	test_add("/lookup/deadline-does-not-come-after-the-end",
		 test_deadline_does_not_come_after_the_end);
	test_add("/lookup/deadline-now", test_deadline_now);
	test_add("/lookup/wait-tells-before-it-returns", test_wait_tells_before_it_returns);
	test_add("/lookup/wait-for-a-server", test_wait_for_a_server);
	test_add("/lookup/wait-asks-the-next-server", test_wait_asks_the_next_server);
	test_add("/lookup/wait-in-a-callback", test_wait_in_a_callback);
	test_add("/lookup/take", test_take);
	return g_test_run();
}
