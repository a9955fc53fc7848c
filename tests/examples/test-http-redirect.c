/* SPDX-License-Identifier: MIT */
/* examples/http_client.h: what a redirect makes of a request, and which are not followed. */
#include <string.h>

#include "fetch.h"

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

static char *
redirect_to(const struct fake_server *server)
{
	return g_strdup_printf("HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:%d/\r\n\r\n",
			       fake_server_port(server));
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
	replies[0].text = redirect_to(other);
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

	back = redirect_to(server);
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

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/http-redirect/methods", test_redirect_methods);
	test_add("/http-redirect/needs-location", test_redirect_needs_location);
	test_add("/http-redirect/limit", test_redirect_limit);
	test_add("/http-redirect/to-nonsense", test_redirect_to_nonsense);
	test_add("/http-redirect/drops-credentials", test_redirect_drops_credentials);
	return g_test_run();
}
