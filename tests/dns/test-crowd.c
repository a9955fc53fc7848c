/* SPDX-License-Identifier: MIT */
/*
 * Many lookups at once: nothing is lost, nobody holds up the others, each may be freed at any
 * moment.
 */
#include <errno.h>
#include <string.h>

#include "dns-test.h"

struct crowd {
	int n, told, failed;
};

static void
crowd_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct crowd *crowd = data;

	crowd->told++;
	crowd->failed += err < 0;
}

/* n lookups, of n_names names. */
static struct fend_lookup **
crowd_start_sharing(struct crowd *crowd, struct fend_resolver *resolver, int n, int n_names)
{
	struct fend_lookup **lookups = g_new0(struct fend_lookup *, n);
	char name[32];
	int i;

	memset(crowd, 0, sizeof(*crowd));
	crowd->n = n;
	for (i = 0; i < n; i++) {
		g_snprintf(name, sizeof(name), "name%d.test", i % n_names);
		test_ok(fend_resolver_lookup(resolver, name, NULL, NULL, FEND_SEC(60), crowd_fn,
					     crowd, &lookups[i]));
	}
	return lookups;
}

static struct fend_lookup **
crowd_start(struct crowd *crowd, struct fend_resolver *resolver, int n)
{
	return crowd_start_sharing(crowd, resolver, n, n);
}

static void
crowd_wait(struct test *test, struct crowd *crowd)
{
	while (crowd->told < crowd->n)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(5)));
	test_drain(test);
	g_assert_cmpint(crowd->told, ==, crowd->n);
}

static void
crowd_end(struct crowd *crowd, struct fend_lookup **lookups)
{
	int i;

	for (i = 0; i < crowd->n; i++)
		fend_lookup_free(lookups[i]);
	g_free(lookups);
}

/* Against a real server, which loses what does not fit into its socket's buffer. */
static void
test_thousands_at_once(struct test *test)
{
	static const char *const records[] = { "--address=/test/192.0.2.9",
					       "--address=/test/2001:db8::9", NULL };
	int port = test_port(SOCK_DGRAM);
	struct process *dnsmasq = dnsmasq_start(port, records);
	char *servers = g_strdup_printf("127.0.0.1:%d", port);
	const struct fend_resolver_options options = {
		.size = sizeof(options),
		.servers = servers,
		.try_timeout = FEND_SEC(40),
	};
	struct fend_resolver *resolver;
	struct fend_lookup **lookups;
	struct crowd crowd;
	fend_time start = fend_now();

	test_ok(fend_resolver_new(test->loop, &options, &resolver));
	lookups = crowd_start(&crowd, resolver, 5000);
	crowd_wait(test, &crowd);
	g_test_message("%d lookups in %.1f ms", crowd.n, (double)(fend_now() - start) / 1e6);
	g_assert_cmpint(crowd.failed, ==, 0);
	/* Nothing was lost and asked again. */
	g_assert_cmpint(fend_now() - start, <, FEND_SEC(40));
	crowd_end(&crowd, lookups);
	fend_resolver_free(resolver);
	g_free(servers);
	process_stop(dnsmasq);
}

/* Each of the questions comes to the server, and comes once. */
static void
test_ten_thousand_at_once(struct test *test)
{
	struct fend_lookup **lookups;
	struct setting setting;
	struct crowd crowd;

	setting_start(&setting, test, FEND_SEC(60));
	lookups = crowd_start(&crowd, setting.resolver, 10000);
	crowd_wait(test, &crowd);
	g_assert_cmpint(crowd.failed, ==, 0);
	g_assert_cmpuint(setting.server->n_a, ==, 10000);
	g_assert_cmpuint(setting.server->n_aaaa, ==, 10000);
	crowd_end(&crowd, lookups);
	setting_end(&setting);
}

static void
test_ten_thousand_of_the_same(struct test *test)
{
	struct fend_lookup **lookups;
	struct setting setting;
	struct crowd crowd;

	setting_start(&setting, test, FEND_SEC(60));
	lookups = crowd_start_sharing(&crowd, setting.resolver, 10000, 10);
	crowd_wait(test, &crowd);
	g_assert_cmpint(crowd.failed, ==, 0);
	g_assert_cmpuint(setting.server->n_a, ==, 10);
	g_assert_cmpuint(setting.server->n_aaaa, ==, 10);
	crowd_end(&crowd, lookups);
	setting_end(&setting);
}

static void
test_bursts_are_limited(struct test *test)
{
	struct fend_lookup **lookups;
	struct setting setting;
	struct crowd crowd;

	setting_start(&setting, test, PATIENT);
	lookups = crowd_start(&crowd, setting.resolver, 500);
	crowd_wait(test, &crowd);
	g_assert_cmpint(crowd.failed, ==, 0);
	g_assert_cmpuint(setting.server->max_at_once, <=, 128);
	g_assert_cmpuint(setting.server->n_a, ==, 500);
	crowd_end(&crowd, lookups);
	setting_end(&setting);
}

