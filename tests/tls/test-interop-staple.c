/* SPDX-License-Identifier: MIT */
/* OCSP responses with the programs of OpenSSL and GnuTLS. */
#include <errno.h>
#include <string.h>

#include "meeting.h"
#include "staples.h"

static const struct staple good = { "good", &staple_leaf, .state = 'V' };
static const struct staple good_wanted = { "good-wanted", &staple_wanted, .state = 'V' };
static const struct staple revoked = { "revoked", &staple_leaf, .state = 'R' };

static void
test_clients(struct test *test)
{
	static const struct {
		const char *line, *expected;
	} clients[] = {
		{ "openssl s_client -CAfile %s -port %s -status -tls1_2", "Cert Status: good" },
		{ "openssl s_client -CAfile %s -port %s -status -tls1_3", "Cert Status: good" },
		{ "openssl s_client -CAfile %s -port %s -tls1_3", "Verify return code: 0 (ok)" },
		{ "gnutls-cli --x509cafile %s --port %s --priority "
		  "NORMAL:-VERS-ALL:+VERS-TLS1.2 localhost",
		  "OCSP status request" },
		{ "gnutls-cli --x509cafile %s --port %s --priority "
		  "NORMAL:-VERS-ALL:+VERS-TLS1.3 localhost",
		  "OCSP status request" },
	};
	const struct fend_tls_keypair pair = staple_keypair(&staple_leaf, &good);
	struct fend_tls_params params = server_params();
	struct meeting meeting;
	size_t i;

	params.certificates = &pair;
	for (i = 0; i < G_N_ELEMENTS(clients); i++) {
		meeting_serve(&meeting, test, &params, clients[i].line);
		test_error(meeting.side.err, 0);
		process_expect(meeting.process, clients[i].expected);
		meeting_converse(&meeting, "hello\n", "world\n");
		meeting_part(&meeting);
	}
}

/* pair and staple: what the server has; line: with its files in this order. */
static void
visit(struct test *test, const char *line, const struct animal *leaf, const struct staple *staple,
      int error, unsigned faults)
{
	const struct fend_tls_keypair pair = staple_keypair(leaf, NULL);
	struct fend_tls_params params = client_params();
	char *full = g_strdup_printf(line, pair.certificate, pair.key, staple_path(staple));
	struct meeting meeting;
	const void *der;
	size_t size;

	params.flags = FEND_TLS_REQUIRE_STAPLE;
	meeting_visit(&meeting, test, &params, full);
	test_error(meeting.side.err, error);
	g_assert_cmphex(fend_tls_error(meeting.side.socket)->faults, ==, faults);
	if (!error)
		test_ok(fend_tls_staple(meeting.side.socket, &der, &size));
	meeting_part(&meeting);
	g_free(full);
}

/* The certificate that meeting_visit() gives comes first, and is overridden. */
#define S_SERVER "openssl s_server -cert %%s -key %%s -port %%s -cert %s -key %s -status_file %s "

static void
test_s_server(struct test *test)
{
	static const char *const lines[] = { S_SERVER "-tls1_2", S_SERVER "-tls1_3" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		visit(test, lines[i], &staple_leaf, &good, 0, 0);
		visit(test, lines[i], &staple_wanted, &good_wanted, 0, 0);
		visit(test, lines[i], &staple_leaf, &revoked, -EKEYREVOKED, FEND_TLS_FAULT_REVOKED);
		/* about another certificate */
		visit(test, lines[i], &staple_leaf, &good_wanted, -EKEYREJECTED,
		      FEND_TLS_FAULT_STATUS);
		visit(test, lines[i], &staple_wanted, &good, -EKEYREJECTED, FEND_TLS_FAULT_STATUS);
	}
}

/* It would want a staple for each certificate, so those that it is given come as something else. */
static void
test_gnutls_serv(struct test *test)
{
	static const char *const lines[] = {
		"gnutls-serv --echo --disable-client-cert --x509cafile %%s --pskpasswd %%s "
		"--port %%s --x509certfile %s --x509keyfile %s --ocsp-response %s --priority "
		"NORMAL:-VERS-ALL:+VERS-TLS1.2",
		"gnutls-serv --echo --disable-client-cert --x509cafile %%s --pskpasswd %%s "
		"--port %%s --x509certfile %s --x509keyfile %s --ocsp-response %s --priority "
		"NORMAL:-VERS-ALL:+VERS-TLS1.3",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(lines); i++)
		visit(test, lines[i], &staple_leaf, &good, 0, 0);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_single("/interop/staple/clients", test_clients);
	variant_add_single("/interop/staple/s_server", test_s_server);
	variant_add_single("/interop/staple/gnutls-serv", test_gnutls_serv);
	return g_test_run();
}
