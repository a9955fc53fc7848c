/* SPDX-License-Identifier: MIT */
/* How connections end: in order, cut off, and broken. */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "pair.h"

static void
shut(struct side *side, fend_time timeout)
{
	test_ok(fend_tls_shutdown(side->socket, side->test->loop, timeout, on_done, side));
}

static void
test_both_sides(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	link_exchange(&link);
	link.client.called = link.server.called = 0;
	shut(&link.client, FEND_SEC(20));
	shut(&link.server, FEND_SEC(20));
	g_assert_cmpint(link.client.called + link.server.called, ==, 0);
	while (link.client.called + link.server.called < 2)
		test_run(test);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);
	test_error(fend_socket_recv(link.client.socket, &(char){ 0 }, 1, 0), 0);
	test_error(fend_socket_send(link.client.socket, "x", 1, 0), -EPIPE);
	g_assert_cmpint(fend_tls_error(link.client.socket)->err, ==, 0);

	/* again: it has ended already, which is told from the loop all the same */
	shut(&link.client, 0);
	test_run(test);
	g_assert_cmpint(link.client.called, ==, 2);
	link_fini(&link);
}

static void
test_waits_for_the_peer(struct test *test)
{
	struct link link;
	char data[4];

	link_open(&link, test, NULL, NULL);
	shut(&link.client, FEND_SEC(20));
	tls_send(test, link.server.socket, "dropped", 7);
	test_error(tls_recv_some(test, link.server.socket, data, 1), 0);
	g_assert_cmpint(link.client.called, ==, 1); /* the handshake */
	tls_send(test, link.server.socket, "dropped", 7);
	test_ok(fend_socket_shutdown(link.server.socket, SHUT_WR));
	test_run(test);
	test_error(link.client.err, 0);
	link_fini(&link);
}

static void
test_peer_says_nothing(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	test->done = 0;
	shut(&link.client, FEND_MS(20));
	test_run(test);
	test_error(link.client.err, -ETIMEDOUT);
	link_fini(&link);
}

/* While it waits for a silent peer, the loop does so as well, whatever the user has done before. */
static void
test_waiting_costs_nothing(struct test *test)
{
	static const int hows[] = { SHUT_RD, SHUT_RDWR };
	unsigned i;

	for (i = 0; i < G_N_ELEMENTS(hows); i++) {
		struct fend_loop_stats before = { sizeof(before) }, after = { sizeof(after) };
		struct link link;

		link_open(&link, test, NULL, NULL);
		test->done = 0;
		test_ok(fend_socket_shutdown(link.client.socket, hows[i]));
		shut(&link.client, FEND_MS(50));
		test_ok(fend_loop_stats(test->loop, &before));
		test_run(test);
		test_ok(fend_loop_stats(test->loop, &after));
		test_error(link.client.err, -ETIMEDOUT);
		g_assert_cmpuint(after.iterations - before.iterations, <=, 10);
		link_fini(&link);
	}
}

static void
test_peer_cuts_off(struct test *test)
{
	struct fend_tls_params tolerant = client_params();
	struct link link;

	link_open(&link, test, NULL, NULL);
	g_assert_cmpint(shutdown(fend_socket_fd(link.server.socket), SHUT_WR), ==, 0);
	shut(&link.client, FEND_SEC(20));
	test_run(test);
	test_error(link.client.err, -EBADMSG);
	link_fini(&link);

	tolerant.flags = FEND_TLS_ALLOW_TRUNCATION;
	link_open(&link, test, &tolerant, NULL);
	g_assert_cmpint(shutdown(fend_socket_fd(link.server.socket), SHUT_WR), ==, 0);
	shut(&link.client, FEND_SEC(20));
	test_run(test);
	test_error(link.client.err, 0);
	link_fini(&link);
}

static void
test_bad_calls(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	test_error(fend_tls_shutdown(link.client.socket, test->loop, 0, NULL, NULL), -EINVAL);
	test_error(fend_tls_shutdown(link.client.socket, test->loop, -2, on_done, NULL), -EINVAL);
	test_error(fend_tls_shutdown(link.client.socket, NULL, 0, on_done, NULL), -EINVAL);
	test_error(fend_tls_shutdown(NULL, test->loop, 0, on_done, NULL), -EINVAL);
	shut(&link.client, FEND_FOREVER);
	test_error(fend_tls_shutdown(link.client.socket, test->loop, 0, on_done, NULL), -EBUSY);
	link_fini(&link);
	test_drain(test);
	g_assert_cmpint(link.client.called, ==, 1);
}

