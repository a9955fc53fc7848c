/* SPDX-License-Identifier: MIT */
/*
 * examples/http_client.h: what is sent and what must not be, time limits, pausing, and freeing
 * anything in any callback.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch.h"

static void
test_nothing_is_smuggled(struct test *test)
{
	/* clang-format off */
	static const char *const bad[] = {
		"A: b\r\nC: d", "A: b\nC: d", "A: b\rC", "A\r\nB: c", "A B: c", ": b", "A", "",
		"A: \x01", "A: \x7f", "A : b", "Host: h", "content-length: 5", "Connection: x",
		"Transfer-Encoding: chunked", "TE: trailers", "Upgrade: x", "Expect: 100-continue",
		"Trailer: x",
	};
	/* clang-format on */
	static const char *const methods[] = { "",     "GET ",    "GET / HTTP/1.1\r\nX: y\r\n",
					       "G\nT", "CONNECT", "G:T" };
	const struct fake_reply reply = REPLY(OK_HEAD "Content-Length: 0\r\n\r\n");
	struct fake_server *server = fake_server_new(&reply, 1);

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		const char *headers[] = { "Fine: yes", bad[i], NULL };
		struct fetch fetch = { .options = { .headers = headers } };

		g_test_message("%s", bad[i]);
		fetch_run(&fetch, test, server);
		g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_REQUEST);
		fetch_clear(&fetch);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
		struct fetch fetch = { .options = { .method = methods[i] } };

		fetch_run(&fetch, test, server);
		g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_REQUEST);
		fetch_clear(&fetch);
	}
	g_assert_cmpuint(fake_server_count(server), ==, 0);
	fake_server_free(server);
}

static void
test_request_text(struct test *test)
{
	const char *headers[] = { "Accept: text/*", "Empty:", "User-Agent: me/1", NULL };
	const struct fake_reply reply = REPLY(OK_HEAD "Content-Length: 0\r\n\r\n");
	struct fake_server *server = fake_server_new(&reply, 1);
	struct fetch fetch = { .options = { .headers = headers, .body = "a=b", .body_size = 3 } };
	char *sent, *expected;

	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_NONE);
	sent = fake_server_request(server, 0);
	expected = g_strdup_printf("POST /x HTTP/1.1\r\n"
				   "Host: 127.0.0.1:%d\r\n"
				   "Connection: close\r\n"
				   "Content-Length: 3\r\n"
				   "Accept: text/*\r\n"
				   "Empty:\r\n"
				   "User-Agent: me/1\r\n"
				   "\r\n"
				   "a=b",
				   fake_server_port(server));
	g_assert_cmpstr(sent, ==, expected);
	g_free(expected);
	g_free(sent);
	fetch_clear(&fetch);
	fake_server_free(server);
}

/* The server answers and closes without reading a body that no socket buffer holds. */
static void
test_early_response(struct test *test)
{
	static char body[32 * 1024 * 1024];
	const struct fake_reply reply = {
		.text = "HTTP/1.1 413 Too Large\r\n"
			"Content-Length: 2\r\n\r\nno",
		.size = -1,
		.deaf = TRUE,
		.stall = TRUE,
	};
	struct fake_server *server = fake_server_new(&reply, 1);
	struct fetch fetch = { .options = { .body = body, .body_size = sizeof(body) } };

	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_NONE);
	g_assert_cmpint(fetch.result.status, ==, 413);
	g_assert_cmpstr(fetch.body->str, ==, "no");
	fetch_clear(&fetch);
	fake_server_free(server);
}

static void
test_large_request_body(struct test *test)
{
	size_t size = 4 * 1024 * 1024;
	char *body = g_strnfill(size, 'b'), *sent;
	const struct fake_reply reply = REPLY(OK_HEAD "Content-Length: 0\r\n\r\n");
	struct fake_server *server = fake_server_new(&reply, 1);
	struct fetch fetch = { .options = { .method = "PUT", .body = body, .body_size = size } };

	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_NONE);
	sent = fake_server_request(server, 0);
	g_assert_true(g_str_has_suffix(sent, body));
	g_free(sent);
	g_free(body);
	fetch_clear(&fetch);
	fake_server_free(server);
}

