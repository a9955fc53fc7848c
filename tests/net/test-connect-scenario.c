/* SPDX-License-Identifier: MIT */
/* Networks as RFC 8305 has them in mind: families that are silent, refuse, or answer late. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "clock.h"
#include "namespace.h"
#include "pair.h"
#include "races.h"

#define DELAY FEND_MS(250) /* that of a race without options */
/* How much later than it should an attempt may begin. */
#define LATE (FEND_SEC(1) * test_slowness())

static void G_GNUC_PRINTF(2, 3) parse(struct fend_address *address, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list list;

	va_start(list, format);
	text = g_strdup_vprintf(format, list);
	va_end(list);
	test_error(fend_address_parse(text, address), 0);
}

/* The n-th attempt began so long after the one before it. */
static void
assert_began_after(const struct race *race, int n, fend_time delay)
{
	fend_time waited = start_of(race, n) - start_of(race, n - 1);

	g_assert_cmpint(waited, >=, delay - EARLY);
	g_assert_cmpint(waited, <, delay + LATE);
}

static void
test_both_families_answer(struct test *test)
{
	struct fend_connect_options given = race_options(0, 0);
	struct fend_address addresses[2];
	struct fend_socket *listeners[2], *server;
	struct race race;

	if (!have_ipv6())
		return;
	listeners[0] = listen_on(AF_INET6, 8, &addresses[0]);
	listeners[1] = listen_on(AF_INET, 8, &addresses[1]);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[0]);
	g_assert_cmpint(race.n_starts, ==, 1);
	test_error(fend_socket_accept(listeners[1], NULL, &server), -EAGAIN);
	g_assert_cmpint(race.ended - race.begun, <, LATE);
	race_fini(&race);
	fend_socket_free(listeners[0]);
	fend_socket_free(listeners[1]);
}

static void
play_the_first_family_is_silent(struct test *test)
{
	struct fend_connect_options given = race_options(0, 0);
	struct fend_address addresses[2];
	struct fend_socket *listener = listen_on(AF_INET, 8, &addresses[1]);
	struct race race;

	ip_add_hole();
	parse(&addresses[0], "[2001:db8::1]:80");
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[1]);
	assert_starts(&race, (const struct fend_address *[]){ &addresses[0], &addresses[1] }, 2);
	assert_began_after(&race, 1, DELAY);
	race_fini(&race);
	fend_socket_free(listener);
}

static void
test_the_first_family_is_silent(struct test *test)
{
	in_namespace(play_the_first_family_is_silent);
}

static void
test_the_first_family_refuses(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_SEC(2));
	struct fend_address addresses[2];
	struct fend_socket *listener;
	struct race race;

	if (!have_ipv6())
		return;
	refused_address(AF_INET6, &addresses[0]);
	listener = listen_on(AF_INET, 8, &addresses[1]);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[1]);
	assert_starts(&race, (const struct fend_address *[]){ &addresses[0], &addresses[1] }, 2);
	assert_began_after(&race, 1, 0);
	race_fini(&race);
	fend_socket_free(listener);

	/* And so does the other one. */
	refused_address(AF_INET, &addresses[1]);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	test_error(race.err, -ECONNREFUSED);
	assert_starts(&race, (const struct fend_address *[]){ &addresses[0], &addresses[1] }, 2);
	assert_began_after(&race, 1, 0);
	race_fini(&race);
}

/* What routes make connect(2) say at once, and what comes when all of them have said it. */
static void
play_errors_of_routes(struct test *test)
{
	static const struct {
		const char *route, *address;
		int error;
	} routes[] = {
		{ "unreachable 192.0.2.1", "192.0.2.1:9", -EHOSTUNREACH },
		{ "unreachable 2001:db8::1", "[2001:db8::1]:9", -EHOSTUNREACH },
		{ "prohibit 192.0.2.2", "192.0.2.2:9", -EACCES },
		{ "prohibit 2001:db8::2", "[2001:db8::2]:9", -EACCES },
		{ "blackhole 192.0.2.3", "192.0.2.3:9", -EINVAL },
		{ "blackhole 2001:db8::3", "[2001:db8::3]:9", -EINVAL },
		{ "local 192.0.2.4 dev lo", "192.0.2.4:9", -ECONNREFUSED },
		{ NULL, "192.0.2.5:9", -ENETUNREACH },
		{ NULL, "[2001:db8::5]:9", -ENETUNREACH },
	};
	struct fend_connect_options given = race_options(0, FEND_SEC(2));
	struct fend_address addresses[G_N_ELEMENTS(routes)], good;
	struct fend_socket *listener;
	struct race race;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(routes); i++) {
		parse(&addresses[i], "%s", routes[i].address);
		if (routes[i].route)
			ip("-%d route add %s", strchr(routes[i].address, '[') ? 6 : 4,
			   routes[i].route);
		race_begin(&race, test, NULL);
		race_add(&race, &addresses[i], 1);
		race_run(&race);
		test_error(race.err, routes[i].error);
		race_fini(&race);
	}
	listener = listen_on(AF_INET, 8, &good);
	race_begin(&race, test, &given);
	for (i = 0; i < G_N_ELEMENTS(routes); i++)
		test_error(fend_connect_add(race.connect, &addresses[i]), 0);
	race_add(&race, &good, 1);
	race_run(&race);
	assert_peer(&race, &good);
	g_assert_cmpint(race.n_starts, ==, (int)G_N_ELEMENTS(routes) + 1);
	/* Nobody waited for the attempt delay. */
	g_assert_cmpint(race.ended - race.begun, <, LATE);
	race_fini(&race);
	fend_socket_free(listener);
}

