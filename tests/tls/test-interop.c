/* SPDX-License-Identifier: MIT */
/* The other TLS programs of the world as peers: openssl s_client and s_server, gnutls-cli, -serv. */
#include "link.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "pair.h"
#include "process.h"

/* fend on one side of a connection, a process on the other. */
struct meeting {
	struct test *test;
	struct side side;
	struct process *process;
};

/* Start line, in whose words "%s" stands for the next argument. */
static struct process *
start(const char *line, ...)
{
	char **words = g_strsplit(line, " ", -1), **word;
	GPtrArray *argv = g_ptr_array_new();
	struct process *process;
	va_list args;

	va_start(args, line);
	for (word = words; *word; word++)
		g_ptr_array_add(argv, g_str_equal(*word, "%s") ? va_arg(args, char *) : *word);
	va_end(args);
	g_ptr_array_add(argv, NULL);
	process = process_start((const char *const *)argv->pdata);
	g_ptr_array_unref(argv);
	g_strfreev(words);
	return process;
}

static void
handshake(struct meeting *meeting, const struct fend_tls_params *params, const char *name)
{
	struct fend_tls_context *context = context_new(params);
	struct side *side = &meeting->side;

	side->test = meeting->test;
	test_ok(fend_tls_wrap(side->socket, context, name));
	fend_tls_context_unref(context);
	test_ok(fend_tls_handshake(side->socket, meeting->test->loop, FEND_SEC(20), on_done, side));
	test_run(meeting->test);
}

static void
on_connection(struct fend_socket *listener, unsigned events, void *data)
{
	struct meeting *meeting = data;

	test_ok(fend_socket_accept(listener, NULL, &meeting->side.socket));
	meeting->test->done = 1;
}

/* A server of fend, and a client that is told its address in the place of the first "%s". */
static void
serve(struct meeting *meeting, struct test *test, const struct fend_tls_params *params,
      const char *line)
{
	struct fend_address address;
	struct fend_socket *listener = listener_new(&address);
	char text[FEND_ADDRESS_TEXT_MAX];
	const char *port;

	*meeting = (struct meeting){.test = test};
	test_ok(fend_address_format(&address, text, sizeof(text)));
	port = strrchr(text, ':') + 1;
	meeting->process = start(line, certificate_ca(), port, certificate_ec()->certificate,
				 certificate_ec()->key);
	test_ok(fend_socket_watch(listener, test->loop, FEND_IN, on_connection, meeting));
	test_run(test);
	fend_socket_free(listener);
	handshake(meeting, params, NULL);
}

static void
part(struct meeting *meeting)
{
	meeting->side.socket = fend_socket_free(meeting->side.socket);
	process_stop(meeting->process);
}

/* A client of fend, and a server that is told certificate, key and port. */
static void
visit(struct meeting *meeting, struct test *test, const struct fend_tls_params *params,
      const char *line)
{
	struct fend_address address;
	int port = test_port(SOCK_STREAM);
	char *number = g_strdup_printf("%d", port);
	char *text = g_strdup_printf("127.0.0.1:%d", port);
	int r;

	*meeting = (struct meeting){.test = test};
	meeting->process = start(line, certificate_ec()->certificate, certificate_ec()->key, number,
				 certificate_ca());
	test_wait_port(port);
	test_ok(fend_address_parse(text, &address));
	test_ok(fend_socket_new_tcp(AF_INET, &meeting->side.socket));
	r = fend_socket_connect(meeting->side.socket, &address);
	g_assert_true(r == 0 || r == -EINPROGRESS);
	handshake(meeting, params, "localhost");
	g_free(text);
	g_free(number);
}

/* What the process says, and what it is told. */
static void
converse(struct meeting *meeting, const char *there, const char *back)
{
	char *data = g_malloc(strlen(there));

	process_write(meeting->process, there);
	tls_recv(meeting->test, meeting->side.socket, data, strlen(there));
	g_assert_cmpmem(data, strlen(there), there, strlen(there));
	g_free(data);
	tls_send(meeting->test, meeting->side.socket, back, strlen(back));
	process_expect(meeting->process, back);
}

#define S_CLIENT "openssl s_client -CAfile %s -verify_return_error -port %s -servername localhost "
#define S_SERVER "openssl s_server -cert %s -key %s -port %s -CAfile %s "

