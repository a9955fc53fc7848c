/* SPDX-License-Identifier: MIT */
/* Which certificates are taken, by a client and by a server, and what is said of the others. */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "process.h"
#include "zoo.h"

/* A client that asks for name meets a server with this certificate; 0, or the client's error. */
static void
verdict_with(struct test *test, const struct fend_tls_params *client,
	     const struct certificate *certificate, const char *name, int error, const char *text,
	     int alert)
{
	static const enum fend_tls_version versions[] = { FEND_TLS_1_2, FEND_TLS_1_3 };
	struct fend_tls_params server = server_params();
	struct link link;
	size_t i;

	server.certificates = keypair_of(certificate);
	for (i = 0; i < G_N_ELEMENTS(versions); i++) {
		server.protocol_min = server.protocol_max = versions[i];
		link_init(&link, test);
		link_wrap(&link, client, &server, name);
		link_handshake(&link);
		test_error(link.client.err, error);
		test_error(link.server.err, error ? -EPROTO : 0);
		if (error) {
			assert_text(&link.client, text);
			g_assert_cmpint(fend_tls_error(link.client.socket)->alert, ==, alert);
			g_assert_cmpint(fend_tls_error(link.server.socket)->alert, ==, alert);
			g_assert_true(fend_tls_error(link.server.socket)->from_peer);
			g_assert_false(fend_tls_error(link.client.socket)->from_peer);
		} else {
			link_exchange(&link);
		}
		link_fini(&link);
	}
}

static void
verdict(struct test *test, const struct certificate *certificate, const char *name, int error,
	const char *text, int alert)
{
	struct fend_tls_params client = client_params();

	verdict_with(test, &client, certificate, name, error, text, alert);
}

static void
test_times(struct test *test)
{
	const struct certificate *expired =
		certificate_new("expired",
				&(struct certificate_options){ .days_from = -20, .days_to = -10 });
	const struct certificate *early =
		certificate_new("early",
				&(struct certificate_options){ .days_from = 10, .days_to = 20 });
	GDateTime *now = g_date_time_new_now_utc(), *end = g_date_time_add_days(now, -10);
	GDateTime *start = g_date_time_add_days(now, 10);
	char *expired_text = g_date_time_format(end, "certificate expired %Y-%m-%d");
	char *early_text = g_date_time_format(start, "certificate is not valid before %Y-%m-%d");

	verdict(test, expired, "localhost", -EKEYEXPIRED, expired_text, 45);
	verdict(test, early, "localhost", -EKEYEXPIRED, early_text, 45);
	verdict(test, expired, "example.org", -EKEYEXPIRED, "is not valid for \"example.org\"", 45);
	g_free(early_text);
	g_free(expired_text);
	g_date_time_unref(start);
	g_date_time_unref(end);
	g_date_time_unref(now);
}

static void
test_host_names(struct test *test)
{
	const struct certificate *certificate = certificate_new(
		"hosts",
		&(struct certificate_options){
			.san = "DNS:good.example,DNS:*.wild.example,DNS:part*.some.example,"
			       "email:cn@localhost,URI:https://localhost/",
		});

	verdict(test, certificate_ec(), "localhost", 0, NULL, 0);
	verdict(test, certificate_ec(), "LocalHost.", 0, NULL, 0);
	verdict(test, certificate_ec(), "example.org", -EKEYREJECTED,
		"certificate is not valid for \"example.org\"", 42);
	verdict(test, certificate, "good.example", 0, NULL, 0);
	verdict(test, certificate, "a.wild.example", 0, NULL, 0);
	verdict(test, certificate, "A.WILD.example", 0, NULL, 0);
	verdict(test, certificate, "a.b.wild.example", -EKEYREJECTED, "is not valid for", 42);
	verdict(test, certificate, "wild.example", -EKEYREJECTED, "is not valid for", 42);
	verdict(test, certificate, "partial.some.example", -EKEYREJECTED, "is not valid for", 42);
	/* its common name is "localhost" */
	verdict(test, certificate, "localhost", -EKEYREJECTED, "is not valid for", 42);
}

