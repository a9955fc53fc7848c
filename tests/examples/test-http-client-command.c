/* SPDX-License-Identifier: MIT */
/*
 * The command http_client against nginx and against servers that misbehave: what it fetches is
 * complete to the byte, and each kind of failure has its line and its exit status.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certificate.h"
#include "command.h"
#include "fake-server.h"
#include "fend-test.h"
#include "nginx.h"
#include "process.h"

static void
test_large_file(struct test *test)
{
	struct nginx *nginx = nginx_start();
	char *sum = nginx_add_file(nginx, "large", 100 * 1024 * 1024), *arrived;
	char *url = url_of("https", nginx_tls_port(nginx), "/large");
	char *path = path_of("arrived");
	struct program program = program_start(HTTP_CLIENT, NULL, "--cacert", certificate_ca(),
					       "-o", path, url, NULL);

	check_success(&program, "");
	arrived = sha256_of(path);
	g_assert_cmpstr(arrived, ==, sum);
	g_free(arrived);
	g_free(sum);
	g_free(url);
	g_assert_cmpint(unlink(path), ==, 0);
	check_nothing_left(path);
	g_free(path);
	nginx_stop(nginx);
}

/* Every framing, with and without TLS, to a file and through a pipe. */
static void
test_framings(struct test *test)
{
	static const char *const paths[] = { "/medium", "/chunked/medium", "/closed/medium" };
	struct nginx *nginx = nginx_start();
	char *sum = nginx_add_file(nginx, "medium", 3 * 1024 * 1024 + 1);
	char *path = path_of("arrived"), *pipe = g_strdup_printf("| cat >'%s'", path);

	for (unsigned i = 0; i < 2 * 2 * G_N_ELEMENTS(paths); i++) {
		bool tls = i % 2, piped = i / 2 % 2;
		char *url = url_of(tls ? "https" : "http",
				   tls ? nginx_tls_port(nginx) : nginx_port(nginx), paths[i / 4]);
		struct program program = program_start(HTTP_CLIENT, piped ? pipe : NULL, url,
						       "--cacert", certificate_ca(),
						       piped ? NULL : "-o", path, NULL);
		char *arrived;

		check_success(&program, "");
		arrived = sha256_of(path);
		g_assert_cmpstr(arrived, ==, sum);
		g_assert_cmpint(unlink(path), ==, 0);
		g_free(arrived);
		g_free(url);
	}
	g_free(pipe);
	g_free(path);
	g_free(sum);
	nginx_stop(nginx);
}

static void
test_standard_output(struct test *test)
{
	struct nginx *nginx = nginx_start();
	char *url = url_of("http", nginx_port(nginx), "/hello");
	char *redirect = url_of("http", nginx_port(nginx), "/redirect");
	char *empty = url_of("http", nginx_port(nginx), "/empty");
	char *head = url_of("http", nginx_port(nginx), "/large-head");
	struct program program = program_start(HTTP_CLIENT, NULL, url, NULL);

	check_success(&program, "Hello, world.\n");
	program = program_start(HTTP_CLIENT, NULL, redirect, NULL);
	check_success(&program, "Hello, world.\n");
	program = program_start(HTTP_CLIENT, NULL, empty, NULL);
	check_success(&program, "");
	program = program_start(HTTP_CLIENT, NULL, head, NULL);
	check_success(&program, "large");
	program = program_start(HTTP_CLIENT, NULL, "-X", "HEAD", url, NULL);
	check_success(&program, "");
	g_free(head);
	g_free(empty);
	g_free(redirect);
	g_free(url);
	nginx_stop(nginx);
}

