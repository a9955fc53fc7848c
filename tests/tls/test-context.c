/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fend/memory.h>

#include "fault.h"
#include "process.h"

/* The context must not be made, with this error, and the reason must begin with this. */
static void
assert_refused(const struct fend_tls_params *params, int error, const char *reason_start)
{
	struct fend_tls_context *const untouched = (void *)params;
	struct fend_tls_context *context = untouched;
	char *reason = NULL;

	test_error(fend_tls_context_new(params, &reason, &context), error);
	g_assert_true(context == untouched);
	g_assert_nonnull(reason);
	if (!g_str_has_prefix(reason, reason_start))
		g_error("\"%s\" instead of \"%s\"", reason, reason_start);
	g_assert_null(strchr(reason, '\n'));
	fend_free(reason);
}

static void
test_references(struct test *test)
{
	struct fend_tls_params params = server_params();
	struct fend_tls_context *context = context_new(&params);

	g_assert_true(fend_tls_context_ref(context) == context);
	g_assert_null(fend_tls_context_unref(context));
	g_assert_null(fend_tls_context_unref(context));
	g_assert_null(fend_tls_context_ref(NULL));
	g_assert_null(fend_tls_context_unref(NULL));
}

static void
test_reason_is_optional(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct fend_tls_context *context;

	params.mode = 0;
	test_error(fend_tls_context_new(&params, NULL, &context), -EINVAL);
	test_error(fend_tls_context_new(NULL, NULL, &context), -EINVAL);
	params = client_params();
	test_error(fend_tls_context_new(&params, NULL, NULL), -EINVAL);
}

static void
test_reason_is_untouched_on_success(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct fend_tls_context *context;
	char text[] = "untouched", *reason = text;

	test_ok(fend_tls_context_new(&params, &reason, &context));
	g_assert_true(reason == text);
	fend_tls_context_unref(context);
}

static void
test_size(struct test *test)
{
	struct {
		struct fend_tls_params params;
		size_t newer;
	} larger = { .params = client_params(), .newer = 1 };
	struct fend_tls_params params = client_params();

	larger.params.size = sizeof(larger);
	assert_refused(&larger.params, -E2BIG, "params: ");
	larger.newer = 0;
	fend_tls_context_unref(context_new(&larger.params));
	params.size = 1;
	assert_refused(&params, -EINVAL, "params: ");
	/* an older program that knew nothing past the mode */
	params.size = offsetof(struct fend_tls_params, cafile);
	fend_tls_context_unref(context_new(&params));
}

static void
test_mode_and_versions(struct test *test)
{
	struct fend_tls_params params = client_params();

	params.mode = 3;
	assert_refused(&params, -EINVAL, "mode: ");
	params = client_params();
	params.protocol_min = 9;
	assert_refused(&params, -EINVAL, "protocol_min: ");
	params.protocol_min = 0;
	params.protocol_max = -1;
	assert_refused(&params, -EINVAL, "protocol_max: ");
	params.protocol_min = FEND_TLS_1_3;
	params.protocol_max = FEND_TLS_1_2;
	assert_refused(&params, -EINVAL, "protocol_min: ");
}

static void
test_verify(struct test *test)
{
	struct fend_tls_params params = client_params();

	params.verify = 4;
	assert_refused(&params, -EINVAL, "verify: ");
	params.verify = FEND_TLS_VERIFY_OPTIONAL;
	assert_refused(&params, -EINVAL, "verify: ");
	params = server_params();
	params.verify = FEND_TLS_VERIFY_REQUIRE;
	assert_refused(&params, -EINVAL, "cafile: ");
	params.verify = FEND_TLS_VERIFY_OPTIONAL;
	assert_refused(&params, -EINVAL, "cafile: ");
	params.cafile = certificate_ca();
	fend_tls_context_unref(context_new(&params));
}

static void
test_flags(struct test *test)
{
	struct fend_tls_params params = client_params();

	params.flags = 1u << 31;
	assert_refused(&params, -EINVAL, "flags: ");
	params.flags = FEND_TLS_NO_NAME_CHECK;
	fend_tls_context_unref(context_new(&params));
	params.cafile = NULL;
	assert_refused(&params, -EINVAL, "flags: ");
	params.verify = FEND_TLS_VERIFY_NONE;
	fend_tls_context_unref(context_new(&params));
	params = server_params();
	params.flags = FEND_TLS_NO_NAME_CHECK;
	assert_refused(&params, -EINVAL, "flags: ");
}

