/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"
#include "process.h"
#include "races.h"

static void
test_the_first_address_wins(struct test *test)
{
	struct fend_connect_options given = race_options(0, 0);
	struct fend_socket *a, *b;
	struct fend_address addresses[2];
	struct race race;

	a = listen_on(AF_INET, 8, &addresses[0]);
	b = listen_on(AF_INET, 8, &addresses[1]);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[0]);
	assert_starts(&race, (const struct fend_address *[]){ &addresses[0] }, 1);
	race_fini(&race);
	fend_socket_free(a);
	fend_socket_free(b);
}

static void
test_the_winner_is_an_ordinary_socket(struct test *test)
{
	struct told told = { 0 };
	struct fend_address address;
	struct fend_socket *listener = listener_new(&address), *server;
	struct race race;
	char byte;

	race_begin(&race, test, NULL);
	race_add(&race, &address, 1);
	race_run(&race);
	race.connect = fend_connect_free(race.connect);
	test_ok(fend_socket_accept(listener, NULL, &server));
	test_ok(fend_socket_watch(race.socket, test->loop, FEND_IN, on_told, &told));
	send_all(server, "x", 1);
	test_wait(test, &told.calls);
	recv_all(race.socket, &byte, 1);
	race_fini(&race);
	fend_socket_free(server);
	fend_socket_free(listener);
}

static void
test_the_next_begins_after_the_attempt_delay(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_MS(80));
	struct fend_address addresses[2];
	struct fend_socket *listener;
	struct hole hole;
	struct race race;

	if (!have_ipv6())
		return;
	hole_init(&hole, AF_INET6);
	addresses[0] = hole.address;
	listener = listen_on(AF_INET, 8, &addresses[1]);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[1]);
	g_assert_cmpint(start_of(&race, 1) - start_of(&race, 0), >=, FEND_MS(80) - EARLY);
	g_assert_cmpint(start_of(&race, 1), <, FEND_MS(800) * test_slowness());
	race_fini(&race);
	hole_fini(&hole);
	fend_socket_free(listener);
}

static void
test_the_next_begins_at_once_after_a_failure(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_SEC(2));
	struct fend_address addresses[3];
	struct fend_socket *listener;
	struct race race;

	refused_address(AF_INET, &addresses[0]);
	refused_address(AF_INET, &addresses[1]);
	listener = listen_on(AF_INET, 8, &addresses[2]);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 3);
	race_run(&race);
	assert_peer(&race, &addresses[2]);
	g_assert_cmpint(race.n_starts, ==, 3);
	g_assert_cmpint(race.ended - race.begun, <, FEND_SEC(1) * test_slowness());
	race_fini(&race);
	fend_socket_free(listener);
}

static void
test_families_alternate(struct test *test)
{
	struct fend_connect_options given =
		race_options(FEND_MS(500) * test_slowness(), FEND_MS(20));
	struct fend_address addresses[5];
	struct hole holes[5];
	struct race race;
	int i;

	if (!have_ipv6())
		return;
	for (i = 0; i < 5; i++) {
		hole_init(&holes[i], i < 3 ? AF_INET6 : AF_INET);
		addresses[i] = holes[i].address;
	}
	race_begin(&race, test, &given);
	race_add(&race, addresses, 5);
	race_run(&race);
	test_error(race.err, -ETIMEDOUT);
	g_assert_cmpint(race.ended - race.begun, >=, given.timeout);
	assert_starts(&race,
		      (const struct fend_address *[]){ &addresses[0], &addresses[3], &addresses[1],
						       &addresses[4], &addresses[2] },
		      5);
	for (i = 1; i < 5; i++)
		g_assert_cmpint(start_of(&race, i) - start_of(&race, i - 1), >=,
				FEND_MS(20) - EARLY);
	race_fini(&race);
	for (i = 0; i < 5; i++)
		hole_fini(&holes[i]);
}

/* The first address answers late, after every other has failed. */
static void
test_a_slow_attempt_is_not_cut_short(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_MS(10));
	struct fend_address addresses[2];
	struct hole hole;
	struct race race;

	hole_init(&hole, AF_INET);
	addresses[0] = hole.address;
	refused_address(AF_INET, &addresses[1]);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	while (race.n_starts < 2)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	hole_drain(&hole);
	race_run(&race);
	assert_peer(&race, &addresses[0]);
	race_fini(&race);
	hole_fini(&hole);
}