static void
test_post(struct test *test)
{
	const struct fake_reply reply = REPLY("HTTP/1.1 201 Made\r\nContent-Length: 3\r\n\r\nyes");
	struct fake_server *server = fake_server_new(&reply, 1);
	char *url = url_of("http", fake_server_port(server), "/form?x"), *sent;
	struct program program =
		program_start(HTTP_CLIENT, NULL, "-d", "a=1&b=2", "-H", "X-A: b", url, NULL);

	check_success(&program, "yes");
	sent = fake_server_request(server, 0);
	g_assert_true(g_str_has_prefix(sent, "POST /form?x HTTP/1.1\r\nHost: localhost:"));
	g_assert_true(g_str_has_suffix(sent, "\r\n\r\na=1&b=2"));
	g_assert_nonnull(strstr(sent, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
	g_assert_nonnull(strstr(sent, "\r\nX-A: b\r\n"));
	g_free(sent);
	program = program_start(HTTP_CLIENT, NULL, "-X", "PATCH", "-d", "{}", "-H",
				"content-type: application/json", url, NULL);
	check_success(&program, "yes");
	sent = fake_server_request(server, 1);
	g_assert_true(g_str_has_prefix(sent, "PATCH /form?x HTTP/1.1\r\n"));
	g_assert_nonnull(strstr(sent, "\r\ncontent-type: application/json\r\n"));
	g_assert_null(strstr(sent, "form-urlencoded"));
	g_free(sent);
	program = program_start(HTTP_CLIENT, NULL, "-d", "", url, NULL);
	check_success(&program, "yes");
	sent = fake_server_request(server, 2);
	g_assert_true(g_str_has_prefix(sent, "POST "));
	g_assert_nonnull(strstr(sent, "\r\nContent-Length: 0\r\n"));
	g_free(sent);
	g_free(url);
	fake_server_free(server);
}

static void
check_certificate(const char *cafile, int port, const char *words)
{
	char *url = url_of("https", port, "/hello"), *path = path_of("refused");
	struct program program =
		cafile ? program_start(HTTP_CLIENT, NULL, "--cacert", cafile, "-o", path, url, NULL)
		       : program_start(HTTP_CLIENT, NULL, "-o", path, url, NULL);

	check_failure(&program, 60, words);
	check_nothing_left(path);
	program = program_start(HTTP_CLIENT, NULL, "-k", url, NULL);
	check_success(&program, "Hello, world.\n");
	g_free(path);
	g_free(url);
}

static void
test_certificates(struct test *test)
{
	struct nginx *nginx = nginx_start();

	check_certificate(certificate_ca(), nginx_expired_port(nginx), "expired");
	check_certificate(certificate_ca(), nginx_other_port(nginx), "not valid for");
	check_certificate(certificate_other_ca(), nginx_tls_port(nginx), "issuer");
	check_certificate(NULL, nginx_tls_port(nginx), "issuer");
	nginx_stop(nginx);
}

static void
test_cafile(struct test *test)
{
	char *empty = test_file("empty.pem", "");
	struct program program =
		program_start(HTTP_CLIENT, NULL, "--cacert", "/nonexistent", "https://h/", NULL);

	check_failure(&program, 77, "/nonexistent");
	program = program_start(HTTP_CLIENT, NULL, "--cacert", empty, "https://h/", NULL);
	check_failure(&program, 77, "empty.pem");
	g_free(empty);
}

static void
test_no_tls_there(struct test *test)
{
	struct nginx *nginx = nginx_start();
	char *url = url_of("https", nginx_port(nginx), "/hello");
	struct program program = program_start(HTTP_CLIENT, NULL, url, NULL);

	check_failure(&program, 35, "TLS");
	g_free(url);
	nginx_stop(nginx);
}

static void
test_no_connection(struct test *test)
{
	char *url = url_of("http", test_port(SOCK_STREAM), "/");
	struct program program = program_start(HTTP_CLIENT, NULL, url, NULL);

	check_failure(&program, 7, "connection refused");
	g_free(url);
}

/* A label of more than 63 bytes cannot exist: no name server is asked. */
static void
test_unknown_host(struct test *test)
{
	char *label = g_strnfill(64, 'a'), *url = g_strdup_printf("http://%s.invalid/", label);
	struct program program = program_start(HTTP_CLIENT, NULL, url, NULL);

	check_failure(&program, 6, "cannot look up");
	g_free(url);
	g_free(label);
}

static void
test_bad_url(struct test *test)
{
	static const char *const urls[] = { "",
					    "h",
					    "ftp://h/",
					    "http://u:p@h/",
					    "http://h:0/",
					    "http://h/\n",
					    "http://\xc3\xbc/" };

	for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
		struct program program = program_start(HTTP_CLIENT, NULL, urls[i], NULL);

		check_failure(&program, 3, "cannot use");
	}
}

static void
test_usage(struct test *test)
{
	static const char *const bad[][3] = {
		{ NULL },
		{ "http://h", "http://i" },
		{ "--nonsense", "http://h" },
		{ "--max-time=0", "http://h" },
		{ "--max-time=x", "http://h" },
		{ "--max-time=nan", "http://h" },
		{ "--max-redirs=-1", "http://h" },
		{ "--max-filesize=1k", "http://h" },
		{ "-o" },
		{ "-HA\nB: c", "http://h" },
		{ "-XG T", "http://h" },
	};
	struct program program;
	char *out;

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		char *err;

		program = program_start(HTTP_CLIENT, NULL, bad[i][0], bad[i][1], NULL);
		g_assert_cmpint(program_end(&program, NULL, &err), ==, 2);
		g_assert_nonnull(strstr(err, "http_client: "));
		g_free(err);
	}
	program = program_start(HTTP_CLIENT, NULL, "--help", NULL);
	g_assert_cmpint(program_end(&program, &out, NULL), ==, 0);
	g_assert_true(g_str_has_prefix(out, "Usage: http_client "));
	g_free(out);
	program = program_start(HTTP_CLIENT, ">/dev/full", "--help", NULL);
	check_failure(&program, 23, "No space");
}