static void
test_half_close(struct test *test)
{
	struct link link;
	char data[8];

	link_open(&link, test, NULL, NULL);
	test_ok(fend_socket_shutdown(link.client.socket, SHUT_WR));
	test_ok(fend_socket_shutdown(link.client.socket, SHUT_WR));
	test_error(fend_socket_send(link.client.socket, "x", 1, 0), -EPIPE);
	test_error(tls_recv_some(test, link.server.socket, data, 1), 0);
	test_error(fend_socket_recv(link.server.socket, data, 1, 0), 0);
	/* FIN has come behind close_notify */
	wait_fd(fend_socket_fd(link.server.socket), POLLIN);
	g_assert_cmpint(recv(fend_socket_fd(link.server.socket), data, 1, MSG_PEEK), ==, 0);

	/* the server may go on, and the client goes on receiving */
	tls_send(test, link.server.socket, "answer", 6);
	tls_recv(test, link.client.socket, data, 6);
	g_assert_cmpmem(data, 6, "answer", 6);
	test_ok(fend_socket_shutdown(link.server.socket, SHUT_WR));
	test_error(tls_recv_some(test, link.client.socket, data, 1), 0);
	link_fini(&link);
}

/* close_notify and FIN come after all that send has taken, though nobody watches. */
static void
test_half_close_behind_data(struct test *test)
{
	char *data = g_malloc(60000);
	struct link link;
	size_t total, received = 0;
	ssize_t n;

	link_open_unix(&link, test);
	total = link_fill(&link);
	test_ok(fend_socket_shutdown(link.server.socket, SHUT_WR));
	while ((n = tls_recv_some(test, link.client.socket, data, 60000)) > 0)
		received += (size_t)n;
	test_error(n, 0);
	g_assert_cmpuint(received, ==, total);
	n = recv(fend_socket_fd(link.client.socket), data, 1, MSG_DONTWAIT);
	g_assert_cmpint(n, ==, 0);
	link_fini(&link);
	g_free(data);
}

static void
test_shutdown_behind_data(struct test *test)
{
	char *data = g_malloc(60000);
	struct link link;

	link_open_unix(&link, test);
	link_fill(&link);
	test_ok(fend_socket_shutdown(link.client.socket, SHUT_WR));
	test->done = 0;
	shut(&link.server, FEND_SEC(20));
	test_drain(test); /* the client's close_notify is there, but our output is not out */
	g_assert_cmpint(link.server.called, ==, 1);
	while (tls_recv_some(test, link.client.socket, data, 60000) > 0)
		;
	if (!test->done)
		test_run(test);
	test_error(link.server.err, 0);
	link_fini(&link);
	g_free(data);
}

static void
test_deaf(struct test *test)
{
	struct link link;
	char data[4];

	link_open(&link, test, NULL, NULL);
	tls_send(test, link.server.socket, "x", 1);
	test_ok(fend_socket_shutdown(link.client.socket, SHUT_RD));
	test_error(fend_socket_recv(link.client.socket, data, 1, 0), 0);
	tls_send(test, link.client.socket, "ping", 4);
	tls_recv(test, link.server.socket, data, 4);
	test_ok(fend_socket_shutdown(link.client.socket, SHUT_RDWR));
	test_error(tls_recv_some(test, link.server.socket, data, 4), 0);
	link_fini(&link);
}

/* Who has shut his ears still waits for the peer to part. */
static void
test_deaf_parting(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	test_ok(fend_socket_shutdown(link.client.socket, SHUT_RD));
	shut(&link.client, FEND_FOREVER);
	shut(&link.server, FEND_FOREVER);
	while (link.client.called + link.server.called < 4)
		test_run(test);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);
	link_fini(&link);
}

/* Freeing says close_notify if there is room for it. */
static void
test_free(struct test *test)
{
	struct link link;
	char data[4];

	link_open(&link, test, NULL, NULL);
	tls_send(test, link.client.socket, "last", 4);
	link.client.socket = fend_socket_free(link.client.socket);
	tls_recv(test, link.server.socket, data, 4);
	test_error(tls_recv_some(test, link.server.socket, data, 1), 0);
	link_fini(&link);
}