static void
test_common_name_does_not_count(struct test *test)
{
	static const char *const names[] = { "", "email:someone@localhost",
					     "URI:https://localhost/", "IP:127.0.0.1",
					     "dirName:subject" };
	struct certificate_options options = { 0 };
	const struct certificate *certificate;
	char *file;
	size_t i;

	for (i = 0; i < 4; i++) {
		options.san = names[i];
		file = g_strdup_printf("cn-%zu", i);
		certificate = certificate_new(file, &options);
		verdict(test, certificate, "localhost", -EKEYREJECTED,
			"is not valid for \"localhost\", and names no host in subjectAltName", 42);
		g_free(file);
	}
}

/* Names too long for GnuTLS' buffer end its search, and must not bring the common name back. */
static void
test_oversized_names(struct test *test)
{
	char *path = g_strnfill(300, 'a');
	char *before = g_strdup_printf("URI:https://%s/,DNS:other.example", path);
	char *after = g_strdup_printf("DNS:localhost,URI:https://%s/", path);
	struct certificate_options options = { .san = before };
	const struct certificate *certificate = certificate_new("oversized-before", &options);

	verdict(test, certificate, "localhost", -EKEYREJECTED, "is not valid for", 42);
	options.san = after;
	certificate = certificate_new("oversized-after", &options);
	verdict(test, certificate, "localhost", 0, NULL, 0);
	g_free(after);
	g_free(before);
	g_free(path);
}

static void
test_addresses(struct test *test)
{
	const struct certificate *names =
		certificate_new("names-only", &(struct certificate_options){
						      .common_name = "127.0.0.1",
						      .san = "DNS:localhost,DNS:127.0.0.1",
					      });

	verdict(test, certificate_ec(), "127.0.0.1", 0, NULL, 0);
	verdict(test, certificate_ec(), "::1", 0, NULL, 0);
	verdict(test, certificate_ec(), "0:0::0:1", 0, NULL, 0);
	verdict(test, certificate_ec(), "127.0.0.2", -EKEYREJECTED,
		"certificate is not valid for \"127.0.0.2\"", 42);
	verdict(test, certificate_ec(), "::2", -EKEYREJECTED, "is not valid for \"::2\"", 42);
	verdict(test, names, "127.0.0.1", -EKEYREJECTED, "is not valid for \"127.0.0.1\"", 42);
}

static void
test_issuers(struct test *test)
{
	const struct certificate *self_signed =
		certificate_new("self-signed", &(struct certificate_options){ .self_signed = 1 });
	struct fend_tls_params other = client_params(), system = client_params();

	other.cafile = certificate_other_ca();
	system.cafile = NULL;
	verdict_with(test, &other, certificate_ec(), "localhost", -EKEYREJECTED,
		     "certificate issuer is unknown", 48);
	verdict_with(test, &system, certificate_ec(), "localhost", -EKEYREJECTED,
		     "certificate issuer is unknown", 48);
	verdict(test, self_signed, "localhost", -EKEYREJECTED,
		"certificate issuer is unknown (self-signed)", 48);
	verdict(test, self_signed, "example.org", -EKEYREJECTED, "issuer is unknown", 48);
}

static void
test_directory_of_authorities(struct test *test)
{
	char *directory = test_path("authorities");
	char *first = g_build_filename(directory, "one.pem", NULL);
	char *second = g_build_filename(directory, "two.pem", NULL), *text;
	struct fend_tls_params client = client_params();

	g_assert_cmpint(mkdir(directory, 0700), ==, 0);
	g_assert_true(g_file_get_contents(certificate_other_ca(), &text, NULL, NULL));
	g_assert_true(g_file_set_contents(first, text, -1, NULL));
	g_free(text);
	client.cafile = NULL;
	client.capath = directory;
	verdict_with(test, &client, certificate_ec(), "localhost", -EKEYREJECTED,
		     "issuer is unknown", 48);
	g_assert_true(g_file_get_contents(certificate_ca(), &text, NULL, NULL));
	g_assert_true(g_file_set_contents(second, text, -1, NULL));
	g_free(text);
	verdict_with(test, &client, certificate_ec(), "localhost", 0, NULL, 0);
	g_free(second);
	g_free(first);
	g_free(directory);
}