static void
test_timeout(struct test *test)
{
	static const char *const texts[] = { "", OK_HEAD "Content-Length: 9\r\n\r\nhel" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		const struct fake_reply reply = { .text = texts[i], .size = -1, .stall = TRUE };
		struct fake_server *server = fake_server_new(&reply, 1);
		struct fetch fetch = { .options = { .timeout = FEND_MS(100) } };
		fend_time started = fend_now();

		fetch_run(&fetch, test, server);
		g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_TIMEOUT);
		g_assert_cmpint(fend_now() - started, >=, FEND_MS(100));
		fetch_clear(&fetch);
		fake_server_free(server);
	}
}

static void
test_refused_port(struct test *test)
{
	const struct fake_reply reply = REPLY("");
	struct fake_server *server = fake_server_new(&reply, 1);
	struct fetch fetch = { 0 };
	char *url = fetch_url(server);

	fake_server_free(server);
	fetch_start(&fetch, test, url);
	test_run(test);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_CONNECT);
	fetch_clear(&fetch);
	g_free(url);
}

/* localhost is ::1 as well, where this server does not listen. */
static void
test_next_address(struct test *test)
{
	const struct fake_reply reply = REPLY(OK_HEAD "Content-Length: 0\r\n\r\n");
	struct fake_server *server = fake_server_new(&reply, 1);
	char *url = g_strdup_printf("http://localhost:%d/", fake_server_port(server));
	struct fetch fetch = { 0 };

	fetch_start(&fetch, test, url);
	test_run(test);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_NONE);
	fetch_clear(&fetch);
	g_free(url);
	fake_server_free(server);
}

/*
 * A socket on ::1 that answers nobody: it listens, but its queue of connections is full. -1: there
 * is no IPv6.
 */
static int
dead_listener(int port, int *ret_filling, size_t n)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	g_assert_cmpint(listen(fd, 0), ==, 0);
	for (size_t i = 0; i < n; i++) {
		ret_filling[i] = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(ret_filling[i], (struct sockaddr *)&address, sizeof(address));
	}
	return fd;
}

/* The first address of localhost does not answer; the next has its turn after 250 ms (RFC 8305). */
static void
test_dead_address_leaves_time(struct test *test)
{
	const struct fake_reply reply = REPLY(OK_HEAD "Content-Length: 0\r\n\r\n");
	struct fake_server *server = fake_server_new(&reply, 1);
	char *url = g_strdup_printf("http://localhost:%d/", fake_server_port(server));
	struct fetch fetch = { .options = { .timeout = FEND_SEC(2) * test_slowness() } };
	fend_time started = fend_now();
	int filling[4] = { -1, -1, -1, -1 };
	int dead = dead_listener(fake_server_port(server), filling, G_N_ELEMENTS(filling));

	fetch_start(&fetch, test, url);
	test_run(test);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_NONE);
	if (dead >= 0)
		g_assert_cmpint(fend_now() - started, >=, FEND_MS(240));
	else
		g_test_skip("there is no IPv6 here");
	fetch_clear(&fetch);
	for (size_t i = 0; i < G_N_ELEMENTS(filling); i++)
		close(filling[i]);
	close(dead);
	g_free(url);
	fake_server_free(server);
}

static void
test_bad_url_is_told_by_done(struct test *test)
{
	struct fetch fetch = { 0 };

	fetch_start(&fetch, test, "gopher://h/");
	test_run(test);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_URL);
	g_assert_null(http_request_url(fetch.request));
	g_assert_null(http_request_header(fetch.request, "A"));
	g_assert_cmpint(http_request_length(fetch.request), ==, -1);
	fetch_clear(&fetch);
}

