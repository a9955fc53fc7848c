/* SPDX-License-Identifier: MIT */
/* examples/http_url.h: what is read out of a URL, what is refused, what a redirect means. */
#include <errno.h>
#include <string.h>

#include "fend-test.h"
#include "http_url.h"

static void
check(const char *text, const char *host, const char *port, const char *authority,
      const char *target)
{
	struct http_url url;
	const char *reason;

	test_ok(http_url_parse(text, &url, &reason));
	g_assert_cmpint(url.https, ==, g_ascii_strncasecmp(text, "https", 5) == 0);
	g_assert_cmpstr(url.host, ==, host);
	g_assert_cmpstr(url.port, ==, port);
	g_assert_cmpstr(url.authority, ==, authority);
	g_assert_cmpstr(url.target, ==, target);
	http_url_clear(&url);
}

static void
test_parts(struct test *test)
{
	check("http://h", "h", "80", "h", "/");
	check("https://h", "h", "443", "h", "/");
	check("HTTP://H.Example/A?B#C", "h.example", "80", "h.example", "/A?B");
	check("http://h:8080", "h", "8080", "h:8080", "/");
	check("http://h:0080/", "h", "80", "h", "/");
	check("https://h:80/", "h", "80", "h:80", "/");
	check("http://h:/x", "h", "80", "h", "/x");
	check("http://h?", "h", "80", "h", "/?");
	check("http://h?a=b", "h", "80", "h", "/?a=b");
	check("http://h//a//b", "h", "80", "h", "//a//b");
	check("http://h/a/../%2e?/..", "h", "80", "h", "/a/../%2e?/..");
	check("http://127.0.0.1:1/", "127.0.0.1", "1", "127.0.0.1:1", "/");
	check("http://[::1]", "::1", "80", "[::1]", "/");
	check("https://[2001:DB8::1]:8443/", "2001:DB8::1", "8443", "[2001:DB8::1]:8443", "/");
	check("http://h:65535/", "h", "65535", "h:65535", "/");
}

static void
refuse(const char *text, const char *word)
{
	struct http_url url;
	const char *reason = NULL;

	test_error(http_url_parse(text, &url, &reason), -EINVAL);
	g_assert_nonnull(strstr(reason, word));
}

static void
test_refused(struct test *test)
{
	char *longest = g_strnfill(9000, 'a');
	char *url = g_strconcat("http://h/", longest, NULL);

	refuse("", "http://");
	refuse("h", "http://");
	refuse("//h/", "http://");
	refuse("ftp://h/", "only http");
	refuse("file:///etc/passwd", "only http");
	refuse("http:///", "no host");
	refuse("http:h", "no host");
	refuse("http://:80/", "no host");
	refuse("http://h:0/", "port");
	refuse("http://h:65536/", "port");
	refuse("http://h:99999999999999999999/", "port");
	refuse("http://h:x/", "no URL");
	refuse("http://user@h/", "user name");
	refuse("http://user:password@h/", "user name");
	refuse("http://h%00x/", "percent-encoded");
	refuse("http://h%2f/", "percent-encoded");
	refuse("http://b\xc3\xbc"
	       "cher.example/",
	       "xn--");
	refuse("http://h/\xc3\xbc", "ASCII");
	refuse("http://[::1/", "no URL");
	refuse("http://[fe80::1%25lo]/", "no URL");
	refuse("http://[v1.x]/", "address");
	refuse("http://h/a b", "no URL");
	refuse("http://h/\r\nX: y", "no URL");
	refuse("http://h/%zz", "no URL");
	refuse("http://h/\\", "no URL");
	refuse(url, "8000");
	g_free(url);
	g_free(longest);
}

static void
resolve(const char *reference, const char *expected)
{
	struct http_url base, url;
	const char *reason;

	test_ok(http_url_parse("http://h:81/a/b/c?d", &base, &reason));
	test_ok(http_url_resolve(&base, reference, &url, &reason));
	g_assert_cmpstr(url.text, ==, expected);
	http_url_clear(&url);
	http_url_clear(&base);
}

/* The references are those of RFC 3986, section 5.4. */
static void
test_resolved(struct test *test)
{
	resolve("g", "http://h:81/a/b/g");
	resolve("./g", "http://h:81/a/b/g");
	resolve("g/", "http://h:81/a/b/g/");
	resolve("/g", "http://h:81/g");
	resolve("//g", "http://g/");
	resolve("?y", "http://h:81/a/b/c?y");
	resolve("g?y", "http://h:81/a/b/g?y");
	resolve("#s", "http://h:81/a/b/c?d");
	resolve("", "http://h:81/a/b/c?d");
	resolve("..", "http://h:81/a/");
	resolve("../..", "http://h:81/");
	resolve("../../../g", "http://h:81/g");
	resolve("g;x=1/../y", "http://h:81/a/b/y");
	resolve("https://G:443/x", "https://g/x");
}

static void
test_refused_reference(struct test *test)
{
	static const char *const references[] = {
		"ftp://h/", "//user@h/", "a b", "http:g", "http:///x", "/\xff", "/\x1b[2J",
	};
	struct http_url base, url;
	const char *reason;

	test_ok(http_url_parse("http://h/", &base, &reason));
	for (size_t i = 0; i < G_N_ELEMENTS(references); i++)
		test_error(http_url_resolve(&base, references[i], &url, &reason), -EINVAL);
	http_url_clear(&base);
}

static gboolean
same_origin(const char *a, const char *b)
{
	struct http_url first, second;
	const char *reason;
	gboolean same;

	test_ok(http_url_parse(a, &first, &reason));
	test_ok(http_url_parse(b, &second, &reason));
	same = http_url_same_origin(&first, &second);
	http_url_clear(&first);
	http_url_clear(&second);
	return same;
}

static void
test_origin(struct test *test)
{
	g_assert_true(same_origin("http://h/a", "http://H:80/b?c"));
	g_assert_true(same_origin("https://h:443", "https://h"));
	g_assert_true(same_origin("http://[::A]", "http://[::a]"));
	g_assert_false(same_origin("http://h", "https://h"));
	g_assert_false(same_origin("http://h", "http://h:81"));
	g_assert_false(same_origin("http://h:443", "https://h"));
	g_assert_false(same_origin("http://h", "http://www.h"));
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/http-url/parts", test_parts);
	test_add("/http-url/refused", test_refused);
	test_add("/http-url/reference-resolved", test_resolved);
	test_add("/http-url/reference-refused", test_refused_reference);
	test_add("/http-url/origin", test_origin);
	return g_test_run();
}
