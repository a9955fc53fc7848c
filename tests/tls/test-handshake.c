/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <errno.h>
#include <pthread.h>
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

/* The server's order decides. */
static void
test_groups(struct test *test)
{
	/* clang-format off */
	static const struct {
		const char *client, *server, *group;
	} cases[] = {
		{NULL, NULL, "X25519"},
		{"P-256", NULL, "P-256"},
		{NULL, "P-384", "P-384"},
		{"P-521", "P-521", "P-521"},
		{"X25519:X448", "X448", "X448"},
	};
	/* clang-format on */
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		client.groups = cases[i].client;
		server.groups = cases[i].server;
		link_open(&link, test, &client, &server);
		g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_GROUP), ==,
				cases[i].group);
		g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_GROUP), ==,
				cases[i].group);
		link_fini(&link);
	}
}

static void
test_ciphers(struct test *test)
{
	static const struct {
		const char *client, *server;
		const char *cipher_1_2, *cipher_1_3;
	} cases[] = {
		{ NULL, NULL, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384" },
		{ "AES-256-GCM:AES-128-GCM", "AES-128-GCM:AES-256-GCM",
		  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256" },
		{ "CHACHA20-POLY1305", NULL, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
		  "TLS_CHACHA20_POLY1305_SHA256" },
	};
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;
	size_t i;

	for (i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
		client.ciphers = cases[i / 2].client;
		server.ciphers = cases[i / 2].server;
		client.protocol_max = i % 2 ? FEND_TLS_1_3 : FEND_TLS_1_2;
		link_open(&link, test, &client, &server);
		g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_CIPHER), ==,
				i % 2 ? cases[i / 2].cipher_1_3 : cases[i / 2].cipher_1_2);
		g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_CIPHER), ==,
				fend_tls_get(link.client.socket, FEND_TLS_CIPHER));
		link_fini(&link);
	}
}

static void
test_provider(struct test *test)
{
	struct link link;

	if (g_getenv("FEND_TEST_PROVIDER"))
		g_assert_true(g_str_has_prefix(fend_tls_get(NULL, FEND_TLS_PROVIDER),
					       g_getenv("FEND_TEST_PROVIDER")));
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
test_nothing_in_common(struct test *test)
{
	static const enum fend_tls_version versions[] = { FEND_TLS_1_2, FEND_TLS_1_3 };
	struct fend_tls_params client = client_params(), server = server_params();
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(versions); i++) {
		client.protocol_max = versions[i];
		client.ciphers = "CHACHA20-POLY1305";
		server.ciphers = "AES-128-GCM:AES-256-GCM";
		assert_both_fail(test, &client, &server, -EPROTO, -EPROTO);
		client.ciphers = server.ciphers = NULL;
		client.groups = "X25519:P-256";
		server.groups = "P-384";
		assert_both_fail(test, &client, &server, -EPROTO, -EPROTO);
		client.groups = server.groups = NULL;
	}
}

static void
test_one_byte_at_a_time(struct test *test)
{
	static const enum fend_tls_version versions[] = { FEND_TLS_1_2, FEND_TLS_1_3 };
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
	test_error(fend_socket_recv(link.client.socket, &(char){ 0 }, 1, 0), -EAGAIN);
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
	struct told told = { 0 };
	struct link link;

	test_ok(fend_loop_new(NULL, &other));
	link_init(&link, test);
	test_ok(fend_socket_watch(link.client.socket, other, FEND_IN, on_told, &told));
	link_wrap(&link, NULL, NULL, NULL);
	test_error(fend_tls_handshake(link.client.socket, test->loop, 0, on_done, NULL), -EINVAL);
	link_fini(&link);
	fend_loop_free(other);
}

/* A thread with a loop and sockets of its own, but other people's contexts. */
struct worker {
	pthread_t thread;
	struct fend_tls_context *client, *server;
	int client_error;
};

static void *
work(void *data)
{
	struct worker *worker = data;
	struct test test = { 0 };
	struct link link;

	test_ok(fend_loop_new(NULL, &test.loop));
	link_init_unix(&link, &test);
	test_ok(fend_tls_wrap(link.client.socket, worker->client, "localhost"));
	test_ok(fend_tls_wrap(link.server.socket, worker->server, NULL));
	link_handshake(&link);
	worker->client_error = link.client.err;
	link_fini(&link);
	fend_loop_free(test.loop);
	return NULL;
}

/* One client's context has yet to load the system's trust, and all threads want it at once. */
static void
test_contexts_of_several_threads(struct test *test)
{
	struct fend_tls_params trusting = client_params(), system = client_params();
	struct fend_tls_params server = server_params();
	struct fend_tls_context *contexts[3];
	struct worker workers[8];
	size_t i;

	system.cafile = NULL;
	contexts[0] = context_new(&trusting);
	contexts[1] = context_new(&system);
	contexts[2] = context_new(&server);
	for (i = 0; i < G_N_ELEMENTS(workers); i++) {
		workers[i].client = contexts[i % 2];
		workers[i].server = contexts[2];
		g_assert_cmpint(pthread_create(&workers[i].thread, NULL, work, &workers[i]), ==, 0);
	}
	for (i = 0; i < G_N_ELEMENTS(workers); i++) {
		g_assert_cmpint(pthread_join(workers[i].thread, NULL), ==, 0);
		test_error(workers[i].client_error, i % 2 ? -EKEYREJECTED : 0);
	}
	for (i = 0; i < G_N_ELEMENTS(contexts); i++)
		fend_tls_context_unref(contexts[i]);
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
	variant_add_each_way("/handshake/versions-and-keys", test_versions_and_keys);
	variant_add_each_way("/handshake/groups", test_groups);
	variant_add_each_way("/handshake/ciphers", test_ciphers);
	variant_add("/handshake/provider", test_provider);
	variant_add_each_way("/handshake/no-common-version", test_no_common_version);
	variant_add_each_way("/handshake/nothing-in-common", test_nothing_in_common);
	variant_add("/handshake/one-byte-at-a-time", test_one_byte_at_a_time);
	variant_add("/handshake/over-a-layer-that-holds", test_over_a_layer_that_holds);
	variant_add("/handshake/before-it", test_before_the_handshake);
	variant_add("/handshake/bad-calls", test_bad_calls);
	variant_add("/handshake/another-loop", test_another_loop);
	variant_add("/handshake/contexts-of-several-threads", test_contexts_of_several_threads);
	variant_add("/handshake/keys-are-not-logged", test_keys_are_not_logged);
	return g_test_run();
}
