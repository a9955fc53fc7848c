/* SPDX-License-Identifier: MIT */
/* What a client makes of the OCSP response that a server sends, or does not send. */
#include "link.h"

#include <errno.h>
#include <string.h>

#include "fault.h"
#include "process.h"
#include "staples.h"

#define REQUIRED FEND_TLS_REQUIRE_STAPLE

static const struct staple good = { "good", &staple_leaf, .state = 'V' };
static const struct staple good_wanted = { "good-wanted", &staple_wanted, .state = 'V' };

/* The clock that staples are judged by, so much before or after the real one. */
static const struct fend__kernel *real;
static int64_t shift;

static int64_t
shifted_date(void)
{
	return real->date() + shift;
}

static void
meet(struct link *link, struct test *test, const struct fend_tls_keypair *pair, unsigned flags)
{
	struct fend_tls_params client = client_params(), server = server_params();

	client.flags = flags;
	server.certificates = pair;
	link_init(link, test);
	link_wrap(link, &client, &server, NULL);
	link_handshake(link);
}

static void
verdict(struct test *test, const struct animal *leaf, const struct staple *staple, unsigned flags,
	int error, unsigned faults)
{
	const struct fend_tls_keypair pair = staple_keypair(leaf, staple);
	const struct fend_tls_error *found;
	struct link link;

	meet(&link, test, &pair, flags);
	found = fend_tls_error(link.client.socket);
	if (link.client.err != error || found->faults != faults)
		g_error("%s: %d, faults %#x: %s", staple ? staple->name : "none", link.client.err,
			found->faults, found->text);
	if (error) {
		test_error(link.server.err, -EPROTO);
		g_assert_cmpint(found->alert, ==, 113);
		g_assert_cmpint(fend_tls_error(link.server.socket)->alert, ==, 113);
		assert_text(&link.server, "peer sent alert bad_certificate_status_response");
	} else {
		test_error(link.server.err, 0);
		link_exchange(&link);
	}
	link_fini(&link);
}

static void
test_is_passed_through(struct test *test)
{
	const struct fend_tls_keypair pair = staple_keypair(&staple_leaf, &good);
	const void *der = NULL;
	struct link link;
	gsize expected_size;
	size_t size = 0;
	char *expected;

	g_assert_true(g_file_get_contents(pair.staple, &expected, &expected_size, NULL));
	meet(&link, test, &pair, REQUIRED);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);
	test_ok(fend_tls_staple(link.client.socket, &der, &size));
	g_assert_cmpmem(der, size, expected, expected_size);
	test_error(fend_tls_staple(link.server.socket, &der, &size), -EINVAL);
	test_error(fend_tls_staple(link.client.socket, NULL, &size), -EINVAL);
	test_error(fend_tls_staple(link.client.socket, &der, NULL), -EINVAL);
	link_exchange(&link);
	link_fini(&link);
	g_free(expected);
}

static void
test_is_not_there(struct test *test)
{
	const struct fend_tls_keypair pair = staple_keypair(&staple_leaf, NULL);
	const void *der = NULL;
	struct link link;
	size_t size;

	meet(&link, test, &pair, 0);
	test_error(link.client.err, 0);
	test_error(fend_tls_staple(link.client.socket, &der, &size), -ENOENT);
	g_assert_null(der);
	link_fini(&link);
	verdict(test, &staple_leaf, NULL, REQUIRED, -EKEYREJECTED, FEND_TLS_FAULT_STAPLE_MISSING);
	link_init(&link, test);
	test_error(fend_tls_staple(link.client.socket, &der, &size), -EINVAL);
	link_wrap(&link, NULL, NULL, NULL);
	test_error(fend_tls_staple(link.client.socket, &der, &size), -ENOTCONN);
	link_fini(&link);
}

static void
test_is_wanted_by_the_certificate(struct test *test)
{
	verdict(test, &staple_wanted, NULL, 0, -EKEYREJECTED, FEND_TLS_FAULT_STAPLE_MISSING);
	verdict(test, &staple_wanted, &good_wanted, 0, 0, 0);
}

/* What an authority wants of all below it is missing in the certificate itself. */
static void
test_is_wanted_by_an_authority(struct test *test)
{
	static const struct animal authority = { "wanting", .subject = "/CN=wanting", .san = "",
						 .extensions = ZOO_AUTHORITY
						 "tlsfeature=status_request\n" };
	static const struct animal leaf = { "unwanting", .issuer = "wanting",
					    .san = "DNS:localhost", .others = "wanting" };
	struct fend_tls_params server = server_params();
	struct link link;

	zoo_make(&authority);
	server.certificates = keypair_of(zoo_certificate(&leaf));
	link_init(&link, test);
	link_wrap(&link, NULL, &server, NULL);
	link_handshake(&link);
	test_error(link.client.err, -EKEYREJECTED);
	g_assert_cmphex(fend_tls_error(link.client.socket)->faults, ==, FEND_TLS_FAULT_CONSTRAINT);
	link_fini(&link);
}

