/* SPDX-License-Identifier: MIT */
/*
 * examples/http_client.h, against servers that answer to order: every way in which a response can be
 * framed or broken, redirects, what must not be sent, and freeing anything in any callback.
 */
#include <errno.h>
#include <string.h>

#include "fake-server.h"
#include "fend-test.h"
#include "http_client.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define REPLY(text_) { .text = text_, .size = -1 }

enum when { NEVER, IN_RESPONSE, IN_BODY, IN_DONE };

struct fetch {
	struct test *test;
	struct http_request *request;
	struct http_options options;
	struct http_result result;
	char *text;
	GString *body;
	unsigned responses, dones;
	enum when free_request, free_loop;
	gboolean stop, pause;
};

static void
act(struct fetch *fetch, enum when now)
{
	if (fetch->free_loop == now) {
		fetch->test->loop = fend_loop_free(fetch->test->loop);
		fetch->free_loop = NEVER;
	}
	if (fetch->free_request == now)
		fetch->request = http_request_free(fetch->request);
}

static void
on_response(struct http_request *request, int status, void *data)
{
	struct fetch *fetch = data;

	g_assert_true(request == fetch->request);
	fetch->responses++;
	act(fetch, IN_RESPONSE);
}

static int
on_body(struct http_request *request, const void *bytes, size_t size, void *data)
{
	struct fetch *fetch = data;

	g_assert_cmpuint(size, >, 0);
	g_assert_cmpuint(fetch->responses, ==, 1);
	g_string_append_len(fetch->body, bytes, size);
	if (fetch->pause)
		http_request_pause(request);
	act(fetch, IN_BODY);
	return fetch->stop;
}

static void
on_done(struct http_request *request, const struct http_result *result, void *data)
{
	struct fetch *fetch = data;

	fetch->dones++;
	fetch->result = *result;
	fetch->text = g_strdup(result->text);
	fetch->test->done = 1;
	act(fetch, IN_DONE);
}

static void
fetch_start(struct fetch *fetch, struct test *test, const char *url)
{
	fetch->test = test;
	fetch->body = g_string_new(NULL);
	fetch->options.on_response = on_response;
	fetch->options.on_body = on_body;
	test_ok(http_request_start(test->loop, url, &fetch->options, on_done, fetch,
				   &fetch->request));
	g_assert_cmpuint(fetch->dones, ==, 0);
}

static void
fetch_clear(struct fetch *fetch)
{
	http_request_free(fetch->request);
	g_string_free(fetch->body, TRUE);
	g_free(fetch->text);
}

static char *
url_of(const struct fake_server *server)
{
	return g_strdup_printf("http://127.0.0.1:%d/x", fake_server_port(server));
}

static void
fetch_run(struct fetch *fetch, struct test *test, const struct fake_server *server)
{
	char *url = url_of(server);

	fetch_start(fetch, test, url);
	test_run(test);
	test_drain(test);
	g_assert_cmpuint(fetch->dones, ==, 1);
	g_free(url);
}

/* One request, one reply; what comes of it. */
static void
expect(struct test *test, const struct fake_reply *reply, enum http_error error, int status,
       const char *body)
{
	struct fake_server *server = fake_server_new(reply, 1);
	struct fetch fetch = { .options = { .max_redirects = -1 } };

	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.error, ==, error);
	g_assert_cmpint(fetch.result.status, ==, status);
	if (body)
		g_assert_cmpstr(fetch.body->str, ==, body);
	fetch_clear(&fetch);
	fake_server_free(server);
}

struct framing {
	const char *reply;
	enum http_error error;
	int status;
	const char *body;
};

