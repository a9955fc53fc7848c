/* SPDX-License-Identifier: MIT */
/* openssl s_server and gnutls-serv as servers of a client made with fend. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "meeting.h"

#define S_SERVER "openssl s_server -cert %s -key %s -port %s -CAfile %s "

static void
test_s_server(struct test *test)
{
	static const char *const lines[] = { S_SERVER "-tls1_2 -alpn h2",
					     S_SERVER "-tls1_3 -alpn h2" };
	static const char *const alpn[] = { "http/1.1", "h2" };
	struct fend_tls_params params = client_params();
	struct meeting meeting;
	size_t i;

	params.alpn = alpn;
	params.alpn_count = 2;
	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		meeting_visit(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, 0);
		g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_ALPN), ==, "h2");
		meeting_converse(&meeting, "hello\n", "world\n");
		meeting_part(&meeting);
	}
}

static void
test_s_server_wants_a_certificate(struct test *test)
{
	static const char *const lines[] = { S_SERVER "-tls1_2 -Verify 3 -verify_return_error",
					     S_SERVER "-tls1_3 -Verify 3 -verify_return_error" };
	struct fend_tls_params params = client_params();
	struct meeting meeting;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		params.certificates_count = 0;
		meeting_visit(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, i == 0 ? -EPROTO : 0);
		if (i == 1)
			test_error(tls_recv_some(test, meeting.side.socket, &(char){ 0 }, 1),
				   -EPROTO);
		assert_text(&meeting.side, i == 0 ? "peer sent alert handshake_failure"
						  : "peer sent alert certificate_required");
		meeting_part(&meeting);

		params.certificates = keypair_of(certificate_rsa());
		params.certificates_count = 1;
		meeting_visit(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, 0);
		meeting_converse(&meeting, "hello\n", "world\n");
		meeting_part(&meeting);
	}
}

/*
 * Two tickets and a line wait to be read: records without data must not hide those behind them
 * from one who reads until there is nothing.
 */
static void
test_data_behind_tickets(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;
	int fd, queued, before;
	char data[64];

	meeting_visit(&meeting, test, &params, S_SERVER "-tls1_3");
	test_error(meeting.side.err, 0);
	fd = fend_socket_fd(meeting.side.socket);
	process_expect(meeting.process, "CIPHER is"); /* the tickets are out */
	g_assert_cmpint(ioctl(fd, FIONREAD, &before), ==, 0);
	g_assert_cmpint(before, >, 0);
	process_write(meeting.process, "hello\n");
	do {
		g_usleep(1000);
		g_assert_cmpint(ioctl(fd, FIONREAD, &queued), ==, 0);
	} while (queued == before);
	g_assert_cmpint(fend_socket_recv(meeting.side.socket, data, sizeof(data), 0), ==, 6);
	g_assert_cmpmem(data, 6, "hello\n", 6);
	meeting_part(&meeting);
}

static void
test_s_server_asks_for_renegotiation(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;

	meeting_visit(&meeting, test, &params, S_SERVER "-tls1_2");
	test_error(meeting.side.err, 0);
	process_write(meeting.process, "r\n");
	test_error(tls_recv_some(test, meeting.side.socket, &(char){ 0 }, 1), -EPROTO);
	assert_text(&meeting.side, "peer asked for renegotiation");
	meeting_part(&meeting);
}

static void
test_s_server_is_killed(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;

	meeting_visit(&meeting, test, &params, S_SERVER "-tls1_3");
	test_error(meeting.side.err, 0);
	meeting_converse(&meeting, "hello\n", "world\n");
	g_assert_cmpint(kill(process_pid(meeting.process), SIGKILL), ==, 0);
	test_error(tls_recv_some(test, meeting.side.socket, &(char){ 0 }, 1), -EBADMSG);
	meeting_part(&meeting);
}

static void
test_s_server_of_old(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;

	meeting_visit(&meeting, test, &params, S_SERVER "-tls1_1 -cipher DEFAULT@SECLEVEL=0");
	test_error(meeting.side.err, -EPROTO);
	meeting_part(&meeting);
}

/* GnuTLS has room for 16 certificates; a peer is free to send more. */
static void
test_s_server_sends_many_certificates(struct test *test)
{
	struct fend_tls_params params = client_params();
	GString *chain = g_string_new(NULL);
	char *ca, *path, *line;
	struct meeting meeting;
	int i;

	g_assert_true(g_file_get_contents(certificate_ca(), &ca, NULL, NULL));
	for (i = 0; i < 40; i++)
		g_string_append(chain, ca);
	path = test_file("many", chain->str);
	line = g_strdup_printf(S_SERVER "-tls1_3 -cert_chain %s", "%s", "%s", "%s", "%s", path);
	meeting_visit(&meeting, test, &params, line);
	test_error(meeting.side.err, -EKEYREJECTED);
	assert_text(&meeting.side, "certificate chain is too long");
	meeting_part(&meeting);
	g_free(line);
	g_free(path);
	g_free(ca);
	g_string_free(chain, TRUE);
}

static void
test_gnutls_serv(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;
	char data[6];

	meeting_visit(&meeting, test, &params,
		      "gnutls-serv --echo --disable-client-cert --x509certfile %s "
		      "--x509keyfile %s --port %s");
	test_error(meeting.side.err, 0);
	tls_send(test, meeting.side.socket, "hello\n", 6);
	tls_recv(test, meeting.side.socket, data, 6);
	g_assert_cmpmem(data, 6, "hello\n", 6);
	test_ok(fend_tls_shutdown(meeting.side.socket, test->loop, FEND_SEC(20), on_done,
				  &meeting.side));
	test_run(test);
	test_error(meeting.side.err, 0);
	meeting_part(&meeting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_single("/interop/s_server", test_s_server);
	variant_add_single("/interop/s_server-wants-a-certificate",
			   test_s_server_wants_a_certificate);
	variant_add_single("/interop/data-behind-tickets", test_data_behind_tickets);
	variant_add_single("/interop/s_server-asks-for-renegotiation",
			   test_s_server_asks_for_renegotiation);
	variant_add_single("/interop/s_server-is-killed", test_s_server_is_killed);
	variant_add_single("/interop/s_server-of-old", test_s_server_of_old);
	variant_add_single("/interop/s_server-sends-many-certificates",
			   test_s_server_sends_many_certificates);
	variant_add_single("/interop/gnutls-serv", test_gnutls_serv);
	return g_test_run();
}
