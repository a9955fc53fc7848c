/* SPDX-License-Identifier: MIT */
/* What the kernel says about source addresses, and for how long it is believed. */
#include <errno.h>
#include <netinet/in.h>

#include <fend-internal/kernel.h>

#include "dns-test.h"
#include "stopwatch.h"

static struct fend__kernel kernel;
static int asked;  /* for a source address */
static int answer; /* to that */

/* The test's server is on loopback; of other addresses only their source is asked for. */
static int
counting_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;

	if (address->sa_family == AF_INET && ntohl(in->sin_addr.s_addr) == INADDR_LOOPBACK)
		return fend__kernel_real.connect(fd, address, size);
	asked++;
	return answer;
}

static void
counting_start(struct setting *setting, struct test *test)
{
	stopwatch_start();
	kernel = *fend__kernel;
	kernel.connect = counting_connect;
	fend__kernel = &kernel;
	asked = answer = 0;
	setting_start(setting, test, PATIENT);
}

static void
counting_end(struct setting *setting)
{
	setting_end(setting);
	stopwatch_end();
}

static void
expect(struct test *test, struct setting *setting, int times)
{
	asked = 0;
	setting_expect(test, setting, "name.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	g_assert_cmpint(asked, ==, times);
}

static void
test_they_are_asked_for_once_a_second(struct test *test)
{
	struct setting setting;
	fend_time start;

	counting_start(&setting, test);
	expect(test, &setting, 2);
	expect(test, &setting, 0);
	start = fend_now();
	while (fend_now() - start < FEND_SEC(1))
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	expect(test, &setting, 2);
	counting_end(&setting);
}

static void
test_they_are_asked_for_after_a_flush(struct test *test)
{
	struct setting setting;

	counting_start(&setting, test);
	expect(test, &setting, 2);
	test_ok(fend_resolver_flush(setting.resolver));
	expect(test, &setting, 2);
	counting_end(&setting);
}

static void
test_what_cannot_be_reached_is_asked_for_again(struct test *test)
{
	struct setting setting;

	counting_start(&setting, test);
	answer = -ENETUNREACH;
	expect(test, &setting, 2);
	expect(test, &setting, 2);
	answer = 0;
	expect(test, &setting, 2);
	expect(test, &setting, 0);
	counting_end(&setting);
}

static void
test_one_address_needs_none(struct test *test)
{
	struct setting setting;

	counting_start(&setting, test);
	setting_expect(test, &setting, "name.test", AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpint(asked, ==, 0);
	counting_end(&setting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/sources/they-are-asked-for-once-a-second",
		 test_they_are_asked_for_once_a_second);
	test_add("/sources/they-are-asked-for-after-a-flush",
		 test_they_are_asked_for_after_a_flush);
	test_add("/sources/what-cannot-be-reached-is-asked-for-again",
		 test_what_cannot_be_reached_is_asked_for_again);
	test_add("/sources/one-address-needs-none", test_one_address_needs_none);
	return g_test_run();
}