static void
never(struct http_request *request, const struct http_result *result, void *data)
{
	g_assert_not_reached();
}

static void
test_mistakes(struct test *test)
{
	const struct http_options options = { .timeout = -5 };
	struct http_request *request = NULL;

	test_error(http_request_start(NULL, "http://h", NULL, never, NULL, &request), -EINVAL);
	test_error(http_request_start(test->loop, NULL, NULL, never, NULL, &request), -EINVAL);
	test_error(http_request_start(test->loop, "http://h", NULL, NULL, NULL, &request), -EINVAL);
	test_error(http_request_start(test->loop, "http://h", NULL, never, NULL, NULL), -EINVAL);
	test_error(http_request_start(test->loop, "http://h", &options, never, NULL, &request),
		   -EINVAL);
	g_assert_null(request);
	g_assert_null(http_request_free(NULL));
}

static const struct fake_reply in_pieces =
	REPLY(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n");

/* How many bytes of it a callback has seen that is called for the first time. */
static const size_t bytes[] = { [IN_RESPONSE] = 0, [IN_BODY] = 1, [IN_DONE] = 3 };

static void
test_stopped_by_body(struct test *test)
{
	struct fake_server *server = fake_server_new(&in_pieces, 1);
	struct fetch fetch = { .stop = TRUE };

	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_ABORTED);
	g_assert_cmpstr(fetch.body->str, ==, "a");
	fetch_clear(&fetch);
	fake_server_free(server);
}

static void
test_freed_in_callbacks(struct test *test)
{
	for (enum when when = IN_RESPONSE; when <= IN_DONE; when++) {
		struct fake_server *server = fake_server_new(&in_pieces, 1);
		struct fetch fetch = { .free_request = when };
		char *url = fetch_url(server);

		fetch_start(&fetch, test, url);
		while (fetch.request)
			test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
		test_drain(test);
		g_assert_cmpuint(fetch.dones, ==, when == IN_DONE);
		g_assert_cmpuint(fetch.body->len, ==, bytes[when]);
		test->done = 0;
		fetch_clear(&fetch);
		fake_server_free(server);
		g_free(url);
	}
}

static void
test_loop_freed_in_callbacks(struct test *test)
{
	for (int order = 0; order < 2; order++) {
		for (enum when when = IN_RESPONSE; when <= IN_DONE; when++) {
			struct fake_server *server = fake_server_new(&in_pieces, 1);
			struct fetch fetch = { .free_loop = when,
					       .free_request = order ? when : NEVER };
			char *url = fetch_url(server);
			int err = 0;

			if (!test->loop)
				test_ok(fend_loop_new(NULL, &test->loop));
			fetch_start(&fetch, test, url);
			while (err >= 0)
				err = fend_loop_dispatch(test->loop, FEND_SEC(20));
			test_error(err, -ESHUTDOWN);
			g_assert_null(test->loop);
			g_assert_cmpuint(fetch.dones, ==, when == IN_DONE);
			g_assert_cmpuint(fetch.body->len, ==, bytes[when]);
			fetch_clear(&fetch);
			fake_server_free(server);
			g_free(url);
		}
	}
}

static void
test_freed_at_any_time(struct test *test)
{
	struct fake_server *server = fake_server_new(&in_pieces, 1);
	char *url = fetch_url(server);
	gboolean ended = FALSE;

	for (unsigned iterations = 0; !ended; iterations++) {
		struct fetch fetch = { 0 };

		fetch_start(&fetch, test, url);
		for (unsigned i = 0; i < iterations && !ended; i++) {
			test_ok(fend_loop_dispatch(test->loop, FEND_MS(50)));
			ended = fetch.dones > 0;
		}
		fetch_clear(&fetch);
		test_drain(test);
	}
	g_free(url);
	fake_server_free(server);
}

