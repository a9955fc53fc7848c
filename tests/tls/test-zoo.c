/* SPDX-License-Identifier: MIT */
/*
 * Certificates of all kinds, and what a client makes of them: the same with each provider, and what
 * docs/tls-verdicts.md says.
 */
#include "link.h"

#include <errno.h>
#include <string.h>

#include "zoo.h"

#define HOST "good.example.com"

static void
visit(struct test *test, const struct visitor *visitor, enum fend_tls_version version)
{
	struct fend_tls_params client = client_params(), server = server_params();
	const struct fend_tls_error *error;
	struct link link;

	server.protocol_min = server.protocol_max = version;
	server.certificates = keypair_of(zoo_certificate(&visitor->animal));
	link_init(&link, test);
	link_wrap(&link, &client, &server, visitor->asked ? visitor->asked : HOST);
	link_handshake(&link);
	error = fend_tls_error(link.client.socket);
	if (link.client.err != visitor->err || error->faults != visitor->faults)
		g_error("%s: %d, faults %#x: %s", visitor->animal.name, link.client.err,
			error->faults, error->text);
	test_error(link.server.err, visitor->err ? -EPROTO : 0);
	g_assert_cmpint(fend_tls_error(link.server.socket)->alert, ==, error->alert);
	g_assert_true(!visitor->err || error->alert > 0);
	link_fini(&link);
}

static void
test_verdicts(struct test *test)
{
	size_t i;

	zoo_open();
	for (i = 0; i < zoo_visitors_count; i++) {
		visit(test, &zoo_visitors[i], FEND_TLS_1_3);
		visit(test, &zoo_visitors[i], FEND_TLS_1_2);
	}
}

static const char *
error_name(int err)
{
	switch (err) {
	case 0:
		return "accepted";
	case -EKEYEXPIRED:
		return "EKEYEXPIRED";
	case -EKEYREVOKED:
		return "EKEYREVOKED";
	default:
		return "EKEYREJECTED";
	}
}

static char *
fault_names(unsigned faults)
{
	/* clang-format off */
	static const char *const names[] = {
		"MISSING", "REVOKED", "UNKNOWN_ISSUER", "ISSUER_IS_NO_CA", "SIGNATURE", "CONSTRAINT",
		"EXTENSION", "STATUS", "WEAK", "PURPOSE", "NOT_YET_VALID", "EXPIRED", "NAME",
		"CHAIN_LENGTH", "PIN", "CRL", "OTHER", "STAPLE_MISSING", "STAPLE_EXPIRED",
	};
	/* clang-format on */
	GString *text = g_string_new(NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		if (faults >> i & 1)
			g_string_append_printf(text, "%s%s", text->len ? ", " : "", names[i]);
	return g_string_free(text, FALSE);
}

/* The page has a row for each, with the verdict in its last columns, and no others. */
static void
test_page(struct test *test)
{
	char *page, **lines, *row, *end, *faults;
	size_t i, j, rows = 0;

	g_assert_true(g_file_get_contents(g_getenv("FEND_TEST_VERDICTS"), &page, NULL, NULL));
	lines = g_strsplit(page, "\n", -1);
	for (j = 0; lines[j]; j++)
		rows += g_str_has_prefix(lines[j], "| `");
	g_assert_cmpuint(rows, ==, zoo_visitors_count);
	for (i = 0; i < zoo_visitors_count; i++) {
		faults = fault_names(zoo_visitors[i].faults);
		row = g_strdup_printf("| `%s` |", zoo_visitors[i].animal.name);
		end = g_strdup_printf("| %s | %s |", error_name(zoo_visitors[i].err), faults);
		for (j = 0; lines[j]; j++)
			if (g_str_has_prefix(lines[j], row) && g_str_has_suffix(lines[j], end))
				break;
		if (!lines[j])
			g_error("not on the page: %s ... %s", row, end);
		g_free(end);
		g_free(row);
		g_free(faults);
	}
	g_strfreev(lines);
	g_free(page);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_each_way("/zoo/verdicts", test_verdicts);
	variant_add("/zoo/page", test_page);
	return g_test_run();
}
