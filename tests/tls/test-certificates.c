/* SPDX-License-Identifier: MIT */
/* A server with several certificates, and which of them it presents to whom. */
#include "link.h"

#include <errno.h>
#include <string.h>

#include "fault.h"
#include "meeting.h"
#include "zoo.h"

static const enum fend_tls_version versions[] = { FEND_TLS_1_2, FEND_TLS_1_3 };

enum { FIRST, A, WILD, A_RSA, EXACT, CERTIFICATES };

static const struct certificate_options options[CERTIFICATES] = {
	[FIRST] = { .common_name = "first", .san = "DNS:first.test" },
	[A] = { .common_name = "a", .san = "DNS:a.test,DNS:www.a.test" },
	[WILD] = { .common_name = "wild", .san = "DNS:*.wild.test,DNS:Upper.TEST" },
	[A_RSA] = { .common_name = "a-rsa", .san = "DNS:a.test", .rsa = 1 },
	[EXACT] = { .common_name = "exact", .san = "DNS:exact.wild.test" },
};

static const struct certificate *
certificate(size_t i)
{
	return certificate_new(options[i].common_name, &options[i]);
}

static void
set_pairs(struct fend_tls_params *params, struct fend_tls_keypair pairs[CERTIFICATES])
{
	size_t i;

	for (i = 0; i < CERTIFICATES; i++)
		pairs[i] = *keypair_of(certificate(i));
	params->certificates = pairs;
	params->certificates_count = CERTIFICATES;
}

/* The certificate in a file, as it is sent. */
static guchar *
read_der(const char *path, gsize *ret_size)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
	char *text, *end;
	guchar *der;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_true(g_str_has_prefix(text, begin));
	end = strstr(text, "-----END");
	*end = '\0';
	der = g_base64_decode(text + strlen(begin), ret_size);
	g_free(text);
	return der;
}

/* A client that asks for name gets this one. */
static void
expect(struct test *test, struct fend_tls_params *client, const struct fend_tls_params *server,
       const char *name, size_t expected)
{
	struct link link;
	const void *der;
	guchar *wanted;
	size_t size, i;
	gsize wanted_size;

	wanted = read_der(certificate(expected)->certificate, &wanted_size);
	for (i = 0; i < G_N_ELEMENTS(versions); i++) {
		client->protocol_min = client->protocol_max = versions[i];
		link_init(&link, test);
		link_wrap(&link, client, server, name);
		link_handshake(&link);
		test_error(link.client.err, 0);
		test_error(link.server.err, 0);
		test_ok(fend_tls_peer_certificate(link.client.socket, 0, &der, &size));
		if (size != wanted_size || memcmp(der, wanted, size))
			g_error("%s: not \"%s\"", name, options[expected].common_name);
		link_exchange(&link);
		link_fini(&link);
	}
	g_free(wanted);
}

static void
test_by_name(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();
	struct fend_tls_keypair pairs[CERTIFICATES];

	set_pairs(&server, pairs);
	expect(test, &client, &server, "first.test", FIRST);
	expect(test, &client, &server, "a.test", A);
	expect(test, &client, &server, "www.a.test", A);
	expect(test, &client, &server, "A.Test.", A);
	expect(test, &client, &server, "upper.test", WILD);
	expect(test, &client, &server, "x.wild.test", WILD);
	expect(test, &client, &server, "X.Wild.Test", WILD);
	expect(test, &client, &server, "exact.wild.test", EXACT);
}

/* Nobody has the name that is asked for: not its parent, no common name, no two labels. */
static void
test_first_for_others(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();
	struct fend_tls_keypair pairs[CERTIFICATES];

	set_pairs(&server, pairs);
	client.flags = FEND_TLS_NO_NAME_CHECK;
	expect(test, &client, &server, "nobody.test", FIRST);
	expect(test, &client, &server, "a", FIRST);
	expect(test, &client, &server, "wild", FIRST);
	expect(test, &client, &server, "test", FIRST);
	expect(test, &client, &server, "wild.test", FIRST);
	expect(test, &client, &server, "x.y.wild.test", FIRST);
	expect(test, &client, &server, "x.a.test", FIRST);
	expect(test, &client, &server, "127.0.0.1", FIRST);
}

/* Each side presents one, and names those it trusts, whatever the set. */
static void
test_clients_are_verified(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();
	struct fend_tls_keypair pairs[CERTIFICATES];

	set_pairs(&server, pairs);
	server.verify = FEND_TLS_VERIFY_REQUIRE;
	server.cafile = certificate_ca();
	client.certificates = keypair_of(certificate_ec());
	client.certificates_count = 1;
	expect(test, &client, &server, "first.test", FIRST);
	expect(test, &client, &server, "x.wild.test", WILD);
}

static void
visit(struct test *test, const char *name, const char *arguments, const char *common_name)
{
	struct fend_tls_params server = server_params();
	struct fend_tls_keypair pairs[CERTIFICATES];
	struct meeting meeting;
	char *line, *expected;

	set_pairs(&server, pairs);
	line = g_strdup_printf("openssl s_client -CAfile %%s -port %%s -servername %s %s", name,
			       arguments);
	expected = g_strdup_printf("subject=CN = %s\n", common_name);
	meeting_serve(&meeting, test, &server, line);
	test_error(meeting.side.err, 0);
	process_expect(meeting.process, expected);
	meeting_part(&meeting);
	g_free(expected);
	g_free(line);
}