static const struct framing framings[] = {
	/* complete */
	{ OK_HEAD "Content-Length: 5\r\n\r\nhello", HTTP_ERROR_NONE, 200, "hello" },
	{ OK_HEAD "Content-Length: 0\r\n\r\n", HTTP_ERROR_NONE, 200, "" },
	{ OK_HEAD "content-length:5\r\n\r\nhelloand more", HTTP_ERROR_NONE, 200, "hello" },
	{ OK_HEAD "\r\nuntil the end", HTTP_ERROR_NONE, 200, "until the end" },
	{ OK_HEAD "\r\n", HTTP_ERROR_NONE, 200, "" },
	{ "HTTP/1.0 200 OK\r\n\r\nold", HTTP_ERROR_NONE, 200, "old" },
	{ "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", HTTP_ERROR_NONE, 200, "a" },
	{ OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
	  HTTP_ERROR_NONE, 200, "hello world" },
	{ OK_HEAD "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: t\r\nA: b\r\n\r\n",
	  HTTP_ERROR_NONE, 200, "abc" },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK_HEAD
	  "Content-Length: 2\r\n\r\nok", HTTP_ERROR_NONE, 200, "ok" },
	{ "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", HTTP_ERROR_NONE, 204, "" },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", HTTP_ERROR_NONE, 304, "" },
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", HTTP_ERROR_NONE, 404, "no" },
	{ "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 1\r\n\r\na", HTTP_ERROR_NONE, 302,
	  "a" },

	/* cut off */
	{ "", HTTP_ERROR_TRUNCATED, 0, "" },
	{ "HTTP/1.1 2", HTTP_ERROR_TRUNCATED, 0, "" },
	{ OK_HEAD "Content-Len", HTTP_ERROR_TRUNCATED, 0, "" },
	{ OK_HEAD "Content-Length: 5\r\n\r\nhell", HTTP_ERROR_TRUNCATED, 200, "hell" },
	{ OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", HTTP_ERROR_TRUNCATED, 200, "hel" },
	{ OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", HTTP_ERROR_TRUNCATED, 200,
	  "abc" },
	{ OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", HTTP_ERROR_TRUNCATED, 200,
	  "abc" },
	{ "HTTP/1.1 100 Continue\r\n\r\n", HTTP_ERROR_TRUNCATED, 0, "" },

	/* no good HTTP */
	{ "SSH-2.0-OpenSSH_9.2\r\n", HTTP_ERROR_PROTOCOL, 0, "" },
	{ "<html>HTTP 0.9</html>", HTTP_ERROR_PROTOCOL, 0, "" },
	{ "HTTP/2.0 200 OK\r\n\r\n", HTTP_ERROR_PROTOCOL, 0, "" },
	{ "HTTP/9.9 200 OK\r\n\r\n", HTTP_ERROR_PROTOCOL, 0, "" },
	{ "HTTP/1.1 abc OK\r\n\r\n", HTTP_ERROR_PROTOCOL, 0, "" },
	{ "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
	  HTTP_ERROR_PROTOCOL, 0, "" },
	{ OK_HEAD "Bad Name: x\r\n\r\n", HTTP_ERROR_PROTOCOL, 0, "" },
	{ OK_HEAD "Content-Length: 5x\r\n\r\nhello", HTTP_ERROR_PROTOCOL, 0, "" },
	{ OK_HEAD "Content-Length: -5\r\n\r\nhello", HTTP_ERROR_PROTOCOL, 0, "" },
	{ OK_HEAD "Content-Length: 99999999999999999999999\r\n\r\n", HTTP_ERROR_PROTOCOL, 0, "" },
	{ OK_HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", HTTP_ERROR_PROTOCOL, 0,
	  "" },
	{ OK_HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  HTTP_ERROR_PROTOCOL, 0, "" },
	{ OK_HEAD "Transfer-Encoding: gzip\r\n\r\nabc", HTTP_ERROR_PROTOCOL, 0, "" },
	{ OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", HTTP_ERROR_PROTOCOL, 0, "" },
	{ OK_HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", HTTP_ERROR_PROTOCOL, 200, "" },
	{ OK_HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", HTTP_ERROR_PROTOCOL,
	  200, "" },
};

static void
test_framing(struct test *test)
{
	for (size_t i = 0; i < G_N_ELEMENTS(framings); i++) {
		const struct framing *framing = &framings[i];
		struct fake_reply reply = REPLY(framing->reply);

		g_test_message("%s", framing->reply);
		expect(test, &reply, framing->error, framing->status, framing->body);
		reply.bytewise = TRUE;
		expect(test, &reply, framing->error, framing->status, framing->body);
	}
}

static void
test_zero_byte_in_header(struct test *test)
{
	static const char text[] = OK_HEAD "A: b\0c\r\nContent-Length: 0\r\n\r\n";
	const struct fake_reply reply = { .text = text, .size = sizeof(text) - 1 };

	expect(test, &reply, HTTP_ERROR_PROTOCOL, 0, "");
}

static void
test_head_has_no_body(struct test *test)
{
	const struct fake_reply reply = REPLY(OK_HEAD "Content-Length: 1000000\r\n\r\n");
	struct fake_server *server = fake_server_new(&reply, 1);
	struct fetch fetch = { .options = { .method = "HEAD", .max_body = 10 } };
	char *sent;

	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_NONE);
	g_assert_cmpstr(fetch.text, ==, "200 OK");
	g_assert_cmpint(http_request_length(fetch.request), ==, 1000000);
	g_assert_cmpstr(http_request_header(fetch.request, "content-LENGTH"), ==, "1000000");
	g_assert_null(http_request_header(fetch.request, "Content"));
	sent = fake_server_request(server, 0);
	g_assert_true(g_str_has_prefix(sent, "HEAD /x HTTP/1.1\r\nHost: 127.0.0.1:"));
	g_free(sent);
	fetch_clear(&fetch);
	fake_server_free(server);
}

static void
test_reset_is_truncation(struct test *test)
{
	const struct fake_reply reply = { .text = OK_HEAD "Content-Length: 9\r\n\r\nhello",
					  .size = -1, .reset = TRUE };

	expect(test, &reply, HTTP_ERROR_TRUNCATED, 200, "hello");
}

static void
test_endless_head(struct test *test)
{
	GString *text = g_string_new(OK_HEAD);
	struct fake_reply reply = { .size = -1 };

	while (text->len < 70000)
		g_string_append(text, "X-Padding: and so on, and so on, and so on\r\n");
	g_string_append(text, "Content-Length: 0\r\n\r\n");
	reply.text = text->str;
	expect(test, &reply, HTTP_ERROR_PROTOCOL, 0, "");
	g_string_free(text, TRUE);
}

static void
test_endless_interim_responses(struct test *test)
{
	GString *text = g_string_new(NULL);
	struct fake_reply reply = { .size = -1 };

	while (text->len < 140000)
		g_string_append(text, "HTTP/1.1 100 Continue\r\nX-Padding: and so on\r\n\r\n");
	reply.text = text->str;
	expect(test, &reply, HTTP_ERROR_PROTOCOL, 0, "");
	g_string_free(text, TRUE);
}

static void
test_large_head(struct test *test)
{
	char *value = g_strnfill(60000, 'v');
	char *text = g_strdup_printf(OK_HEAD "A: %s\r\nContent-Length: 2\r\n\r\nok", value);
	struct fake_reply reply = REPLY(text);

	expect(test, &reply, HTTP_ERROR_NONE, 200, "ok");
	g_free(text);
	g_free(value);
}

static void
test_body_limit(struct test *test)
{
	static const char *const texts[] = {
		OK_HEAD "Content-Length: 11\r\n\r\nhello world",
		OK_HEAD "\r\nhello world",
		OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		for (uint64_t max = 10; max <= 11; max++) {
			const struct fake_reply reply = REPLY(texts[i]);
			struct fake_server *server = fake_server_new(&reply, 1);
			struct fetch fetch = { .options = { .max_body = max } };

			fetch_run(&fetch, test, server);
			g_assert_cmpint(fetch.result.error, ==,
					max == 10 ? HTTP_ERROR_TOO_LARGE : HTTP_ERROR_NONE);
			g_assert_cmpuint(fetch.body->len, <=, max);
			fetch_clear(&fetch);
			fake_server_free(server);
		}
	}
}

static void
test_nothing_is_smuggled(struct test *test)
{
	static const char *const bad[] = {
		"A: b\r\nC: d", "A: b\nC: d", "A: b\rC", "A\r\nB: c", "A B: c", ": b", "A", "",
		"A: \x01", "A: \x7f", "A : b", "Host: h", "content-length: 5", "Connection: x",
		"Transfer-Encoding: chunked", "TE: trailers", "Upgrade: x", "Expect: 100-continue",
		"Trailer: x",
	};
	static const char *const methods[] = { "", "GET ", "GET / HTTP/1.1\r\nX: y\r\n", "G\nT",
					       "CONNECT", "G:T" };
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

/* A method and a status in, what the second request looks like out. */
static void
check_redirect(struct test *test, const char *method, int status, const char *line, gboolean body)
{
	char *first = g_strdup_printf("HTTP/1.1 %d Moved\r\nLocation: y?z\r\n"
				      "Content-Length: 7\r\n\r\nignored", status);
	const struct fake_reply replies[] = { REPLY(first),
					      REPLY(OK_HEAD "Content-Length: 3\r\n\r\nend") };
	struct fake_server *server = fake_server_new(replies, 2);
	const char *headers[] = { "Content-Type: text/plain", "Cookie: c", NULL };
	struct fetch fetch = { .options = { .method = method, .headers = headers } };
	char *sent;

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		fetch.options.body = "body";
		fetch.options.body_size = 4;
	}
	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_NONE);
	g_assert_cmpint(fetch.result.status, ==, 200);
	g_assert_cmpstr(fetch.body->str, ==, strcmp(method, "HEAD") ? "end" : "");
	g_assert_true(g_str_has_suffix(http_request_url(fetch.request), "/y?z"));
	sent = fake_server_request(server, 1);
	g_assert_true(g_str_has_prefix(sent, line));
	g_assert_cmpint(g_str_has_suffix(sent, "\r\n\r\nbody"), ==, body);
	g_assert_nonnull(strstr(sent, "Cookie: c\r\n"));
	if (fetch.options.body) {
		g_assert_cmpint(strstr(sent, "Content-Type") != NULL, ==, body);
		g_assert_cmpint(strstr(sent, "Content-Length") != NULL, ==, body);
	}
	g_free(sent);
	g_free(first);
	fetch_clear(&fetch);
	fake_server_free(server);
}

