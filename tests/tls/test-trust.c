/* SPDX-License-Identifier: MIT */
/* What a certificate needs besides a chain and a name: a pinned key, and not to be revoked. */
#include "link.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "process.h"
#include "zoo.h"

#define LITTLE (64 * 1024) /* the system's bundle has some 200 KiB */

static void
verdict(struct test *test, const struct fend_tls_params *client,
	const struct fend_tls_params *server, const char *name, int error, unsigned faults)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, client, server, name);
	link_handshake(&link);
	test_error(link.client.err, error);
	g_assert_cmphex(fend_tls_error(link.client.socket)->faults, ==, faults);
	if (error)
		g_assert_cmpint(fend_tls_error(link.server.socket)->alert, ==,
				fend_tls_error(link.client.socket)->alert);
	else
		link_exchange(&link);
	link_fini(&link);
}

/* SHA-256 of the public key, as the openssl command finds it. */
static struct fend_tls_pin
pin_of(const struct certificate *certificate)
{
	char *line =
		g_strdup_printf("pkey -in %s -pubout -outform DER -out @pin.der", certificate->key);
	char *path = g_strdup_printf("%s/pin.der", test_directory()), *der;
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	struct fend_tls_pin pin;
	gsize size, hash_size = sizeof(pin.sha256);

	zoo_openssl(line);
	g_assert_true(g_file_get_contents(path, &der, &size, NULL));
	g_checksum_update(sum, (guchar *)der, (gssize)size);
	g_checksum_get_digest(sum, pin.sha256, &hash_size);
	g_checksum_free(sum);
	g_free(der);
	g_free(path);
	g_free(line);
	return pin;
}

static void
test_pins(struct test *test)
{
	const struct certificate *other = certificate_new("pin-other", NULL);
	struct fend_tls_pin pins[2] = { pin_of(other), pin_of(other) };
	struct fend_tls_params client = client_params(), server = server_params();

	server.certificates = keypair_of(certificate_ec());
	client.pins = pins;
	client.pins_count = 2;
	verdict(test, &client, &server, NULL, -EKEYREJECTED, FEND_TLS_FAULT_PIN);
	pins[1] = pin_of(certificate_ec());
	verdict(test, &client, &server, NULL, 0, 0);
	/* the pin is needed as well, and not instead */
	verdict(test, &client, &server, "example.org", -EKEYREJECTED, FEND_TLS_FAULT_NAME);
	client.pins_count = 1;
	verdict(test, &client, &server, "example.org", -EKEYREJECTED,
		FEND_TLS_FAULT_NAME | FEND_TLS_FAULT_PIN);
}

/* Instead of authorities and names: a certificate that nobody has signed. */
static void
test_pins_alone(struct test *test)
{
	const struct certificate *self_signed =
		certificate_new("pin-alone", &(struct certificate_options){
						     .self_signed = 1,
						     .days_from = -20,
						     .days_to = -10,
					     });
	struct fend_tls_pin pin = pin_of(self_signed);
	struct fend_tls_params client = client_params(), server = server_params();

	server.certificates = keypair_of(self_signed);
	client.cafile = NULL;
	client.verify = FEND_TLS_VERIFY_NONE;
	client.pins = &pin;
	client.pins_count = 1;
	verdict(test, &client, &server, "example.org", 0, 0);
	pin.sha256[31] ^= 1;
	verdict(test, &client, &server, "example.org", -EKEYREJECTED, FEND_TLS_FAULT_PIN);
}

static void
test_pins_of_clients(struct test *test)
{
	struct fend_tls_pin pin = pin_of(certificate_ec());
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;

	client.certificates = keypair_of(certificate_ec());
	client.certificates_count = 1;
	server.verify = FEND_TLS_VERIFY_REQUIRE;
	server.cafile = certificate_ca();
	server.pins = &pin;
	server.pins_count = 1;
	verdict(test, &client, &server, NULL, 0, 0);
	client.certificates = keypair_of(certificate_rsa());
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	test_error(link.server.err, -EKEYREJECTED);
	g_assert_cmphex(fend_tls_error(link.server.socket)->faults, ==, FEND_TLS_FAULT_PIN);
	link_fini(&link);
}

#define MONTH ZOO_MONTH
#define PAST "-crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z"

/* A client with these lists meets the server. */
static void
with_lists(struct test *test, const struct fend_tls_params *server, char *first, char *second,
	   int error, unsigned faults)
{
	struct fend_tls_params client = client_params();
	char *text = g_strconcat(first, second, NULL), *path = test_path("lists");

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	client.crlfile = path;
	verdict(test, &client, server, NULL, error, faults);
	g_free(path);
	g_free(text);
	g_free(second);
	g_free(first);
}

static const struct animal inter = {
	.name = "crl-inter",
	.subject = "/CN=crl-inter",
	.san = "",
	.extensions = ZOO_AUTHORITY,
};
static const struct animal leaf = {
	.name = "crl-leaf",
	.issuer = "crl-inter",
	.san = "DNS:localhost",
	.others = "crl-inter",
};
static const struct animal direct = { .name = "crl-direct", .san = "DNS:localhost" };

static void
test_lists(struct test *test)
{
	struct fend_tls_params server = server_params();

	server.certificates = keypair_of(zoo_certificate(&direct));
	with_lists(test, &server, zoo_list("authority", NULL, MONTH), NULL, 0, 0);
	with_lists(test, &server, zoo_list("authority", "crl-direct", MONTH), NULL, -EKEYREVOKED,
		   FEND_TLS_FAULT_REVOKED);
	with_lists(test, &server, zoo_list("other-authority", NULL, MONTH), NULL, -EKEYREJECTED,
		   FEND_TLS_FAULT_CRL);
	with_lists(test, &server, zoo_list("authority", NULL, PAST), NULL, -EKEYREJECTED,
		   FEND_TLS_FAULT_CRL);
	with_lists(test, &server, zoo_list("authority", NULL, PAST),
		   zoo_list("authority", NULL, MONTH), 0, 0);
}