static void
test_depth(struct test *test)
{
	struct fend_tls_params params = client_params();

	params.depth = -1;
	assert_refused(&params, -EINVAL, "depth: ");
	params.depth = 15;
	assert_refused(&params, -EINVAL, "depth: ");
	params.depth = 14;
	fend_tls_context_unref(context_new(&params));
}

static void
test_alpn(struct test *test)
{
	static const char *const many[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9" };
	char long_name[34];
	const char *names[] = { "h2", long_name };
	struct fend_tls_params params = client_params();

	memset(long_name, 'a', sizeof(long_name));
	long_name[33] = '\0';
	params.alpn_count = 2;
	assert_refused(&params, -EINVAL, "alpn: ");
	params.alpn = names;
	assert_refused(&params, -EINVAL, "alpn[1]: ");
	long_name[32] = '\0';
	fend_tls_context_unref(context_new(&params));
	names[1] = "";
	assert_refused(&params, -EINVAL, "alpn[1]: ");
	names[1] = NULL;
	assert_refused(&params, -EINVAL, "alpn[1]: ");
	params.alpn = many;
	params.alpn_count = 9;
	assert_refused(&params, -EINVAL, "alpn: ");
	params.alpn_count = 8;
	fend_tls_context_unref(context_new(&params));
}

static void
test_ciphers_and_groups(struct test *test)
{
	static const char *const bad[] = { "",
					   ":",
					   "AES-128-GCM:",
					   ":AES-128-GCM",
					   "AES-128-CBC",
					   "aes-128-gcm",
					   "AES-128-GCM,AES-256-GCM",
					   "AES-128-GCM:AES-128-GCM",
					   "%s%n",
					   "X25519" };
	struct fend_tls_params params = client_params();
	size_t i;

	params.ciphers = "CHACHA20-POLY1305:AES-128-GCM:AES-256-GCM";
	params.groups = "P-521:P-384:P-256:X448:X25519";
	fend_tls_context_unref(context_new(&params));
	params.groups = "P-256:P-256";
	assert_refused(&params, -EINVAL, "groups: \"P-256\" is there twice");
	params.groups = "secp256r1";
	assert_refused(&params, -EINVAL, "groups: \"secp256r1\" is unknown");
	params.groups = NULL;
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		params.ciphers = bad[i];
		assert_refused(&params, -EINVAL, "ciphers: \"");
	}
}

static void
never(struct fend_socket *socket, const char *name, void *data)
{
	g_assert_not_reached();
}

static void
test_pins_and_lists(struct test *test)
{
	struct fend_tls_params server = server_params(), client = client_params();

	server.pins_count = 1;
	assert_refused(&server, -EINVAL, "pins: NULL");
	server.pins = &(struct fend_tls_pin){ { 0 } };
	assert_refused(&server, -EINVAL, "pins: ");
	client.ticket_secret = (const unsigned char *)"0123456789abcdef0123456789abcdef";
	assert_refused(&client, -EINVAL, "ticket_secret: ");
	client = client_params();
	client.hello = never;
	assert_refused(&client, -EINVAL, "hello: ");
	client = client_params();
	client.crlfile = "/nonexistent/list";
	assert_refused(&client, -ENOENT, "crlfile: /nonexistent/list: ");
	client.crlfile = certificate_ca();
	assert_refused(&client, -EBADMSG, "crlfile: ");
	client.verify = FEND_TLS_VERIFY_NONE;
	assert_refused(&client, -EINVAL, "crlfile: ");
}

static void
test_server_needs_a_certificate(struct test *test)
{
	struct fend_tls_keypair pair = *keypair_of(certificate_ec());
	struct fend_tls_params params = server_params();

	params.certificates_count = 0;
	assert_refused(&params, -EINVAL, "certificates: ");
	params.certificates_count = 1;
	params.certificates = NULL;
	assert_refused(&params, -EINVAL, "certificates: ");
	params.certificates = &pair;
	pair.key = NULL;
	assert_refused(&params, -EINVAL, "certificates[0].key: ");
	pair.certificate = NULL;
	assert_refused(&params, -EINVAL, "certificates[0].certificate: ");
}

