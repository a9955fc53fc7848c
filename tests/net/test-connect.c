/* SPDX-License-Identifier: MIT */
#include <fend/connect.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "pair.h"
#include "process.h"

/* The delay runs from just before the attempt that a test sees. */
#define EARLY FEND_MS(10)
#define STARTS_MAX 32

/* What a race told, and which attempts it made when. */
struct race {
	struct fend_connect *connect;
	struct fend_socket *socket;
	struct test *test;
	fend_time begun, ended;
	int calls, err, stops, stops_at_call;
	struct {
		struct fend_address address;
		fend_time when;
	} starts[STARTS_MAX];
	int n_starts;
	const int *prepare_errors; /* of each start; NULL: none */
	void (*then)(struct race *race);
	void (*on_stop)(struct race *race);
};

static void
on_end(struct fend_connect *connect, int err, struct fend_socket *socket, void *data)
{
	struct race *race = data;

	g_assert_true(connect == race->connect);
	g_assert_true((err == 0) == (socket != NULL));
	race->calls++;
	race->err = err;
	race->socket = socket;
	race->ended = fend_loop_now(race->test->loop);
	race->stops_at_call = race->stops;
	if (race->then)
		race->then(race);
}

static int
on_prepare(struct fend_socket *socket, const struct fend_address *address, void *data)
{
	struct race *race = data;

	g_assert_cmpint(race->n_starts, <, STARTS_MAX);
	race->starts[race->n_starts].address = *address;
	race->starts[race->n_starts].when = fend_now();
	race->n_starts++;
	return race->prepare_errors ? race->prepare_errors[race->n_starts - 1] : 0;
}

static void
on_stop(void *data)
{
	struct race *race = data;

	race->stops++;
	if (race->on_stop)
		race->on_stop(race);
}

static struct fend_connect_options
options(fend_time timeout, fend_time attempt_delay)
{
	return (struct fend_connect_options){
		.size = sizeof(struct fend_connect_options),
		.timeout = timeout,
		.attempt_delay = attempt_delay,
		.prepare = on_prepare,
	};
}

static void
race_begin(struct race *race, struct test *test, const struct fend_connect_options *given)
{
	memset(race, 0, sizeof(*race));
	race->test = test;
	race->begun = fend_now();
	test_ok(fend_connect_new(test->loop, given, on_end, race, &race->connect));
}

static void
race_add(struct race *race, const struct fend_address *addresses, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		test_error(fend_connect_add(race->connect, &addresses[i]), 0);
	test_error(fend_connect_last(race->connect), 0);
	g_assert_cmpint(race->calls + race->n_starts, ==, 0);
}

/* Run to the end, which is told once. */
static void
race_run(struct race *race)
{
	test_wait(race->test, &race->calls);
	test_drain(race->test);
	g_assert_cmpint(race->calls, ==, 1);
}

static void
race_fini(struct race *race)
{
	race->connect = fend_connect_free(race->connect);
	race->socket = fend_socket_free(race->socket);
}

static void
assert_peer(const struct race *race, const struct fend_address *address)
{
	struct fend_address peer;

	test_error(race->err, 0);
	test_ok(fend_socket_getpeername(race->socket, &peer));
	g_assert_true(fend_address_equal(&peer, address));
}

static void
assert_starts(const struct race *race, const struct fend_address *const *addresses, int n)
{
	int i;

	g_assert_cmpint(race->n_starts, ==, n);
	for (i = 0; i < n; i++)
		g_assert_true(fend_address_equal(&race->starts[i].address, addresses[i]));
}

/* When the n-th attempt began, since the race did. */
static fend_time
start_of(const struct race *race, int n)
{
	g_assert_cmpint(n, <, race->n_starts);
	return race->starts[n].when - race->begun;
}

/* Open a listener on the loopback address of family; NULL if this machine lacks the family. */
static struct fend_socket *
listen_on(int family, int backlog, struct fend_address *ret_address)
{
	const char *text = family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0";
	struct fend_socket *socket;

	if (fend_socket_new_tcp(family, &socket) < 0)
		return NULL;
	test_ok(fend_address_parse(text, ret_address));
	if (fend_socket_bind(socket, ret_address) < 0)
		return fend_socket_free(socket);
	g_assert_cmpint(listen(fend_socket_fd(socket), backlog), ==, 0);
	test_ok(fend_socket_getsockname(socket, ret_address));
	return socket;
}

