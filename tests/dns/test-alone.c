/* SPDX-License-Identifier: MIT */
/* Resolvers without a loop: in a loop that is not fend's, or waited for. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "dns-test.h"

/* The server still needs a loop, which stands for the rest of the world. */
static void
alone_start(struct setting *setting, struct test *test, fend_time try_timeout)
{
	memset(setting, 0, sizeof(*setting));
	setting->server = server_start(test->loop);
	setting->resolver = resolver_start(NULL, server_address(setting->server), try_timeout);
}

static int
is_readable(int fd, int timeout)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	int r = poll(&pollfd, 1, timeout);

	g_assert_cmpint(r, >=, 0);
	return r;
}

/* A loop as simple as can be: it knows the resolver by its descriptor alone. */
static void
foreign_run(struct test *test, struct setting *setting, const int *done)
{
	int fd = fend_resolver_fd(setting->resolver);

	g_assert_cmpint(fd, >=, 0);
	while (!*done) {
		test_ok(fend_loop_dispatch(test->loop, FEND_MS(1)));
		if (is_readable(fd, 1))
			test_ok(fend_resolver_process(setting->resolver));
	}
}

static void
test_foreign_loop(struct test *test)
{
	struct outcome second = { 0 };
	struct setting setting;

	alone_start(&setting, test, PATIENT);
	lookup_start(&setting.outcome, setting.resolver, "name.test", AF_UNSPEC, 0, FEND_FOREVER);
	lookup_start(&second, setting.resolver, "192.0.2.7", AF_UNSPEC, 0, FEND_FOREVER);
	g_assert_cmpint(second.calls, ==, 0);
	foreign_run(test, &setting, &second.calls);
	foreign_run(test, &setting, &setting.outcome.calls);
	g_assert_cmpstr(second.addresses, ==, "192.0.2.7");
	g_assert_cmpstr(setting.outcome.addresses, ==, "192.0.2.1 2001:db8::1");
	g_assert_cmpint(fend_resolver_fd(setting.resolver), ==, fend_resolver_fd(setting.resolver));

	/* Nothing is left to do. */
	while (is_readable(fend_resolver_fd(setting.resolver), 0))
		test_ok(fend_resolver_process(setting.resolver));
	test_ok(fend_resolver_process(setting.resolver));
	outcome_clear(&second);
	setting_end(&setting);
}

static void
test_deadlines_in_a_foreign_loop(struct test *test)
{
	struct outcome patient = { 0 };
	struct setting setting;

	alone_start(&setting, test, HASTY);
	setting.server->a = SERVER_DROP;
	lookup_start(&setting.outcome, setting.resolver, "a.test", AF_INET, 0, FEND_MS(20));
	lookup_start(&patient, setting.resolver, "b.test", AF_INET, 0, FEND_FOREVER);
	foreign_run(test, &setting, &setting.outcome.calls);
	test_error(setting.outcome.err, -ETIMEDOUT);
	foreign_run(test, &setting, &patient.calls);
	test_error(patient.err, FEND_EAI_AGAIN);
	outcome_clear(&patient);
	setting_end(&setting);
}

static void
test_wait_without_a_loop(struct test *test)
{
	struct outcome silent = { 0 };
	struct setting setting;

	alone_start(&setting, test, PATIENT);
	setting.server->a = SERVER_DROP;
	lookup_start(&silent, setting.resolver, "silent.test", AF_INET, 0, FEND_MS(20));
	lookup_start(&setting.outcome, setting.resolver, "192.0.2.7", AF_INET, 0, FEND_FOREVER);
	test_error(fend_lookup_wait(setting.outcome.lookup, FEND_FOREVER), 0);
	g_assert_cmpstr(setting.outcome.addresses, ==, "192.0.2.7");
	g_assert_cmpint(silent.calls, ==, 0);
	test_error(fend_lookup_wait(silent.lookup, 0), -ETIMEDOUT);
	g_assert_cmpint(silent.calls, ==, 0);
	test_error(fend_lookup_wait(silent.lookup, FEND_FOREVER), 0);
	test_error(silent.err, -ETIMEDOUT);
	outcome_clear(&silent);
	setting_end(&setting);
}

static void
free_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct setting *setting = data;

	test_error(fend_resolver_process(setting->resolver), -EBUSY);
	setting->resolver = fend_resolver_free(setting->resolver);
	fend_lookup_free(lookup);
}

static void
test_free_in_a_callback(struct test *test)
{
	struct setting setting;
	struct fend_lookup *lookup;
	struct fend_resolver *resolver;

	alone_start(&setting, test, PATIENT);
	setting.server->a = SERVER_DROP;
	lookup_start(&setting.outcome, setting.resolver, "silent.test", AF_INET, 0, FEND_MS(20));
	test_ok(fend_resolver_lookup(setting.resolver, "::1", NULL, NULL, FEND_FOREVER, free_fn,
				     &setting, &lookup));
	resolver = setting.resolver;
	test_error(fend_resolver_process(resolver), -ESHUTDOWN);
	g_assert_null(setting.resolver);
	g_assert_cmpint(setting.outcome.calls, ==, 0);
	test_error(fend_lookup_wait(setting.outcome.lookup, FEND_FOREVER), -ESHUTDOWN);
	setting_end(&setting);
}

static void
test_free_the_resolver_first(struct test *test)
{
	struct setting setting;

	alone_start(&setting, test, PATIENT);
	lookup_start(&setting.outcome, setting.resolver, "name.test", AF_INET, 0, FEND_FOREVER);
	g_assert_cmpint(fend_resolver_fd(setting.resolver), >=, 0);
	setting.resolver = fend_resolver_free(setting.resolver);
	test_drain(test);
	g_assert_cmpint(setting.outcome.calls, ==, 0);
	setting_end(&setting);
}

static void
test_arguments(struct test *test)
{
	struct fend_resolver *resolver = resolver_start(test->loop, "127.0.0.1", PATIENT);

	test_error(fend_resolver_fd(NULL), -EINVAL);
	test_error(fend_resolver_process(NULL), -EINVAL);
	/* It is on a loop that drives it. */
	test_error(fend_resolver_fd(resolver), -EINVAL);
	test_error(fend_resolver_process(resolver), -EINVAL);
	fend_resolver_free(resolver);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/alone/foreign-loop", test_foreign_loop);
	test_add("/alone/deadlines-in-a-foreign-loop", test_deadlines_in_a_foreign_loop);
	test_add("/alone/wait-without-a-loop", test_wait_without_a_loop);
	test_add("/alone/free-in-a-callback", test_free_in_a_callback);
	test_add("/alone/free-the-resolver-first", test_free_the_resolver_first);
	test_add("/alone/arguments", test_arguments);
	return g_test_run();
}