static void
test_redirect_methods(struct test *test)
{
	static const int statuses[] = { 301, 302, 303, 307, 308 };

	for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
		int status = statuses[i];

		check_redirect(test, "GET", status, "GET /y?z HTTP/1.1\r\n", FALSE);
		check_redirect(test, "HEAD", status, "HEAD /y?z HTTP/1.1\r\n", FALSE);
		check_redirect(test, "POST", status,
			       status > 303 ? "POST /y?z HTTP/1.1\r\n" : "GET /y?z HTTP/1.1\r\n",
			       status > 303);
		check_redirect(test, "PUT", status,
			       status == 303 ? "GET /y?z HTTP/1.1\r\n" : "PUT /y?z HTTP/1.1\r\n",
			       status != 303);
	}
}

static void
test_redirect_needs_location(struct test *test)
{
	const struct fake_reply reply = REPLY("HTTP/1.1 302 Found\r\nContent-Length: 1\r\n\r\na");
	struct fake_server *server = fake_server_new(&reply, 1);
	struct fetch fetch = { 0 };

	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_NONE);
	g_assert_cmpint(fetch.result.status, ==, 302);
	g_assert_cmpstr(fetch.body->str, ==, "a");
	fetch_clear(&fetch);
	fake_server_free(server);
}

static void
test_redirect_limit(struct test *test)
{
	const struct fake_reply reply = REPLY("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n");
	struct fake_server *server = fake_server_new(&reply, 1);
	struct fetch three = { .options = { .max_redirects = 3 } }, ten = { 0 };

	fetch_run(&three, test, server);
	g_assert_cmpint(three.result.error, ==, HTTP_ERROR_REDIRECT);
	g_assert_cmpuint(fake_server_count(server), ==, 4);
	fetch_run(&ten, test, server);
	g_assert_cmpint(ten.result.error, ==, HTTP_ERROR_REDIRECT);
	g_assert_cmpuint(fake_server_count(server), ==, 4 + 11);
	fetch_clear(&three);
	fetch_clear(&ten);
	fake_server_free(server);
}