static void
test_s_client(struct test *test)
{
	static const char *const alpn[] = {"h2", "http/1.1"};
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
		serve(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, 0);
		g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_SNI), ==, "localhost");
		g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_ALPN), ==, "h2");
		g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_PROTOCOL), ==,
				i == 0 ? "TLSv1.2" : "TLSv1.3");
		process_expect(meeting.process, "Verify return code: 0 (ok)");
		process_expect(meeting.process, "ALPN protocol: h2");
		converse(&meeting, "hello\n", "world\n");
		process_write(meeting.process, "Q\n");
		test_error(tls_recv_some(test, meeting.side.socket, &(char){0}, 1), 0);
		part(&meeting);
	}
}

static void
test_s_client_with_certificate(struct test *test)
{
	static const char *const lines[] = {S_CLIENT "-cert %s -key %s -tls1_2",
					    S_CLIENT "-cert %s -key %s -tls1_3"};
	struct fend_tls_params params = server_params();
	struct meeting meeting;
	size_t i;

	params.verify = FEND_TLS_VERIFY_REQUIRE;
	params.cafile = certificate_ca();
	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		serve(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, 0);
		converse(&meeting, "hello\n", "world\n");
		part(&meeting);
	}
	serve(&meeting, test, &params, S_CLIENT "-tls1_3");
	test_error(meeting.side.err, -EKEYREJECTED);
	process_expect(meeting.process, "alert number 116");
	part(&meeting);
}

static void
test_s_client_that_trusts_nobody(struct test *test)
{
	struct fend_tls_params params = server_params();
	struct meeting meeting;

	serve(&meeting, test, &params,
	      S_CLIENT "-tls1_2 -verify_hostname example.org");
	test_error(meeting.side.err, -EPROTO);
	assert_text(&meeting.side, "peer sent alert ");
	part(&meeting);
}

static void
test_renegotiation(struct test *test)
{
	struct fend_tls_params params = server_params();
	struct meeting meeting;

	serve(&meeting, test, &params, S_CLIENT "-tls1_2");
	test_error(meeting.side.err, 0);
	converse(&meeting, "hello\n", "world\n");
	process_write(meeting.process, "R\n");
	test_error(tls_recv_some(test, meeting.side.socket, &(char){0}, 1), -EPROTO);
	assert_text(&meeting.side, "peer asked for renegotiation");
	test_error(fend_socket_send(meeting.side.socket, "x", 1, 0), -EPROTO);
	part(&meeting);
}

/*
 * Send numbered lines until the connection is full, the peer being stopped; let it then ask for
 * new keys while it reads, and send some more. Every line must arrive once and in order.
 */
static size_t
send_lines(struct meeting *meeting, size_t first, size_t n)
{
	GString *text = g_string_new(NULL);
	size_t i;

	for (i = first; i < first + n; i++)
		g_string_append_printf(text, "line %08zu\n", i);
	tls_send(meeting->test, meeting->side.socket, text->str, text->len);
	g_string_free(text, TRUE);
	return first + n;
}

static size_t
send_lines_until_full(struct meeting *meeting, size_t first)
{
	char *chunk = g_malloc(14 * 1000 + 1), *at;
	size_t i, offset;
	ssize_t n = 0;

	do {
		for (i = 0, at = chunk; i < 1000; i++)
			at += g_snprintf(at, 15, "line %08zu\n", first + i);
		for (offset = 0; offset < 14000; offset += (size_t)n) {
			n = fend_socket_send(meeting->side.socket, chunk + offset, 14000 - offset,
					     0);
			if (n == -EAGAIN)
				break;
			g_assert_cmpint(n, >, 0);
		}
		first += offset / 14;
		g_assert_cmpuint(offset % 14, ==, 0);
	} while (n > 0);
	g_free(chunk);
	return first;
}

/* A KeyUpdate makes the descriptor readable, but there is nothing to receive. */
static void
take_record_without_data(struct meeting *meeting)
{
	struct told told = {0};

	test_ok(fend_socket_watch(meeting->side.socket, meeting->test->loop, FEND_IN, on_told,
				  &told));
	test_wait(meeting->test, &told.calls);
	fend_socket_unwatch(meeting->side.socket);
	test_error(fend_socket_recv(meeting->side.socket, &(char){0}, 1, 0), -EAGAIN);
}

#define UPDATING "KEYUPDATE\n" /* what s_client says of its command K */