static void
refused_address(int family, struct fend_address *ret_address)
{
	fend_socket_free(listen_on(family, 1, ret_address));
}

/*
 * An address where nothing answers: a listener whose backlog is full drops what comes (Linux),
 * until somebody accepts.
 */
struct hole {
	struct fend_socket *listener, *fillers[8];
	struct fend_address address;
	size_t n;
};

static bool
is_connected(const struct fend_socket *socket)
{
	struct pollfd entry = { .fd = fend_socket_fd(socket), .events = POLLOUT };

	return poll(&entry, 1, 50) == 1;
}

static bool
hole_init(struct hole *hole, int family)
{
	memset(hole, 0, sizeof(*hole));
	hole->listener = listen_on(family, 0, &hole->address);
	if (!hole->listener)
		return false;
	do {
		g_assert_cmpuint(hole->n, <, G_N_ELEMENTS(hole->fillers));
		test_ok(fend_socket_new_tcp(family, &hole->fillers[hole->n]));
		test_error(fend_socket_connect(hole->fillers[hole->n], &hole->address),
			   -EINPROGRESS);
	} while (is_connected(hole->fillers[hole->n++]));
	/* The one that did not fit would take the first place that is free again. */
	fend_socket_free(hole->fillers[--hole->n]);
	return true;
}

static void
hole_drain(struct hole *hole)
{
	struct fend_socket *socket;

	while (fend_socket_accept(hole->listener, NULL, &socket) == 0)
		fend_socket_free(socket);
}

static void
hole_fini(struct hole *hole)
{
	while (hole->n > 0)
		fend_socket_free(hole->fillers[--hole->n]);
	fend_socket_free(hole->listener);
}

static bool
have_ipv6(void)
{
	struct fend_address address;
	struct fend_socket *socket = listen_on(AF_INET6, 1, &address);

	fend_socket_free(socket);
	if (!socket)
		g_test_skip("no IPv6 on the loopback interface");
	return socket;
}

static void
test_the_first_address_wins(struct test *test)
{
	struct fend_connect_options given = options(0, 0);
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
	struct fend_connect_options given = options(0, FEND_MS(80));
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
	struct fend_connect_options given = options(0, FEND_SEC(2));
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
	struct fend_connect_options given = options(FEND_MS(300) * test_slowness(), FEND_MS(10));
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
	assert_starts(&race, (const struct fend_address *[]){ &addresses[0], &addresses[3],
		      &addresses[1], &addresses[4], &addresses[2] }, 5);
	for (i = 1; i < 5; i++)
		g_assert_cmpint(start_of(&race, i) - start_of(&race, i - 1), >=, FEND_MS(10));
	race_fini(&race);
	for (i = 0; i < 5; i++)
		hole_fini(&holes[i]);
}

/* The first address answers late, after every other has failed. */
static void
test_a_slow_attempt_is_not_cut_short(struct test *test)
{
	struct fend_connect_options given = options(0, FEND_MS(10));
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
	struct fend_connect_options given = options(FEND_MS(200) * test_slowness(), FEND_MS(10));
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
	struct fend_connect_options given = options(0, FEND_SEC(2));
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
	test_error(fend_connect_set_feeder(race.connect, on_stop, &race), -EALREADY);
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
	struct fend_connect_options given = options(FEND_MS(30), 0);
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
	struct fend_connect_options given = options(0, 0);
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
	struct fend_connect_options given = options(0, FEND_SEC(2));
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
test_without_descriptors_the_running_attempt_goes_on(struct test *test)
{
	struct fend_connect_options given = options(0, FEND_MS(20));
	struct fend_address addresses[2];
	struct fend_socket *listener;
	struct hole hole;
	struct race race;

	hole_init(&hole, AF_INET);
	addresses[0] = hole.address;
	listener = listen_on(AF_INET, 8, &addresses[1]);

	/* The second attempt is made as soon as there is a descriptor for it. */
	fend_loop_free(test->loop);
	fault_install();
	test_ok(fend_loop_new(NULL, &test->loop));
	fault_set(FAULT_SOCKET, 2, -EMFILE, 0);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[1]);
	g_assert_true(fault_struck());
	g_assert_cmpint(start_of(&race, 1) - start_of(&race, 0), >=, 2 * FEND_MS(20) - EARLY);
	race_fini(&race);

	/* There never is one: the first attempt wins when it is answered at last. */
	fault_set(FAULT_SOCKET, 2, -EMFILE, 1);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	while (!fault_struck())
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	hole_drain(&hole);
	race_run(&race);
	assert_peer(&race, &addresses[0]);
	race_fini(&race);

	/* Nobody runs who could give one back. */
	fault_set(FAULT_SOCKET, 1, -EMFILE, 1);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	test_error(race.err, -EMFILE);
	race_fini(&race);
	test->loop = fend_loop_free(test->loop);
	fault_remove();
	hole_fini(&hole);
	fend_socket_free(listener);
}