static void
test_redirect_to_nonsense(struct test *test)
{
	static const char *const locations[] = { "ftp://h/", "http://u@h/", "/a b", "http:///",
						 "http://h:0/", "/\xc3\xbc" };

	for (size_t i = 0; i < G_N_ELEMENTS(locations); i++) {
		char *text = g_strdup_printf("HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n",
					     locations[i]);
		const struct fake_reply reply = REPLY(text);
		struct fake_server *server = fake_server_new(&reply, 1);
		struct fetch fetch = { 0 };

		fetch_run(&fetch, test, server);
		g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_REDIRECT);
		for (const char *c = fetch.text; *c; c++)
			g_assert_true(g_ascii_isprint(*c));
		fetch_clear(&fetch);
		fake_server_free(server);
		g_free(text);
	}
}

/* From one port to another and back: another origin, and never again what belonged to the first. */
static void
test_redirect_drops_credentials(struct test *test)
{
	const char *headers[] = { "authorization: Basic x", "Cookie: c", "Proxy-Authorization: y",
				  "X-Other: stays", NULL };
	struct fake_reply replies[] = { { .size = -1 }, { .size = -1 } };
	struct fake_reply there = { .size = -1 };
	struct fetch fetch = { .options = { .headers = headers } };
	struct fake_server *server, *other;
	char *sent, *back;

	replies[1].text = OK_HEAD "Content-Length: 0\r\n\r\n";
	there.text = replies[1].text;
	other = fake_server_new(&there, 1);
	replies[0].text = g_strdup_printf("HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:%d/\r\n\r\n",
					  fake_server_port(other));
	server = fake_server_new(replies, 2);
	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.status, ==, 200);
	sent = fake_server_request(server, 0);
	g_assert_nonnull(strstr(sent, "authorization: Basic x\r\n"));
	g_free(sent);
	sent = fake_server_request(other, 0);
	g_assert_null(strstr(sent, "uthorization"));
	g_assert_null(strstr(sent, "Cookie"));
	g_assert_nonnull(strstr(sent, "X-Other: stays\r\n"));
	g_free(sent);
	fetch_clear(&fetch);
	fake_server_free(other);

	back = g_strdup_printf("HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:%d/\r\n\r\n",
			       fake_server_port(server));
	there.text = back;
	other = fake_server_new(&there, 1);
	fetch = (struct fetch){ .options = { .headers = headers } };
	fetch_run(&fetch, test, other);
	g_assert_cmpint(fetch.result.status, ==, 200);
	sent = fake_server_request(server, 1);
	g_assert_null(strstr(sent, "uthorization"));
	g_free(sent);
	fetch_clear(&fetch);
	fake_server_free(other);
	fake_server_free(server);
	g_free(back);
	g_free((char *)replies[0].text);
}

