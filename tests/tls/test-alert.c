/* SPDX-License-Identifier: MIT */
/* What the peer is told: for each way to be refused the alert that RFC 8446, section 6.2, names. */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "pair.h"
#include "process.h"
#include "zoo.h"

enum {
	UNEXPECTED_MESSAGE = 10,
	RECORD_OVERFLOW = 22,
	HANDSHAKE_FAILURE = 40,
	BAD_CERTIFICATE = 42,
	UNSUPPORTED_CERTIFICATE = 43,
	CERTIFICATE_REVOKED = 44,
	CERTIFICATE_EXPIRED = 45,
	CERTIFICATE_UNKNOWN = 46,
	ILLEGAL_PARAMETER = 47,
	UNKNOWN_CA = 48,
	DECODE_ERROR = 50,
	PROTOCOL_VERSION = 70,
	CERTIFICATE_REQUIRED = 116,
	NO_APPLICATION_PROTOCOL = 120,
};

static const char *const http[] = { "h2" }, *const mail[] = { "imap" };
static const struct fend_tls_pin no_such_key;

struct ends {
	struct fend_tls_params client, server;
	const char *name; /* that the client asks for, NULL: "localhost" */
};

/* Two that agree, but for one thing. */
struct refusal {
	void (*prepare)(struct ends *ends);
	bool by_client;
	int err;          /* of who refuses */
	int alert;        /* in TLS 1.2 */
	int alert_of_1_3; /* 0: the same */
};

static void
present(struct fend_tls_params *params, const char *name, const struct certificate_options *options)
{
	params->certificates = keypair_of(certificate_new(name, options));
	params->certificates_count = 1;
}

static void
demand_certificate(struct ends *ends)
{
	ends->server.verify = FEND_TLS_VERIFY_REQUIRE;
	ends->server.cafile = certificate_ca();
}

static void
unknown_issuer(struct ends *ends)
{
	ends->client.cafile = certificate_other_ca();
}

static void
self_signed(struct ends *ends)
{
	present(&ends->server, "self", &(struct certificate_options){ .self_signed = 1 });
}

static void
expired(struct ends *ends)
{
	present(&ends->server, "past",
		&(struct certificate_options){ .days_from = -20, .days_to = -10 });
}

static void
not_yet_valid(struct ends *ends)
{
	present(&ends->server, "future",
		&(struct certificate_options){ .days_from = 10, .days_to = 20 });
}

static void
other_name(struct ends *ends)
{
	ends->name = "example.org";
}

static void
other_key(struct ends *ends)
{
	ends->client.pins = &no_such_key;
	ends->client.pins_count = 1;
}

static void
other_key_alone(struct ends *ends)
{
	other_key(ends);
	ends->client.verify = FEND_TLS_VERIFY_NONE;
}

static void
for_clients(struct ends *ends)
{
	present(&ends->server, "for-clients",
		&(struct certificate_options){ .usage = "clientAuth" });
}

static const struct animal spoilt = { .name = "spoilt",
				      .san = "DNS:localhost",
				      .bad_signature = 1 };

static void
bad_signature(struct ends *ends)
{
	ends->server.certificates = keypair_of(zoo_certificate(&spoilt));
}

static void
demand_list(struct ends *ends, const char *issuer, const char *revoked)
{
	char *text = zoo_list(issuer, revoked, ZOO_MONTH);
	static char *path;

	if (!path)
		path = test_path("list");
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	ends->client.crlfile = path;
	g_free(text);
}

static void
revoked(struct ends *ends)
{
	present(&ends->server, "revoked", NULL);
	demand_list(ends, "authority", "revoked");
}

static void
no_list(struct ends *ends)
{
	certificate_other_ca();
	demand_list(ends, "other-authority", NULL);
}

static void
client_without(struct ends *ends)
{
	demand_certificate(ends);
}