static void
test_the_feeder_is_stopped_once(struct test *test)
{
	struct fend_address address;
	struct fend_socket *listener = listen_on(AF_INET, 8, &address);
	struct race race;

	race_begin(&race, test, NULL);
	test_error(fend_connect_set_feeder(race.connect, NULL, &race), -EINVAL);
	test_error(fend_connect_set_feeder(race.connect, on_stop, &race), 0);
	test_error(fend_connect_set_feeder(race.connect, on_stop, &race), -EBUSY);
	test_error(fend_connect_add(race.connect, &address), 0);
	g_assert_cmpint(race.stops, ==, 0);
	race_run(&race);
	test_error(race.err, 0);
	g_assert_cmpint(race.stops_at_call, ==, 1);
	race_fini(&race);
	g_assert_cmpint(race.stops, ==, 1);

	race_begin(&race, test, NULL);
	test_error(fend_connect_set_feeder(race.connect, on_stop, &race), 0);
	race_fini(&race);
	g_assert_cmpint(race.stops, ==, 1);
	g_assert_cmpint(race.calls, ==, 0);
	fend_socket_free(listener);
}

static void
free_loop(struct race *race)
{
	race->test->loop = fend_loop_free(race->test->loop);
}

static void
test_the_feeder_may_free_the_loop(struct test *test)
{
	struct fend_address address;
	struct fend_socket *listener = listen_on(AF_INET, 8, &address);
	struct race race;

	race_begin(&race, test, NULL);
	race.on_stop = free_loop;
	test_error(fend_connect_set_feeder(race.connect, on_stop, &race), 0);
	race_add(&race, &address, 1);
	while (test->loop) {
		struct fend_loop *loop = test->loop;

		if (fend_loop_dispatch(loop, FEND_SEC(20)) == -ESHUTDOWN)
			break;
	}
	g_assert_null(test->loop);
	g_assert_cmpint(race.calls, ==, 0);
	race_fini(&race);
	fend_socket_free(listener);
}

static void
free_connect(struct race *race)
{
	race->connect = fend_connect_free(race->connect);
}

static void
free_all(struct race *race)
{
	race_fini(race);
	free_loop(race);
}

static void
test_the_callback_may_free_everything(struct test *test)
{
	static void (*const frees[])(struct race *) = { free_connect, free_loop, free_all };
	struct fend_address addresses[2];
	struct fend_socket *listener = listen_on(AF_INET, 8, &addresses[0]);
	struct race race;
	size_t i;
	int good;

	refused_address(AF_INET, &addresses[1]);
	for (good = 0; good < 2; good++) {
		for (i = 0; i < G_N_ELEMENTS(frees); i++) {
			int r = 0;

			if (!test->loop)
				test_ok(fend_loop_new(NULL, &test->loop));
			race_begin(&race, test, NULL);
			race.then = frees[i];
			race_add(&race, &addresses[!good], 1);
			while (!race.calls && r >= 0)
				r = fend_loop_dispatch(test->loop, FEND_SEC(20));
			test_error(race.err, good ? 0 : -ECONNREFUSED);
			race_fini(&race);
		}
	}
	fend_socket_free(listener);
}

