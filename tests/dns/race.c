/* SPDX-License-Identifier: MIT */
/* Races to a host's addresses, watched: which attempts begin when, and how it ends. */
#include "race.h"

#include <errno.h>

#include "stopwatch.h"

gboolean
race_find_port(struct race *race)
{
	race->port = place_bind_pair(&race->in, &race->in6);
	if (race->port < 0)
		g_test_skip("no IPv6 on the loopback interface");
	return race->port >= 0;
}

static int
digit_of(const struct fend_address *address)
{
	switch (address->storage.ss_family) {
	case AF_INET:
		return 4;
	case AF_INET6:
		return 6;
	default:
		return 0;
	}
}

static char *
stamp(const struct race *race, const struct fend_address *address)
{
	fend_time passed = fend_now() - race->begun;

	return g_strdup_printf("%d@%d", digit_of(address), (int)(passed / FEND_MS(1)));
}

void
race_on_end(struct fend_connect *connect, int err, struct fend_socket *socket, void *data)
{
	struct race *race = data;
	struct fend_address peer;

	g_assert_true(connect == race->connect);
	g_assert_true((err == 0) == (socket != NULL));
	race->calls++;
	race->err = err;
	race->when = fend_now() - race->begun;
	if (socket) {
		test_ok(fend_socket_getpeername(socket, &peer));
		race->end = stamp(race, &peer);
	}
	fend_socket_free(socket);
	if (race->free_it)
		race->connect = fend_connect_free(connect);
}

static int
on_prepare(struct fend_socket *socket, const struct fend_address *address, void *data)
{
	struct race *race = data;
	char *text = stamp(race, address);
	const struct scenario *scenario = race->scenario;

	g_string_append_printf(race->starts, "%s%s", race->starts->len ? " " : "", text);
	g_free(text);
	if (!scenario)
		return 0;
	if (scenario->slow && scenario->slow != digit_of(address)) {
		place_drain(scenario->slow == 6 ? &race->in6 : &race->in);
		/* The first SYN was lost; the next is sent after a second. */
		stopwatch_set_grace(FEND_SEC(5) * test_slowness());
	}
	return scenario->failing == digit_of(address) ? scenario->error : 0;
}

void
race_init(struct race *race, struct test *test)
{
	memset(race, 0, sizeof(*race));
	stopwatch_start();
	race->test = test;
	race->server = server_start(test->loop);
	race->resolver = resolver_start(test->loop, server_address(race->server), FEND_SEC(60));
	race->starts = g_string_new(NULL);
}

void
race_fini(struct race *race)
{
	fend_connect_free(race->connect);
	fend_resolver_free(race->resolver);
	server_stop(race->server);
	g_string_free(race->starts, TRUE);
	g_free(race->end);
	stopwatch_end();
}

void
race_begin(struct race *race, const char *host, const char *service, int timeout)
{
	const struct fend_connect_options options = {
		.size = sizeof(options),
		.timeout = FEND_MS(timeout),
		.prepare = on_prepare,
	};

	race->begun = fend_now();
	test_error(fend_resolver_connect(race->resolver, host, service, race->hints, &options,
					 race_on_end, race, &race->connect),
		   0);
	g_assert_cmpint(race->calls, ==, 0);
	g_assert_cmpuint(race->starts->len, ==, 0);
}

void
race_run(struct race *race)
{
	test_wait(race->test, &race->calls);
	test_drain(race->test);
	g_assert_cmpint(race->calls, ==, 1);
}

void
race_script(struct server *server, const struct scenario *scenario)
{
	static const char *const in[] = { "127.0.0.1", NULL };
	static const char *const in6[] = { "::1", NULL };

	server->a = scenario->a;
	server->aaaa = scenario->aaaa;
	server->a_delay = FEND_MS(scenario->a_delay);
	server->aaaa_delay = FEND_MS(scenario->aaaa_delay);
	server->a_addresses = in;
	server->aaaa_addresses = scenario->aaaa_addresses ? scenario->aaaa_addresses : in6;
}
