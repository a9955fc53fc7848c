/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <fend/net.h>

#include "fend-test.h"
#include "proxy.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(literal) literal, sizeof(literal) - 1

struct good {
	const char *header;
	size_t size;
	const char *peer; /* NULL: unknown */
};

#define A107                                                     \
	"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff " \
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"

/* clang-format off */
static const struct good good[] = {
	{ BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"), "192.0.2.1:56324" },
	{ BYTES("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n"), "255.255.255.255:65535" },
	{ BYTES("PROXY TCP6 2001:db8::1 ::1 1 2\r\n"), "[2001:db8::1]:1" },
	{ BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "[::ffff:192.0.2.1]:1" },
	{ BYTES("PROXY UNKNOWN\r\n"), NULL },
	{ BYTES("PROXY UNKNOWN anything \0 at all\r\n"), NULL },
	{ BYTES(A107), NULL },
	{ BYTES(V2 "\x21\x11\0\x0c" "\xc0\0\2\1" "\xc6\x33\x64\2" "\xdc\4\1\xbb"),
	  "192.0.2.1:56324" },
	{ BYTES(V2 "\x21\x12\0\x0f" "\xc0\0\2\1" "\xc6\x33\x64\2" "\xdc\4\1\xbb" "\4\0\0"),
	  "192.0.2.1:56324" },
	{ BYTES(V2 "\x21\x21\0\x24" "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
		   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1" "\0\1\0\2"), "[2001:db8::1]:1" },
	{ BYTES(V2 "\x20\0\0\0"), NULL },
	{ BYTES(V2 "\x20\xff\0\3abc"), NULL },
	{ BYTES(V2 "\x21\0\0\0"), NULL },
	{ BYTES(V2 "\x21\0\0\5hello"), NULL },
	{ BYTES(V2 "\x21\x10\0\x0c" "123412341212"), NULL },
};
/* clang-format on */

static void
assert_good(const struct good *entry, const char *data, size_t size)
{
	struct proxy proxy;
	struct fend_address peer;

	test_error(fend__proxy_parse(data, size, &proxy), 0);
	g_assert_cmpuint(proxy.length, ==, entry->size);
	g_assert_cmpint(proxy.known, ==, entry->peer != NULL);
	if (entry->peer) {
		test_ok(fend_address_parse(entry->peer, &peer));
		g_assert_true(fend_address_equal(&proxy.peer, &peer));
		g_assert_cmpuint(proxy.peer.size, ==, peer.size);
	}
}

/* A copy of exactly so many bytes, so that a sanitizer notices who reads on. */
static char *
copy(const char *data, size_t size)
{
	return g_memdup2(data, size);
}

static void
test_headers(struct test *test)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autofree char *exact = copy(good[i].header, good[i].size);
		g_autoptr(GString) more = g_string_new_len(good[i].header, (gssize)good[i].size);

		assert_good(&good[i], exact, good[i].size);
		g_string_append(more, "GET / HTTP/1.1\r\n\r\n");
		assert_good(&good[i], more->str, more->len);
	}
}

/* What is cut short is incomplete, until what matters is there. */
static void
test_every_beginning_is_incomplete(struct test *test)
{
	size_t i, size;

	for (i = 0; i < G_N_ELEMENTS(good); i++) {
		for (size = 0; size < good[i].size; size++) {
			g_autofree char *exact = copy(good[i].header, size);
			struct proxy proxy = { .length = 77 };
			int r = fend__proxy_parse(exact, size, &proxy);

			if (r == 0) {
				/* Of version 2 the rest is only to be skipped. */
				g_assert_cmpint(good[i].header[0], ==, '\r');
				g_assert_cmpuint(size, >=, 16);
				assert_good(&good[i], exact, size);
				continue;
			}
			test_error(r, -EAGAIN);
			g_assert_cmpuint(proxy.length, ==, 77);
		}
	}
}

static void
test_what_is_no_header(struct test *test)
{
	static const struct {
		const char *data;
		size_t size;
	} bad[] = {
		{ BYTES("G") },
		{ BYTES("PROXX") },
		{ BYTES("proxy ") },
		{ BYTES("\r\n\r\n\r") },
		{ BYTES("PROXY \r\n") },
		{ BYTES("PROXY TCP4\r\n") },
		{ BYTES("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n") },
		{ BYTES("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 99999999999999999999999 2\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n") },
		{ BYTES("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 ::1 1 2\r\n") },
		{ BYTES("PROXY TCP4 ::1 ::1 1 2\r\n") },
		{ BYTES("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1\0 2\r\n") },
		{ BYTES("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n") },
		{ BYTES("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n") },
		{ BYTES("PROXY UNKNOWN2\r\n") },
		{ BYTES("PROXY UNKNOWN\n") },
		{ BYTES("PROXY UNKNOWN\rx") },
		{ BYTES("PROXY UNKNOWN x\r\r\n") },
		{ BYTES("PROXY UNKNOWN1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535xxx") },
		{ BYTES(V2 "\x11") },
		{ BYTES(V2 "\x22") },
		{ BYTES(V2 "\x2f") },
		{ BYTES(V2 "\x21\x41\0\0") },
		{ BYTES(V2 "\x21\x13\0\x0c") },
		{ BYTES(V2 "\x21\x11\0\x0b") },
		{ BYTES(V2 "\x21\x21\0\x23") },
		{ BYTES(V2 "\x21\x31\0\xd7") },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *exact = copy(bad[i].data, bad[i].size);
		struct proxy proxy = { .length = 77 };

		g_test_message("%zu", i);
		test_error(fend__proxy_parse(exact, bad[i].size, &proxy), -EPROTO);
		g_assert_cmpuint(proxy.length, ==, 77);
	}
}

static void
test_unix_addresses(struct test *test)
{
	static const struct {
		const char *path;
		size_t size;
		const char *text;
	} paths[] = {
		{ BYTES("/run/x"), "unix:/run/x" },
		{ BYTES("/run/x\0old"), "unix:/run/x" },
		{ BYTES("\0name"), "unix:@name" },
		{ BYTES(""), "unix:" },
	};
	char text[FEND_ADDRESS_TEXT_MAX];
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(paths); i++) {
		char header[232] = V2 "\x21\x31\0\xd8";
		struct proxy proxy;

		memcpy(header + 16, paths[i].path, paths[i].size);
		test_error(fend__proxy_parse(header, 231, &proxy), -EAGAIN);
		test_error(fend__proxy_parse(header, sizeof(header), &proxy), 0);
		g_assert_true(proxy.known);
		test_ok(fend_address_format(&proxy.peer, text, sizeof(text)));
		g_assert_cmpstr(text, ==, paths[i].text);
	}
}