/* Free after so many iterations; the fixture counts descriptors. Returns whether it had ended. */
static bool
free_after(struct test *test, int iterations, const struct fend_address *addresses, size_t n)
{
	struct fend_connect_options given = options(0, FEND_MS(10));
	struct race race;
	int fds, calls;

	fds = test_count_fds();
	race_begin(&race, test, &given);
	test_error(fend_connect_set_feeder(race.connect, on_stop, &race), 0);
	race_add(&race, addresses, n);
	while (iterations-- > 0 && !race.calls)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
	calls = race.calls;
	race_fini(&race);
	g_assert_cmpint(race.stops, ==, 1);
	test_drain(test);
	g_assert_cmpint(race.calls, ==, calls);
	g_assert_cmpint(test_count_fds(), ==, fds);
	return calls > 0;
}

static void
test_it_may_be_freed_at_every_step(struct test *test)
{
	struct fend_address addresses[4];
	struct fend_socket *listener;
	struct hole holes[2];
	int n = 0;

	hole_init(&holes[0], AF_INET);
	hole_init(&holes[1], AF_INET);
	addresses[0] = holes[0].address;
	refused_address(AF_INET, &addresses[1]);
	addresses[2] = holes[1].address;
	listener = listen_on(AF_INET, 64, &addresses[3]);
	while (!free_after(test, n, addresses, 4))
		g_assert_cmpint(n++, <, 50);
	g_assert_cmpint(n, >=, 4);
	hole_fini(&holes[0]);
	hole_fini(&holes[1]);
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
	struct fend_connect_options given = options(0, 0);
	struct fend_address addresses[2], source, own;
	struct fend_socket *listener;
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
	struct fend_connect_options given = options(0, 0);
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
				   &size), ==, 0);
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
	struct fend_connect_options given = options(0, 0);
	struct fend_connect *connect = NULL;
	struct fend_address address;
	struct race race;

	test_error(fend_connect_new(NULL, NULL, on_end, NULL, &connect), -EINVAL);
	test_error(fend_connect_new(test->loop, NULL, NULL, NULL, &connect), -EINVAL);
	test_error(fend_connect_new(test->loop, NULL, on_end, NULL, NULL), -EINVAL);
	given = options(-2, 0);
	test_error(fend_connect_new(test->loop, &given, on_end, NULL, &connect), -EINVAL);
	given = options(0, FEND_MS(10) - 1);
	test_error(fend_connect_new(test->loop, &given, on_end, NULL, &connect), -EINVAL);
	given = options(0, FEND_SEC(2) + 1);
	test_error(fend_connect_new(test->loop, &given, on_end, NULL, &connect), -EINVAL);
	given = options(0, 0);
	given.interface = "a name too long for it";
	test_error(fend_connect_new(test->loop, &given, on_end, NULL, &connect), -ENODEV);
	given = options(0, 0);
	given.size = 1;
	test_error(fend_connect_new(test->loop, &given, on_end, NULL, &connect), -EINVAL);
	g_assert_null(connect);

	given = options(FEND_FOREVER, 0);
	race_begin(&race, test, &given);
	test_error(fend_connect_add(race.connect, NULL), -EINVAL);
	memset(&address, 0, sizeof(address));
	address.size = sizeof(address.storage) + 1;
	test_error(fend_connect_add(race.connect, &address), -EINVAL);
	address.size = sizeof(address.storage);
	test_error(fend_connect_add(race.connect, &address), -EAFNOSUPPORT);
	test_error(fend_connect_add(NULL, &address), -EINVAL);
	test_error(fend_connect_last(NULL), -EINVAL);
	test_error(fend_connect_set_feeder(NULL, on_stop, NULL), -EINVAL);
	g_assert_null(fend_connect_free(NULL));
	race_fini(&race);
}

