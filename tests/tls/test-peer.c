/* SPDX-License-Identifier: MIT */
/* Handshakes with those who do not want one, or cannot. */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void
test_silent_peer(struct test *test)
{
	fend_time start = fend_now();
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_MS(30), on_done,
				   &link.client));
	test_run(test);
	test_error(link.client.err, -ETIMEDOUT);
	g_assert_cmpint(fend_now() - start, >=, FEND_MS(30));
	assert_text(&link.client, "handshake not done in time");
	test_error(fend_socket_recv(link.client.socket, &(char){ 0 }, 1, 0), -ETIMEDOUT);
	test_error(fend_socket_send(link.client.socket, "x", 1, 0), -ETIMEDOUT);
	test_error(fend_socket_shutdown(link.client.socket, SHUT_WR), -ETIMEDOUT);
	test_error(fend_tls_shutdown(link.client.socket, test->loop, 0, on_done, NULL), -ENOTCONN);
	test_error(fend_tls_handshake(link.client.socket, test->loop, 0, on_done, NULL), -EALREADY);
	link_fini(&link);
}

static void
test_no_time_at_all(struct test *test)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, 0, on_done, &link.client));
	g_assert_cmpint(link.client.called, ==, 0);
	test_run(test);
	test_error(link.client.err, -ETIMEDOUT);
	link_fini(&link);
}

/* side does TLS, the other end sends this and closes if it is told to. */
static void
meet_bytes(struct test *test, bool client, const void *bytes, size_t size, bool end, int error,
	   const char *text)
{
	struct link link;
	struct side *side = client ? &link.client : &link.server;
	struct fend_socket *peer;
	struct fend_tls_params params = client ? client_params() : server_params();
	struct fend_tls_context *context = context_new(&params);

	link_init(&link, test);
	peer = client ? link.server.socket : link.client.socket;
	test_ok(fend_tls_wrap(side->socket, context, client ? "localhost" : NULL));
	test_ok(fend_tls_handshake(side->socket, test->loop, FEND_SEC(30), on_done, side));
	g_assert_cmpint(fend_socket_send(peer, bytes, size, 0), ==, size);
	if (end)
		test_ok(fend_socket_shutdown(peer, SHUT_WR));
	test_run(test);
	g_assert_cmpint(side->called, ==, 1);
	test_error(side->err, error);
	assert_text(side, text);
	test_error(fend_socket_recv(side->socket, &(char){ 0 }, 1, 0), error);
	test_error(fend_socket_send(side->socket, "x", 1, 0), error);
	link_fini(&link);
	fend_tls_context_unref(context);
}

