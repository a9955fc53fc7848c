/* SPDX-License-Identifier: MIT */
/* What is to be known of a connection besides its data. */
#include "link.h"

#include <errno.h>
#include <string.h>

#include "zoo.h"

/* The DER form of the first certificate of a file. */
static char *
der_of(const char *path, gsize *ret_size)
{
	char *text, *start, *der;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	start = strstr(text, "-----BEGIN CERTIFICATE-----\n") + 28;
	*strstr(start, "-----END") = '\0';
	der = (char *)g_base64_decode(start, ret_size);
	g_free(text);
	return der;
}

static void
assert_peer(struct fend_socket *socket, unsigned n, const char *path)
{
	const void *der = NULL, *again;
	size_t size, size_again;
	gsize expected_size;
	char *expected = der_of(path, &expected_size);

	test_ok(fend_tls_peer_certificate(socket, n, &der, &size));
	g_assert_cmpmem(der, size, expected, expected_size);
	test_ok(fend_tls_peer_certificate(socket, n, &again, &size_again));
	g_assert_cmpmem(again, size_again, der, size);
	g_free(expected);
}

static void
test_peer_certificates(struct test *test)
{
	static const struct animal inter = {
		.name = "query-inter",
		.subject = "/CN=query-inter",
		.san = "",
		.extensions = ZOO_AUTHORITY,
	};
	static const struct animal leaf = {
		.name = "query-leaf",
		.issuer = "query-inter",
		.san = "DNS:localhost",
		.others = "query-inter",
	};
	struct fend_tls_params client = client_params(), server = server_params();
	const void *der = &der;
	struct link link;
	size_t size;

	zoo_make(&inter);
	client.certificates = server.certificates = keypair_of(zoo_certificate(&leaf));
	client.certificates_count = 1;
	server.verify = FEND_TLS_VERIFY_REQUIRE;
	server.cafile = certificate_ca();
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	test_error(fend_tls_peer_certificate(link.client.socket, 0, &der, &size), -ENOTCONN);
	link_handshake(&link);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);
	assert_peer(link.client.socket, 0, zoo_path("query-leaf"));
	assert_peer(link.client.socket, 1, zoo_path("query-inter"));
	assert_peer(link.server.socket, 1, zoo_path("query-inter"));
	assert_peer(link.server.socket, 0, zoo_path("query-leaf"));
	der = &der;
	test_error(fend_tls_peer_certificate(link.client.socket, 2, &der, &size), -ENOENT);
	test_error(fend_tls_peer_certificate(link.server.socket, 2, &der, &size), -ENOENT);
	test_error(fend_tls_peer_certificate(link.server.socket, -1, &der, &size), -ENOENT);
	g_assert_true(der == &der);
	test_error(fend_tls_peer_certificate(link.client.socket, 0, NULL, &size), -EINVAL);
	test_error(fend_tls_peer_certificate(link.client.socket, 0, &der, NULL), -EINVAL);
	test_error(fend_tls_peer_certificate(NULL, 0, &der, &size), -EINVAL);
	link_fini(&link);
}

static void
test_no_peer_certificate(struct test *test)
{
	struct link link;
	const void *der;
	size_t size;

	link_open(&link, test, NULL, NULL);
	test_error(fend_tls_peer_certificate(link.server.socket, 0, &der, &size), -ENOENT);
	link_fini(&link);
}

static void
export_both(struct link *link, const char *label, const void *context, size_t size, char *ret_key)
{
	char other[48];

	test_ok(fend_tls_export(link->client.socket, label, context, size, ret_key, 48));
	test_ok(fend_tls_export(link->server.socket, label, context, size, other, 48));
	g_assert_cmpmem(ret_key, 48, other, 48);
}