static void
test_a_freed_loop_ends_it_silently(struct test *test)
{
	struct fend_address address;
	struct race race;
	struct hole hole;

	hole_init(&hole, AF_INET);
	race_begin(&race, test, NULL);
	test_error(fend_connect_set_feeder(race.connect, on_stop, &race), 0);
	test_error(fend_connect_add(race.connect, &hole.address), 0);
	test_drain(test);
	test->loop = fend_loop_free(test->loop);
	address = hole.address;
	test_error(fend_connect_add(race.connect, &address), -ESHUTDOWN);
	test_error(fend_connect_last(race.connect), -ESHUTDOWN);
	test_error(fend_connect_set_feeder(race.connect, on_stop, &race), -ESHUTDOWN);
	g_assert_cmpint(race.stops, ==, 0);
	race_fini(&race);
	g_assert_cmpint(race.stops, ==, 1);
	g_assert_cmpint(race.calls, ==, 0);
	hole_fini(&hole);
}

static void
test_a_child_only_frees(struct test *test)
{
	struct fend_connect_options given = options(0, FEND_MS(10));
	struct fend_address addresses[2];
	struct fend_socket *listener;
	struct hole hole;
	struct race race;
	int status, i;

	hole_init(&hole, AF_INET);
	addresses[0] = hole.address;
	listener = listen_on(AF_INET, 8, &addresses[1]);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	for (i = 0; i < 2; i++) {
		pid_t pid = fork();

		g_assert_cmpint(pid, >=, 0);
		if (pid == 0) {
			test_error(fend_connect_add(race.connect, &addresses[0]), -ECHILD);
			test_error(fend_connect_last(race.connect), -ECHILD);
			if (i)
				free_loop(&race);
			race_fini(&race);
			if (!i)
				free_loop(&race);
			_exit(race.calls);
		}
		g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
		g_assert_cmpint(status, ==, 0);
	}
	race_run(&race);
	assert_peer(&race, &addresses[1]);
	race_fini(&race);
	hole_fini(&hole);
	fend_socket_free(listener);
}

/* In a network namespace of its own: what routes make connect(2) say at once. */
static int
play_routes(void)
{
	static const struct {
		const char *route, *address;
		int error;
	} routes[] = {
		{ "unreachable 192.0.2.1", "192.0.2.1:9", -EHOSTUNREACH },
		{ "prohibit 192.0.2.2", "192.0.2.2:9", -EACCES },
		{ "blackhole 192.0.2.3", "192.0.2.3:9", -EINVAL },
		{ "local 192.0.2.4 dev lo", "192.0.2.4:9", -ECONNREFUSED },
		{ NULL, "192.0.2.5:9", -ENETUNREACH },
	};
	struct fend_address addresses[G_N_ELEMENTS(routes)], good;
	struct fend_socket *listener;
	struct test own = { 0 };
	struct race race;
	size_t i;

	test_ok(fend_loop_new(NULL, &own.loop));
	for (i = 0; i < G_N_ELEMENTS(routes); i++) {
		test_ok(fend_address_parse(routes[i].address, &addresses[i]));
		if (routes[i].route) {
			g_autofree char *command = g_strdup_printf("ip route add %s",
								   routes[i].route);

			g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
		}
		race_begin(&race, &own, NULL);
		race_add(&race, &addresses[i], 1);
		race_run(&race);
		test_error(race.err, routes[i].error);
		race_fini(&race);
	}
	listener = listen_on(AF_INET, 8, &good);
	race_begin(&race, &own, NULL);
	for (i = 0; i < G_N_ELEMENTS(routes); i++)
		test_error(fend_connect_add(race.connect, &addresses[i]), 0);
	race_add(&race, &good, 1);
	race_run(&race);
	assert_peer(&race, &good);
	/* Nobody waited for the attempt delay. */
	g_assert_cmpint(race.ended - race.begun, <, FEND_MS(250) * test_slowness());
	race_fini(&race);
	fend_socket_free(listener);
	fend_loop_free(own.loop);
	return 0;
}

/* Exit status of a child without the right to have a namespace. */
#define NO_NAMESPACE 77

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(NO_NAMESPACE);
	close(fd);
}

static void
enter_namespace(void)
{
	uid_t uid = getuid();

	if (uid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(NO_NAMESPACE);
	} else {
		g_autofree char *map = g_strdup_printf("0 %u 1", uid);

		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			_exit(NO_NAMESPACE);
		write_file("/proc/self/uid_map", map);
	}
	if (!g_spawn_command_line_sync("ip link set lo up", NULL, NULL, NULL, NULL))
		_exit(NO_NAMESPACE);
}

