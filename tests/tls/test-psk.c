/* SPDX-License-Identifier: MIT */
/* Connections by pre-shared keys, and which there are none of. */
#include "link.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <fend/memory.h>

#include "fault.h"

static const unsigned char key_a[32] = "a key of thirty-two random bytes";
static const unsigned char key_b[16] = "sixteen of them.";

static const struct fend_tls_psk psk_a = { "a", key_a, sizeof(key_a) };
static const struct fend_tls_psk psk_b = { "b", key_b, sizeof(key_b) };

static struct fend_tls_params
params_for(enum fend_tls_mode mode, const struct fend_tls_psk *psks, size_t n)
{
	return (struct fend_tls_params){
		.size = sizeof(struct fend_tls_params),
		.mode = mode,
		.psks = psks,
		.psks_count = n,
		.protocol_min = mode == FEND_TLS_CLIENT ? variant.version : 0,
		.protocol_max = mode == FEND_TLS_CLIENT ? variant.version : 0,
	};
}

/* A handshake of a client with this key and a server with those. */
static void
meet(struct link *link, struct test *test, const struct fend_tls_psk *psk,
     const struct fend_tls_psk *psks, size_t n)
{
	struct fend_tls_params client = params_for(FEND_TLS_CLIENT, psk, 1);
	struct fend_tls_params server = params_for(FEND_TLS_SERVER, psks, n);

	link_init(link, test);
	link_wrap(link, &client, &server, NULL);
	link_handshake(link);
}

static void
assert_known_as(struct link *link, const char *identity)
{
	test_error(link->client.err, 0);
	test_error(link->server.err, 0);
	g_assert_cmpstr(fend_tls_get(link->server.socket, FEND_TLS_IDENTITY), ==, identity);
	g_assert_cmpstr(fend_tls_get(link->client.socket, FEND_TLS_IDENTITY), ==, identity);
}

static void
test_connects(struct test *test)
{
	struct link link;
	const void *der;
	void *data;
	size_t size;

	meet(&link, test, &psk_a, &psk_a, 1);
	assert_known_as(&link, "a");
	link_exchange(&link);
	if (variant.version == FEND_TLS_1_2)
		g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_CIPHER), ==,
				"TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256");
	else
		g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_CIPHER), ==,
				"TLS_CHACHA20_POLY1305_SHA256");
	g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_GROUP), ==, "X25519");
	g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_SNI), ==, "localhost");
	test_error(fend_tls_peer_certificate(link.client.socket, 0, &der, &size), -ENOENT);
	test_error(fend_tls_peer_certificate(link.server.socket, 0, &der, &size), -ENOENT);
	test_error(fend_tls_session(link.client.socket, &data, &size), -ENOENT);
	g_assert_false(fend_tls_is_resumed(link.client.socket));
	g_assert_false(fend_tls_is_resumed(link.server.socket));
	link_fini(&link);
}

static void
test_keys_are_exported_and_bound(struct test *test)
{
	unsigned char data[2][64];
	struct link link;
	ssize_t n;

	meet(&link, test, &psk_a, &psk_a, 1);
	assert_known_as(&link, "a");
	test_ok(fend_tls_export(link.client.socket, "test", NULL, 0, data[0], 32));
	test_ok(fend_tls_export(link.server.socket, "test", NULL, 0, data[1], 32));
	g_assert_cmpmem(data[0], 32, data[1], 32);
	n = fend_tls_binding(link.client.socket, FEND_TLS_BINDING_EXPORTER, data[0], 64);
	g_assert_cmpint(n, ==, 32);
	n = fend_tls_binding(link.client.socket, FEND_TLS_BINDING_END_POINT, data[0], 64);
	g_assert_cmpint(n, ==, -ENOTSUP);
	n = fend_tls_binding(link.server.socket, FEND_TLS_BINDING_END_POINT, data[0], 64);
	g_assert_cmpint(n, ==, -ENOTSUP);
	link_fini(&link);
}

