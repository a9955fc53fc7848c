/* SPDX-License-Identifier: MIT */
/*
 * The sockets that questions go over: one is kept for the next question, but not for long, not
 * after anything unusual, and not where there are several servers.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include <fend/net.h>

#include "dns-test.h"
#include "stopwatch.h"

/* A lookup has ended well, and its socket is kept: there is one descriptor more than *ret_fds. */
static void
keeping_start(struct setting *setting, struct test *test, int *ret_fds)
{
	stopwatch_start();
	setting_start(setting, test, PATIENT);
	*ret_fds = test_count_fds();
	setting_expect(test, setting, "one.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	g_assert_cmpint(test_count_fds(), ==, *ret_fds + 1);
}

static void
keeping_end(struct setting *setting)
{
	setting_end(setting);
	stopwatch_end();
}

static void
test_lookups_in_a_row_share_one(struct test *test)
{
	struct setting setting;
	int fds, i;
	guint16 port;

	keeping_start(&setting, test, &fds);
	port = setting.server->port;
	for (i = 0; i < 10; i++) {
		setting_expect(test, &setting, "next.test", AF_INET, 0, 0, "192.0.2.1");
		g_assert_cmpuint(setting.server->port, ==, port);
	}
	g_assert_cmpint(test_count_fds(), ==, fds + 1);
	keeping_end(&setting);
}

/* A second after it was opened, whether it was used in between or not. */
static void
test_it_has_its_time(struct test *test)
{
	struct setting setting;
	fend_time start;
	int fds;

	keeping_start(&setting, test, &fds);
	start = fend_now();
	test_ok(fend_loop_dispatch(test->loop, FEND_MS(600)));
	setting_expect(test, &setting, "two.test", AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpint(test_count_fds(), ==, fds + 1);
	while (test_count_fds() > fds)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(5)));
	g_assert_cmpint(fend_now() - start, ==, FEND_SEC(1));
	setting_expect(test, &setting, "three.test", AF_INET, 0, 0, "192.0.2.1");
	keeping_end(&setting);
}

static void
test_not_after_silence(struct test *test)
{
	struct setting setting;
	int fds;

	setting_start(&setting, test, HASTY);
	fds = test_count_fds();
	setting.server->a = SERVER_DROP;
	setting_expect(test, &setting, "name.test", AF_INET, 0, FEND_EAI_AGAIN, NULL);
	g_assert_cmpint(test_count_fds(), ==, fds);
	setting_end(&setting);
}

/* What comes without a question ends it, and nothing spins. */
static void
test_not_after_what_nobody_asked_for(struct test *test)
{
	static const guint8 noise[20] = { 0 };
	struct sockaddr_in client = { .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct setting setting;
	int fds;

	keeping_start(&setting, test, &fds);
	client.sin_port = htons(setting.server->port);
	g_assert_cmpint(sendto(setting.server->udp, noise, sizeof(noise), 0,
			       (struct sockaddr *)&client, sizeof(client)),
			==, sizeof(noise));
	test_drain(test);
	g_assert_cmpint(test_count_fds(), ==, fds);
	setting_expect(test, &setting, "two.test", AF_INET, 0, 0, "192.0.2.1");
	keeping_end(&setting);
}

static void
test_not_with_several_servers(struct test *test)
{
	struct server *one = server_start(test->loop), *two = server_start(test->loop);
	char *servers = g_strdup_printf("%s,%s", server_address(one), server_address(two));
	struct setting setting = { .server = one };
	int fds;

	setting.resolver = resolver_start(test->loop, servers, PATIENT);
	fds = test_count_fds();
	setting_expect(test, &setting, "name.test", AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpint(test_count_fds(), ==, fds);
	setting_end(&setting);
	server_stop(two);
	g_free(servers);
}

static void
test_it_goes_with_the_resolver(struct test *test)
{
	struct setting setting;
	int fds;

	keeping_start(&setting, test, &fds);
	outcome_clear(&setting.outcome);
	setting.resolver = fend_resolver_free(setting.resolver);
	g_assert_cmpint(test_count_fds(), ==, fds);
	keeping_end(&setting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/sockets/lookups-in-a-row-share-one", test_lookups_in_a_row_share_one);
	test_add("/sockets/it-has-its-time", test_it_has_its_time);
	test_add("/sockets/not-after-silence", test_not_after_silence);
	test_add("/sockets/not-after-what-nobody-asked-for", test_not_after_what_nobody_asked_for);
	test_add("/sockets/not-with-several-servers", test_not_with_several_servers);
	test_add("/sockets/it-goes-with-the-resolver", test_it_goes_with_the_resolver);
	return g_test_run();
}