static void
test_errors_of_routes(struct test *test)
{
	int status;
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		alarm(60);
		enter_namespace();
		_exit(play_routes());
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE)
		g_test_skip("no network namespaces here, or no ip(8)");
	else
		g_assert_cmpint(status, ==, 0);
}

/* One race against two addresses, the second of which works. 0 or how it failed. */
static int
play(const struct fend_address *addresses)
{
	struct fend_connect_options given = options(0, FEND_MS(10));
	struct test own = { 0 };
	struct race race = { .test = &own };
	int r;

	r = fend_loop_new(NULL, &own.loop);
	if (r >= 0)
		r = fend_connect_new(own.loop, &given, on_end, &race, &race.connect);
	if (r >= 0)
		r = fend_connect_set_feeder(race.connect, on_stop, &race);
	if (r >= 0)
		r = fend_connect_add(race.connect, &addresses[0]);
	if (r >= 0)
		r = fend_connect_add(race.connect, &addresses[1]);
	if (r >= 0)
		r = fend_connect_last(race.connect);
	while (r >= 0 && !race.calls)
		r = fend_loop_dispatch(own.loop, FEND_SEC(20));
	if (race.calls)
		r = race.err;
	race_fini(&race);
	fend_loop_free(own.loop);
	return r;
}

static void
test_each_failure_becomes_an_error(struct test *test)
{
	static const struct {
		enum fault_op op;
		int error;
	} faults[] = {
		{ FAULT_ALLOCATE, -ENOMEM },  { FAULT_WAKEUP, -EMFILE },
		{ FAULT_EPOLL_CREATE, -EMFILE }, { FAULT_EPOLL_CTL, -EIO },
		{ FAULT_EPOLL_WAIT, -EIO },   { FAULT_POLL, -EIO },
		{ FAULT_SOCKET, -EMFILE },    { FAULT_CONNECT, -ENETUNREACH },
		{ FAULT_GETSOCKOPT, -ENOBUFS },
	};
	struct fend_address addresses[2];
	struct fend_socket *listener;
	unsigned failed = 0, n;
	int fds, sticky;
	size_t i;

	refused_address(AF_INET, &addresses[0]);
	listener = listen_on(AF_INET, 128, &addresses[1]);
	fault_install();
	fds = test_count_fds();
	for (i = 0; i < G_N_ELEMENTS(faults); i++) {
		for (sticky = 0; sticky < 2; sticky++) {
			for (n = 1;; n++) {
				int r;

				fault_set(faults[i].op, n, faults[i].error, sticky);
				r = play(addresses);
				if (!fault_struck()) {
					test_error(r, 0);
					break;
				}
				/* The other address may succeed, or tell more. */
				if (r != 0 && r != -ECONNREFUSED)
					test_error(r, faults[i].error);
				failed += r != 0;
				g_assert_cmpint(test_count_fds(), ==, fds);
			}
		}
	}
	fault_remove();
	g_assert_cmpint(failed, >, 20);
	fend_socket_free(listener);
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
	test_add("/connect/without-descriptors-the-running-attempt-goes-on",
		 test_without_descriptors_the_running_attempt_goes_on);
	test_add("/connect/the-feeder-is-stopped-once", test_the_feeder_is_stopped_once);
	test_add("/connect/the-feeder-may-free-the-loop", test_the_feeder_may_free_the_loop);
	test_add("/connect/the-callback-may-free-everything",
		 test_the_callback_may_free_everything);
	test_add("/connect/it-may-be-freed-at-every-step", test_it_may_be_freed_at_every_step);
	test_add("/connect/unix-sockets", test_unix_sockets);
	test_add("/connect/the-source-is-for-its-family", test_the_source_is_for_its_family);
	test_add("/connect/the-interface-is-set", test_the_interface_is_set);
	test_add("/connect/bad-arguments", test_bad_arguments);
	test_add("/connect/a-freed-loop-ends-it-silently", test_a_freed_loop_ends_it_silently);
	test_add("/connect/a-child-only-frees", test_a_child_only_frees);
	test_add("/connect/errors-of-routes", test_errors_of_routes);
	test_add("/connect/each-failure-becomes-an-error", test_each_failure_becomes_an_error);
	return g_test_run();
}