static void
test_any_cipher_that_goes(struct test *test)
{
	struct fend_tls_params client = params_for(FEND_TLS_CLIENT, &psk_a, 1);
	struct fend_tls_params server = params_for(FEND_TLS_SERVER, &psk_a, 1);
	struct link link;

	server.ciphers = "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305";
	server.groups = "P-384";
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	assert_known_as(&link, "a");
	g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_GROUP), ==, "P-384");
	if (variant.version != FEND_TLS_1_2)
		g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_CIPHER), ==,
				"TLS_AES_128_GCM_SHA256");
	link_fini(&link);
}

/* Of CHACHA20-POLY1305 TLS 1.2 has its only cipher here. */
static void
test_without_chacha_there_is_no_1_2(struct test *test)
{
	struct fend_tls_params client = params_for(FEND_TLS_CLIENT, &psk_a, 1);
	struct fend_tls_params server = params_for(FEND_TLS_SERVER, &psk_a, 1);
	struct link link;

	server.ciphers = "AES-128-GCM";
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	if (variant.version == FEND_TLS_1_2) {
		test_error(link.server.err, -EPROTO);
		test_error(link.client.err, -EPROTO);
		assert_text(&link.server, "no protocol version");
	} else {
		assert_known_as(&link, "a");
	}
	link_fini(&link);
}

/* A server finds each of many, whatever the length, and by the whole of the identity. */
static void
test_one_of_many(struct test *test)
{
	enum { N = 300 };
	struct fend_tls_psk *psks = g_new0(struct fend_tls_psk, N), longest;
	static const size_t wanted[] = { 0, 7, N - 1 };
	unsigned char key[64];
	char *text = g_strnfill(128, 'x');
	struct link link;
	size_t i;

	for (i = 0; i < N; i++) {
		char *identity = g_strdup_printf("client %zu", i);
		unsigned char *each = g_malloc(16);

		memset(each, (int)i, 16);
		psks[i] = (struct fend_tls_psk){ identity, each, 16 };
	}
	for (i = 0; i < G_N_ELEMENTS(wanted); i++) {
		meet(&link, test, &psks[wanted[i]], psks, N);
		assert_known_as(&link, psks[wanted[i]].identity);
		link_fini(&link);
	}
	memset(key, 'k', sizeof(key));
	longest = (struct fend_tls_psk){ text, key, sizeof(key) };
	meet(&link, test, &longest, &longest, 1);
	assert_known_as(&link, text);
	link_fini(&link);
	for (i = 0; i < N; i++) {
		g_free((gpointer)psks[i].identity);
		g_free((gpointer)psks[i].key);
	}
	g_free(psks);
	g_free(text);
}

static void
test_first_of_two(struct test *test)
{
	const struct fend_tls_psk psks[] = { { "a", key_a, sizeof(key_a) }, { "a", key_b, 16 } };
	struct link link;

	meet(&link, test, &psk_a, psks, 2);
	assert_known_as(&link, "a");
	link_fini(&link);
	meet(&link, test, &psks[1], psks, 2);
	test_error(link.server.err, -EKEYREJECTED);
	link_fini(&link);
}

/* What a client that is refused sees must not depend on why. */
static void
test_unknown_identity_looks_like_a_wrong_key(struct test *test)
{
	const struct fend_tls_psk psks[] = { psk_a, psk_b };
	const struct fend_tls_psk refused[] = {
		{ "a", key_b, sizeof(key_b) },
		{ "c", key_a, sizeof(key_a) },
		{ "aa", key_a, sizeof(key_a) },
	};
	int alert = variant.version == FEND_TLS_1_2 ? 20 : 47;
	const struct fend_tls_error *error;
	struct link link;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(refused); i++) {
		meet(&link, test, &refused[i], psks, 2);
		test_error(link.server.err, -EKEYREJECTED);
		error = fend_tls_error(link.server.socket);
		g_assert_cmpstr(error->text, ==, "the peer's pre-shared key is unknown or wrong");
		g_assert_cmpint(error->alert, ==, alert);
		g_assert_false(error->from_peer);
		g_assert_cmpuint(error->faults, ==, 0);
		g_assert_null(fend_tls_get(link.server.socket, FEND_TLS_IDENTITY));

		test_error(link.client.err, -EPROTO);
		error = fend_tls_error(link.client.socket);
		g_assert_cmpint(error->alert, ==, alert);
		g_assert_true(error->from_peer);
		g_assert_null(fend_tls_get(link.client.socket, FEND_TLS_IDENTITY));
		link_fini(&link);
	}
}