static void
test_revoked_and_unknown(struct test *test)
{
	static const struct staple revoked = { "revoked", &staple_leaf, .state = 'R' };
	static const struct staple unknown = { "unknown", &staple_leaf, .state = '?' };
	unsigned flags;

	for (flags = 0; flags <= REQUIRED; flags += REQUIRED) {
		verdict(test, &staple_leaf, &revoked, flags, -EKEYREVOKED, FEND_TLS_FAULT_REVOKED);
		verdict(test, &staple_leaf, &unknown, flags, -EKEYREJECTED, FEND_TLS_FAULT_STATUS);
	}
}

static void
test_who_may_sign(struct test *test)
{
	static const struct animal no_delegate = { "no-delegate", .subject = "/CN=no-delegate",
						   .san = "" };
	static const struct animal stranger = { "stranger", .issuer = "staple-inter",
						.subject = "/CN=stranger", .san = "",
						.extensions = ZOO_LEAF
						"extendedKeyUsage=OCSPSigning\n" };
	static const struct animal weak = { "weak", .subject = "/CN=weak", .san = "",
					    .key = "rsa:1024",
					    .extensions = ZOO_LEAF
					    "extendedKeyUsage=OCSPSigning\n" };
	static const struct animal pss = { "pss", .subject = "/CN=pss", .san = "",
					   .key = "rsa:2048",
					   .extensions = ZOO_LEAF
					   "extendedKeyUsage=OCSPSigning\n" };
	static const struct staple below = { "below", &staple_below, .state = 'V' };
	static const struct staple by_delegate = { "by-delegate", &staple_leaf, &staple_delegate,
						   'V' };
	static const struct staple by_key = { "by-key", &staple_leaf, &staple_delegate, 'V',
					      "-ndays 7 -resp_key_id" };
	static const struct staple bare = { "bare", &staple_leaf, .state = 'V',
					    .options = "-ndays 7 -resp_no_certs" };
	static const struct staple refused[] = {
		{ "by-itself", &staple_leaf, &staple_leaf, 'V' },
		{ "by-no-delegate", &staple_leaf, &no_delegate, 'V' },
		{ "by-stranger", &staple_leaf, &stranger, 'V' },
		{ "by-weak", &staple_leaf, &weak, 'V' },
		{ "with-sha1", &staple_leaf, NULL, 'V', "-ndays 7 -rmd sha1" },
		/* which GnuTLS cannot verify, whatever the hash */
		{ "with-pss", &staple_leaf, &pss, 'V',
		  "-ndays 7 -rmd sha256 -rsigopt rsa_padding_mode:pss" },
		{ "with-pss-and-sha1", &staple_leaf, &pss, 'V',
		  "-ndays 7 -rmd sha1 -rsigopt rsa_padding_mode:pss" },
		{ "alone", &staple_leaf, &staple_delegate, 'V', "-ndays 7 -resp_no_certs" },
		/* of a CA that is trusted, but has not issued the leaf */
		{ "from-above", &staple_below, &staple_delegate, 'V' },
	};
	size_t i;

	verdict(test, &staple_below, &below, REQUIRED, 0, 0);
	verdict(test, &staple_leaf, &by_delegate, REQUIRED, 0, 0);
	verdict(test, &staple_leaf, &by_key, REQUIRED, 0, 0);
	verdict(test, &staple_leaf, &bare, REQUIRED, 0, 0);
	for (i = 0; i < G_N_ELEMENTS(refused); i++)
		verdict(test, refused[i].about, &refused[i], 0, -EKEYREJECTED,
			FEND_TLS_FAULT_STATUS);
}

