/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "layers.h"
#include "pair.h"
#include "process.h"

/* One handshake of each version with each kind of key, and what it agreed on. */
static void
run_version(struct test *test, enum fend_tls_version version, const struct certificate *certificate)
{
	struct fend_tls_params client = client_params(), server = server_params();
	const char *const protocol = version == FEND_TLS_1_2 ? "TLSv1.2" : "TLSv1.3";
	struct link link;
	const char *cipher;

	client.protocol_max = version;
	server.protocol_min = version;
	server.certificates = keypair_of(certificate);
	link_open(&link, test, &client, &server);
	link_exchange(&link);
	g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_PROTOCOL), ==, protocol);
	g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_PROTOCOL), ==, protocol);
	cipher = fend_tls_get(link.client.socket, FEND_TLS_CIPHER);
	g_assert_true(
		g_str_has_prefix(cipher, version == FEND_TLS_1_2 ? "TLS_ECDHE_" : "TLS_AES_"));
	g_assert_nonnull(strstr(cipher, "_GCM_"));
	g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_CIPHER), ==, cipher);
	g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_GROUP), ==, "X25519");
	g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_SNI), ==, "localhost");
	g_assert_null(fend_tls_get(link.client.socket, FEND_TLS_ALPN));
	g_assert_cmpint(fend_tls_error(link.client.socket)->err, ==, 0);
	g_assert_cmpint(fend_tls_error(link.client.socket)->alert, ==, -1);
	link_fini(&link);
}

static void
test_versions_and_keys(struct test *test)
{
	run_version(test, FEND_TLS_1_2, certificate_ec());
	run_version(test, FEND_TLS_1_2, certificate_rsa());
	run_version(test, FEND_TLS_1_3, certificate_ec());
	run_version(test, FEND_TLS_1_3, certificate_rsa());
}

static void
test_groups(struct test *test)
{
	static const char *const names[][2] = {
		{"-GROUP-ALL:+GROUP-SECP256R1", "P-256"},
		{"-GROUP-ALL:+GROUP-SECP384R1", "P-384"},
		{"-GROUP-ALL:+GROUP-SECP521R1", "P-521"},
		{"-GROUP-ALL:+GROUP-X448", "X448"},
	};
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		client.ciphers = server.ciphers = names[i][0];
		link_open(&link, test, &client, &server);
		g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_GROUP), ==, names[i][1]);
		link_fini(&link);
	}
}

static void
test_provider(struct test *test)
{
	struct link link;

	g_assert_true(g_str_has_prefix(fend_tls_get(NULL, FEND_TLS_PROVIDER), "gnutls 3."));
	link_init(&link, test);
	g_assert_null(fend_tls_get(link.client.socket, FEND_TLS_PROTOCOL));
	g_assert_null(fend_tls_error(link.client.socket));
	g_assert_null(fend_tls_error(NULL));
	link_wrap(&link, NULL, NULL, NULL);
	g_assert_null(fend_tls_get(link.client.socket, FEND_TLS_PROTOCOL));
	g_assert_null(fend_tls_get(link.client.socket, FEND_TLS_SNI));
	g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_PROVIDER), ==,
			fend_tls_get(NULL, FEND_TLS_PROVIDER));
	link_fini(&link);
}

static void
assert_both_fail(struct test *test, const struct fend_tls_params *client,
		 const struct fend_tls_params *server, int client_error, int server_error)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, client, server, NULL);
	link_handshake(&link);
	test_error(link.client.err, client_error);
	test_error(link.server.err, server_error);
	g_assert_cmpint(link.client.called, ==, 1);
	g_assert_cmpint(link.server.called, ==, 1);
	link_fini(&link);
}

static void
test_no_common_version(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;

	client.protocol_max = FEND_TLS_1_2;
	server.protocol_min = FEND_TLS_1_3;
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	test_error(link.client.err, -EPROTO);
	test_error(link.server.err, -EPROTO);
	assert_text(&link.server, "no protocol version");
	assert_text(&link.client, "peer sent alert ");
	g_assert_cmpint(fend_tls_error(link.client.socket)->alert, ==,
			fend_tls_error(link.server.socket)->alert);
	g_assert_true(fend_tls_error(link.client.socket)->from_peer);
	g_assert_false(fend_tls_error(link.server.socket)->from_peer);
	g_assert_null(fend_tls_get(link.client.socket, FEND_TLS_PROTOCOL));
	link_fini(&link);

	client = client_params();
	client.protocol_min = FEND_TLS_1_3;
	server = server_params();
	server.protocol_max = FEND_TLS_1_2;
	assert_both_fail(test, &client, &server, -EPROTO, -EPROTO);
}