static void
test_no_more_attempts_than_allowed(struct test *test)
{
	struct fend_connect_options given =
		race_options(FEND_MS(300) * test_slowness(), FEND_MS(10));
	struct fend_address addresses[4];
	struct hole holes[4];
	struct race race;
	int i;

	for (i = 0; i < 4; i++) {
		hole_init(&holes[i], AF_INET);
		addresses[i] = holes[i].address;
	}
	given.attempts_max = 2;
	race_begin(&race, test, &given);
	race_add(&race, addresses, 4);
	race_run(&race);
	test_error(race.err, -ETIMEDOUT);
	assert_starts(&race, (const struct fend_address *[]){ &addresses[0], &addresses[1] }, 2);
	race_fini(&race);
	for (i = 0; i < 4; i++)
		hole_fini(&holes[i]);
}

static void
test_the_most_telling_error_is_told(struct test *test)
{
	static const struct {
		int errors[3], told;
	} cases[] = {
		{ { -ENETUNREACH, -ECONNREFUSED, -EHOSTUNREACH }, -ECONNREFUSED },
		{ { -ECONNREFUSED, -EADDRNOTAVAIL, -ETIMEDOUT }, -ECONNREFUSED },
		{ { -EADDRNOTAVAIL, -ENETUNREACH, -EACCES }, -EACCES },
		{ { -ENETUNREACH, -EADDRNOTAVAIL, -EAFNOSUPPORT }, -ENETUNREACH },
		{ { -EADDRNOTAVAIL, -ENETUNREACH, -ENETUNREACH }, -EADDRNOTAVAIL },
	};
	struct fend_connect_options given = race_options(0, FEND_SEC(2));
	struct fend_address addresses[3];
	struct race race;
	size_t i;

	for (i = 0; i < 3; i++) {
		test_ok(fend_address_parse("127.0.0.1:1", &addresses[i]));
		((struct sockaddr_in *)&addresses[i].storage)->sin_port = htons((uint16_t)(i + 1));
	}
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		race_begin(&race, test, &given);
		race.prepare_errors = cases[i].errors;
		race_add(&race, addresses, 3);
		race_run(&race);
		test_error(race.err, cases[i].told);
		g_assert_cmpint(race.n_starts, ==, 3);
		race_fini(&race);
	}
}

static void
test_all_refused(struct test *test)
{
	struct fend_address addresses[2];
	struct race race;

	refused_address(AF_INET, &addresses[0]);
	refused_address(AF_INET, &addresses[1]);
	race_begin(&race, test, NULL);
	race_add(&race, addresses, 2);
	race_run(&race);
	test_error(race.err, -ECONNREFUSED);
	test_error(fend_connect_add(race.connect, &addresses[0]), -EALREADY);
	test_error(fend_connect_last(race.connect), -EALREADY);
	test_error(fend_connect_set_feeder(race.connect, race_on_stop, &race), -EALREADY);
	race_fini(&race);
}

static void
test_no_address(struct test *test)
{
	struct race race;

	race_begin(&race, test, NULL);
	race_add(&race, NULL, 0);
	race_run(&race);
	test_error(race.err, -EADDRNOTAVAIL);
	race_fini(&race);
}

static void
test_no_address_until_the_deadline(struct test *test)
{
	struct fend_connect_options given = race_options(FEND_MS(30), 0);
	struct race race;

	race_begin(&race, test, &given);
	race_run(&race);
	test_error(race.err, -ETIMEDOUT);
	g_assert_cmpint(race.ended - race.begun, >=, FEND_MS(30));
	race_fini(&race);
}

static void
test_duplicates_count_once(struct test *test)
{
	struct fend_connect_options given = race_options(0, 0);
	struct fend_address address;
	struct race race;

	refused_address(AF_INET, &address);
	race_begin(&race, test, &given);
	race_add(&race, (struct fend_address[]){ address, address, address }, 3);
	race_run(&race);
	test_error(race.err, -ECONNREFUSED);
	g_assert_cmpint(race.n_starts, ==, 1);
	race_fini(&race);
}

