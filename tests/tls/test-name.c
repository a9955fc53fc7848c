/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <errno.h>
#include <string.h>

/* What fend_tls_wrap() says to this name on a fresh socket of a client. */
static int
wrap_named(const struct fend_tls_params *params, const char *name)
{
	struct fend_tls_context *context = context_new(params);
	struct fend_socket *socket;
	int r;

	test_ok(fend_socket_new_tcp(AF_INET, &socket));
	r = fend_tls_wrap(socket, context, name);
	fend_socket_free(socket);
	fend_tls_context_unref(context);
	return r;
}

static void
test_good_names(struct test *test)
{
	/* clang-format off */
	static const char *const names[] = {
		"localhost",
		"example.org",
		"example.org.",
		"EXAMPLE.org",
		"a.b-c.d_e.f9",
		"xn--bcher-kva.example",
		"1e100.net",
		"3com",
		"127.0.0.1",
		"::1",
		"fe80::1",
		"::ffff:127.0.0.1",
	};
	/* clang-format on */
	struct fend_tls_params params = client_params();
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		g_assert_cmpint(wrap_named(&params, names[i]), ==, 0);
}

static void
test_bad_names(struct test *test)
{
	static const char *const names[] = {
		"",
		".",
		"..",
		".example.org",
		"example..org",
		"example.org..",
		"*.example.org",
		"exam ple.org",
		"example.org\n",
		"\xc3\xbc.example",
		"example.org:443",
		"[::1]",
		"fe80::1%lo",
		"user@example.org",
		"example.org/",
		/* addresses to some resolvers, but of no form that a certificate could name */
		"127.1",
		"127.0.0.1.",
		"2130706433",
		"0x7f000001",
		"0X7F.1",
		"256.0.0.1",
		"1.2.3.4.5",
	};
	struct fend_tls_params params = client_params();
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		if (wrap_named(&params, names[i]) != -EINVAL)
			g_error("\"%s\" was taken", names[i]);
}

static void
test_long_names(struct test *test)
{
	struct fend_tls_params params = client_params();
	char name[300];
	size_t i;

	for (i = 0; i < sizeof(name); i++)
		name[i] = i % 64 == 63 ? '.' : 'a';
	name[253] = '\0';
	g_assert_cmpint(wrap_named(&params, name), ==, 0);
	name[253] = '.';
	name[254] = '\0';
	g_assert_cmpint(wrap_named(&params, name), ==, 0);
	name[253] = 'a';
	g_assert_cmpint(wrap_named(&params, name), ==, -EINVAL);

	memset(name, 'a', 64);
	strcpy(name + 63, ".org");
	g_assert_cmpint(wrap_named(&params, name), ==, 0);
	strcpy(name + 63, "a.org");
	g_assert_cmpint(wrap_named(&params, name), ==, -EINVAL);
}

static void
test_who_needs_a_name(struct test *test)
{
	struct fend_tls_params params = client_params();

	g_assert_cmpint(wrap_named(&params, NULL), ==, -EINVAL);
	params.flags = FEND_TLS_NO_NAME_CHECK;
	g_assert_cmpint(wrap_named(&params, NULL), ==, 0);
	g_assert_cmpint(wrap_named(&params, ""), ==, -EINVAL);
	params.flags = 0;
	params.verify = FEND_TLS_VERIFY_NONE;
	g_assert_cmpint(wrap_named(&params, NULL), ==, 0);
	params = server_params();
	g_assert_cmpint(wrap_named(&params, NULL), ==, 0);
	g_assert_cmpint(wrap_named(&params, "localhost"), ==, -EINVAL);
}

static void
handshake_as(struct test *test, const char *name, const char *expected_sni)
{
	struct fend_tls_params params = client_params();
	struct link link;

	params.verify = FEND_TLS_VERIFY_NONE;
	link_init(&link, test);
	link_wrap(&link, &params, NULL, name);
	link_handshake(&link);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);
	g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_SNI), ==, expected_sni);
	g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_SNI), ==, expected_sni);
	link_fini(&link);
}

static void
test_sni(struct test *test)
{
	handshake_as(test, "www.example.org", "www.example.org");
	handshake_as(test, "www.example.org.", "www.example.org");
	handshake_as(test, "127.0.0.1", NULL);
	handshake_as(test, "::1", NULL);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/name/good", test_good_names);
	variant_add("/name/bad", test_bad_names);
	variant_add("/name/long", test_long_names);
	variant_add("/name/who-needs-one", test_who_needs_a_name);
	variant_add_ways("/name/sni", test_sni);
	return g_test_run();
}