static void
test_peer_without_tls(struct test *test)
{
	static const char response[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static const char banner[] = "220 localhost ESMTP\r\n";

	meet_bytes(test, true, response, strlen(response), false, -EPROTO,
		   "peer does not speak TLS");
	meet_bytes(test, true, response, strlen(response), true, -EPROTO,
		   "peer does not speak TLS");
	meet_bytes(test, true, banner, strlen(banner), false, -EPROTO, "peer does not speak TLS");
	meet_bytes(test, false, request, strlen(request), false, -EPROTO,
		   "peer does not speak TLS");
}

static void
test_garbage(struct test *test)
{
	/* a handshake record that is none, one that is too long, one whose content is nonsense */
	static const unsigned char bad_version[] = { 22, 9, 9, 0, 4, 1, 2, 3, 4 };
	static const unsigned char too_long[] = { 22, 3, 3, 0xff, 0xff, 1, 2, 3, 4 };
	static const unsigned char nonsense[] = { 22, 3, 3, 0, 5, 77, 0, 0, 1, 1 };
	static const unsigned char early_data[] = { 23, 3, 3, 0, 4, 1, 2, 3, 4 };

	meet_bytes(test, true, bad_version, sizeof(bad_version), false, -EPROTO, "");
	meet_bytes(test, true, too_long, sizeof(too_long), false, -EPROTO, "");
	meet_bytes(test, true, nonsense, sizeof(nonsense), false, -EPROTO, "");
	meet_bytes(test, true, early_data, sizeof(early_data), false, -EPROTO, "");
	meet_bytes(test, false, bad_version, sizeof(bad_version), false, -EPROTO, "");
	meet_bytes(test, false, too_long, sizeof(too_long), false, -EPROTO, "");
	meet_bytes(test, false, nonsense, sizeof(nonsense), false, -EPROTO, "");
	meet_bytes(test, false, early_data, sizeof(early_data), false, -EPROTO, "");
}

static void
test_peer_closes(struct test *test)
{
	static const unsigned char start[] = { 22, 3, 3, 0, 100, 2 };

	meet_bytes(test, true, "", 0, true, -EBADMSG, "peer closed the connection");
	meet_bytes(test, false, "", 0, true, -EBADMSG, "peer closed the connection");
	meet_bytes(test, true, start, sizeof(start), true, -EBADMSG, "peer closed the connection");
}

static void
test_alert_from_a_peer(struct test *test)
{
	static const unsigned char fatal[] = { 21, 3, 3, 0, 2, 2, 40 };
	static const unsigned char unheard_of[] = { 21, 3, 3, 0, 2, 2, 200 };

	meet_bytes(test, true, fatal, sizeof(fatal), false, -EPROTO,
		   "peer sent alert handshake_failure");
	meet_bytes(test, true, unheard_of, sizeof(unheard_of), false, -EPROTO,
		   "peer sent alert unknown");
}

static void
test_reset(struct test *test)
{
	static const struct linger at_once = { .l_onoff = 1 };
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER, on_done,
				   &link.client));
	test_ok(fend_socket_set_option(link.server.socket, SOL_SOCKET, SO_LINGER, &at_once,
				       sizeof(at_once)));
	link.server.socket = fend_socket_free(link.server.socket);
	test_run(test);
	g_assert_true(link.client.err == -ECONNRESET || link.client.err == -EPIPE);
	test_error(fend_socket_recv(link.client.socket, &(char){ 0 }, 1, 0), link.client.err);
	link_fini(&link);
}

/* A handshake message that announces 16 MiB, in records of 1 KiB, as much of it as is taken. */
static void
meet_endless_message(struct test *test, bool client)
{
	static const unsigned char head[] = { 22, 3, 3, 4, 0 };
	unsigned char record[5 + 1024] = { 0 };
	struct link link;
	struct side *side = client ? &link.client : &link.server;
	struct fend_tls_params params = client ? client_params() : server_params();
	struct fend_tls_context *context = context_new(&params);
	struct fend_socket *peer;
	size_t position = 0, sent = 0;

	link_init(&link, test);
	peer = client ? link.server.socket : link.client.socket;
	test_ok(fend_tls_wrap(side->socket, context, client ? "localhost" : NULL));
	test_ok(fend_tls_handshake(side->socket, test->loop, FEND_SEC(30), on_done, side));
	memcpy(record, head, sizeof(head));
	memcpy(record + 5, client ? "\x02\xff\xff\xff" : "\x01\xff\xff\xff", 4);
	while (!test->done && sent < (4 << 20)) {
		ssize_t n = fend_socket_send(peer, record + position, sizeof(record) - position, 0);

		if (n > 0) {
			sent += (size_t)n;
			position += (size_t)n;
		}
		if (position == sizeof(record)) {
			position = 0;
			memset(record + 5, 0, 4);
		}
		test_ok(fend_loop_dispatch(test->loop, 0));
	}
	g_assert_cmpint(test->done, ==, 1);
	test->done = 0;
	test_error(side->err, -EPROTO);
	g_assert_cmpuint(sent, <, 2 << 20);
	link_fini(&link);
	fend_tls_context_unref(context);
}

static void
test_endless_message(struct test *test)
{
	meet_endless_message(test, false);
	meet_endless_message(test, true);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/peer/silent", test_silent_peer);
	variant_add("/peer/no-time-at-all", test_no_time_at_all);
	variant_add("/peer/without-tls", test_peer_without_tls);
	variant_add("/peer/garbage", test_garbage);
	variant_add("/peer/closes", test_peer_closes);
	variant_add("/peer/endless-message", test_endless_message);
	variant_add("/peer/alert", test_alert_from_a_peer);
	variant_add("/peer/reset", test_reset);
	return g_test_run();
}