static void
check_lines(const char *output, size_t total)
{
	static const char *const noise[] = {UPDATING, "SSL_do_handshake -> 1\n", "Read BLOCK\n"};
	GString *text = g_string_new(output);
	const char *at;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(noise); i++)
		g_string_replace(text, noise[i], "", 0);
	at = strstr(text->str, "line 00000000\n");
	g_assert_nonnull(at);
	for (i = 0; i < total; i++, at += 14) {
		char expected[16];

		g_snprintf(expected, sizeof(expected), "line %08zu\n", i);
		if (strncmp(at, expected, 14))
			g_error("\"%.14s\" instead of line %zu", at, i);
	}
	g_assert_cmpstr(at, ==, "end\n");
	g_string_free(text, TRUE);
}

static void
test_key_updates_while_output_is_blocked(struct test *test)
{
	struct fend_tls_params params = server_params();
	struct meeting meeting;
	size_t lines = 0;
	char *output;
	int round;

	serve(&meeting, test, &params, S_CLIENT "-tls1_3 -quiet -no_ign_eof");
	test_error(meeting.side.err, 0);
	for (round = 0; round < 3; round++) {
		g_assert_cmpint(kill(process_pid(meeting.process), SIGSTOP), ==, 0);
		lines = send_lines_until_full(&meeting, lines);
		process_write(meeting.process, round % 2 ? "k\n" : "K\n");
		g_assert_cmpint(kill(process_pid(meeting.process), SIGCONT), ==, 0);
		/* its request comes in while ours are still going out */
		take_record_without_data(&meeting);
		lines = send_lines(&meeting, lines, 5000);
	}
	tls_send(test, meeting.side.socket, "end\n", 4);
	process_expect(meeting.process, "end\n");
	output = process_output(meeting.process);
	g_assert_nonnull(strstr(output, UPDATING));
	check_lines(output, lines);
	g_free(output);
	part(&meeting);
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
		serve(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, 0);
		process_expect(meeting.process, "The certificate is trusted");
		converse(&meeting, "hello\n", "world\n");
		if (i == 1) {
			process_write(meeting.process, "^rekey^\n");
			process_expect(meeting.process, "Rekey was completed");
			converse(&meeting, "more\n", "and more\n");
		}
		process_write(meeting.process, NULL);
		test_error(tls_recv_some(test, meeting.side.socket, &(char){0}, 1), 0);
		part(&meeting);
	}
}

static void
test_s_server(struct test *test)
{
	static const char *const lines[] = {S_SERVER "-tls1_2 -alpn h2",
					    S_SERVER "-tls1_3 -alpn h2"};
	static const char *const alpn[] = {"http/1.1", "h2"};
	struct fend_tls_params params = client_params();
	struct meeting meeting;
	size_t i;

	params.alpn = alpn;
	params.alpn_count = 2;
	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		visit(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, 0);
		g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_ALPN), ==, "h2");
		converse(&meeting, "hello\n", "world\n");
		part(&meeting);
	}
}

/* It closes in order after a page, though not after its command Q. */
static void
test_s_server_serves_a_page(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;
	char data[1000];
	ssize_t n;
	size_t total = 0;

	visit(&meeting, test, &params, S_SERVER "-www");
	test_error(meeting.side.err, 0);
	tls_send(test, meeting.side.socket, "GET / HTTP/1.0\r\n\r\n", 18);
	while ((n = tls_recv_some(test, meeting.side.socket, data, sizeof(data))) > 0)
		total += (size_t)n;
	test_error(n, 0);
	g_assert_cmpuint(total, >, 100);
	part(&meeting);
}

static void
test_s_server_wants_a_certificate(struct test *test)
{
	static const char *const lines[] = {S_SERVER "-tls1_2 -Verify 3 -verify_return_error",
					    S_SERVER "-tls1_3 -Verify 3 -verify_return_error"};
	struct fend_tls_params params = client_params();
	struct meeting meeting;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		params.certificates_count = 0;
		visit(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, i == 0 ? -EPROTO : 0);
		if (i == 1)
			test_error(tls_recv_some(test, meeting.side.socket, &(char){0}, 1),
				   -EPROTO);
		assert_text(&meeting.side, i == 0 ? "peer sent alert handshake_failure"
						  : "peer sent alert certificate_required");
		part(&meeting);

		params.certificates = keypair_of(certificate_rsa());
		params.certificates_count = 1;
		visit(&meeting, test, &params, lines[i]);
		test_error(meeting.side.err, 0);
		converse(&meeting, "hello\n", "world\n");
		part(&meeting);
	}
}