static void
test_ciphers_cannot_bring_old_versions_back(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();

	client.protocol_max = FEND_TLS_1_2;
	server.protocol_min = FEND_TLS_1_3;
	client.ciphers = server.ciphers = "+VERS-TLS-ALL";
	assert_both_fail(test, &client, &server, -EPROTO, -EPROTO);
}

static void
test_no_common_cipher(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();

	client.ciphers = "-AES-128-GCM:-AES-256-GCM";
	server.ciphers = "-CHACHA20-POLY1305";
	assert_both_fail(test, &client, &server, -EPROTO, -EPROTO);
}

static void
test_one_byte_at_a_time(struct test *test)
{
	static const enum fend_tls_version versions[] = {FEND_TLS_1_2, FEND_TLS_1_3};
	struct fend_tls_params client = client_params();
	struct link link;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(versions); i++) {
		client.protocol_max = versions[i];
		link_init(&link, test);
		dribbler_push(link.client.socket);
		dribbler_push(link.server.socket);
		link_wrap(&link, &client, NULL, NULL);
		link_handshake(&link);
		test_error(link.client.err, 0);
		test_error(link.server.err, 0);
		link_exchange(&link);
		link_fini(&link);
	}
}

/* A layer that holds all it gets, so that the descriptor is silent most of the time. */
static void
test_over_a_layer_that_holds(struct test *test)
{
	struct link link;

	link_init(&link, test);
	rot13_push(link.client.socket, NULL);
	rot13_push(link.server.socket, NULL);
	link_wrap(&link, NULL, NULL, NULL);
	link_handshake(&link);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);
	link_exchange(&link);
	link_fini(&link);
}

static void
test_before_the_handshake(struct test *test)
{
	struct link link;
	char byte;

	link_init(&link, test);
	test_error(fend_tls_handshake(link.client.socket, test->loop, 0, on_done, NULL), -EINVAL);
	test_error(fend_tls_shutdown(link.client.socket, test->loop, 0, on_done, NULL), -EINVAL);
	link_wrap(&link, NULL, NULL, NULL);
	test_error(fend_socket_recv(link.client.socket, &byte, 1, 0), -ENOTCONN);
	test_error(fend_socket_peek(link.client.socket, &byte, 1), -ENOTCONN);
	test_error(fend_socket_send(link.client.socket, "x", 1, 0), -ENOTCONN);
	test_error(fend_socket_shutdown(link.client.socket, SHUT_WR), -ENOTCONN);
	test_error(fend_tls_shutdown(link.client.socket, test->loop, 0, on_done, NULL), -ENOTCONN);
	link_fini(&link);
}

static void
test_bad_calls(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct fend_tls_context *context = context_new(&params);
	struct fend_loop *other;
	struct link link;

	link_init(&link, test);
	test_error(fend_tls_wrap(NULL, context, "localhost"), -EINVAL);
	test_error(fend_tls_wrap(link.client.socket, NULL, "localhost"), -EINVAL);
	link_wrap(&link, NULL, NULL, NULL);
	test_error(fend_tls_wrap(link.client.socket, context, "localhost"), -EALREADY);
	test_error(fend_tls_handshake(NULL, test->loop, 0, on_done, NULL), -EINVAL);
	test_error(fend_tls_handshake(link.client.socket, NULL, 0, on_done, NULL), -EINVAL);
	test_error(fend_tls_handshake(link.client.socket, test->loop, 0, NULL, NULL), -EINVAL);
	test_error(fend_tls_handshake(link.client.socket, test->loop, -2, on_done, NULL), -EINVAL);

	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER, on_done,
				   &link.client));
	test_error(fend_tls_handshake(link.client.socket, test->loop, 0, on_done, NULL), -EALREADY);
	test_error(fend_tls_shutdown(link.client.socket, test->loop, 0, on_done, NULL), -EBUSY);
	test_error(fend_socket_recv(link.client.socket, &(char){0}, 1, 0), -EAGAIN);
	test_error(fend_socket_send(link.client.socket, "x", 1, 0), -EAGAIN);
	test_error(fend_socket_shutdown(link.client.socket, SHUT_WR), -ENOTCONN);
	test_error(fend_tls_wrap(link.client.socket, context, "localhost"), -EALREADY);

	test_ok(fend_loop_new(NULL, &other));
	test_error(fend_tls_handshake(link.client.socket, other, 0, on_done, NULL), -EALREADY);
	fend_loop_free(other);
	link_fini(&link);
	fend_tls_context_unref(context);
}