static void
test_certificates_differ_in_key_type(struct test *test)
{
	const struct fend_tls_keypair pairs[] = { *keypair_of(certificate_ec()),
						  *keypair_of(certificate_rsa()),
						  *keypair_of(certificate_ec()) };
	struct fend_tls_params params = server_params();

	params.certificates = pairs;
	params.certificates_count = 2;
	fend_tls_context_unref(context_new(&params));
	params.certificates_count = 3;
	assert_refused(&params, -EINVAL, "certificates[2]: ");
}

static void
test_certificate_and_key_of_two_pairs(struct test *test)
{
	const struct certificate *other = certificate_new("other-key", NULL);
	struct fend_tls_keypair pair = *keypair_of(certificate_ec());
	struct fend_tls_params params = server_params();

	params.certificates = &pair;
	pair.key = other->key;
	assert_refused(&params, -EKEYREJECTED, "certificates[0]: ");
	pair.key = certificate_rsa()->key;
	assert_refused(&params, -EKEYREJECTED, "certificates[0]: ");
}

static void
test_password(struct test *test)
{
	const struct certificate *locked =
		certificate_new("locked", &(struct certificate_options){ .password = "sesame" });
	struct fend_tls_keypair pair = *keypair_of(locked);
	struct fend_tls_params params = server_params();

	params.certificates = &pair;
	assert_refused(&params, -EBADMSG, "certificates[0].key: ");
	pair.password = "simsim";
	assert_refused(&params, -EBADMSG, "certificates[0].key: ");
	pair.password = "sesame";
	fend_tls_context_unref(context_new(&params));

	/* a key in the clear takes any password */
	pair = *keypair_of(certificate_ec());
	pair.password = "sesame";
	fend_tls_context_unref(context_new(&params));
}

static void
test_files_that_cannot_be_read(struct test *test)
{
	struct fend_tls_keypair pair = *keypair_of(certificate_ec());
	struct fend_tls_params server = server_params(), client = client_params();
	char *fifo = test_path("fifo");

	server.certificates = &pair;
	pair.certificate = "/nonexistent/certificate";
	assert_refused(&server, -ENOENT, "certificates[0].certificate: /nonexistent/certificate: ");
	pair = *keypair_of(certificate_ec());
	pair.key = "/nonexistent/key";
	assert_refused(&server, -ENOENT, "certificates[0].key: /nonexistent/key: ");
	client.cafile = "/nonexistent/ca";
	assert_refused(&client, -ENOENT, "cafile: /nonexistent/ca: ");
	client.cafile = test_directory();
	assert_refused(&client, -EISDIR, "cafile: ");
	client.cafile = "";
	assert_refused(&client, -ENOENT, "cafile: ");

	/* nobody writes into it: opening must not wait */
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	client.cafile = fifo;
	assert_refused(&client, -EBADMSG, "cafile: ");
	client.cafile = "/dev/zero";
	assert_refused(&client, -EBADMSG, "cafile: ");
	g_free(fifo);

	client.cafile = NULL;
	client.capath = "/nonexistent/directory";
	assert_refused(&client, -ENOENT, "capath: /nonexistent/directory: ");
	client.capath = certificate_ca();
	assert_refused(&client, -ENOTDIR, "capath: ");
}

static void
test_files_of_the_wrong_kind(struct test *test)
{
	char *garbage = test_file("garbage", "-----BEGIN CERTIFICATE-----\nnot base64\n");
	char *empty = test_file("empty", "");
	char *directory = test_path("no-certificates"), *fifo;
	struct fend_tls_keypair pair = *keypair_of(certificate_ec());
	struct fend_tls_params server = server_params(), client = client_params();

	server.certificates = &pair;
	pair.certificate = garbage;
	assert_refused(&server, -EBADMSG, "certificates[0].certificate: ");
	pair.certificate = empty;
	assert_refused(&server, -EBADMSG, "certificates[0].certificate: ");
	pair.certificate = certificate_ec()->key;
	assert_refused(&server, -EBADMSG, "certificates[0].certificate: ");
	pair = *keypair_of(certificate_ec());
	pair.key = garbage;
	assert_refused(&server, -EBADMSG, "certificates[0].key: ");
	pair.key = certificate_ec()->certificate;
	assert_refused(&server, -EBADMSG, "certificates[0].key: ");

	client.cafile = garbage;
	assert_refused(&client, -EBADMSG, "cafile: ");
	client.cafile = empty;
	assert_refused(&client, -EBADMSG, "cafile: ");
	client.cafile = certificate_ec()->key;
	assert_refused(&client, -EBADMSG, "cafile: ");
	client.cafile = NULL;
	g_assert_cmpint(mkdir(directory, 0700), ==, 0);
	client.capath = directory;
	assert_refused(&client, -EBADMSG, "capath: ");
	/* nobody writes into it: reading must not wait */
	fifo = g_build_filename(directory, "fifo.pem", NULL);
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	assert_refused(&client, -EBADMSG, "capath: ");
	g_free(fifo);
	g_free(directory);
	g_free(empty);
	g_free(garbage);
}