/* Every certificate but the root's needs one. */
static void
test_lists_of_a_chain(struct test *test)
{
	struct fend_tls_params server = server_params();

	zoo_make(&inter);
	server.certificates = keypair_of(zoo_certificate(&leaf));
	with_lists(test, &server, zoo_list("authority", NULL, MONTH),
		   zoo_list("crl-inter", NULL, MONTH), 0, 0);
	with_lists(test, &server, zoo_list("authority", NULL, MONTH), NULL, -EKEYREJECTED,
		   FEND_TLS_FAULT_CRL);
	with_lists(test, &server, zoo_list("crl-inter", NULL, MONTH), NULL, -EKEYREJECTED,
		   FEND_TLS_FAULT_CRL);
	with_lists(test, &server, zoo_list("authority", "crl-inter", MONTH),
		   zoo_list("crl-inter", NULL, MONTH), -EKEYREVOKED, FEND_TLS_FAULT_REVOKED);
	with_lists(test, &server, zoo_list("authority", NULL, MONTH),
		   zoo_list("crl-inter", "crl-leaf", MONTH), -EKEYREVOKED, FEND_TLS_FAULT_REVOKED);
}

/* A list with the right name in it, but signed by somebody else. */
static void
test_forged_list(struct test *test)
{
	static const struct animal twin = {
		.name = "crl-twin",
		.subject = "/CN=fend~test~authority",
		.san = "",
		.extensions = ZOO_AUTHORITY,
		.self_signed = 1,
	};
	struct fend_tls_params server = server_params();

	zoo_make(&twin);
	server.certificates = keypair_of(zoo_certificate(&direct));
	with_lists(test, &server, zoo_list("crl-twin", NULL, MONTH), NULL, -EKEYREJECTED,
		   FEND_TLS_FAULT_CRL);
}

/* How much the process has read so far, through system calls (proc(5)). */
static guint64
bytes_read(void)
{
	guint64 bytes = 0;
	char *text;

	g_assert_true(g_file_get_contents("/proc/self/io", &text, NULL, NULL));
	g_assert_cmpint(sscanf(text, "rchar: %" G_GUINT64_FORMAT, &bytes), ==, 1);
	g_free(text);
	return bytes;
}

/* A client that trusts the system, up to where it needs to know whom; returns what that read. */
static guint64
trust_system(struct fend_tls_context **ret_context)
{
	struct fend_tls_params params = client_params();
	guint64 before = bytes_read();
	struct fend_socket *socket;

	params.cafile = NULL;
	*ret_context = context_new(&params);
	g_assert_cmpuint(bytes_read() - before, <, LITTLE);
	test_ok(fend_socket_new_tcp(AF_INET, &socket));
	test_ok(fend_tls_wrap(socket, *ret_context, "localhost"));
	fend_socket_free(socket);
	return bytes_read() - before;
}

/* GnuTLS reads a file, which is this one on some systems; OpenSSL looks up single ones later. */
static bool
reads_bundle(void)
{
	return g_str_has_prefix(fend_tls_get(NULL, FEND_TLS_PROVIDER), "gnutls") &&
	       g_file_test("/etc/ssl/certs/ca-certificates.crt", G_FILE_TEST_EXISTS);
}

/* Not before it is needed, once for all contexts, and again after the last of them is gone. */
static void
test_system_is_read_once(struct test *test)
{
	struct fend_tls_context *first, *second;
	int i;

	for (i = 0; i < 2; i++) {
		g_assert_true(trust_system(&first) > LITTLE || !reads_bundle());
		g_assert_cmpuint(trust_system(&second), <, LITTLE);
		fend_tls_context_unref(first);
		g_assert_cmpuint(trust_system(&first), <, LITTLE);
		fend_tls_context_unref(first);
		fend_tls_context_unref(second);
	}
}

static void *
trust_and_forget(void *data)
{
	const struct fend_tls_params *params = data;
	struct test test = { 0 };
	struct link link;
	int i;

	test_ok(fend_loop_new(NULL, &test.loop));
	for (i = 0; i < 5; i++) {
		link_init_unix(&link, &test);
		link_wrap(&link, &params[0], &params[1], NULL);
		link_handshake(&link);
		test_error(link.client.err, -EKEYREJECTED);
		link_fini(&link);
	}
	fend_loop_free(test.loop);
	return NULL;
}

/* Contexts come and go on several threads, so that somebody is always the first, or the last. */
static void
test_system_on_several_threads(struct test *test)
{
	struct fend_tls_params params[] = { client_params(), server_params() };
	pthread_t threads[4];
	size_t i;

	params[0].cafile = NULL;
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_cmpint(pthread_create(&threads[i], NULL, trust_and_forget, params), ==, 0);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_ways("/trust/pins", test_pins);
	variant_add_all("/trust/pins-alone", test_pins_alone);
	variant_add_all("/trust/pins-of-clients", test_pins_of_clients);
	variant_add_all("/trust/lists", test_lists);
	variant_add_all("/trust/lists-of-a-chain", test_lists_of_a_chain);
	variant_add_all("/trust/forged-list", test_forged_list);
	variant_add("/trust/system-is-read-once", test_system_is_read_once);
	variant_add("/trust/system-on-several-threads", test_system_on_several_threads);
	return g_test_run();
}