static void
test_freed_after_the_loop(struct test *test)
{
	struct fake_server *server = fake_server_new(&in_pieces, 1);
	struct fetch fetch = { 0 };
	char *url = fetch_url(server);

	fetch_start(&fetch, test, url);
	test->loop = fend_loop_free(test->loop);
	http_request_pause(fetch.request);
	http_request_resume(fetch.request);
	fetch_clear(&fetch);
	g_assert_cmpuint(fetch.dones, ==, 0);
	g_free(url);
	fake_server_free(server);
}

/* No more than what is in hand arrives while paused; the rest does afterwards. */
static void
test_pause(struct test *test)
{
	const size_t size = 8 * 1024 * 1024;
	char *body = g_strnfill(size, 'x');
	char *text = g_strdup_printf(OK_HEAD "Content-Length: %zu\r\n\r\n%s", size, body);
	const struct fake_reply reply = REPLY(text);
	struct fake_server *server;
	struct fetch fetch = { .pause = TRUE };
	char *url;

	server = fake_server_new(&reply, 1);
	url = fetch_url(server);
	fetch_start(&fetch, test, url);
	while (fetch.body->len < size) {
		size_t before = fetch.body->len;

		while (fetch.body->len == before)
			test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
		test_drain(test);
		test_ok(fend_loop_dispatch(test->loop, 0));
		g_assert_cmpuint(fetch.body->len - before, <=, 16384);
		http_request_resume(fetch.request);
	}
	if (!fetch.dones)
		test_run(test);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_NONE);
	g_assert_cmpuint(fetch.body->len, ==, size);
	fetch_clear(&fetch);
	fake_server_free(server);
	g_free(body);
	g_free(text);
	g_free(url);
}

static void
test_trace_is_printable(struct test *test)
{
	const struct fake_reply reply = REPLY("HTTP/1.1 200 \xc2\x9b[2J\r\nA: \xff\tb\r\n"
					      "Content-Length: 0\r\n\r\n");
	struct fake_server *server = fake_server_new(&reply, 1);
	char *text = NULL;
	size_t size;
	struct fetch fetch = { 0 };

	fetch.options.trace = open_memstream(&text, &size);
	fetch_run(&fetch, test, server);
	g_assert_cmpint(fclose(fetch.options.trace), ==, 0);
	g_assert_nonnull(strstr(text, "> GET /x HTTP/1.1\n"));
	g_assert_nonnull(strstr(text, "< A: ??b\n"));
	for (size_t i = 0; i < size; i++)
		g_assert_true(g_ascii_isprint(text[i]) || text[i] == '\n');
	fetch_clear(&fetch);
	fake_server_free(server);
	free(text);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/http-client/nothing-is-smuggled", test_nothing_is_smuggled);
	test_add("/http-client/request-text", test_request_text);
	test_add("/http-client/early-response", test_early_response);
	test_add("/http-client/large-request-body", test_large_request_body);
	test_add("/http-client/timeout", test_timeout);
	test_add("/http-client/refused-port", test_refused_port);
	test_add("/http-client/next-address", test_next_address);
	test_add("/http-client/dead-address-leaves-time", test_dead_address_leaves_time);
	test_add("/http-client/bad-url-is-told-by-done", test_bad_url_is_told_by_done);
	test_add("/http-client/mistakes", test_mistakes);
	test_add("/http-client/stopped-by-body", test_stopped_by_body);
	test_add("/http-client/freed-in-callbacks", test_freed_in_callbacks);
	test_add("/http-client/loop-freed-in-callbacks", test_loop_freed_in_callbacks);
	test_add("/http-client/freed-at-any-time", test_freed_at_any_time);
	test_add("/http-client/freed-after-the-loop", test_freed_after_the_loop);
	test_add("/http-client/pause", test_pause);
	test_add("/http-client/trace-is-printable", test_trace_is_printable);
	return g_test_run();
}
