/* SPDX-License-Identifier: MIT */
/* openssl s_client and gnutls-cli as clients of a server made with fend. */
#include <errno.h>
#include <string.h>

#include "meeting.h"

#define S_CLIENT "openssl s_client -CAfile %s -verify_return_error -port %s -servername localhost "

static void
test_s_client(struct test *test)
{
	static const char *const alpn[] = { "h2", "http/1.1" };
	static const char *const lines[] = {
		S_CLIENT "-tls1_2 -alpn http/1.1,h2",
		S_CLIENT "-tls1_3 -alpn http/1.1,h2 -verify_hostname localhost",
	};
	struct fend_tls_params params = server_params();
	struct meeting meeting;
	size_t i;

	params.alpn = alpn;
	params.alpn_count = 2;
	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		meeting_serve(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, 0);
		g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_SNI), ==, "localhost");
		g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_ALPN), ==, "h2");
		g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_PROTOCOL), ==,
				i == 0 ? "TLSv1.2" : "TLSv1.3");
		process_expect(meeting.process, "Verify return code: 0 (ok)");
		process_expect(meeting.process, "ALPN protocol: h2");
		meeting_converse(&meeting, "hello\n", "world\n");
		process_write(meeting.process, "Q\n");
		test_error(tls_recv_some(test, meeting.side.socket, &(char){ 0 }, 1), 0);
		meeting_part(&meeting);
	}
}

static void
test_s_client_with_certificate(struct test *test)
{
	static const char *const lines[] = { S_CLIENT "-cert %s -key %s -tls1_2",
					     S_CLIENT "-cert %s -key %s -tls1_3" };
	struct fend_tls_params params = server_params();
	struct meeting meeting;
	size_t i;

	params.verify = FEND_TLS_VERIFY_REQUIRE;
	params.cafile = certificate_ca();
	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		meeting_serve(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, 0);
		meeting_converse(&meeting, "hello\n", "world\n");
		meeting_part(&meeting);
	}
	meeting_serve(&meeting, test, &params, S_CLIENT "-tls1_3");
	test_error(meeting.side.err, -EKEYREJECTED);
	process_expect(meeting.process, "alert number 116");
	meeting_part(&meeting);
}

static void
test_s_client_that_trusts_nobody(struct test *test)
{
	struct fend_tls_params params = server_params();
	struct meeting meeting;

	meeting_serve(&meeting, test, &params, S_CLIENT "-tls1_2 -verify_hostname example.org");
	test_error(meeting.side.err, -EPROTO);
	assert_text(&meeting.side, "peer sent alert ");
	meeting_part(&meeting);
}

static void
test_renegotiation(struct test *test)
{
	struct fend_tls_params params = server_params();
	struct meeting meeting;

	meeting_serve(&meeting, test, &params, S_CLIENT "-tls1_2");
	test_error(meeting.side.err, 0);
	meeting_converse(&meeting, "hello\n", "world\n");
	process_write(meeting.process, "R\n");
	test_error(tls_recv_some(test, meeting.side.socket, &(char){ 0 }, 1), -EPROTO);
	assert_text(&meeting.side, "peer asked for renegotiation");
	test_error(fend_socket_send(meeting.side.socket, "x", 1, 0), -EPROTO);
	meeting_part(&meeting);
}

static void
test_gnutls_cli(struct test *test)
{
	static const char *const lines[] = {
		"gnutls-cli --x509cafile %s --port %s --priority NORMAL:-VERS-ALL:+VERS-TLS1.2 "
		"localhost",
		"gnutls-cli --x509cafile %s --port %s --priority NORMAL:-VERS-ALL:+VERS-TLS1.3 "
		"--inline-commands localhost",
	};
	struct fend_tls_params params = server_params();
	struct meeting meeting;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		meeting_serve(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, 0);
		process_expect(meeting.process, "The certificate is trusted");
		meeting_converse(&meeting, "hello\n", "world\n");
		if (i == 1) {
			process_write(meeting.process, "^rekey^\n");
			process_expect(meeting.process, "Rekey was completed");
			meeting_converse(&meeting, "more\n", "and more\n");
		}
		process_write(meeting.process, NULL);
		test_error(tls_recv_some(test, meeting.side.socket, &(char){ 0 }, 1), 0);
		meeting_part(&meeting);
	}
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_single("/interop/s_client", test_s_client);
	variant_add_single("/interop/s_client-with-certificate", test_s_client_with_certificate);
	variant_add_single("/interop/s_client-that-trusts-nobody",
			   test_s_client_that_trusts_nobody);
	variant_add_single("/interop/renegotiation", test_renegotiation);
	variant_add_single("/interop/gnutls-cli", test_gnutls_cli);
	return g_test_run();
}
