/* SPDX-License-Identifier: MIT */
/* examples/http_client.h: every way in which a response can be framed, broken or too large. */
#include <string.h>

#include "fetch.h"

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
	  "Content-Length: 2\r\n\r\nok",
	  HTTP_ERROR_NONE, 200, "ok" },
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
	{ "HTTP/1.1 101 Switching Protocols\r\n\r\n" OK_HEAD "Content-Length: 0\r\n\r\n",
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

/* Not those of an interim response before it, nor trailers. */
static void
test_fields_of_the_response(struct test *test)
{
	const struct fake_reply reply =
		REPLY("HTTP/1.1 103 Early Hints\r\nA: early\r\nB: b\r\n\r\n" OK_HEAD
		      "Transfer-Encoding: chunked\r\nA: a\r\n"
		      "A: again\r\nEmpty:\r\n\r\n"
		      "1\r\nx\r\n0\r\nC: c\r\n\r\n");
	struct fake_server *server = fake_server_new(&reply, 1);
	struct fetch fetch = { 0 };

	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.error, ==, HTTP_ERROR_NONE);
	g_assert_cmpstr(http_request_header(fetch.request, "a"), ==, "a");
	g_assert_cmpstr(http_request_header(fetch.request, "Empty"), ==, "");
	g_assert_null(http_request_header(fetch.request, "B"));
	g_assert_null(http_request_header(fetch.request, "C"));
	g_assert_cmpint(http_request_length(fetch.request), ==, -1);
	fetch_clear(&fetch);
	fake_server_free(server);
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
	const struct fake_reply reply = {
		.text = OK_HEAD "Content-Length: 9\r\n\r\nhello",
		.size = -1,
		.reset = TRUE,
	};

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

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/http-response/framing", test_framing);
	test_add("/http-response/zero-byte-in-header", test_zero_byte_in_header);
	test_add("/http-response/fields-of-the-response", test_fields_of_the_response);
	test_add("/http-response/head-has-no-body", test_head_has_no_body);
	test_add("/http-response/reset-is-truncation", test_reset_is_truncation);
	test_add("/http-response/endless-head", test_endless_head);
	test_add("/http-response/endless-interim-responses", test_endless_interim_responses);
	test_add("/http-response/large-head", test_large_head);
	test_add("/http-response/body-limit", test_body_limit);
	return g_test_run();
}