static void
test_another_loop(struct test *test)
{
	struct fend_loop *other;
	struct told told = {0};
	struct link link;

	test_ok(fend_loop_new(NULL, &other));
	link_init(&link, test);
	test_ok(fend_socket_watch(link.client.socket, other, FEND_IN, on_told, &told));
	link_wrap(&link, NULL, NULL, NULL);
	test_error(fend_tls_handshake(link.client.socket, test->loop, 0, on_done, NULL), -EINVAL);
	link_fini(&link);
	fend_loop_free(other);
}

static void
test_watch_is_suspended_and_resumed(struct test *test)
{
	struct told told = {0};
	struct link link;

	link_init(&link, test);
	test_ok(fend_socket_watch(link.client.socket, test->loop, FEND_IN, on_told, &told));
	link_wrap(&link, NULL, NULL, NULL);
	link_handshake(&link);
	test_error(link.client.err, 0);
	g_assert_cmpint(told.calls, ==, 0);
	test_error(fend_socket_watch(link.client.socket, test->loop, FEND_IN, on_told, &told),
		   -EBUSY);
	tls_send(test, link.server.socket, "x", 1);
	test_wait(test, &told.calls);
	g_assert_cmpuint(told.events & FEND_IN, ==, FEND_IN);
	link_fini(&link);
}

struct opener {
	struct side side;
	struct told told;
	int events_in_callback;
};

static void
on_open_watch(struct fend_socket *socket, int err, void *data)
{
	struct opener *opener = data;

	test_error(err, 0);
	/* the watch from before is in force again */
	test_error(fend_socket_watch(socket, opener->side.test->loop, FEND_IN, on_told,
				     &opener->told), -EBUSY);
	opener->events_in_callback = fend_socket_set_events(socket, FEND_OUT);
	opener->side.test->done = 1;
}

static void
test_watch_is_back_in_the_callback(struct test *test)
{
	struct opener opener = {.side.test = test};
	struct link link;

	link_init(&link, test);
	test_ok(fend_socket_watch(link.client.socket, test->loop, FEND_IN, on_told, &opener.told));
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_FOREVER, on_done,
				   &link.server));
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER, on_open_watch,
				   &opener));
	test_run(test);
	test_error(opener.events_in_callback, 0);
	test_wait(test, &opener.told.calls);
	g_assert_cmpuint(opener.told.events, ==, FEND_OUT);
	link_fini(&link);
}

/* Data right behind the server's last flight must reach a client that only watches. */
static void
on_open_send(struct fend_socket *socket, int err, void *data)
{
	struct side *side = data;

	test_error(err, 0);
	g_assert_cmpint(fend_socket_send(socket, "first words", 11, 0), ==, 11);
	side->called++;
	side->test->done = 1;
}

static void
speak_first(struct test *test, enum fend_tls_version version, bool client_speaks)
{
	struct fend_tls_params params = client_params();
	struct told told = {0};
	struct link link;
	struct side *speaker = client_speaks ? &link.client : &link.server;
	struct side *listener = client_speaks ? &link.server : &link.client;
	char data[32];

	params.protocol_max = version;
	link_init(&link, test);
	test_ok(fend_socket_watch(listener->socket, test->loop, FEND_IN, on_told, &told));
	link_wrap(&link, &params, NULL, NULL);
	test_ok(fend_tls_handshake(speaker->socket, test->loop, FEND_FOREVER, on_open_send,
				   speaker));
	test_ok(fend_tls_handshake(listener->socket, test->loop, FEND_FOREVER, on_done, listener));
	while (link.client.called + link.server.called < 2)
		test_run(test);
	test_error(listener->err, 0);
	while (fend_socket_recv(listener->socket, data, sizeof(data), 0) == -EAGAIN) {
		told.calls = 0;
		test_wait(test, &told.calls);
	}
	g_assert_cmpmem(data, 11, "first words", 11);
	link_fini(&link);
}

