/* SPDX-License-Identifier: MIT */
/*
 * Let each allocation of fend's and each system call of a whole connection fail once, or from then
 * on. The failure must come out as what a call returns or a callback is told, or be survived;
 * nothing may crash, hang or leak. What GnuTLS allocates is not in it.
 */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"
#include "staples.h"

/* Longer than one send takes, and than the buffers of a Unix socket. */
#define SIZE 400000

struct end {
	struct scenario *scenario;
	struct fend_socket *socket;
	struct fend_tls_context *context;
	size_t sent, received;
	int called; /* handshake and shutdown */
};

struct scenario {
	struct fend_loop *loop;
	struct end client, server;
	int error; /* the first */
};

/* What makes the parameters other than usual, or NULL. */
static void (*adapt)(struct fend_tls_params *client, struct fend_tls_params *server);

static void
note(struct scenario *scenario, int error)
{
	if (error < 0 && !scenario->error)
		scenario->error = error;
}

static void
on_called(struct fend_socket *socket, int err, void *data)
{
	struct end *end = data;

	end->called++;
	note(end->scenario, err);
}

static void
on_events(struct fend_socket *socket, unsigned events, void *data)
{
	static char buffer[100000];
	struct end *end = data;
	ssize_t n;

	if (events & FEND_IN) {
		n = fend_socket_recv(socket, buffer, sizeof(buffer), 0);
		if (n > 0)
			end->received += (size_t)n;
		else if (n != -EAGAIN)
			note(end->scenario, n ? (int)n : -EIO);
	}
	if (events & FEND_OUT && end->sent < SIZE) {
		n = fend_socket_send(socket, buffer,
				     SIZE - end->sent < sizeof(buffer) ? SIZE - end->sent
								       : sizeof(buffer),
				     0);
		if (n > 0)
			end->sent += (size_t)n;
		else if (n != -EAGAIN)
			note(end->scenario, (int)n);
	}
	if (events & (FEND_ERR | FEND_HUP))
		note(end->scenario, -EIO);
	if (end->sent == SIZE)
		note(end->scenario, fend_socket_set_events(socket, FEND_IN));
}

static int
open_ends(struct scenario *scenario)
{
	struct fend_tls_params client = client_params(), server = server_params();
	int fds[2], r;

	if (adapt)
		adapt(&client, &server);
	r = fend_loop_new(NULL, &scenario->loop);
	if (r < 0)
		return r;
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	r = fend_socket_wrap(fds[0], &scenario->client.socket);
	if (r < 0)
		close(fds[0]);
	if (r >= 0)
		r = fend_socket_wrap(fds[1], &scenario->server.socket);
	if (!scenario->server.socket)
		close(fds[1]);
	if (r >= 0)
		r = fend_tls_context_new(&client, NULL, &scenario->client.context);
	if (r >= 0)
		r = fend_tls_context_new(&server, NULL, &scenario->server.context);
	if (r >= 0)
		r = fend_tls_wrap(scenario->client.socket, scenario->client.context, "localhost");
	if (r >= 0)
		r = fend_tls_wrap(scenario->server.socket, scenario->server.context, NULL);
	return r;
}

/* Dispatch until it is so, or something has failed. */
static int
wait_until(struct scenario *scenario, const int *a, const int *b, int value)
{
	int r = 0;

	while (r >= 0 && !scenario->error && (*a < value || *b < value))
		r = fend_loop_dispatch(scenario->loop, FEND_SEC(20));
	return scenario->error ? scenario->error : r;
}

typedef int start_fn(struct fend_socket *, struct fend_loop *, fend_time, fend_tls_fn *, void *);

static int
run_both(struct scenario *scenario, start_fn *start, int calls)
{
	struct end *client = &scenario->client, *server = &scenario->server;
	int r;

	r = start(client->socket, scenario->loop, FEND_FOREVER, on_called, client);
	if (r >= 0)
		r = start(server->socket, scenario->loop, FEND_FOREVER, on_called, server);
	return r < 0 ? r : wait_until(scenario, &client->called, &server->called, calls);
}

static int
exchange(struct scenario *scenario)
{
	struct end *client = &scenario->client, *server = &scenario->server;
	int r;

	r = fend_socket_watch(client->socket, scenario->loop, FEND_IN | FEND_OUT, on_events,
			      client);
	if (r >= 0)
		r = fend_socket_watch(server->socket, scenario->loop, FEND_IN | FEND_OUT, on_events,
				      server);
	while (r >= 0 && !scenario->error && (client->received < SIZE || server->received < SIZE))
		r = fend_loop_dispatch(scenario->loop, FEND_SEC(20));
	fend_socket_unwatch(client->socket);
	fend_socket_unwatch(server->socket);
	return scenario->error ? scenario->error : r;
}

static int
run_scenario(void)
{
	struct scenario scenario = { 0 };
	int r;

	scenario.client.scenario = scenario.server.scenario = &scenario;
	r = open_ends(&scenario);
	if (r >= 0)
		r = run_both(&scenario, fend_tls_handshake, 1);
	if (r >= 0)
		r = exchange(&scenario);
	if (r >= 0)
		r = run_both(&scenario, fend_tls_shutdown, 2);
	fend_socket_free(scenario.client.socket);
	fend_socket_free(scenario.server.socket);
	fend_tls_context_unref(scenario.client.context);
	fend_tls_context_unref(scenario.server.context);
	fend_loop_free(scenario.loop);
	return r < 0 ? r : 0;
}