/* So many answers are read and told in one iteration, however many wait. */
static void
test_others_have_their_turn(struct test *test)
{
	struct fend_lookup **lookups;
	struct setting setting;
	struct crowd crowd;
	int told;

	setting_start(&setting, test, PATIENT);
	lookups = crowd_start(&crowd, setting.resolver, 200);
	while (crowd.told < crowd.n) {
		told = crowd.told;
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(5)));
		g_assert_cmpint(crowd.told - told, <=, 8);
	}
	g_assert_cmpint(crowd.failed, ==, 0);
	crowd_end(&crowd, lookups);
	setting_end(&setting);
}

/* Answers that may be longer fill the receive buffer sooner. */
static void
test_bursts_go_by_size(struct test *test)
{
	struct fend_resolver_options options = { .size = sizeof(options), .edns_size = 4096 };
	struct setting setting = { .server = server_start(test->loop) };
	struct fend_lookup **lookups;
	struct crowd crowd;

	options.servers = server_address(setting.server);
	options.try_timeout = PATIENT;
	test_ok(fend_resolver_new(test->loop, &options, &setting.resolver));
	lookups = crowd_start(&crowd, setting.resolver, 100);
	crowd_wait(test, &crowd);
	g_assert_cmpint(crowd.failed, ==, 0);
	g_assert_cmpuint(setting.server->max_at_once, <=, 40);
	crowd_end(&crowd, lookups);
	setting_end(&setting);
}

/* Some are at c-ares, over UDP and TCP, most wait, and the first are answered. */
static void
test_free_the_resolver_with_a_line(struct test *test)
{
	struct fend_lookup **lookups;
	struct setting setting;
	struct crowd crowd;
	int told;

	setting_start(&setting, test, PATIENT);
	setting.server->aaaa = SERVER_TRUNCATE;
	lookups = crowd_start(&crowd, setting.resolver, 10000);
	while (crowd.told == 0)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(5)));
	told = crowd.told;
	g_assert_cmpint(told, <, crowd.n);
	setting.resolver = fend_resolver_free(setting.resolver);
	test_drain(test);
	g_assert_cmpint(crowd.told, ==, told);
	crowd_end(&crowd, lookups);
	setting_end(&setting);
}

/* The lookups outlive the loop and all that is on it. */
static void
test_free_the_loop_with_a_line(struct test *test)
{
	struct fend_lookup **lookups;
	struct setting setting;
	struct crowd crowd;

	setting_start(&setting, test, PATIENT);
	lookups = crowd_start(&crowd, setting.resolver, 1000);
	server_stop(setting.server);
	test->loop = fend_loop_free(test->loop);
	fend_resolver_free(setting.resolver);
	crowd_end(&crowd, lookups);
	g_assert_cmpint(crowd.told, ==, 0);
}

/*
 * 300 lookups that nobody answers are five bursts, 100 ms apart, and do not wait for one another.
 * All but the first, which the program begins itself, take turns with what else the loop has to do.
 */
static void
test_silence_does_not_stop_the_line(struct test *test)
{
	struct fend_lookup **lookups;
	struct setting setting;
	struct crowd crowd;
	struct server *server;
	fend_time start;
	unsigned n;

	setting_start(&setting, test, PATIENT);
	server = setting.server;
	server->a = server->aaaa = SERVER_DROP;
	start = fend_now();
	lookups = crowd_start(&crowd, setting.resolver, 300);
	while (server->n_aaaa < 300) {
		n = server->n_a + server->n_aaaa;
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(5)));
		if (n > 0)
			g_assert_cmpuint(server->n_a + server->n_aaaa - n, <=, 8);
	}
	g_assert_cmpint(fend_now() - start, >=, FEND_MS(400));
	g_assert_cmpint(fend_now() - start, <, PATIENT);

	/* Who comes now is answered. */
	server->a = SERVER_ANSWER;
	setting_expect(test, &setting, "new.test", AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpint(crowd.told, ==, 0);
	crowd_end(&crowd, lookups);
	setting_end(&setting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/crowd/thousands-at-once", test_thousands_at_once);
	test_add("/crowd/ten-thousand-at-once", test_ten_thousand_at_once);
	test_add("/crowd/ten-thousand-of-the-same", test_ten_thousand_of_the_same);
	test_add("/crowd/bursts-are-limited", test_bursts_are_limited);
	test_add("/crowd/bursts-go-by-size", test_bursts_go_by_size);
	test_add("/crowd/others-have-their-turn", test_others_have_their_turn);
	test_add("/crowd/free-the-resolver-with-a-line", test_free_the_resolver_with_a_line);
	test_add("/crowd/free-the-loop-with-a-line", test_free_the_loop_with_a_line);
	test_add("/crowd/silence-does-not-stop-the-line", test_silence_does_not_stop_the_line);
	return g_test_run();
}
