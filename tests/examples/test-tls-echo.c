/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certificate.h"
#include "fend-test.h"
#include "tls-peer.h"

static struct process *
serve(int *ret_port)
{
	const struct certificate *certificate = certificate_new("server", NULL);
	char *address;
	struct process *server;

	*ret_port = test_port(SOCK_STREAM);
	address = g_strdup_printf("127.0.0.1:%d", *ret_port);
	server = server_start(TLS_ECHO, address, certificate->certificate, certificate->key, NULL);
	g_free(address);
	return server;
}

static void
test_openssl(struct test *test)
{
	int port;
	struct process *server = serve(&port), *client = tls_client(port, "localhost", NULL);

	tls_client_echo(client, "one\n");
	tls_client_echo(client, "two\n");
	process_stop(client);
	server_end(server, SIGTERM, 0);
}

static void
test_gnutls(struct test *test)
{
	int port;
	struct process *server = serve(&port), *client;
	char *text = g_strdup_printf("%d", port);
	const char *argv[] = { "gnutls-cli", "--x509cafile", certificate_ca(),
			       "--port",     text,           "localhost",
			       NULL };

	test_wait_port(port);
	client = process_start(argv);
	process_expect(client, "Handshake was completed");
	tls_client_echo(client, "hello\n");
	/* At the end of its input it says goodbye, and waits for the server's. */
	process_write(client, NULL);
	g_assert_cmpint(process_wait(client), ==, 0);
	process_stop(client);
	g_free(text);
	server_end(server, SIGTERM, 0);
}

static void
test_large(struct test *test)
{
	int port;
	struct process *server = serve(&port), *client = tls_client(port, "localhost", NULL);
	GString *text = g_string_new(NULL);
	char *output;

	for (int i = 0; i < 200000; i++)
		g_string_append_printf(text, "line %d\n", i);
	process_write(client, text->str);
	process_expect(client, "line 199999\n");
	output = process_output(client);
	g_assert_cmpstr(output, ==, text->str);
	g_free(output);
	g_string_free(text, TRUE);
	process_stop(client);
	server_end(server, SIGTERM, 0);
}

static void
test_plain_text(struct test *test)
{
	int port, fd;
	struct process *server = serve(&port);

	fd = peer_connect(port);
	peer_say(fd, "GET / HTTP/1.0\r\n\r\n");
	tls_expect_refusal(fd);
	close(fd);
	g_assert_true(tls_is_served(port, "localhost"));
	server_end(server, SIGTERM, 0);
}

/* Who starts a handshake and does not go on with it keeps nobody waiting. */
static void
test_silence(struct test *test)
{
	int port, fd;
	struct process *server = serve(&port);

	fd = peer_connect(port);
	peer_send(fd, "\x16\x03\x01", 3);
	g_assert_true(tls_is_served(port, "localhost"));
	close(fd);
	server_end(server, SIGTERM, 0);
}

static void
test_drains(struct test *test)
{
	int port;
	struct process *server = serve(&port), *client = tls_client(port, "localhost", NULL);

	tls_client_echo(client, "before\n");
	g_assert_cmpint(kill(process_pid(server), SIGINT), ==, 0);
	peer_wait_refused(port);
	tls_client_echo(client, "after\n");
	process_stop(client);
	server_end(server, 0, 0);
}

static void
test_files_that_do_not_fit(struct test *test)
{
	const struct certificate *one = certificate_new("server", NULL);
	const struct certificate *two = certificate_new("other", NULL);
	struct process *server =
		server_start(TLS_ECHO, "127.0.0.1:0", one->certificate, two->key, NULL);

	g_assert_cmpint(process_wait(server), ==, 1);
	process_expect(server, "tls_echo: ");
	process_stop(server);
}

static void
test_usage(struct test *test)
{
	static const char usage[] = "Usage: tls_echo ADDRESS CERTIFICATE KEY\n";

	server_check_usage(server_start(TLS_ECHO, NULL), usage);
	server_check_usage(server_start(TLS_ECHO, "127.0.0.1:7", "certificate", NULL), usage);
	server_check_usage(server_start(TLS_ECHO, "7", "certificate", "key", NULL), usage);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/tls-echo/openssl", test_openssl);
	test_add("/tls-echo/gnutls", test_gnutls);
	test_add("/tls-echo/large", test_large);
	test_add("/tls-echo/plain-text", test_plain_text);
	test_add("/tls-echo/silence", test_silence);
	test_add("/tls-echo/drains", test_drains);
	test_add("/tls-echo/files-that-do-not-fit", test_files_that_do_not_fit);
	test_add("/tls-echo/usage", test_usage);
	return g_test_run();
}