/* Returns how many calls there were to fail; each came out as error or as other, 0: error alone. */
static unsigned
walk_or(struct test *test, enum fault_op op, int error, int sticky, int other)
{
	unsigned n;
	int r, fds;

	/* made before the door is: their paths are not fend's */
	certificate_ca();
	certificate_ec();
	test->loop = fend_loop_free(test->loop);
	fds = test_count_fds();
	fault_install();
	for (n = 1;; n++) {
		fault_set(op, n, error, sticky);
		r = run_scenario();
		fault_clear();
		g_assert_cmpint(test_count_fds(), ==, fds);
		if (!fault_struck())
			break;
		if (r && r != error && r != other)
			g_error("failure %d of call %u came out as %d", error, n, r);
	}
	test_error(r, 0);
	fault_remove();
	test_ok(fend_loop_new(NULL, &test->loop));
	return n - 1;
}

static unsigned
walk(struct test *test, enum fault_op op, int error, int sticky)
{
	return walk_or(test, op, error, sticky, 0);
}

static void
test_allocation(struct test *test)
{
	g_assert_cmpuint(walk(test, FAULT_ALLOCATE, -ENOMEM, FALSE), >, 20);
}

static void
test_all_allocations(struct test *test)
{
	walk(test, FAULT_ALLOCATE, -ENOMEM, TRUE);
}

static void
use_psk(struct fend_tls_params *client, struct fend_tls_params *server)
{
	static const struct fend_tls_psk psk = { "client", "a key of 24 random bytes", 24 };

	client->cafile = NULL;
	server->certificates_count = 0;
	client->psks = server->psks = &psk;
	client->psks_count = server->psks_count = 1;
	server->psk_hint = "hint";
}

static void
test_allocation_with_psk(struct test *test)
{
	adapt = use_psk;
	g_assert_cmpuint(walk(test, FAULT_ALLOCATE, -ENOMEM, FALSE), >, 20);
	adapt = NULL;
}

static void
assert_peek_without_memory(const struct side *side, ssize_t result)
{
	char byte;

	fault_set(FAULT_ALLOCATE, 1, -ENOMEM, TRUE);
	g_assert_cmpint(fend_socket_peek(side->socket, &byte, 1), ==, result);
	fault_clear();
}

static void
test_peek_behind_the_end(struct test *test)
{
	struct link link;
	char byte;

	certificate_ca();
	certificate_ec();
	test->loop = fend_loop_free(test->loop);
	fault_install();
	test_ok(fend_loop_new(NULL, &test->loop));
	link_open(&link, test, NULL, NULL);
	test_ok(fend_socket_shutdown(link.server.socket, SHUT_WR));
	g_assert_cmpint(tls_recv_some(test, link.client.socket, &byte, 1), ==, 0);
	assert_peek_without_memory(&link.client, 0);
	test_ok(shutdown(fend_socket_fd(link.client.socket), SHUT_WR));
	g_assert_cmpint(tls_recv_some(test, link.server.socket, &byte, 1), ==, -EBADMSG);
	assert_peek_without_memory(&link.server, -EBADMSG);
	link_fini(&link);
	test->loop = fend_loop_free(test->loop);
	fault_remove();
}

static struct fend_tls_keypair stapled;

static void
use_staple(struct fend_tls_params *client, struct fend_tls_params *server)
{
	client->flags = FEND_TLS_REQUIRE_STAPLE;
	server->certificates = &stapled;
}

static void
test_allocation_with_staple(struct test *test)
{
	static const struct staple staple = { "stapled", &staple_wanted, .state = 'V' };

	stapled = staple_keypair(&staple_wanted, &staple);
	adapt = use_staple;
	g_assert_cmpuint(walk(test, FAULT_ALLOCATE, -ENOMEM, FALSE), >, 20);
	adapt = NULL;
}

static void
test_receiving(struct test *test)
{
	g_assert_cmpuint(walk(test, FAULT_RECVMSG, -ECONNRESET, FALSE), >, 10);
	walk(test, FAULT_RECVMSG, -ENOMEM, FALSE);
}

static void
test_sending(struct test *test)
{
	g_assert_cmpuint(walk(test, FAULT_SENDMSG, -EPIPE, FALSE), >, 10);
	walk(test, FAULT_SENDMSG, -ENOBUFS, FALSE);
}

static void
test_shutting(struct test *test)
{
	g_assert_cmpuint(walk(test, FAULT_SHUTDOWN, -ENOTCONN, FALSE), ==, 2);
}

static void
test_interrupted(struct test *test)
{
	walk(test, FAULT_RECVMSG, -EAGAIN, FALSE);
	walk(test, FAULT_SENDMSG, -EAGAIN, FALSE);
}

/* A change that the kernel refuses comes as an error event without an error. */
static void
test_waiting(struct test *test)
{
	walk_or(test, FAULT_EPOLL_CTL, -ENOMEM, FALSE, -EIO);
	walk(test, FAULT_EPOLL_WAIT, -EBADF, FALSE);
	walk(test, FAULT_POLL, -EBADF, FALSE);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/fault/allocation", test_allocation);
	variant_add("/fault/all-allocations", test_all_allocations);
	variant_add("/fault/allocation-with-psk", test_allocation_with_psk);
	variant_add("/fault/allocation-with-staple", test_allocation_with_staple);
	variant_add("/fault/peek-behind-the-end", test_peek_behind_the_end);
	variant_add("/fault/receiving", test_receiving);
	variant_add("/fault/sending", test_sending);
	variant_add("/fault/shutting", test_shutting);
	variant_add("/fault/nothing-now", test_interrupted);
	variant_add("/fault/waiting", test_waiting);
	return g_test_run();
}