static void
test_certificates_do_not_do(struct test *test)
{
	struct fend_tls_params client = params_for(FEND_TLS_CLIENT, &psk_a, 1);
	struct fend_tls_params server = params_for(FEND_TLS_SERVER, &psk_a, 1);
	struct link link;

	link_init(&link, test);
	link_wrap(&link, &client, NULL, NULL);
	link_handshake(&link);
	test_error(link.client.err, -EPROTO);
	test_error(link.server.err, -EPROTO);
	assert_text(&link.client, variant.version == FEND_TLS_1_2
					  ? "peer sent alert handshake_failure"
					  : "peer does not use a pre-shared key");
	g_assert_cmpint(fend_tls_error(link.server.socket)->alert, ==, 40);
	link_fini(&link);

	link_init(&link, test);
	link_wrap(&link, NULL, &server, NULL);
	link_handshake(&link);
	test_error(link.client.err, -EPROTO);
	test_error(link.server.err, -EPROTO);
	assert_text(&link.server, variant.version == FEND_TLS_1_2
					  ? "no protocol version or cipher suite in common"
					  : "peer does not use a pre-shared key");
	g_assert_cmpint(fend_tls_error(link.client.socket)->alert, ==, 40);
	link_fini(&link);
}

static void
test_no_name_is_needed(struct test *test)
{
	struct fend_tls_params params = params_for(FEND_TLS_CLIENT, &psk_a, 1);
	struct fend_tls_context *context = context_new(&params);
	struct link link;

	link_init(&link, test);
	test_ok(fend_tls_wrap(link.client.socket, context, NULL));
	fend_tls_context_unref(context);
	params = params_for(FEND_TLS_SERVER, &psk_a, 1);
	params.psk_hint = "whoever you are";
	context = context_new(&params);
	test_ok(fend_tls_wrap(link.server.socket, context, NULL));
	fend_tls_context_unref(context);
	link_handshake(&link);
	assert_known_as(&link, "a");
	link_fini(&link);
}

static void
on_hello(struct fend_socket *socket, const char *name, void *data)
{
	g_assert_cmpstr(name, ==, "localhost");
	test_ok(fend_tls_answer(socket, data));
}

static void
test_chosen_by_name(struct test *test)
{
	struct fend_tls_params client = params_for(FEND_TLS_CLIENT, &psk_a, 1);
	struct fend_tls_params server = params_for(FEND_TLS_SERVER, &psk_a, 1);
	struct fend_tls_context *context = context_new(&server);
	struct link link;

	server = server_params();
	server.hello = on_hello;
	server.hello_data = context;
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	assert_known_as(&link, "a");
	link_exchange(&link);
	link_fini(&link);
	fend_tls_context_unref(context);
}

static void
refused(struct fend_tls_params params, const char *text)
{
	struct fend_tls_context *context = NULL;
	char *reason = NULL;

	test_error(fend_tls_context_new(&params, &reason, &context), -EINVAL);
	if (!strstr(reason, text))
		g_error("\"%s\" instead of \"%s\"", reason, text);
	g_assert_null(context);
	fend_free(reason);
}