static void
client_may_but_has_other_key(struct ends *ends)
{
	demand_certificate(ends);
	ends->server.verify = FEND_TLS_VERIFY_OPTIONAL;
	ends->server.pins = &no_such_key;
	ends->server.pins_count = 1;
}

static void
client_with_other_key(struct ends *ends)
{
	client_may_but_has_other_key(ends);
	present(&ends->client, "client", NULL);
}

static void
client_unknown(struct ends *ends)
{
	demand_certificate(ends);
	ends->server.cafile = certificate_other_ca();
	present(&ends->client, "client", NULL);
}

static void
client_expired(struct ends *ends)
{
	demand_certificate(ends);
	present(&ends->client, "past",
		&(struct certificate_options){ .days_from = -20, .days_to = -10 });
}

static void
client_for_servers(struct ends *ends)
{
	demand_certificate(ends);
	present(&ends->client, "for-servers",
		&(struct certificate_options){ .usage = "serverAuth" });
}

static void
no_protocol_in_common(struct ends *ends)
{
	ends->client.alpn = http;
	ends->server.alpn = mail;
	ends->client.alpn_count = ends->server.alpn_count = 1;
}

static void
client_without_protocols(struct ends *ends)
{
	ends->server.alpn = mail;
	ends->server.alpn_count = 1;
}

static void
server_without_protocols(struct ends *ends)
{
	ends->client.alpn = http;
	ends->client.alpn_count = 1;
}

static void
server_without_protocols_or_verification(struct ends *ends)
{
	server_without_protocols(ends);
	ends->client.verify = FEND_TLS_VERIFY_NONE;
}

static void
no_version(struct ends *ends)
{
	bool old = ends->client.protocol_max == FEND_TLS_1_2;

	ends->server.protocol_min = ends->server.protocol_max = old ? FEND_TLS_1_3 : FEND_TLS_1_2;
}

static void
no_cipher(struct ends *ends)
{
	ends->client.ciphers = "CHACHA20-POLY1305";
	ends->server.ciphers = "AES-128-GCM:AES-256-GCM";
}

static void
no_group(struct ends *ends)
{
	ends->client.groups = "X25519:P-256";
	ends->server.groups = "P-384";
}

static const struct refusal refusals[] = {
	{ unknown_issuer, true, -EKEYREJECTED, UNKNOWN_CA },
	{ self_signed, true, -EKEYREJECTED, UNKNOWN_CA },
	{ expired, true, -EKEYEXPIRED, CERTIFICATE_EXPIRED },
	{ not_yet_valid, true, -EKEYEXPIRED, CERTIFICATE_EXPIRED },
	{ other_name, true, -EKEYREJECTED, BAD_CERTIFICATE },
	{ other_key, true, -EKEYREJECTED, CERTIFICATE_UNKNOWN },
	{ other_key_alone, true, -EKEYREJECTED, CERTIFICATE_UNKNOWN },
	{ for_clients, true, -EKEYREJECTED, UNSUPPORTED_CERTIFICATE },
	{ bad_signature, true, -EKEYREJECTED, BAD_CERTIFICATE },
	{ revoked, true, -EKEYREVOKED, CERTIFICATE_REVOKED },
	{ no_list, true, -EKEYREJECTED, CERTIFICATE_UNKNOWN },
	{ client_without, false, -EKEYREJECTED, HANDSHAKE_FAILURE, CERTIFICATE_REQUIRED },
	{ client_may_but_has_other_key, false, -EKEYREJECTED, HANDSHAKE_FAILURE,
	  CERTIFICATE_REQUIRED },
	{ client_with_other_key, false, -EKEYREJECTED, CERTIFICATE_UNKNOWN },
	{ client_unknown, false, -EKEYREJECTED, UNKNOWN_CA },
	{ client_expired, false, -EKEYEXPIRED, CERTIFICATE_EXPIRED },
	{ client_for_servers, false, -EKEYREJECTED, UNSUPPORTED_CERTIFICATE },
	{ no_protocol_in_common, false, -EPROTO, NO_APPLICATION_PROTOCOL },
	{ client_without_protocols, false, -EPROTO, NO_APPLICATION_PROTOCOL },
	{ server_without_protocols, true, -EPROTO, HANDSHAKE_FAILURE },
	{ server_without_protocols_or_verification, true, -EPROTO, HANDSHAKE_FAILURE },
	{ no_version, false, -EPROTO, PROTOCOL_VERSION },
	{ no_cipher, false, -EPROTO, HANDSHAKE_FAILURE },
	{ no_group, false, -EPROTO, HANDSHAKE_FAILURE },
};

