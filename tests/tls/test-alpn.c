/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <errno.h>

static void
agree(struct test *test, const char *const *client_names, size_t client_count,
      const char *const *server_names, size_t server_count, const char *expected)
{
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;

	client.alpn = client_names;
	client.alpn_count = client_count;
	server.alpn = server_names;
	server.alpn_count = server_count;
	client.flags = server.flags = expected ? 0 : FEND_TLS_ALPN_OPTIONAL;
	link_open(&link, test, &client, &server);
	g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_ALPN), ==, expected);
	g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_ALPN), ==, expected);
	link_fini(&link);
}

static void
test_alpn(struct test *test)
{
	static const char *const client[] = { "http/1.1", "h2" };
	static const char *const server[] = { "h2", "http/1.1" };
	static const char *const other[] = { "imap" };

	agree(test, client, 2, server, 2, "h2");
	agree(test, client, 1, server, 2, "http/1.1");
	agree(test, client, 2, other, 1, NULL);
	agree(test, client, 2, NULL, 0, NULL);
	agree(test, NULL, 0, server, 2, NULL);
}

static void
test_alpn_without_agreement(struct test *test)
{
	static const char *const http[] = { "h2" }, *const mail[] = { "imap" };
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;

	client.alpn = http;
	server.alpn = mail;
	client.alpn_count = server.alpn_count = 1;
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	test_error(link.server.err, -EPROTO);
	test_error(link.client.err, -EPROTO);
	assert_text(&link.server, "no application protocol in common");
	assert_text(&link.client, "peer sent alert no_application_protocol");
	link_fini(&link);
}

/* A server that knows nothing of ALPN: only the client can notice. */
static void
test_alpn_unknown_to_the_server(struct test *test)
{
	static const char *const http[] = { "h2" };
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;

	client.alpn = http;
	client.alpn_count = 1;
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	test_error(link.client.err, -EPROTO);
	assert_text(&link.client, "peer agreed on no application protocol");
	test_error(link.server.err, -EPROTO);
	assert_text(&link.server, "peer sent alert handshake_failure");
	link_fini(&link);
}

static void
test_alpn_unknown_to_the_client(struct test *test)
{
	static const char *const http[] = { "h2" };
	struct fend_tls_params server = server_params();
	struct link link;

	server.alpn = http;
	server.alpn_count = 1;
	link_init(&link, test);
	link_wrap(&link, NULL, &server, NULL);
	link_handshake(&link);
	test_error(link.server.err, -EPROTO);
	assert_text(&link.server, "peer agreed on no application protocol");
	link_fini(&link);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_ways("/alpn/agreement", test_alpn);
	variant_add_ways("/alpn/without-agreement", test_alpn_without_agreement);
	variant_add_ways("/alpn/unknown-to-the-server", test_alpn_unknown_to_the_server);
	variant_add_ways("/alpn/unknown-to-the-client", test_alpn_unknown_to_the_client);
	return g_test_run();
}
