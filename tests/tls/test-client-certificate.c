/* SPDX-License-Identifier: MIT */
/* What a server makes of its clients' certificates, and when a client hears of it. */
#include "link.h"

#include <errno.h>

#include "layers.h"
#include "pair.h"

static const enum fend_tls_version versions[] = { FEND_TLS_1_2, FEND_TLS_1_3 };

/* certificate NULL: the client has none. */
static void
verdict(struct test *test, enum fend_tls_verify verify, const struct certificate *certificate,
	int error, const char *text, int alert)
{
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;
	size_t i;
	char byte;

	server.verify = verify;
	server.cafile = certificate_ca();
	if (certificate) {
		client.certificates = keypair_of(certificate);
		client.certificates_count = 1;
	}
	for (i = 0; i < G_N_ELEMENTS(versions); i++) {
		client.protocol_min = client.protocol_max = versions[i];
		link_init(&link, test);
		link_wrap(&link, &client, &server, NULL);
		link_handshake(&link);
		test_error(link.server.err, error);
		if (!error) {
			test_error(link.client.err, 0);
			link_exchange(&link);
			link_fini(&link);
			continue;
		}
		assert_text(&link.server, text);
		if (alert != 116 || versions[i] == FEND_TLS_1_3)
			g_assert_cmpint(fend_tls_error(link.server.socket)->alert, ==, alert);
		/* TLS 1.3: the client was done before the server has looked at its certificate */
		test_error(link.client.err, versions[i] == FEND_TLS_1_2 ? -EPROTO : 0);
		if (versions[i] == FEND_TLS_1_3) {
			g_assert_cmpint(fend_tls_error(link.client.socket)->err, ==, 0);
			test_error(tls_recv_some(test, link.client.socket, &byte, 1), -EPROTO);
		}
		g_assert_cmpint(fend_tls_error(link.client.socket)->alert, ==,
				fend_tls_error(link.server.socket)->alert);
		g_assert_true(fend_tls_error(link.client.socket)->from_peer);
		assert_text(&link.client, "peer sent alert ");
		test_error(fend_socket_recv(link.client.socket, &byte, 1, 0), -EPROTO);
		test_error(fend_socket_send(link.client.socket, "x", 1, 0), -EPROTO);
		link_fini(&link);
	}
}

static void
test_good(struct test *test)
{
	verdict(test, FEND_TLS_VERIFY_REQUIRE, certificate_ec(), 0, NULL, 0);
	verdict(test, FEND_TLS_VERIFY_REQUIRE, certificate_rsa(), 0, NULL, 0);
	verdict(test, FEND_TLS_VERIFY_OPTIONAL, certificate_ec(), 0, NULL, 0);
	verdict(test, FEND_TLS_VERIFY_NONE, certificate_ec(), 0, NULL, 0);
}

static void
test_missing(struct test *test)
{
	verdict(test, FEND_TLS_VERIFY_REQUIRE, NULL, -EKEYREJECTED, "peer sent no certificate",
		116);
	verdict(test, FEND_TLS_VERIFY_OPTIONAL, NULL, 0, NULL, 0);
}

static void
test_bad(struct test *test)
{
	const struct certificate *self_signed =
		certificate_new("self-signed", &(struct certificate_options){ .self_signed = 1 });
	const struct certificate *expired =
		certificate_new("expired",
				&(struct certificate_options){ .days_from = -20, .days_to = -10 });
	const struct certificate *server_only =
		certificate_new("server-only",
				&(struct certificate_options){ .usage = "serverAuth" });
	const enum fend_tls_verify verify[] = { FEND_TLS_VERIFY_OPTIONAL, FEND_TLS_VERIFY_REQUIRE };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(verify); i++) {
		verdict(test, verify[i], self_signed, -EKEYREJECTED, "issuer is unknown", 48);
		verdict(test, verify[i], expired, -EKEYEXPIRED, "certificate expired", 45);
		verdict(test, verify[i], server_only, -EKEYREJECTED, "is not made for this use",
			43);
	}
	verdict(test, FEND_TLS_VERIFY_NONE, self_signed, 0, NULL, 0);
}