static void
test_use(struct test *test)
{
	const struct certificate *client_only =
		certificate_new("client-only",
				&(struct certificate_options){ .usage = "clientAuth" });
	const struct certificate *unlimited =
		certificate_new("unlimited", &(struct certificate_options){ .usage = "" });

	verdict(test, client_only, "localhost", -EKEYREJECTED,
		"certificate is not made for this use", 43);
	verdict(test, unlimited, "localhost", 0, NULL, 0);
}

static void
test_verify_none(struct test *test)
{
	const struct certificate *certificate =
		certificate_new("hopeless", &(struct certificate_options){
						    .self_signed = 1,
						    .days_from = -20,
						    .days_to = -10,
						    .usage = "clientAuth",
					    });
	struct fend_tls_params client = client_params();

	client.verify = FEND_TLS_VERIFY_NONE;
	verdict_with(test, &client, certificate, "example.org", 0, NULL, 0);
}

static void
test_no_name_check(struct test *test)
{
	struct fend_tls_params client = client_params();

	client.flags = FEND_TLS_NO_NAME_CHECK;
	verdict_with(test, &client, certificate_ec(), "example.org", 0, NULL, 0);
	client.cafile = certificate_other_ca();
	verdict_with(test, &client, certificate_ec(), "example.org", -EKEYREJECTED,
		     "issuer is unknown", 48);
}

/* A certificate signed by issuer (a name of files in the test directory). */
static void
sign(const char *name, const char *key, const char *issuer, const char *extensions)
{
	char *subject = g_strconcat("/CN=", name, NULL);

	zoo_make(&(struct animal){
		.name = name,
		.issuer = issuer,
		.subject = subject,
		.key = key,
		.san = "",
		.extensions = extensions,
	});
	g_free(subject);
}

/* The certificates of names in one file. */
static struct certificate *
chain_new(const char *name, const char *const *names, size_t n)
{
	struct certificate *certificate = g_new0(struct certificate, 1);
	GString *all = g_string_new(NULL);
	char *path, *text;
	size_t i;

	for (i = 0; i < n; i++) {
		path = g_strdup_printf("%s/%s.crt", test_directory(), names[i]);
		g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
		g_string_append(all, text);
		g_free(text);
		g_free(path);
	}
	certificate->certificate = test_file(name, all->str);
	certificate->key = g_strdup_printf("%s/%s.key", test_directory(), names[0]);
	g_string_free(all, TRUE);
	return certificate;
}

static void
chain_free(struct certificate *certificate)
{
	g_free(certificate->certificate);
	g_free(certificate->key);
	g_free(certificate);
}

#define LEAF "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n"

static void
test_chains(struct test *test)
{
	static const char *const names[] = { "leaf", "lower", "upper", "authority" };
	static const char *const reversed[] = { "leaf", "upper", "lower" };
	struct fend_tls_params client = client_params();
	struct certificate *alone, *part, *whole, *with_root, *mixed;

	certificate_ca();
	sign("upper", ZOO_P256, "authority", ZOO_AUTHORITY);
	sign("lower", ZOO_P256, "upper", ZOO_AUTHORITY);
	sign("leaf", ZOO_P256, "lower", LEAF);
	alone = chain_new("chain-1", names, 1);
	part = chain_new("chain-2", names, 2);
	whole = chain_new("chain-3", names, 3);
	with_root = chain_new("chain-4", names, 4);
	mixed = chain_new("chain-5", reversed, 3);

	verdict(test, alone, "localhost", -EKEYREJECTED, "issuer is unknown", 48);
	verdict(test, part, "localhost", -EKEYREJECTED, "issuer is unknown", 48);
	verdict(test, whole, "localhost", 0, NULL, 0);
	verdict(test, with_root, "localhost", 0, NULL, 0);
	verdict(test, mixed, "localhost", 0, NULL, 0);

	client.depth = 2;
	verdict_with(test, &client, whole, "localhost", 0, NULL, 0);
	verdict_with(test, &client, with_root, "localhost", 0, NULL, 0);
	client.depth = 1;
	verdict_with(test, &client, whole, "localhost", -EKEYREJECTED,
		     "certificate chain is too long", 48);
	verdict_with(test, &client, with_root, "localhost", -EKEYREJECTED,
		     "certificate chain is too long", 48);
	chain_free(mixed);
	chain_free(with_root);
	chain_free(whole);
	chain_free(part);
	chain_free(alone);
}