static void
test_errors_of_routes(struct test *test)
{
	in_namespace(play_errors_of_routes);
}

static void
note_descriptors(struct race *race)
{
	g_assert_cmpint(test_count_fds(), ==, race->test->done);
}

static void
play_both_families_are_silent(struct test *test)
{
	struct fend_connect_options given = race_options(FEND_MS(400), FEND_MS(100));
	struct fend_address addresses[2];
	struct race race;

	ip_add_hole();
	parse(&addresses[0], "[2001:db8::1]:80");
	parse(&addresses[1], "192.0.2.1:80");
	/* When the callback comes nothing is open any more. */
	test->done = test_count_fds();
	race_begin(&race, test, &given);
	race.then = note_descriptors;
	race_add(&race, addresses, 2);
	race_run(&race);
	test_error(race.err, -ETIMEDOUT);
	g_assert_cmpint(race.n_starts, ==, 2);
	g_assert_cmpint(race.ended - race.begun, >=, FEND_MS(400));
	g_assert_cmpint(race.ended - race.begun, <, FEND_MS(400) + LATE);
	race_fini(&race);
}

static void
test_both_families_are_silent(struct test *test)
{
	in_namespace(play_both_families_are_silent);
}

static void
play_many_are_silent(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_MS(100));
	struct fend_address addresses[11];
	struct fend_socket *listener = listen_on(AF_INET, 8, &addresses[10]);
	struct race race;
	int i;

	ip_add_hole();
	for (i = 0; i < 10; i++)
		parse(&addresses[i], "[2001:db8::%d]:80", i + 1);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 11);
	race_run(&race);
	assert_peer(&race, &addresses[10]);
	assert_starts(&race, (const struct fend_address *[]){ &addresses[0], &addresses[10] }, 2);
	assert_began_after(&race, 1, FEND_MS(100));
	race_fini(&race);
	fend_socket_free(listener);
}

static void
test_many_of_one_family_are_silent(struct test *test)
{
	in_namespace(play_many_are_silent);
}

/* On a clock that only waiting moves: what a race without options does, to the nanosecond. */
static void
test_nobody_answers_for_a_minute(struct test *test)
{
	struct fend_connect_options given = race_options(0, 0);
	struct test own = { 0 };
	struct hole holes[7];
	struct race race;
	int i;

	for (i = 0; i < 7; i++)
		hole_init(&holes[i], AF_INET);
	clock_install();
	test_ok(fend_loop_new(NULL, &own.loop));
	race_begin(&race, &own, &given);
	for (i = 0; i < 7; i++)
		test_error(fend_connect_add(race.connect, &holes[i].address), 0);
	while (race.calls == 0)
		test_ok(fend_loop_dispatch(own.loop, FEND_FOREVER));
	test_error(race.err, -ETIMEDOUT);
	g_assert_cmpint(race.ended - race.begun, ==, FEND_SEC(60));
	/* No more than six at a time. */
	g_assert_cmpint(race.n_starts, ==, 6);
	for (i = 0; i < 6; i++)
		g_assert_cmpint(start_of(&race, i), ==, i * DELAY);
	race_fini(&race);
	fend_loop_free(own.loop);
	clock_remove();
	for (i = 0; i < 7; i++)
		hole_fini(&holes[i]);
}

/* One that comes while an attempt runs waits for its turn, though it is of another family. */
static void
test_a_late_address_joins_at_the_next_start(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_MS(100));
	struct fend_address address;
	struct fend_socket *listener;
	struct hole hole;
	struct race race;

	if (!have_ipv6())
		return;
	hole_init(&hole, AF_INET);
	listener = listen_on(AF_INET6, 8, &address);
	race_begin(&race, test, &given);
	test_error(fend_connect_add(race.connect, &hole.address), 0);
	while (race.n_starts == 0)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	test_error(fend_connect_add(race.connect, &address), 0);
	test_error(fend_connect_last(race.connect), 0);
	race_run(&race);
	assert_peer(&race, &address);
	assert_began_after(&race, 1, FEND_MS(100));
	race_fini(&race);
	hole_fini(&hole);
	fend_socket_free(listener);
}

static void
drain_hole(struct fend_timer *timer, uint64_t expirations, void *data)
{
	hole_drain(data);
}

