/* SPDX-License-Identifier: MIT */
/* examples/http_client.h: what a redirect makes of a request, and which are not followed. */
#include <string.h>

#include "fetch.h"

/* A method and a status in, what the second request looks like out. */
static void
check_redirect(struct test *test, const char *method, int status, const char *line, gboolean body)
{
	char *first = g_strdup_printf("HTTP/1.1 %d Moved\r\nLocation: y?z\r\n"
				      "Content-Length: 7\r\n\r\nignored",
				      status);
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
	static const char *const locations[] = { "ftp://h/", "http://u@h/", "/a b",
						 "http:///", "http://h:0/", "/\xc3\xbc" };

	for (size_t i = 0; i < G_N_ELEMENTS(locations); i++) {
		char *text =
			g_strdup_printf("HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n", locations[i]);
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

static void
check_credentials(struct fake_server *server, unsigned n, gboolean sent)
{
	char *request = fake_server_request(server, n);

	g_assert_cmpint(strstr(request, "\r\nauthorization: Basic x\r\n") != NULL, ==, sent);
	g_assert_cmpint(strstr(request, "\r\nCookie: c\r\n") != NULL, ==, sent);
	g_assert_cmpint(strstr(request, "\r\nProxy-Authorization: y\r\n") != NULL, ==, sent);
	g_assert_nonnull(strstr(request, "\r\nX-Other: stays\r\n"));
	g_free(request);
}

/*
 * Within the origin, to another one (the port makes the difference), within that, and back to the
 * first, which does not get them again: where it goes is no longer its own doing.
 */
static void
test_redirect_drops_credentials(struct test *test)
{
	const char *headers[] = { "authorization: Basic x", "Cookie: c", "Proxy-Authorization: y",
				  "X-Other: stays", NULL };
	const struct fake_reply none = REPLY("");
	struct fake_reply there[] = { REPLY("HTTP/1.1 307 Here\r\nLocation: /y\r\n\r\n"),
				      { .size = -1 },
				      REPLY(OK_HEAD "Content-Length: 0\r\n\r\n") };
	struct fake_reply back[] = { there[0], { .size = -1 } };
	struct fetch fetch = { .options = { .headers = headers } };
	struct fake_server *server, *other = fake_server_new(&none, 1);
	char *to_other = redirect_to(other), *to_server;

	there[1].text = to_other;
	server = fake_server_new(there, G_N_ELEMENTS(there));
	to_server = redirect_to(server);
	back[1].text = to_server;
	fake_server_set_replies(other, back, G_N_ELEMENTS(back));
	fetch_run(&fetch, test, server);
	g_assert_cmpint(fetch.result.status, ==, 200);
	check_credentials(server, 0, TRUE);
	check_credentials(server, 1, TRUE);
	check_credentials(other, 0, FALSE);
	check_credentials(other, 1, FALSE);
	check_credentials(server, 2, FALSE);
	fetch_clear(&fetch);
	fake_server_free(other);
	fake_server_free(server);
	g_free(to_other);
	g_free(to_server);
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