static void
test_free_with_no_room(struct test *test)
{
	char *data = g_malloc(60000);
	struct link link;
	ssize_t n;

	link_open_unix(&link, test);
	link_fill(&link);
	link.server.socket = fend_socket_free(link.server.socket); /* does not wait */
	while ((n = tls_recv_some(test, link.client.socket, data, 60000)) > 0)
		;
	test_error(n, -EBADMSG);
	link_fini(&link);
	g_free(data);
}

static void
test_truncation(struct test *test)
{
	struct link link;
	char data[8];

	link_open(&link, test, NULL, NULL);
	tls_send(test, link.server.socket, "whole", 5);
	g_assert_cmpint(shutdown(fend_socket_fd(link.server.socket), SHUT_WR), ==, 0);
	tls_recv(test, link.client.socket, data, 5);
	test_error(tls_recv_some(test, link.client.socket, data, 1), -EBADMSG);
	test_error(fend_socket_recv(link.client.socket, data, 1, 0), -EBADMSG);
	test_error(fend_socket_peek(link.client.socket, data, 1), -EBADMSG);
	test_error(fend_socket_send(link.client.socket, "x", 1, 0), -EBADMSG);
	assert_text(&link.client, "peer closed the connection without close_notify");
	g_assert_cmpint(fend_tls_error(link.client.socket)->err, ==, -EBADMSG);
	link_fini(&link);
}

static void
test_truncation_in_a_record(struct test *test)
{
	static const unsigned char part[] = { 23, 3, 3, 0, 100, 1, 2, 3 };
	struct link link;

	link_open(&link, test, NULL, NULL);
	g_assert_cmpint(send(fend_socket_fd(link.server.socket), part, sizeof(part), 0), ==,
			sizeof(part));
	g_assert_cmpint(shutdown(fend_socket_fd(link.server.socket), SHUT_WR), ==, 0);
	test_error(tls_recv_some(test, link.client.socket, &(char){ 0 }, 1), -EBADMSG);
	link_fini(&link);
}

static void
test_truncation_allowed(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct link link;
	char data[8];

	params.flags = FEND_TLS_ALLOW_TRUNCATION;
	link_open(&link, test, &params, NULL);
	tls_send(test, link.server.socket, "whole", 5);
	g_assert_cmpint(shutdown(fend_socket_fd(link.server.socket), SHUT_WR), ==, 0);
	tls_recv(test, link.client.socket, data, 5);
	test_error(tls_recv_some(test, link.client.socket, data, 1), 0);
	test_error(fend_socket_recv(link.client.socket, data, 1, 0), 0);
	g_assert_cmpint(fend_tls_error(link.client.socket)->err, ==, 0);
	tls_send(test, link.client.socket, "still", 5);
	tls_recv(test, link.server.socket, data, 5);
	g_assert_cmpmem(data, 5, "still", 5);
	link_fini(&link);
}

static void
test_reset(struct test *test)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct link link;

	link_open(&link, test, NULL, NULL);
	/* TCP takes this for an abort (RFC 9293, section 3.10.5) */
	g_assert_cmpint(connect(fend_socket_fd(link.server.socket), &nobody, sizeof(nobody)), ==,
			0);
	test_error(tls_recv_some(test, link.client.socket, &(char){ 0 }, 1), -ECONNRESET);
	test_error(fend_socket_recv(link.client.socket, &(char){ 0 }, 1, 0), -ECONNRESET);
	test_error(fend_socket_send(link.client.socket, "x", 1, 0), -ECONNRESET);
	link_fini(&link);
}

static void
test_forged_record(struct test *test)
{
	unsigned char forged[37] = { 23, 3, 3, 0, 32 };
	struct link link;

	link_open(&link, test, NULL, NULL);
	g_assert_cmpint(send(fend_socket_fd(link.server.socket), forged, sizeof(forged), 0), ==,
			sizeof(forged));
	test_error(tls_recv_some(test, link.client.socket, &(char){ 0 }, 1), -EPROTO);
	assert_text(&link.client, "a record does not decrypt");
	g_assert_cmpint(fend_tls_error(link.client.socket)->alert, ==, 20);
	test_error(tls_recv_some(test, link.server.socket, &(char){ 0 }, 1), -EPROTO);
	assert_text(&link.server, "peer sent alert bad_record_mac");
	link_fini(&link);
}