static void
test_s_server_updates_keys(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;
	size_t lines = 0;
	char *output;

	visit(&meeting, test, &params, S_SERVER "-tls1_3");
	test_error(meeting.side.err, 0);
	converse(&meeting, "hello\n", ""); /* tickets come before it */
	lines = send_lines(&meeting, lines, 100);
	process_write(meeting.process, "K\n");
	take_record_without_data(&meeting);
	converse(&meeting, "hello\n", "");
	lines = send_lines(&meeting, lines, 100);
	tls_send(test, meeting.side.socket, "end\n", 4);
	process_expect(meeting.process, "end\n");
	output = process_output(meeting.process);
	check_lines(output, lines);
	g_free(output);
	part(&meeting);
}

/*
 * Two tickets and a line wait to be read: records without data must not hide those behind them, for
 * whoever reads until there is nothing.
 */
static void
test_data_behind_tickets(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;
	int fd, queued, before;
	char data[64];

	visit(&meeting, test, &params, S_SERVER "-tls1_3");
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
	part(&meeting);
}

static void
test_s_server_asks_for_renegotiation(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;

	visit(&meeting, test, &params, S_SERVER "-tls1_2");
	test_error(meeting.side.err, 0);
	process_write(meeting.process, "r\n");
	test_error(tls_recv_some(test, meeting.side.socket, &(char){0}, 1), -EPROTO);
	assert_text(&meeting.side, "peer asked for renegotiation");
	part(&meeting);
}

static void
test_s_server_is_killed(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;

	visit(&meeting, test, &params, S_SERVER "-tls1_3");
	test_error(meeting.side.err, 0);
	converse(&meeting, "hello\n", "world\n");
	g_assert_cmpint(kill(process_pid(meeting.process), SIGKILL), ==, 0);
	test_error(tls_recv_some(test, meeting.side.socket, &(char){0}, 1), -EBADMSG);
	part(&meeting);
}

static void
test_s_server_of_old(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct meeting meeting;

	visit(&meeting, test, &params, S_SERVER "-tls1_1 -cipher DEFAULT@SECLEVEL=0");
	test_error(meeting.side.err, -EPROTO);
	part(&meeting);
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
	visit(&meeting, test, &params, line);
	test_error(meeting.side.err, -EKEYREJECTED);
	assert_text(&meeting.side, "certificate chain is too long");
	part(&meeting);
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

	visit(&meeting, test, &params,
	      "gnutls-serv --echo --disable-client-cert --x509certfile %s --x509keyfile %s --port %s");
	test_error(meeting.side.err, 0);
	tls_send(test, meeting.side.socket, "hello\n", 6);
	tls_recv(test, meeting.side.socket, data, 6);
	g_assert_cmpmem(data, 6, "hello\n", 6);
	test_ok(fend_tls_shutdown(meeting.side.socket, test->loop, FEND_SEC(20), on_done,
				  &meeting.side));
	test_run(test);
	test_error(meeting.side.err, 0);
	part(&meeting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/interop/s_client", test_s_client);
	test_add("/interop/s_client-with-certificate", test_s_client_with_certificate);
	test_add("/interop/s_client-that-trusts-nobody", test_s_client_that_trusts_nobody);
	test_add("/interop/renegotiation", test_renegotiation);
	test_add("/interop/key-updates-while-output-is-blocked",
		 test_key_updates_while_output_is_blocked);
	test_add("/interop/gnutls-cli", test_gnutls_cli);
	test_add("/interop/s_server", test_s_server);
	test_add("/interop/s_server-serves-a-page", test_s_server_serves_a_page);
	test_add("/interop/s_server-wants-a-certificate", test_s_server_wants_a_certificate);
	test_add("/interop/s_server-updates-keys", test_s_server_updates_keys);
	test_add("/interop/data-behind-tickets", test_data_behind_tickets);
	test_add("/interop/s_server-asks-for-renegotiation", test_s_server_asks_for_renegotiation);
	test_add("/interop/s_server-is-killed", test_s_server_is_killed);
	test_add("/interop/s_server-of-old", test_s_server_of_old);
	test_add("/interop/s_server-sends-many-certificates",
		 test_s_server_sends_many_certificates);
	test_add("/interop/gnutls-serv", test_gnutls_serv);
	return g_test_run();
}