static void
test_data_behind_the_last_flight(struct test *test)
{
	speak_first(test, FEND_TLS_1_2, true);
	speak_first(test, FEND_TLS_1_2, false);
	speak_first(test, FEND_TLS_1_3, true);
	speak_first(test, FEND_TLS_1_3, false);
}

static void
on_done_free_socket(struct fend_socket *socket, int err, void *data)
{
	struct side *side = data;

	side->err = err;
	side->called++;
	side->socket = fend_socket_free(socket);
	side->test->done = 1;
}

static void
on_done_free_loop(struct fend_socket *socket, int err, void *data)
{
	struct side *side = data;

	on_done_free_socket(socket, err, data);
	side->test->loop = fend_loop_free(side->test->loop);
}

static void
test_free_socket_in_the_callback(struct test *test)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER,
				   on_done_free_socket, &link.client));
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_FOREVER,
				   on_done_free_socket, &link.server));
	while (link.client.called + link.server.called < 2)
		test_run(test);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, 0, on_done_free_socket,
				   &link.client));
	test_run(test);
	test_error(link.client.err, -ETIMEDOUT);
	link_fini(&link);
}

static void
test_free_loop_in_the_callback(struct test *test)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER,
				   on_done_free_loop, &link.client));
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_FOREVER, on_done,
				   &link.server));
	while (test->loop)
		fend_loop_dispatch(test->loop, FEND_SEC(20));
	test_error(link.client.err, 0);
	test_error(fend_socket_send(link.server.socket, "x", 1, 0), -ESHUTDOWN);
	link_fini(&link);
}

static void
test_free_loop_in_the_middle(struct test *test)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER, on_done,
				   &link.client));
	test_ok(fend_loop_dispatch(test->loop, 0));
	test->loop = fend_loop_free(test->loop);
	link_fini(&link);
	g_assert_cmpint(link.client.called, ==, 0);
}

static void
test_free_socket_in_the_middle(struct test *test)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_MS(1), on_done,
				   &link.client));
	test_ok(fend_loop_dispatch(test->loop, 0));
	link_fini(&link);
	while (fend_loop_dispatch(test->loop, FEND_MS(5)) > 0)
		;
	g_assert_cmpint(link.client.called, ==, 0);
}

/* The variable is set for the whole program, since GnuTLS reads it once. */
static void
test_keys_are_not_logged(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	link_exchange(&link);
	link_fini(&link);
	g_assert_false(g_file_test(g_getenv("SSLKEYLOGFILE"), G_FILE_TEST_EXISTS));
}

int
main(int argc, char **argv)
{
	char *keys;

	test_init(&argc, &argv);
	keys = g_build_filename(test_directory(), "keys", NULL);
	g_setenv("SSLKEYLOGFILE", keys, TRUE);
	g_free(keys);
	test_add("/handshake/versions-and-keys", test_versions_and_keys);
	test_add("/handshake/groups", test_groups);
	test_add("/handshake/provider", test_provider);
	test_add("/handshake/no-common-version", test_no_common_version);
	test_add("/handshake/ciphers-cannot-bring-old-versions-back",
		 test_ciphers_cannot_bring_old_versions_back);
	test_add("/handshake/no-common-cipher", test_no_common_cipher);
	test_add("/handshake/one-byte-at-a-time", test_one_byte_at_a_time);
	test_add("/handshake/over-a-layer-that-holds", test_over_a_layer_that_holds);
	test_add("/handshake/before-it", test_before_the_handshake);
	test_add("/handshake/bad-calls", test_bad_calls);
	test_add("/handshake/another-loop", test_another_loop);
	test_add("/handshake/watch-is-suspended-and-resumed", test_watch_is_suspended_and_resumed);
	test_add("/handshake/watch-is-back-in-the-callback", test_watch_is_back_in_the_callback);
	test_add("/handshake/data-behind-the-last-flight", test_data_behind_the_last_flight);
	test_add("/handshake/free-socket-in-the-callback", test_free_socket_in_the_callback);
	test_add("/handshake/free-loop-in-the-callback", test_free_loop_in_the_callback);
	test_add("/handshake/free-loop-in-the-middle", test_free_loop_in_the_middle);
	test_add("/handshake/free-socket-in-the-middle", test_free_socket_in_the_middle);
	test_add("/handshake/keys-are-not-logged", test_keys_are_not_logged);
	return g_test_run();
}