/* The first answers when its SYN is sent again, after a second; the second has long failed. */
static void
test_the_first_family_is_slow_and_the_second_refuses(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_MS(100));
	struct fend_address addresses[2];
	struct fend_timer *timer;
	struct hole hole;
	struct race race;

	if (!have_ipv6())
		return;
	hole_init(&hole, AF_INET6);
	addresses[0] = hole.address;
	refused_address(AF_INET, &addresses[1]);
	test_ok(fend_timer_new(test->loop, drain_hole, &hole, &timer));
	fend_timer_after(timer, FEND_MS(400));
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[0]);
	g_assert_cmpint(race.n_starts, ==, 2);
	g_assert_cmpint(race.ended - race.begun, >=, FEND_MS(900));
	fend_timer_free(timer);
	race_fini(&race);
	hole_fini(&hole);
}

/* Takes so long that the next attempt may begin as well, before the first is seen to succeed. */
static int
dawdle(struct fend_socket *socket, const struct fend_address *address, void *data)
{
	struct race *race = data;
	fend_time until = fend_now() + FEND_MS(11);

	race->n_starts++;
	while (fend_now() < until)
		;
	return 0;
}

static void
test_a_loser_that_connects_is_closed(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_MS(10));
	struct fend_socket *listeners[2], *servers[2];
	struct fend_address addresses[2];
	struct race race;
	char byte;
	int i;

	given.prepare = dawdle;
	for (i = 0; i < 2; i++)
		listeners[i] = listen_on(AF_INET, 8, &addresses[i]);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	test_error(fend_loop_dispatch(test->loop, FEND_SEC(20)), 1);
	g_assert_cmpint(race.calls, ==, 0);
	g_assert_cmpint(race.n_starts, ==, 2);
	for (i = 0; i < 2; i++) {
		wait_fd(fend_socket_fd(listeners[i]), POLLIN);
		test_error(fend_socket_accept(listeners[i], NULL, &servers[i]), 0);
	}
	race_run(&race);
	test_error(race.err, 0);
	send_all(race.socket, "x", 1);
	wait_fd(fend_socket_fd(servers[0]), POLLIN);
	wait_fd(fend_socket_fd(servers[1]), POLLIN);
	/* Either may be told first. */
	i = fend_socket_recv(servers[0], &byte, 1, 0) == 1;
	test_error(fend_socket_recv(servers[1], &byte, 1, 0), !i);
	race_fini(&race);
	for (i = 0; i < 2; i++) {
		fend_socket_free(servers[i]);
		fend_socket_free(listeners[i]);
	}
}

static void
play_a_scoped_address(struct test *test)
{
	struct fend_address any, address, elsewhere;
	struct fend_socket *listener;
	struct race race;

	ip("link add near type veth peer name far");
	ip("address add fe80::1/64 dev near nodad");
	ip("link set near up");
	ip("link set far up");
	test_ok(fend_socket_new_tcp(AF_INET6, &listener));
	parse(&any, "[::]:0");
	test_error(fend_socket_bind(listener, &any), 0);
	test_error(fend_socket_listen(listener, 0), 0);
	test_error(fend_socket_getsockname(listener, &any), 0);
	parse(&address, "[fe80::1%%near]:%d",
	      ntohs(((struct sockaddr_in6 *)&any.storage)->sin6_port));
	race_begin(&race, test, NULL);
	race_add(&race, &address, 1);
	race_run(&race);
	assert_peer(&race, &address);
	race_fini(&race);

	/* The zone is part of the address. */
	parse(&elsewhere, "[fe80::1]:%d", ntohs(((struct sockaddr_in6 *)&any.storage)->sin6_port));
	race_begin(&race, test, NULL);
	race_add(&race, (struct fend_address[]){ elsewhere, address }, 2);
	race_run(&race);
	assert_peer(&race, &address);
	race_fini(&race);
	fend_socket_free(listener);
}

static void
test_a_scoped_address(struct test *test)
{
	in_namespace(play_a_scoped_address);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/connect-scenario/both-families-answer", test_both_families_answer);
	test_add("/connect-scenario/the-first-family-is-silent", test_the_first_family_is_silent);
	test_add("/connect-scenario/the-first-family-refuses", test_the_first_family_refuses);
	test_add("/connect-scenario/errors-of-routes", test_errors_of_routes);
	test_add("/connect-scenario/both-families-are-silent", test_both_families_are_silent);
	test_add("/connect-scenario/many-of-one-family-are-silent",
		 test_many_of_one_family_are_silent);
	test_add("/connect-scenario/nobody-answers-for-a-minute", test_nobody_answers_for_a_minute);
	test_add("/connect-scenario/a-late-address-joins-at-the-next-start",
		 test_a_late_address_joins_at_the_next_start);
	test_add("/connect-scenario/the-first-family-is-slow-and-the-second-refuses",
		 test_the_first_family_is_slow_and_the_second_refuses);
	test_add("/connect-scenario/a-loser-that-connects-is-closed",
		 test_a_loser_that_connects_is_closed);
	test_add("/connect-scenario/a-scoped-address", test_a_scoped_address);
	return g_test_run();
}