/* Whatever comes: no byte beyond is read, and PROXY_MAX bytes are enough to tell. */
static void
test_random_bytes(struct test *test)
{
	int round, accepted = 0;

	for (round = 0; round < 20000; round++) {
		const struct good *entry = &good[g_test_rand_int_range(0, G_N_ELEMENTS(good))];
		size_t size = (size_t)g_test_rand_int_range(1, PROXY_MAX + 1);
		g_autofree char *data = g_malloc(size);
		int changes = g_test_rand_int_range(0, 4);
		struct proxy proxy;
		size_t i;
		int r;

		for (i = 0; i < size; i++)
			data[i] = (char)g_test_rand_int_range(0, 256);
		memcpy(data, entry->header, size < entry->size ? size : entry->size);
		while (changes-- > 0)
			data[g_test_rand_int_range(0, (gint32)size)] =
				(char)g_test_rand_int_range(0, 256);
		r = fend__proxy_parse(data, size, &proxy);
		g_assert_true(r == 0 || r == -EAGAIN || r == -EPROTO);
		if (size == PROXY_MAX)
			g_assert_cmpint(r, !=, -EAGAIN);
		if (r == 0) {
			accepted++;
			g_assert_cmpuint(proxy.length, >=, 15);
			g_assert_cmpuint(proxy.length, <=, 16 + 65535);
		}
	}
	g_assert_cmpint(accepted, >, 100);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/proxy/headers", test_headers);
	test_add("/proxy/every-beginning-is-incomplete", test_every_beginning_is_incomplete);
	test_add("/proxy/what-is-no-header", test_what_is_no_header);
	test_add("/proxy/unix-addresses", test_unix_addresses);
	test_add("/proxy/random-bytes", test_random_bytes);
	return g_test_run();
}