/* In TLS 1.3 a client is done before its certificate was looked at. */
static void
hear(struct side *side)
{
	if (!side->err)
		test_error(tls_recv_some(side->test, side->socket, &(char){ 0 }, 1), -EPROTO);
}

static void
refuse(struct test *test, const struct refusal *refusal, enum fend_tls_version version)
{
	struct ends ends = { client_params(), server_params(), NULL };
	struct link link;
	struct side *refuser = refusal->by_client ? &link.client : &link.server;
	struct side *refused = refusal->by_client ? &link.server : &link.client;
	int alert = refusal->alert;

	if (version == FEND_TLS_1_3 && refusal->alert_of_1_3)
		alert = refusal->alert_of_1_3;
	ends.client.protocol_min = ends.client.protocol_max = version;
	refusal->prepare(&ends);
	link_init(&link, test);
	link_wrap(&link, &ends.client, &ends.server, ends.name);
	link_handshake(&link);
	test_error(refuser->err, refusal->err);
	hear(refused);
	if (fend_tls_error(refuser->socket)->alert != alert ||
	    fend_tls_error(refused->socket)->alert != alert)
		g_error("case %td: %d sent, %d received instead of %d", refusal - refusals,
			fend_tls_error(refuser->socket)->alert,
			fend_tls_error(refused->socket)->alert, alert);
	g_assert_true(fend_tls_error(refused->socket)->from_peer);
	g_assert_false(fend_tls_error(refuser->socket)->from_peer);
	link_fini(&link);
}

static void
test_refusals(struct test *test)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(refusals); i++) {
		refuse(test, &refusals[i], FEND_TLS_1_2);
		refuse(test, &refusals[i], FEND_TLS_1_3);
	}
}

/* The first record that is an alert, in plain. */
static int
read_alert(struct fend_socket *socket)
{
	unsigned char head[5], content[4096];
	size_t size;

	do {
		recv_all(socket, head, sizeof(head));
		size = (size_t)head[3] << 8 | head[4];
		g_assert_cmpuint(size, <=, sizeof(content));
		recv_all(socket, content, size);
	} while (head[0] != 21);
	g_assert_cmpuint(size, ==, 2);
	g_assert_cmpuint(content[0], ==, 2);
	return content[1];
}

/* Somebody says this to a client, or a server, and is told that. */
static void
say(struct test *test, bool client, const void *bytes, size_t size, int alert)
{
	struct fend_tls_params params = client ? client_params() : server_params();
	struct fend_tls_context *context = context_new(&params);
	struct link link;
	struct side *side = client ? &link.client : &link.server;
	struct fend_socket *peer;

	link_init(&link, test);
	peer = client ? link.server.socket : link.client.socket;
	test_ok(fend_tls_wrap(side->socket, context, client ? "localhost" : NULL));
	test_ok(fend_tls_handshake(side->socket, test->loop, FEND_FOREVER, on_done, side));
	send_all(peer, bytes, size);
	test_run(test);
	test_error(side->err, -EPROTO);
	g_assert_cmpint(fend_tls_error(side->socket)->alert, ==, alert);
	g_assert_cmpint(read_alert(peer), ==, alert);
	link_fini(&link);
	fend_tls_context_unref(context);
}