static void
test_http_error(struct test *test)
{
	struct nginx *nginx = nginx_start();
	char *url = url_of("http", nginx_port(nginx), "/absent"), *path = test_file("kept", "old");
	char *out, *err, *content;
	struct program program = program_start(HTTP_CLIENT, NULL, url, NULL);

	g_assert_cmpint(program_end(&program, &out, &err), ==, 22);
	g_assert_cmpstr(err, ==, "http_client: 404 Not Found\n");
	g_assert_nonnull(strstr(out, "</html>"));
	g_free(out);
	g_free(err);
	program = program_start(HTTP_CLIENT, NULL, "-o", path, url, NULL);
	check_failure(&program, 22, "404 Not Found");
	g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
	g_assert_cmpstr(content, ==, "old");
	g_free(content);
	g_assert_cmpint(unlink(path), ==, 0);
	check_nothing_left(path);
	g_free(path);
	g_free(url);
	nginx_stop(nginx);
}

static void
test_redirects(struct test *test)
{
	struct nginx *nginx = nginx_start();
	char *loop = url_of("http", nginx_port(nginx), "/loop");
	char *plain = url_of("https", nginx_tls_port(nginx), "/plain");
	char *out;
	struct program program = program_start(HTTP_CLIENT, NULL, loop, NULL);

	check_failure(&program, 47, "more than 10 redirects");
	program = program_start(HTTP_CLIENT, NULL, "--max-redirs", "2", loop, NULL);
	check_failure(&program, 47, "more than 2 redirects");
	program = program_start(HTTP_CLIENT, NULL, "--max-redirs", "0", loop, NULL);
	g_assert_cmpint(program_end(&program, &out, NULL), ==, 0);
	g_assert_nonnull(strstr(out, "302 Found"));
	g_free(out);
	program = program_start(HTTP_CLIENT, NULL, "-k", plain, NULL);
	check_failure(&program, 47, "from https to http://localhost");
	g_free(loop);
	g_free(plain);
	nginx_stop(nginx);
}

/*
 * Through TLS, too, where the cut may be an attacker's: with a length, in chunks, and without both.
 */