/* The kind of key that the client can do with; the elliptic curve if it can do with both. */
static void
test_by_key(struct test *test)
{
	visit(test, "a.test", "-tls1_3", "a");
	visit(test, "a.test", "-tls1_3 -sigalgs rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256", "a");
	visit(test, "a.test", "-tls1_3 -sigalgs rsa_pss_rsae_sha256", "a-rsa");
	visit(test, "a.test", "-tls1_2", "a");
	visit(test, "a.test", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", "a-rsa");
	visit(test, "a.test", "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "a");
	/* of those for nobody there is one with RSA, too */
	visit(test, "nobody.test", "-tls1_3 -sigalgs rsa_pss_rsae_sha256", "a-rsa");
	visit(test, "nobody.test", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", "a-rsa");
}

/* One that has the name is not stood in for by one that has not, but does for the client. */
static void
test_no_key_in_common(struct test *test)
{
	struct fend_tls_params server = server_params();
	struct fend_tls_keypair pairs[CERTIFICATES];
	struct meeting meeting;

	set_pairs(&server, pairs);
	meeting_serve(&meeting, test, &server,
		      "openssl s_client -CAfile %s -port %s -servername x.wild.test -tls1_3 "
		      "-sigalgs rsa_pss_rsae_sha256");
	test_error(meeting.side.err, -EPROTO);
	g_assert_cmpint(fend_tls_error(meeting.side.socket)->alert, ==, 40);
	meeting_part(&meeting);
}

static void
assert_refused(const struct fend_tls_params *params)
{
	struct fend_tls_context *context;
	char *reason = NULL;

	test_error(fend_tls_context_new(params, &reason, &context), -EINVAL);
	g_assert_nonnull(strstr(reason, "certificates[1]: a second one with such a key"));
	fend_free(reason);
}

static void
test_never_presented(struct test *test)
{
	const struct certificate *twin =
		certificate_new("twin", &(struct certificate_options){ .san = "DNS:a.test" });
	struct fend_tls_params client = client_params(), server = server_params();
	struct fend_tls_keypair pairs[2] = { *keypair_of(certificate(A)), *keypair_of(twin) };

	server.certificates = pairs;
	server.certificates_count = 2;
	assert_refused(&server);
	client.certificates = pairs;
	client.certificates_count = 2;
	assert_refused(&client);
	pairs[1] = *keypair_of(certificate(WILD));
	assert_refused(&client);
	fend_tls_context_unref(context_new(&server));
	pairs[1] = *keypair_of(certificate(A_RSA));
	fend_tls_context_unref(context_new(&server));
	fend_tls_context_unref(context_new(&client));
}

/* A name is found among whatever else there is; what holds a NUL, or is no name, is none. */
static void
test_odd_names(struct test *test)
{
	static const struct {
		struct animal animal;
		const char *name; /* NULL: it is never presented beside another */
	} cases[] = {
		{ { "odd-others", .san = "otherName:1.2.3.4;UTF8:x,RID:1.2.3.4,email:a@b.test,"
					 "URI:http://x.test/,IP:127.0.0.1,DNS:odd.test" },
		  "odd.test" },
		{ { "odd-many", .san = ZOO_MANY_NAMES }, "good.example.com" },
		{ { "odd-nul", .san = "DNS:odd.test!.evil" }, NULL },
		{ { "odd-address", .san = "IP:127.0.0.1,IP:::1" }, NULL },
		{ { "odd-none", .subject = "/CN=odd.test", .san = "" }, NULL },
	};
	struct fend_tls_params client = client_params(), server = server_params();
	struct fend_tls_keypair pairs[2] = { *keypair_of(certificate(A)) };
	struct link link;
	size_t i;

	server.certificates = pairs;
	server.certificates_count = 2;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		pairs[1] = *keypair_of(zoo_certificate(&cases[i].animal));
		if (!cases[i].name) {
			assert_refused(&server);
			continue;
		}
		link_init(&link, test);
		link_wrap(&link, &client, &server, cases[i].name);
		link_handshake(&link);
		test_error(link.client.err, 0);
		link_fini(&link);
	}
}

static void
test_every_failing_allocation(struct test *test)
{
	struct fend_tls_params server = server_params();
	struct fend_tls_keypair pairs[CERTIFICATES];

	set_pairs(&server, pairs);
	g_assert_cmpuint(context_fail_each_allocation(test, &server), >, 20);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_each_way("/certificates/by-name", test_by_name);
	variant_add_each_way("/certificates/first-for-others", test_first_for_others);
	variant_add_each_way("/certificates/clients-are-verified", test_clients_are_verified);
	variant_add("/certificates/by-key", test_by_key);
	variant_add("/certificates/no-key-in-common", test_no_key_in_common);
	variant_add("/certificates/never-presented", test_never_presented);
	variant_add_each_way("/certificates/odd-names", test_odd_names);
	variant_add("/certificates/every-failing-allocation", test_every_failing_allocation);
	return g_test_run();
}