/* Also one that has failed by then. */
static void
test_addresses_may_come_late(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_SEC(2));
	struct fend_address bad, good;
	struct fend_socket *listener = listen_on(AF_INET, 8, &good);
	struct race race;

	refused_address(AF_INET, &bad);
	race_begin(&race, test, &given);
	test_error(fend_connect_add(race.connect, &bad), 0);
	while (race.n_starts == 0)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	test_drain(test);
	g_assert_cmpint(race.calls, ==, 0);
	test_error(fend_connect_add(race.connect, &bad), 0);
	test_error(fend_connect_add(race.connect, &good), 0);
	race_run(&race);
	assert_peer(&race, &good);
	g_assert_cmpint(race.n_starts, ==, 2);
	g_assert_cmpint(race.ended - race.begun, <, FEND_SEC(1) * test_slowness());
	race_fini(&race);
	fend_socket_free(listener);
}

static void
test_unix_sockets(struct test *test)
{
	g_autofree char *path = g_strdup_printf("unix:%s/connect", test_directory());
	g_autofree char *missing = g_strdup_printf("unix:%s/missing", test_directory());
	struct fend_address addresses[2];
	struct fend_socket *listener;
	struct race race;

	test_ok(fend_address_parse(missing, &addresses[0]));
	test_ok(fend_address_parse(path, &addresses[1]));
	test_ok(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &listener));
	test_ok(fend_socket_bind(listener, &addresses[1]));
	test_ok(fend_socket_listen(listener, 1));
	race_begin(&race, test, NULL);
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[1]);
	race_fini(&race);
	fend_socket_free(listener);

	race_begin(&race, test, NULL);
	race_add(&race, &addresses[0], 1);
	race_run(&race);
	test_error(race.err, -ENOENT);
	race_fini(&race);
	race_begin(&race, test, NULL);
	race_add(&race, &addresses[1], 1);
	race_run(&race);
	test_error(race.err, -ECONNREFUSED);
	race_fini(&race);
	g_assert_cmpint(unlink(path + strlen("unix:")), ==, 0);
}

static void
test_the_source_is_for_its_family(struct test *test)
{
	struct fend_connect_options given = race_options(0, 0);
	g_autofree char *text = g_strdup_printf("unix:@fend-test-%d", (int)getpid());
	struct fend_address addresses[2], source, own;
	struct fend_socket *listener, *other;
	struct race race;

	test_ok(fend_address_parse("127.0.0.5:0", &source));
	test_ok(fend_address_parse("unix:@no one listens here", &addresses[0]));
	listener = listen_on(AF_INET, 8, &addresses[1]);
	given.source = &source;
	race_begin(&race, test, &given);
	memset(&source, 0, sizeof(source));
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[1]);
	test_ok(fend_socket_getsockname(race.socket, &own));
	g_assert_cmphex(ntohl(((struct sockaddr_in *)&own.storage)->sin_addr.s_addr), ==,
			0x7f000005);
	race_fini(&race);

	/* An attempt of another family does without it. */
	test_ok(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &other));
	test_ok(fend_address_parse(text, &addresses[0]));
	test_ok(fend_socket_bind(other, &addresses[0]));
	test_ok(fend_socket_listen(other, 1));
	test_ok(fend_address_parse("127.0.0.5:0", &source));
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[0]);
	race_fini(&race);
	fend_socket_free(other);

	/* One that is not of this host. */
	test_ok(fend_address_parse("192.0.2.1:0", &source));
	race_begin(&race, test, &given);
	race_add(&race, &addresses[1], 1);
	race_run(&race);
	test_error(race.err, -EADDRNOTAVAIL);
	race_fini(&race);
	fend_socket_free(listener);
}