static void
test_plain_text_after_the_handshake(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	g_assert_cmpint(send(fend_socket_fd(link.server.socket), "HTTP/1.1 200 OK\r\n", 17, 0), ==,
			17);
	test_error(tls_recv_some(test, link.client.socket, &(char){ 0 }, 1), -EPROTO);
	link_fini(&link);
}

/* Writing to somebody who is gone is an error, and no signal. */
static void
test_no_signal(struct test *test)
{
	struct sigaction action;
	struct link link;
	ssize_t n;

	g_assert_cmpint(sigaction(SIGPIPE, NULL, &action), ==, 0);
	g_assert_true(action.sa_handler == SIG_DFL);
	link_open(&link, test, NULL, NULL);
	link.server.socket = fend_socket_free(link.server.socket);
	do
		n = fend_socket_send(link.client.socket, "x", 1, 0);
	while (n == 1);
	g_assert_true(n == -EPIPE || n == -ECONNRESET);
	test_error(fend_socket_send(link.client.socket, "x", 1, 0), n);
	test_error(fend_socket_shutdown(link.client.socket, SHUT_WR), n);
	link_fini(&link);
}

static void
on_done_free_all(struct fend_socket *socket, int err, void *data)
{
	struct link *link = data;

	link_fini(link);
	link->test->loop = fend_loop_free(link->test->loop);
	link->test->done = 1;
}

static void
test_free_all_in_the_callback(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	shut(&link.server, FEND_FOREVER);
	test_ok(fend_tls_shutdown(link.client.socket, test->loop, FEND_FOREVER, on_done_free_all,
				  &link));
	while (test->loop)
		fend_loop_dispatch(test->loop, FEND_SEC(20));
}

/* After the loop is gone everything says so, and freeing still says close_notify. */
static void
test_after_the_loop(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	test->loop = fend_loop_free(test->loop);
	test_error(fend_socket_send(link.client.socket, "x", 1, 0), -ESHUTDOWN);
	test_error(fend_socket_recv(link.client.socket, &(char){ 0 }, 1, 0), -ESHUTDOWN);
	g_assert_nonnull(fend_tls_get(link.client.socket, FEND_TLS_CIPHER));
	link_fini(&link);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_ways("/shutdown/waiting-costs-nothing", test_waiting_costs_nothing);
	variant_add_ways("/shutdown/both-sides", test_both_sides);
	variant_add_ways("/shutdown/waits-for-the-peer", test_waits_for_the_peer);
	variant_add_ways("/shutdown/peer-says-nothing", test_peer_says_nothing);
	variant_add_ways("/shutdown/peer-cuts-off", test_peer_cuts_off);
	variant_add_ways("/shutdown/bad-calls", test_bad_calls);
	variant_add_ways("/shutdown/half-close", test_half_close);
	variant_add_ways("/shutdown/half-close-behind-data", test_half_close_behind_data);
	variant_add_all("/shutdown/behind-data", test_shutdown_behind_data);
	variant_add_ways("/shutdown/deaf", test_deaf);
	variant_add_ways("/shutdown/deaf-parting", test_deaf_parting);
	variant_add_all("/shutdown/free", test_free);
	variant_add_all("/shutdown/free-with-no-room", test_free_with_no_room);
	variant_add_ways("/shutdown/truncation", test_truncation);
	variant_add_ways("/shutdown/truncation-in-a-record", test_truncation_in_a_record);
	variant_add_ways("/shutdown/truncation-allowed", test_truncation_allowed);
	variant_add_ways("/shutdown/reset", test_reset);
	variant_add_ways("/shutdown/forged-record", test_forged_record);
	variant_add_ways("/shutdown/plain-text-after-the-handshake",
			 test_plain_text_after_the_handshake);
	variant_add_all("/shutdown/no-signal", test_no_signal);
	variant_add_ways("/shutdown/free-all-in-the-callback", test_free_all_in_the_callback);
	variant_add_ways("/shutdown/after-the-loop", test_after_the_loop);
	return g_test_run();
}