static void
test_what_is_no_tls(struct test *test)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n",
			  banner[] = "220 localhost ESMTP\r\n";
	static const unsigned char version[] = { 22, 9, 9, 0, 4, 1, 2, 3, 4 };
	static const unsigned char old[] = { 0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10 };
	static const unsigned char data[] = { 23, 3, 3, 0, 4, 1, 2, 3, 4 };
	static const unsigned char change[] = { 20, 3, 3, 0, 1, 1 };
	int client;

	for (client = 0; client <= 1; client++) {
		say(test, client, request, strlen(request), UNEXPECTED_MESSAGE);
		say(test, client, banner, strlen(banner), UNEXPECTED_MESSAGE);
		say(test, client, version, sizeof(version), UNEXPECTED_MESSAGE);
		say(test, client, old, sizeof(old), UNEXPECTED_MESSAGE);
		say(test, client, data, sizeof(data), UNEXPECTED_MESSAGE);
		say(test, client, change, sizeof(change), UNEXPECTED_MESSAGE);
	}
}

static void
test_bad_records(struct test *test)
{
	static const unsigned char too_long[] = { 22, 3, 3, 0xff, 0xff, 1, 2, 3, 4 };
	static const unsigned char unknown[] = { 22, 3, 3, 0, 5, 77, 0, 0, 1, 1 };
	static const unsigned char short_hello[] = { 22, 3, 3, 0, 5, 1, 0, 0, 1, 1 };
	static const unsigned char short_answer[] = { 22, 3, 3, 0, 5, 2, 0, 0, 1, 1 };
	int client;

	for (client = 0; client <= 1; client++) {
		say(test, client, too_long, sizeof(too_long), RECORD_OVERFLOW);
		say(test, client, unknown, sizeof(unknown), UNEXPECTED_MESSAGE);
		say(test, client, short_hello, sizeof(short_hello),
		    client ? UNEXPECTED_MESSAGE : DECODE_ERROR);
		say(test, client, short_answer, sizeof(short_answer),
		    client ? DECODE_ERROR : UNEXPECTED_MESSAGE);
	}
}

/* A message that announces more than a handshake may have, in pieces. */
static void
test_endless_message(struct test *test)
{
	unsigned char hello[5 + 1024] = { 22, 3, 3, 4, 0, 1, 0xff, 0xff, 0xff };
	unsigned char *bytes = g_malloc0(300 * sizeof(hello));
	struct fend_tls_params params = server_params();
	struct fend_tls_context *context = context_new(&params);
	struct link link;
	size_t sent = 0, i;
	ssize_t n;

	for (i = 0; i < 300; i++) {
		memcpy(bytes + i * sizeof(hello), hello, sizeof(hello));
		memset(hello + 5, 0, 4);
	}
	link_init(&link, test);
	test_ok(fend_tls_wrap(link.server.socket, context, NULL));
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_FOREVER, on_done,
				   &link.server));
	while (!test->done) {
		n = sent < 300 * sizeof(hello) ? fend_socket_send(link.client.socket, bytes + sent,
								  300 * sizeof(hello) - sent, 0)
					       : 0;
		sent += n > 0 ? (size_t)n : 0;
		test_ok(fend_loop_dispatch(test->loop, 0));
	}
	test->done = 0;
	test_error(link.server.err, -EPROTO);
	g_assert_cmpint(fend_tls_error(link.server.socket)->alert, ==, ILLEGAL_PARAMETER);
	g_assert_cmpint(read_alert(link.client.socket), ==, ILLEGAL_PARAMETER);
	link_fini(&link);
	fend_tls_context_unref(context);
	g_free(bytes);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/alert/refusals", test_refusals);
	variant_add_ways("/alert/what-is-no-tls", test_what_is_no_tls);
	variant_add_ways("/alert/bad-records", test_bad_records);
	variant_add("/alert/endless-message", test_endless_message);
	return g_test_run();
}