static void
test_truncated(struct test *test)
{
	static const char *const paths[] = { "/medium", "/chunked/medium", "/closed/medium" };
	struct nginx *nginx = nginx_start();
	char *sum = nginx_add_file(nginx, "medium", 1024 * 1024), *path = path_of("cut-off");

	for (unsigned i = 0; i < 5; i++) {
		bool tls = i < 3;
		int port = tls ? nginx_tls_port(nginx) : nginx_port(nginx);
		struct fake_server *server = fake_server_new_cut(port, 500000);
		char *url = url_of(tls ? "https" : "http", fake_server_port(server), paths[i % 3]);
		struct program program = program_start(HTTP_CLIENT, NULL, "--cacert",
						       certificate_ca(), "-o", path, url, NULL);

		check_failure(&program, 18, "cut off");
		check_nothing_left(path);
		g_free(url);
		fake_server_free(server);
	}
	g_free(path);
	g_free(sum);
	nginx_stop(nginx);
}

static void
check_reply(struct fake_reply reply, const char *option, int status, const char *words)
{
	struct fake_server *server = fake_server_new(&reply, 1);
	char *url = url_of("http", fake_server_port(server), "/"), *path = path_of("failed");
	struct program program = program_start(HTTP_CLIENT, NULL, "-o", path, url, option, NULL);

	check_failure(&program, status, words);
	check_nothing_left(path);
	g_free(path);
	g_free(url);
	fake_server_free(server);
}

static void
test_misbehaving_servers(struct test *test)
{
	const struct fake_reply nothing = REPLY(""), garbage = REPLY("\x16\x03\x01 garbage\r\n");
	const struct fake_reply body = REPLY("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour");
	const struct fake_reply stall = {
		.text = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfo",
		.size = -1,
		.stall = TRUE,
	};

	check_reply(nothing, NULL, 18, "there is no response");
	check_reply(garbage, NULL, 8, "not acceptable");
	check_reply(body, "--max-filesize=3", 63, "too large");
	check_reply(stall, "--max-time=0.2", 28, "not done after 0.2 s");
}

static void
test_verbose(struct test *test)
{
	struct nginx *nginx = nginx_start();
	char *url = url_of("https", nginx_tls_port(nginx), "/hello"), *out, *err;
	static const char *const lines[] = {
		"* looking up localhost\n", "* connecting to 127.0.0.1:", "* TLSv1.3, TLS_",
		"> GET /hello HTTP/1.1\n",  "> Host: localhost:",         "< 200 OK\n",
		"< Content-Length: 14\n",
	};
	struct program program =
		program_start(HTTP_CLIENT, NULL, "-v", "--cacert", certificate_ca(), url, NULL);

	g_assert_cmpint(program_end(&program, &out, &err), ==, 0);
	g_assert_cmpstr(out, ==, "Hello, world.\n");
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		if (!strstr(err, lines[i]))
			g_error("no \"%s\" in:\n%s", lines[i], err);
	g_free(out);
	g_free(err);
	g_free(url);
	nginx_stop(nginx);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/http-client-command/large-file", test_large_file);
	test_add("/http-client-command/framings", test_framings);
	test_add("/http-client-command/standard-output", test_standard_output);
	test_add("/http-client-command/post", test_post);
	test_add("/http-client-command/certificates", test_certificates);
	test_add("/http-client-command/cafile", test_cafile);
	test_add("/http-client-command/no-tls-there", test_no_tls_there);
	test_add("/http-client-command/no-connection", test_no_connection);
	test_add("/http-client-command/unknown-host", test_unknown_host);
	test_add("/http-client-command/bad-url", test_bad_url);
	test_add("/http-client-command/usage", test_usage);
	test_add("/http-client-command/http-error", test_http_error);
	test_add("/http-client-command/redirects", test_redirects);
	test_add("/http-client-command/truncated", test_truncated);
	test_add("/http-client-command/misbehaving-servers", test_misbehaving_servers);
	test_add("/http-client-command/verbose", test_verbose);
	return g_test_run();
}