static void
test_is_current(struct test *test)
{
	static const struct staple endless = { "endless", &staple_leaf, .state = 'V',
					       .options = "-resp_no_certs" };
	static const struct staple revoked = { "revoked", &staple_leaf, .state = 'R' };
	const int64_t day = 24 * 60 * 60, minute = 60;
	const struct {
		const struct staple *staple;
		int64_t shift;
		int expired;
	} cases[] = {
		{ &good, 0, 0 },
		{ &good, 6 * day, 0 },
		{ &good, 7 * day + 10 * minute, 1 },
		{ &good, -4 * minute, 0 },
		{ &good, -day, 1 },
		{ &endless, 23 * 60 * minute, 0 },
		{ &endless, day + 10 * minute, 1 },
	};
	struct fend__kernel door = *fend__kernel;
	size_t i;

	real = fend__kernel;
	door.date = shifted_date;
	fend__kernel = &door;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		shift = cases[i].shift;
		verdict(test, &staple_leaf, cases[i].staple, 0,
			cases[i].expired ? -EKEYREJECTED : 0,
			cases[i].expired ? FEND_TLS_FAULT_STAPLE_EXPIRED : 0);
	}
	shift = 30 * day;
	verdict(test, &staple_leaf, &revoked, 0, -EKEYREVOKED, FEND_TLS_FAULT_REVOKED);
	fend__kernel = real;
}

/* What else is wrong with a certificate comes first, and alone. */
static void
test_is_judged_last(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();
	const struct fend_tls_keypair pair = staple_keypair(&staple_wanted, NULL);
	struct link link;

	client.flags = REQUIRED;
	server.certificates = &pair;
	link_init(&link, test);
	link_wrap(&link, &client, &server, "example.org");
	link_handshake(&link);
	test_error(link.client.err, -EKEYREJECTED);
	g_assert_cmphex(fend_tls_error(link.client.socket)->faults, ==, FEND_TLS_FAULT_NAME);
	link_fini(&link);
}

static void
test_is_only_looked_at_by_who_verifies(struct test *test)
{
	static const struct staple revoked = { "revoked", &staple_leaf, .state = 'R' };
	const struct fend_tls_keypair pair = staple_keypair(&staple_leaf, &revoked);
	struct fend_tls_params client = client_params(), server = server_params();
	const void *der;
	struct link link;
	size_t size;

	client.cafile = NULL;
	client.verify = FEND_TLS_VERIFY_NONE;
	server.certificates = &pair;
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	test_error(link.client.err, 0);
	test_ok(fend_tls_staple(link.client.socket, &der, &size));
	link_fini(&link);
}

/* Each has its own. */
static void
test_several_certificates(struct test *test)
{
	static const struct animal rsa = { "staple-rsa", .san = "DNS:localhost",
					   .key = "rsa:2048" };
	static const struct staple about_rsa = { "about-rsa", &rsa, .state = 'V' };
	const struct fend_tls_keypair pairs[] = {
		staple_keypair(&rsa, &about_rsa),
		staple_keypair(&staple_leaf, &good),
	};
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;

	client.flags = REQUIRED;
	server.certificates = pairs;
	server.certificates_count = 2;
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	test_error(link.client.err, 0);
	link_exchange(&link);
	link_fini(&link);
}

/* Also where the name that a client asks for decides which is presented. */
static void
test_several_names(struct test *test)
{
	static const struct animal names[] = {
		{ "staple-one", .san = "DNS:one.example,DNS:both.example" },
		{ "staple-two", .san = "DNS:two.example,DNS:both.example" },
		{ "staple-wild", .san = "DNS:*.wild.example" },
	};
	static const struct staple about[] = {
		{ "about-one", &names[0], .state = 'V' },
		{ "about-two", &names[1], .state = 'V' },
		{ "about-wild", &names[2], .state = 'V' },
	};
	static const char *const asked[] = { "one.example", "two.example", "both.example",
					     "a.wild.example" };
	struct fend_tls_params client = client_params(), server = server_params();
	struct fend_tls_keypair pairs[G_N_ELEMENTS(names)];
	struct link link;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		pairs[i] = staple_keypair(&names[i], &about[i]);
	client.flags = REQUIRED;
	server.certificates = pairs;
	server.certificates_count = G_N_ELEMENTS(pairs);
	for (i = 0; i < G_N_ELEMENTS(asked); i++) {
		link_init(&link, test);
		link_wrap(&link, &client, &server, asked[i]);
		link_handshake(&link);
		test_error(link.client.err, 0);
		link_fini(&link);
	}
}