static void
test_overlong_chain_file(struct test *test)
{
	GString *text = g_string_new(NULL);
	char *leaf, *ca, *path;
	struct fend_tls_keypair pair = *keypair_of(certificate_ec());
	struct fend_tls_params params = server_params();
	int i;

	g_assert_true(g_file_get_contents(certificate_ec()->certificate, &leaf, NULL, NULL));
	g_assert_true(g_file_get_contents(certificate_ca(), &ca, NULL, NULL));
	g_string_append(text, leaf);
	for (i = 0; i < 40; i++)
		g_string_append(text, ca);
	path = test_file("overlong-chain", text->str);
	params.certificates = &pair;
	pair.certificate = path;
	assert_refused(&params, -EBADMSG, "certificates[0].certificate: ");
	g_free(path);
	g_free(ca);
	g_free(leaf);
	g_string_free(text, TRUE);
}

static void
test_every_failing_allocation(struct test *test)
{
	static const char *const alpn[] = { "h2", "http/1.1" };
	struct fend_tls_params params = server_params();

	params.verify = FEND_TLS_VERIFY_OPTIONAL;
	params.cafile = certificate_ca();
	params.capath = test_directory();
	params.alpn = alpn;
	params.alpn_count = 2;
	g_assert_cmpuint(context_fail_each_allocation(test, &params), >, 5);
}

static void
test_every_failing_open_and_read(struct test *test)
{
	struct fend_tls_params params = server_params();
	struct fend_tls_context *context;
	enum fault_op op;
	unsigned n;
	int r;

	params.verify = FEND_TLS_VERIFY_OPTIONAL;
	params.cafile = certificate_ca();
	params.capath = NULL;
	fend_loop_free(test->loop);
	test->loop = NULL;
	fault_install();
	for (op = FAULT_OPEN; op <= FAULT_READ; op++) {
		for (n = 1;; n++) {
			fault_set(op, n, -EIO, FALSE);
			r = fend_tls_context_new(&params, NULL, &context);
			fault_clear();
			if (!fault_struck())
				break;
			test_error(r, -EIO);
		}
		test_ok(r);
		fend_tls_context_unref(context);
		g_assert_cmpint(n, ==, 4);
	}
	fault_remove();
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/context/references", test_references);
	variant_add("/context/reason-is-optional", test_reason_is_optional);
	variant_add("/context/reason-is-untouched-on-success", test_reason_is_untouched_on_success);
	variant_add("/context/size", test_size);
	variant_add("/context/mode-and-versions", test_mode_and_versions);
	variant_add("/context/verify", test_verify);
	variant_add("/context/flags", test_flags);
	variant_add("/context/depth", test_depth);
	variant_add("/context/alpn", test_alpn);
	variant_add("/context/ciphers-and-groups", test_ciphers_and_groups);
	variant_add("/context/pins-and-lists", test_pins_and_lists);
	variant_add("/context/server-needs-a-certificate", test_server_needs_a_certificate);
	variant_add("/context/certificates-differ-in-key-type",
		    test_certificates_differ_in_key_type);
	variant_add("/context/certificate-and-key-of-two-pairs",
		    test_certificate_and_key_of_two_pairs);
	variant_add("/context/password", test_password);
	variant_add("/context/files-that-cannot-be-read", test_files_that_cannot_be_read);
	variant_add("/context/files-of-the-wrong-kind", test_files_of_the_wrong_kind);
	variant_add("/context/overlong-chain-file", test_overlong_chain_file);
	variant_add("/context/every-failing-allocation", test_every_failing_allocation);
	variant_add("/context/every-failing-open-and-read", test_every_failing_open_and_read);
	return g_test_run();
}