static void
test_parameters(struct test *test)
{
	const struct fend_tls_params client = params_for(FEND_TLS_CLIENT, &psk_a, 1);
	const struct fend_tls_params server = params_for(FEND_TLS_SERVER, &psk_a, 1);
	const struct fend_tls_psk psks[] = { psk_a, psk_b };
	char text[130] = "";
	struct fend_tls_psk psk = psk_a;
	struct fend_tls_params params;

	refused(params_for(FEND_TLS_SERVER, NULL, 1), "psks: NULL");
	refused(params_for(FEND_TLS_CLIENT, psks, 2), "psks: a client has one");
	params = params_for(FEND_TLS_CLIENT, &psk, 1);
	psk.identity = NULL;
	refused(params, "psks[0].identity: not between 1 and 128 bytes");
	psk.identity = "";
	refused(params, "psks[0].identity: not between 1 and 128 bytes");
	memset(text, 'x', 129);
	psk.identity = text;
	refused(params, "psks[0].identity: not between 1 and 128 bytes");
	psk = (struct fend_tls_psk){ "a", NULL, 16 };
	refused(params, "psks[0].key: not between 16 and 64 bytes");
	psk = (struct fend_tls_psk){ "a", key_a, 15 };
	refused(params, "psks[0].key: not between 16 and 64 bytes");
	psk = (struct fend_tls_psk){ "a", text, 65 };
	refused(params, "psks[0].key: not between 16 and 64 bytes");

	params = server;
	params.certificates = keypair_of(certificate_ec());
	params.certificates_count = 1;
	refused(params, "certificates: psks are used in their place");
	params = client;
	params.cafile = certificate_ca();
	refused(params, "verify: with psks");
	params = client;
	params.verify = FEND_TLS_VERIFY_REQUIRE;
	refused(params, "verify: with psks");
	params = server;
	params.ticket_secret = key_a;
	refused(params, "ticket_secret: with psks");
	params = client;
	params.psk_hint = "hint";
	refused(params, "psk_hint: is for servers with psks");
	params = server_params();
	params.psk_hint = "hint";
	refused(params, "psk_hint: is for servers with psks");
	params = server;
	params.psk_hint = text;
	refused(params, "psk_hint: more than 128 bytes");
	params = server;
	params.ciphers = "AES-256-GCM";
	refused(params, "ciphers: none that goes with psks");
	params = server;
	params.ciphers = "AES-128-GCM";
	params.protocol_max = FEND_TLS_1_2;
	refused(params, "ciphers: none that goes with psks in TLS 1.2");
}

/* The allocator that fend is given looks at what it gets back. */
struct block {
	size_t size;
	max_align_t data[];
};

static size_t dirty;

static void *
reallocate(void *pointer, size_t size, void *data)
{
	struct block *old =
		pointer ? (struct block *)((char *)pointer - offsetof(struct block, data)) : NULL;
	struct block *block = NULL;

	if (size) {
		block = calloc(1, sizeof(*block) + size);
		if (!block)
			return NULL;
		block->size = size;
	}
	if (block && old)
		memcpy(block->data, old->data, MIN(size, old->size));
	if (old && memmem(old->data, old->size, key_a, sizeof(key_a)))
		dirty++;
	free(old);
	return block ? block->data : NULL;
}

static void
test_keys_are_wiped(struct test *test)
{
	struct link link;

	dirty = 0;
	meet(&link, test, &psk_a, &psk_a, 1);
	assert_known_as(&link, "a");
	link_fini(&link);
	g_assert_cmpuint(dirty, ==, 0);
}

static void
test_every_failing_allocation(struct test *test)
{
	struct fend_tls_params params = params_for(FEND_TLS_SERVER, &psk_a, 1);

	params.psk_hint = "hint";
	g_assert_cmpuint(context_fail_each_allocation(test, &params), >, 3);
}

int
main(int argc, char **argv)
{
	test_ok(fend_set_allocator(reallocate, NULL));
	test_init(&argc, &argv);
	variant_add_ways("/psk/connects", test_connects);
	variant_add_versions_each_way("/psk/keys-are-exported-and-bound",
				      test_keys_are_exported_and_bound);
	variant_add_versions_each_way("/psk/any-cipher-that-goes", test_any_cipher_that_goes);
	variant_add_versions_each_way("/psk/without-chacha-there-is-no-1.2",
				      test_without_chacha_there_is_no_1_2);
	variant_add_versions_each_way("/psk/one-of-many", test_one_of_many);
	variant_add_versions_each_way("/psk/first-of-two", test_first_of_two);
	variant_add_versions_each_way("/psk/unknown-identity-looks-like-a-wrong-key",
				      test_unknown_identity_looks_like_a_wrong_key);
	variant_add_versions_each_way("/psk/certificates-do-not-do", test_certificates_do_not_do);
	variant_add_versions_each_way("/psk/no-name-is-needed", test_no_name_is_needed);
	variant_add_versions_each_way("/psk/chosen-by-name", test_chosen_by_name);
	variant_add("/psk/parameters", test_parameters);
	variant_add("/psk/keys-are-wiped", test_keys_are_wiped);
	variant_add("/psk/every-failing-allocation", test_every_failing_allocation);
	return g_test_run();
}