/* A client has no host name to be checked, and needs none in its certificate. */
static void
test_names_do_not_matter(struct test *test)
{
	const struct certificate *nameless =
		certificate_new("nameless", &(struct certificate_options){ .common_name = "someone",
									   .san = "" });

	verdict(test, FEND_TLS_VERIFY_REQUIRE, nameless, 0, NULL, 0);
}

/*
 * A client that writes to a server which has refused it gets a socket error at some point; what the
 * server said is still to be read, and then is the error of the connection.
 */
static void
test_alert_is_found_behind_a_write_error(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;
	ssize_t n;
	char byte;

	client.protocol_min = FEND_TLS_1_3;
	server.verify = FEND_TLS_VERIFY_REQUIRE;
	server.cafile = certificate_ca();
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	test_error(link.client.err, 0);
	test_error(link.server.err, -EKEYREJECTED);
	link.server.socket = fend_socket_free(link.server.socket);
	do
		n = fend_socket_send(link.client.socket, "x", 1, 0);
	while (n == 1);
	g_assert_true(n == -EPIPE || n == -ECONNRESET);
	g_assert_cmpint(fend_tls_error(link.client.socket)->err, ==, n);
	test_error(fend_socket_recv(link.client.socket, &byte, 1, 0), -EPROTO);
	assert_text(&link.client, "peer sent alert certificate_required");
	g_assert_cmpint(fend_tls_error(link.client.socket)->err, ==, -EPROTO);
	link_fini(&link);
}

#define PLENTY ((size_t)1 << 20)

/*
 * A client whose certificate the server refuses, and of whose second flight no more than size bytes
 * leave. Returns the layer that holds the rest back.
 */
static struct faulty *
start_refused(struct link *link, struct test *test, size_t size)
{
	struct fend_tls_params client = client_params(), server = server_params();
	const struct certificate *self_signed =
		certificate_new("self-signed", &(struct certificate_options){ .self_signed = 1 });
	struct faulty *layer;

	server.verify = FEND_TLS_VERIFY_REQUIRE;
	server.cafile = certificate_ca();
	client.certificates = keypair_of(self_signed);
	client.certificates_count = 1;
	client.protocol_min = FEND_TLS_1_3;
	link_init(link, test);
	layer = faulty_push(link->client.socket);
	layer->send_error = -EAGAIN;
	layer->send_left = PLENTY;
	link_wrap(link, &client, &server, NULL);
	test_ok(fend_tls_handshake(link->client.socket, test->loop, FEND_FOREVER, on_done,
				   &link->client));
	test_ok(fend_tls_handshake(link->server.socket, test->loop, FEND_FOREVER, on_done,
				   &link->server));
	while (layer->send_left == PLENTY)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
	layer->send_left = size;
	test_wait(test, &link->server.called);
	test_error(link->server.err, -EKEYREJECTED);
	return layer;
}

/* The server refuses the certificate before the client's last record, of some 60 bytes, has left. */
static void
test_alert_is_found_behind_the_last_flight(struct test *test)
{
	struct link link;
	struct faulty *layer = start_refused(&link, test, PLENTY);
	size_t size;

	test_wait(test, &link.client.called);
	size = PLENTY - layer->send_left;
	link_fini(&link);

	layer = start_refused(&link, test, size - 40);
	g_assert_cmpint(link.client.called, ==, 0);
	link.server.socket = fend_socket_free(link.server.socket);
	layer->send_error = -EPIPE;
	test_wait(test, &link.client.called);
	test_error(link.client.err, -EPROTO);
	g_assert_true(fend_tls_error(link.client.socket)->from_peer);
	assert_text(&link.client, "unknown_ca");
	link_fini(&link);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_ways("/client-certificate/good", test_good);
	variant_add_ways("/client-certificate/missing", test_missing);
	variant_add_ways("/client-certificate/bad", test_bad);
	variant_add_ways("/client-certificate/names-do-not-matter", test_names_do_not_matter);
	variant_add("/client-certificate/alert-is-found-behind-a-write-error",
		    test_alert_is_found_behind_a_write_error);
	variant_add("/client-certificate/alert-is-found-behind-the-last-flight",
		    test_alert_is_found_behind_the_last_flight);
	return g_test_run();
}