static void
test_long_chain(struct test *test)
{
	enum { INTERMEDIATES = 10 };
	char *names[INTERMEDIATES + 1];
	struct fend_tls_params client = client_params();
	struct certificate *chain;
	int i;

	certificate_ca();
	for (i = INTERMEDIATES; i >= 0; i--) {
		names[i] = g_strdup_printf("step-%d", i);
		sign(names[i], ZOO_P256, i == INTERMEDIATES ? "authority" : names[i + 1],
		     i ? ZOO_AUTHORITY : LEAF);
	}
	chain = chain_new("chain-long", (const char *const *)names, G_N_ELEMENTS(names));
	verdict(test, chain, "localhost", -EKEYREJECTED, "certificate chain is too long", 48);
	client.depth = INTERMEDIATES;
	verdict_with(test, &client, chain, "localhost", 0, NULL, 0);
	chain_free(chain);
	for (i = 0; i <= INTERMEDIATES; i++)
		g_free(names[i]);
}

static void
test_issuer_that_is_none(struct test *test)
{
	static const char *const names[] = { "below-leaf", "ec" };
	struct certificate *chain;

	certificate_ec();
	sign("below-leaf", ZOO_P256, "ec", LEAF);
	chain = chain_new("chain-below-leaf", names, 2);
	verdict(test, chain, "localhost", -EKEYREJECTED, "is not an authority", 48);
	chain_free(chain);
}

static void
test_name_constraints(struct test *test)
{
	static const char *const names[] = { "strayed", "constrained" };
	struct certificate *chain;

	certificate_ca();
	sign("constrained", ZOO_P256, "authority",
	     ZOO_AUTHORITY "nameConstraints=critical,permitted;DNS:example.org\n");
	sign("strayed", ZOO_P256, "constrained", LEAF);
	chain = chain_new("chain-strayed", names, 2);
	verdict(test, chain, "localhost", -EKEYREJECTED, "breaks a constraint of its issuer", 42);
	chain_free(chain);
}

static void
test_weak_key(struct test *test)
{
	static const char *const names[] = { "weak" };
	struct certificate *weak;

	certificate_ca();
	sign("weak", "rsa:1024", "authority", LEAF);
	weak = chain_new("chain-weak", names, 1);
	verdict(test, weak, "localhost", -EKEYREJECTED, "has a weak key or signature", 42);
	chain_free(weak);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_each_way("/verify/times", test_times);
	variant_add_each_way("/verify/host-names", test_host_names);
	variant_add_each_way("/verify/common-name-does-not-count", test_common_name_does_not_count);
	variant_add_each_way("/verify/oversized-names", test_oversized_names);
	variant_add_each_way("/verify/addresses", test_addresses);
	variant_add_each_way("/verify/issuers", test_issuers);
	variant_add_each_way("/verify/directory-of-authorities", test_directory_of_authorities);
	variant_add_each_way("/verify/use", test_use);
	variant_add_each_way("/verify/none", test_verify_none);
	variant_add_each_way("/verify/no-name-check", test_no_name_check);
	variant_add_each_way("/verify/chains", test_chains);
	variant_add_each_way("/verify/long-chain", test_long_chain);
	variant_add_each_way("/verify/issuer-that-is-none", test_issuer_that_is_none);
	variant_add_each_way("/verify/name-constraints", test_name_constraints);
	variant_add_each_way("/verify/weak-key", test_weak_key);
	return g_test_run();
}