/* The server answers and closes without reading a body that no socket buffer holds. */
static void
test_early_response(struct test *test)
{
	static char body[32 * 1024 * 1024];
	const struct fake_reply reply = { .text = "HTTP/1.1 413 Too Large\r\n"
						  "Content-Length: 2\r\n\r\nno",
					  .size = -1, .deaf = TRUE, .stall = TRUE };
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
	static const char *const texts[] = { "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel" };

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
	char *url = url_of(server);

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
test_mistakes(struct test *test)
{
	const struct http_options options = { .timeout = -5 };
	struct http_request *request = NULL;

	test_error(http_request_start(NULL, "http://h", NULL, on_done, NULL, &request), -EINVAL);
	test_error(http_request_start(test->loop, NULL, NULL, on_done, NULL, &request), -EINVAL);
	test_error(http_request_start(test->loop, "http://h", NULL, NULL, NULL, &request), -EINVAL);
	test_error(http_request_start(test->loop, "http://h", NULL, on_done, NULL, NULL), -EINVAL);
	test_error(http_request_start(test->loop, "http://h", &options, on_done, NULL, &request),
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
		char *url = url_of(server);

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
			char *url = url_of(server);
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
	char *url = url_of(server);
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
	char *url = url_of(server);

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
	url = url_of(server);
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
	test_add("/http-client/framing", test_framing);
	test_add("/http-client/zero-byte-in-header", test_zero_byte_in_header);
	test_add("/http-client/head-has-no-body", test_head_has_no_body);
	test_add("/http-client/reset-is-truncation", test_reset_is_truncation);
	test_add("/http-client/endless-head", test_endless_head);
	test_add("/http-client/endless-interim-responses", test_endless_interim_responses);
	test_add("/http-client/large-head", test_large_head);
	test_add("/http-client/body-limit", test_body_limit);
	test_add("/http-client/nothing-is-smuggled", test_nothing_is_smuggled);
	test_add("/http-client/request-text", test_request_text);
	test_add("/http-client/redirect-methods", test_redirect_methods);
	test_add("/http-client/redirect-needs-location", test_redirect_needs_location);
	test_add("/http-client/redirect-limit", test_redirect_limit);
	test_add("/http-client/redirect-to-nonsense", test_redirect_to_nonsense);
	test_add("/http-client/redirect-drops-credentials", test_redirect_drops_credentials);
	test_add("/http-client/early-response", test_early_response);
	test_add("/http-client/large-request-body", test_large_request_body);
	test_add("/http-client/timeout", test_timeout);
	test_add("/http-client/refused-port", test_refused_port);
	test_add("/http-client/next-address", test_next_address);
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