static void
test_export(struct test *test)
{
	char keys[5][48], key[48] = { 0 }, large[4096];
	struct link link;
	size_t i, j;

	link_open(&link, test, NULL, NULL);
	export_both(&link, "EXPERIMENTAL fend", NULL, 0, keys[0]);
	export_both(&link, "EXPERIMENTAL fend", "", 0, keys[1]);
	export_both(&link, "EXPERIMENTAL fend", "context", 7, keys[2]);
	export_both(&link, "EXPERIMENTAL fend", "context\0", 8, keys[3]);
	export_both(&link, "EXPERIMENTAL other", NULL, 0, keys[4]);
	for (i = 0; i < 5; i++)
		for (j = 0; j < i; j++)
			if (i != 1 || j != 0) /* only TLS 1.2 tells these from each other */
				g_assert_true(memcmp(keys[i], keys[j], 48));
	g_assert_cmpint(!memcmp(keys[0], keys[1], 48), ==,
			g_str_equal(fend_tls_get(link.client.socket, FEND_TLS_PROTOCOL),
				    "TLSv1.3"));
	test_ok(fend_tls_export(link.client.socket, "EXPERIMENTAL", NULL, 0, large, 4096));
	test_error(fend_tls_export(link.client.socket, NULL, NULL, 0, key, 48), -EINVAL);
	test_error(fend_tls_export(link.client.socket, "", NULL, 0, key, 48), -EINVAL);
	test_error(fend_tls_export(link.client.socket, "x", NULL, 1, key, 48), -EINVAL);
	test_error(fend_tls_export(link.client.socket, "x", key, 4097, key, 48), -EINVAL);
	test_error(fend_tls_export(link.client.socket, "x", NULL, 0, key, 0), -EINVAL);
	test_error(fend_tls_export(link.client.socket, "x", NULL, 0, key, 4097), -EINVAL);
	test_error(fend_tls_export(link.client.socket, "x", NULL, 0, NULL, 48), -EINVAL);
	link_fini(&link);

	link_init(&link, test);
	test_error(fend_tls_export(link.client.socket, "x", NULL, 0, key, 48), -EINVAL);
	link_wrap(&link, NULL, NULL, NULL);
	test_error(fend_tls_export(link.client.socket, "x", NULL, 0, key, 48), -ENOTCONN);
	link_fini(&link);
}

static void
test_bindings(struct test *test)
{
	char client[64], server[64], expected[32], other[32];
	struct link link;

	link_open(&link, test, NULL, NULL);
	g_assert_cmpint(fend_tls_binding(link.client.socket, FEND_TLS_BINDING_EXPORTER, client, 64),
			==, 32);
	g_assert_cmpint(fend_tls_binding(link.server.socket, FEND_TLS_BINDING_EXPORTER, server, 32),
			==, 32);
	g_assert_cmpmem(client, 32, server, 32);
	test_ok(fend_tls_export(link.client.socket, "EXPORTER-Channel-Binding", "", 0, expected,
				32));
	g_assert_cmpmem(client, 32, expected, 32);
	test_error(fend_tls_binding(link.client.socket, FEND_TLS_BINDING_EXPORTER, client, 31),
		   -ENOBUFS);
	test_error(fend_tls_binding(link.client.socket, 2, client, 64), -EINVAL);
	test_error(fend_tls_binding(link.client.socket, 0, NULL, 64), -EINVAL);
	link_fini(&link);

	link_open(&link, test, NULL, NULL);
	g_assert_cmpint(fend_tls_binding(link.client.socket, FEND_TLS_BINDING_EXPORTER, other, 32),
			==, 32);
	g_assert_true(memcmp(other, expected, 32));
	link_fini(&link);
}

/* SHA-256 of the server's certificate, which is signed with that. */
static void
test_binding_to_the_server(struct test *test)
{
	struct fend_tls_params server = server_params();
	const struct fend_tls_keypair pairs[] = { *keypair_of(certificate_rsa()),
						  *keypair_of(certificate_ec()) };
	char client[64], own[64];
	gsize size, hash_size = 32;
	char *der = der_of(certificate_ec()->certificate, &size);
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	guint8 expected[32];
	struct link link;

	g_checksum_update(sum, (guchar *)der, (gssize)size);
	g_checksum_get_digest(sum, expected, &hash_size);
	server.certificates = pairs;
	server.certificates_count = 1;
	link_open(&link, test, NULL, &server); /* the other one */
	g_assert_cmpint(fend_tls_binding(link.client.socket, FEND_TLS_BINDING_END_POINT, client,
					 64),
			==, 32);
	g_assert_true(memcmp(client, expected, 32));
	link_fini(&link);

	server.certificates = pairs + 1;
	link_open(&link, test, NULL, &server);
	g_assert_cmpint(fend_tls_binding(link.client.socket, FEND_TLS_BINDING_END_POINT, client,
					 32),
			==, 32);
	g_assert_cmpint(fend_tls_binding(link.server.socket, FEND_TLS_BINDING_END_POINT, own, 64),
			==, 32);
	g_assert_cmpmem(client, 32, expected, 32);
	g_assert_cmpmem(own, 32, expected, 32);
	test_error(fend_tls_binding(link.client.socket, FEND_TLS_BINDING_END_POINT, client, 31),
		   -ENOBUFS);
	link_fini(&link);
	g_checksum_free(sum);
	g_free(der);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_ways("/query/peer-certificates", test_peer_certificates);
	variant_add_ways("/query/no-peer-certificate", test_no_peer_certificate);
	variant_add_ways("/query/export", test_export);
	variant_add_ways("/query/bindings", test_bindings);
	variant_add_ways("/query/binding-to-the-server", test_binding_to_the_server);
	return g_test_run();
}
