/* SPDX-License-Identifier: MIT */
#include "races.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

void
race_on_end(struct fend_connect *connect, int err, struct fend_socket *socket, void *data)
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

void
race_on_stop(void *data)
{
	struct race *race = data;

	race->stops++;
	if (race->on_stop)
		race->on_stop(race);
}

struct fend_connect_options
race_options(fend_time timeout, fend_time attempt_delay)
{
	return (struct fend_connect_options){
		.size = sizeof(struct fend_connect_options),
		.timeout = timeout,
		.attempt_delay = attempt_delay,
		.prepare = on_prepare,
	};
}

void
race_begin(struct race *race, struct test *test, const struct fend_connect_options *given)
{
	memset(race, 0, sizeof(*race));
	race->test = test;
	race->begun = fend_now();
	test_ok(fend_connect_new(test->loop, given, race_on_end, race, &race->connect));
}

void
race_add(struct race *race, const struct fend_address *addresses, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		test_error(fend_connect_add(race->connect, &addresses[i]), 0);
	test_error(fend_connect_last(race->connect), 0);
	g_assert_cmpint(race->calls + race->n_starts, ==, 0);
}

void
race_run(struct race *race)
{
	test_wait(race->test, &race->calls);
	test_drain(race->test);
	g_assert_cmpint(race->calls, ==, 1);
}

void
race_fini(struct race *race)
{
	race->connect = fend_connect_free(race->connect);
	race->socket = fend_socket_free(race->socket);
}

void
assert_peer(const struct race *race, const struct fend_address *address)
{
	struct fend_address peer;

	test_error(race->err, 0);
	test_ok(fend_socket_getpeername(race->socket, &peer));
	g_assert_true(fend_address_equal(&peer, address));
}

void
assert_starts(const struct race *race, const struct fend_address *const *addresses, int n)
{
	int i;

	g_assert_cmpint(race->n_starts, ==, n);
	for (i = 0; i < n; i++)
		g_assert_true(fend_address_equal(&race->starts[i].address, addresses[i]));
}

fend_time
start_of(const struct race *race, int n)
{
	g_assert_cmpint(n, <, race->n_starts);
	return race->starts[n].when - race->begun;
}

struct fend_socket *
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

void
refused_address(int family, struct fend_address *ret_address)
{
	fend_socket_free(listen_on(family, 1, ret_address));
}

static bool
is_connected(const struct fend_socket *socket)
{
	struct pollfd entry = { .fd = fend_socket_fd(socket), .events = POLLOUT };

	return poll(&entry, 1, 50) == 1;
}

bool
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

void
hole_drain(struct hole *hole)
{
	struct fend_socket *socket;

	while (fend_socket_accept(hole->listener, NULL, &socket) == 0)
		fend_socket_free(socket);
}

void
hole_fini(struct hole *hole)
{
	while (hole->n > 0)
		fend_socket_free(hole->fillers[--hole->n]);
	fend_socket_free(hole->listener);
}

bool
have_ipv6(void)
{
	struct fend_address address;
	struct fend_socket *socket = listen_on(AF_INET6, 1, &address);

	fend_socket_free(socket);
	if (!socket)
		g_test_skip("no IPv6 on the loopback interface");
	return socket;
}