static void
test_not_when_resumed(struct test *test)
{
	const struct fend_tls_keypair pair = staple_keypair(&staple_wanted, &good_wanted);
	struct fend_tls_params client = client_params(), server = server_params();
	struct fend_tls_context *ours, *theirs;
	const void *der;
	void *data = NULL;
	struct link link;
	size_t size;
	int i;

	client.flags = REQUIRED;
	server.certificates = &pair;
	ours = context_new(&client);
	theirs = context_new(&server);
	for (i = 0; i < 2; i++) {
		link_init(&link, test);
		test_ok(fend_tls_wrap(link.client.socket, ours, "localhost"));
		test_ok(fend_tls_wrap(link.server.socket, theirs, NULL));
		if (i)
			test_ok(fend_tls_set_session(link.client.socket, data, size));
		link_handshake(&link);
		test_error(link.client.err, 0);
		link_exchange(&link);
		g_assert_cmpint(fend_tls_is_resumed(link.client.socket), ==, i);
		if (i)
			test_error(fend_tls_staple(link.client.socket, &der, &size), -ENOENT);
		else
			test_ok(fend_tls_session(link.client.socket, &data, &size));
		link_fini(&link);
	}
	fend_free(data);
	fend_tls_context_unref(ours);
	fend_tls_context_unref(theirs);
}

static void
refused(const struct fend_tls_params *params, int error, const char *text)
{
	struct fend_tls_context *context = NULL;
	char *reason = NULL;

	test_error(fend_tls_context_new(params, &reason, &context), error);
	if (!strstr(reason, text))
		g_error("\"%s\" instead of \"%s\"", reason, text);
	fend_free(reason);
}

/* The path of a file with a byte more. */
static char *
longer_by_one(const char *path)
{
	char *longer = test_path("longer"), *content;
	gsize size;

	g_assert_true(g_file_get_contents(path, &content, &size, NULL));
	/* GLib puts a zero behind it, which does not count */
	g_assert_true(g_file_set_contents(longer, content, (gssize)size + 1, NULL));
	g_free(content);
	return longer;
}

static void
test_parameters(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();
	struct fend_tls_keypair pair = staple_keypair(&staple_leaf, &good_wanted);
	char *later = test_file("later", "\x30\x03\x0a\x01\x03"); /* "try later" */
	char *longer;

	server.certificates = &pair;
	refused(&server, -EKEYREJECTED, "is not about");
	pair.staple = pair.certificate;
	refused(&server, -EBADMSG, "no OCSP response in DER form");
	pair.staple = later;
	refused(&server, -EBADMSG, "no OCSP response in DER form");
	pair.staple = longer = longer_by_one(staple_path(&good));
	refused(&server, -EBADMSG, "no OCSP response in DER form");
	pair.staple = "/nowhere/at/all";
	refused(&server, -ENOENT, "certificates[0].staple: /nowhere/at/all");
	client.certificates = &pair;
	client.certificates_count = 1;
	refused(&client, -EINVAL, "certificates[0].staple: is for servers");
	client.certificates_count = 0;
	client.cafile = NULL;
	client.verify = FEND_TLS_VERIFY_NONE;
	client.flags = REQUIRED;
	refused(&client, -EINVAL, "FEND_TLS_REQUIRE_STAPLE is for clients that verify");
	pair.staple = NULL;
	server.flags = REQUIRED;
	refused(&server, -EINVAL, "FEND_TLS_REQUIRE_STAPLE is for clients that verify");
	g_free(longer);
	g_free(later);
}

static void
test_every_failing_allocation(struct test *test)
{
	const struct fend_tls_keypair pair = staple_keypair(&staple_leaf, &good);
	struct fend_tls_params params = server_params();

	params.certificates = &pair;
	g_assert_cmpuint(context_fail_each_allocation(test, &params), >, 5);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_versions_each_way("/staple/is-passed-through", test_is_passed_through);
	variant_add_versions_each_way("/staple/is-not-there", test_is_not_there);
	variant_add_versions_each_way("/staple/is-wanted-by-the-certificate",
				      test_is_wanted_by_the_certificate);
	variant_add_versions_each_way("/staple/is-wanted-by-an-authority",
				      test_is_wanted_by_an_authority);
	variant_add_versions_each_way("/staple/revoked-and-unknown", test_revoked_and_unknown);
	variant_add_versions_each_way("/staple/who-may-sign", test_who_may_sign);
	variant_add_versions_each_way("/staple/is-current", test_is_current);
	variant_add_versions_each_way("/staple/is-judged-last", test_is_judged_last);
	variant_add_versions_each_way("/staple/is-only-looked-at-by-who-verifies",
				      test_is_only_looked_at_by_who_verifies);
	variant_add_versions_each_way("/staple/several-certificates", test_several_certificates);
	variant_add_versions_each_way("/staple/several-names", test_several_names);
	variant_add_versions_each_way("/staple/not-when-resumed", test_not_when_resumed);
	variant_add("/staple/parameters", test_parameters);
	variant_add("/staple/every-failing-allocation", test_every_failing_allocation);
	return g_test_run();
}