static void
test_the_interface_is_set(struct test *test)
{
	struct fend_connect_options given = race_options(0, 0);
	struct fend_address address;
	struct fend_socket *listener = listen_on(AF_INET, 8, &address);
	char name[IF_NAMESIZE] = "";
	socklen_t size = sizeof(name);
	struct race race;

	given.interface = "lo";
	race_begin(&race, test, &given);
	race_add(&race, &address, 1);
	race_run(&race);
	assert_peer(&race, &address);
	g_assert_cmpint(getsockopt(fend_socket_fd(race.socket), SOL_SOCKET, SO_BINDTODEVICE, name,
				   &size),
			==, 0);
	g_assert_cmpstr(name, ==, "lo");
	race_fini(&race);
	given.interface = "none";
	race_begin(&race, test, &given);
	race_add(&race, &address, 1);
	race_run(&race);
	test_error(race.err, -ENODEV);
	race_fini(&race);
	fend_socket_free(listener);
}

static void
test_bad_arguments(struct test *test)
{
	struct fend_connect_options given = race_options(0, 0);
	struct fend_connect *connect = NULL;
	struct fend_address address;
	struct race race;

	test_error(fend_connect_new(NULL, NULL, race_on_end, NULL, &connect), -EINVAL);
	test_error(fend_connect_new(test->loop, NULL, NULL, NULL, &connect), -EINVAL);
	test_error(fend_connect_new(test->loop, NULL, race_on_end, NULL, NULL), -EINVAL);
	given = race_options(-2, 0);
	test_error(fend_connect_new(test->loop, &given, race_on_end, NULL, &connect), -EINVAL);
	given = race_options(0, FEND_MS(10) - 1);
	test_error(fend_connect_new(test->loop, &given, race_on_end, NULL, &connect), -EINVAL);
	given = race_options(0, FEND_SEC(2) + 1);
	test_error(fend_connect_new(test->loop, &given, race_on_end, NULL, &connect), -EINVAL);
	given = race_options(0, 0);
	given.interface = "a name too long for it";
	test_error(fend_connect_new(test->loop, &given, race_on_end, NULL, &connect), -ENODEV);
	given = race_options(0, 0);
	given.size = 1;
	test_error(fend_connect_new(test->loop, &given, race_on_end, NULL, &connect), -EINVAL);
	g_assert_null(connect);

	given = race_options(FEND_FOREVER, 0);
	race_begin(&race, test, &given);
	test_error(fend_connect_add(race.connect, NULL), -EINVAL);
	memset(&address, 0, sizeof(address));
	address.size = sizeof(address.storage) + 1;
	test_error(fend_connect_add(race.connect, &address), -EINVAL);
	address.size = sizeof(address.storage);
	test_error(fend_connect_add(race.connect, &address), -EAFNOSUPPORT);
	test_error(fend_connect_add(NULL, &address), -EINVAL);
	test_error(fend_connect_last(NULL), -EINVAL);
	test_error(fend_connect_set_feeder(NULL, race_on_stop, NULL), -EINVAL);
	g_assert_null(fend_connect_free(NULL));
	race_fini(&race);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/connect/the-first-address-wins", test_the_first_address_wins);
	test_add("/connect/the-winner-is-an-ordinary-socket",
		 test_the_winner_is_an_ordinary_socket);
	test_add("/connect/the-next-begins-after-the-attempt-delay",
		 test_the_next_begins_after_the_attempt_delay);
	test_add("/connect/the-next-begins-at-once-after-a-failure",
		 test_the_next_begins_at_once_after_a_failure);
	test_add("/connect/families-alternate", test_families_alternate);
	test_add("/connect/a-slow-attempt-is-not-cut-short", test_a_slow_attempt_is_not_cut_short);
	test_add("/connect/no-more-attempts-than-allowed", test_no_more_attempts_than_allowed);
	test_add("/connect/the-most-telling-error-is-told", test_the_most_telling_error_is_told);
	test_add("/connect/all-refused", test_all_refused);
	test_add("/connect/no-address", test_no_address);
	test_add("/connect/no-address-until-the-deadline", test_no_address_until_the_deadline);
	test_add("/connect/duplicates-count-once", test_duplicates_count_once);
	test_add("/connect/addresses-may-come-late", test_addresses_may_come_late);
	test_add("/connect/unix-sockets", test_unix_sockets);
	test_add("/connect/the-source-is-for-its-family", test_the_source_is_for_its_family);
	test_add("/connect/the-interface-is-set", test_the_interface_is_set);
	test_add("/connect/bad-arguments", test_bad_arguments);
	return g_test_run();
}
