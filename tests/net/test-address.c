/* SPDX-License-Identifier: MIT */
#include <fend/address.h>

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "fend-test.h"

#define PATH_MAX_UN (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/* text NULL: as given */
static const struct {
	const char *given, *text;
} valid[] = {
	{ "127.0.0.1:80" },
	{ "0.0.0.0:0" },
	{ "255.255.255.255:65535" },
	{ "10.0.0.1:00080", "10.0.0.1:80" },
	{ "[::1]:80" },
	{ "[::]:0" },
	{ "[2001:DB8::0:1]:443", "[2001:db8::1]:443" },
	{ "[::ffff:192.0.2.1]:1" },
	{ "[fe80::1%4711]:80" },
	{ "[fe80::1%4294967295]:80" },
	{ "[fe80::1%0]:80", "[fe80::1]:80" },
	{ "unix:/run/x.sock" },
	{ "unix:relative name" },
	{ "unix:@abstract" },
	{ "unix:@@" },
	{ "unix:\\x40path" },
	{ "unix:/tmp/\\x5c\\xff\\x01\\x7f" },
	{ "unix:/tmp/\\xC3\\xBC", "unix:/tmp/\\xc3\\xbc" },
	{ "unix:/tmp/\xc3\xbc", "unix:/tmp/\\xc3\\xbc" },
	{ "unix:/tmp/\\x41", "unix:/tmp/A" },
	{ "unix:@\\x00a\\x00" },
};

/* clang-format off */
static const char *const invalid[] = {
	"", ":", ":80", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:80 ", " 127.0.0.1:80",
	"127.0.0.1:80x", "127.0.0.1:+80", "127.0.0.1:-1", "127.0.0.1: 80", "127.0.0.1:65536",
	"127.0.0.1:0x50", "127.0.0.1:99999999999999999999", "127.0.0.1:80:80", "127.1:80",
	"2130706433:80", "0x7f.0.0.1:80", "127.0.0.01:80", "0177.0.0.1:80", "256.0.0.1:80",
	"1.2.3.4.5:80", "1111.2222.3333.4444:80", "localhost:80", "*:80",
	"::1:80", "[::1]", "[::1]80", "[::1]:", "[::1:80", "::1]:80", "[]:80", "[127.0.0.1]:80",
	"[::1]:65536", "[::1]x:80", "[:::1]:80", "[::1%]:80", "[%lo]:80", "[::1]:80]",
	"[fe80::1%4294967296]:80", "[1:2:3:4:5:6:7:8:9]:80",
	"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80",
	"unix:", "unix:@", "unix:/a\\x00b", "unix:\\x00a", "unix:/a\\", "unix:/a\\n", "unix:/a\\x",
	"unix:/a\\x4", "unix:/a\\x4g", "unix:/a\\x\0201", "UNIX:/a", "/run/x.sock", "@abstract",
};
/* clang-format on */

static void
test_parse_and_format_are_inverse(struct test *test)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(valid); i++) {
		const char *text = valid[i].text ? valid[i].text : valid[i].given;
		struct fend_address address, again;
		char written[FEND_ADDRESS_TEXT_MAX];

		g_test_message("%s", valid[i].given);
		test_error(fend_address_parse(valid[i].given, &address), 0);
		test_error(fend_address_format(&address, written, sizeof(written)),
			   (int)strlen(text));
		g_assert_cmpstr(written, ==, text);
		test_error(fend_address_parse(written, &again), 0);
		g_assert_true(fend_address_equal(&address, &again));
		g_assert_cmpmem(&address, sizeof(address), &again, sizeof(again));
	}
}

static void
test_parse_refuses_all_else(struct test *test)
{
	struct fend_address address, before;
	size_t i;

	memset(&address, 0x55, sizeof(address));
	before = address;
	for (i = 0; i < G_N_ELEMENTS(invalid); i++) {
		g_test_message("%s", invalid[i]);
		test_error(fend_address_parse(invalid[i], &address), -EINVAL);
	}
	test_error(fend_address_parse(NULL, &address), -EINVAL);
	test_error(fend_address_parse("127.0.0.1:80", NULL), -EINVAL);
	g_assert_cmpmem(&address, sizeof(address), &before, sizeof(before));
}

static void
test_parse_fills_the_socket_address(struct test *test)
{
	struct fend_address address;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;

	test_ok(fend_address_parse("1.2.3.4:258", &address));
	g_assert_cmpuint(address.size, ==, sizeof(in));
	memcpy(&in, &address.storage, sizeof(in));
	g_assert_cmpint(in.sin_family, ==, AF_INET);
	g_assert_cmpuint(ntohs(in.sin_port), ==, 258);
	g_assert_cmpuint(ntohl(in.sin_addr.s_addr), ==, 0x01020304);

	test_ok(fend_address_parse("[::2%3]:258", &address));
	g_assert_cmpuint(address.size, ==, sizeof(in6));
	memcpy(&in6, &address.storage, sizeof(in6));
	g_assert_cmpint(in6.sin6_family, ==, AF_INET6);
	g_assert_cmpuint(ntohs(in6.sin6_port), ==, 258);
	g_assert_cmpuint(in6.sin6_addr.s6_addr[15], ==, 2);
	g_assert_cmpuint(in6.sin6_scope_id, ==, 3);
	g_assert_cmpuint(in6.sin6_flowinfo, ==, 0);

	test_ok(fend_address_parse("unix:/ab", &address));
	g_assert_cmpuint(address.size, ==, offsetof(struct sockaddr_un, sun_path) + 4);
	memcpy(&un, &address.storage, sizeof(un));
	g_assert_cmpint(un.sun_family, ==, AF_UNIX);
	g_assert_cmpmem(un.sun_path, 4, "/ab", 4);

	test_ok(fend_address_parse("unix:@ab", &address));
	g_assert_cmpuint(address.size, ==, offsetof(struct sockaddr_un, sun_path) + 3);
	memcpy(&un, &address.storage, sizeof(un));
	g_assert_cmpmem(un.sun_path, 3, "\0ab", 3);
}

static void
test_zone_is_a_name_or_a_number(struct test *test)
{
	unsigned lo = if_nametoindex("lo");
	struct fend_address by_name, by_number;
	char text[64];

	g_assert_cmpuint(lo, >, 0);
	test_ok(fend_address_parse("[fe80::1%lo]:80", &by_name));
	g_snprintf(text, sizeof(text), "[fe80::1%%%u]:80", lo);
	test_ok(fend_address_parse(text, &by_number));
	g_assert_true(fend_address_equal(&by_name, &by_number));
	test_error(fend_address_parse("[fe80::1%no-such-if]:80", &by_name), -ENODEV);
	test_error(fend_address_parse("[fe80::1%longer-than-any-name]:80", &by_name), -ENODEV);
	test_error(fend_address_parse("[fe80::1%lo]:x", &by_name), -EINVAL);
}

/* prefix, n times 'x' */
static char *
long_name(const char *prefix, size_t n)
{
	char *name = g_strnfill(n, 'x');
	char *text = g_strconcat(prefix, name, NULL);

	g_free(name);
	return text;
}

static void
test_unix_names_may_fill_the_socket_address(struct test *test)
{
	static const char *const prefixes[] = { "unix:", "unix:@" };
	char written[FEND_ADDRESS_TEXT_MAX];
	struct fend_address address;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		g_autofree char *longest = long_name(prefixes[i], PATH_MAX_UN);
		g_autofree char *longer = long_name(prefixes[i], PATH_MAX_UN + 1);

		test_ok(fend_address_parse(longest, &address));
		g_assert_cmpuint(address.size, ==, sizeof(struct sockaddr_un));
		test_ok(fend_address_format(&address, written, sizeof(written)));
		g_assert_cmpstr(written, ==, longest);
		test_error(fend_address_parse(longer, &address), -ENAMETOOLONG);
	}
}

/* As getsockname(2) reports them: without a NUL, with one behind sun_path, or no name at all. */
static void
test_unix_names_as_the_kernel_reports_them(struct test *test)
{
	size_t header = offsetof(struct sockaddr_un, sun_path);
	struct fend_address a = { 0 }, b = { 0 };
	char text[512];

	a.storage.ss_family = b.storage.ss_family = AF_UNIX;
	a.size = (socklen_t)header;
	test_error(fend_address_format(&a, text, sizeof(text)), 5);
	g_assert_cmpstr(text, ==, "unix:");
	b.size = sizeof(sa_family_t);
	g_assert_true(fend_address_equal(&a, &b));

	memcpy((char *)&a.storage + header, "/ab", 3);
	a.size = (socklen_t)header + 3;
	b = a;
	b.size = (socklen_t)header + 40;
	g_assert_true(fend_address_equal(&a, &b));
	test_ok(fend_address_format(&b, text, sizeof(text)));
	g_assert_cmpstr(text, ==, "unix:/ab");

	memset((char *)&a.storage + header, 'p', PATH_MAX_UN + 1);
	a.size = sizeof(struct sockaddr_un) + 1;
	test_error(fend_address_format(&a, text, sizeof(text)), 5 + (int)PATH_MAX_UN + 1);

	memset((char *)&a.storage + header, 0, PATH_MAX_UN + 1);
	a.size = sizeof(struct sockaddr_un);
	test_error(fend_address_format(&a, text, sizeof(text)), 6 + 4 * (int)PATH_MAX_UN);
	test_error(fend_address_format(&a, text, FEND_ADDRESS_TEXT_MAX), -ENOBUFS);
	test_ok(fend_address_parse(text, &b));
	g_assert_true(fend_address_equal(&a, &b));
	b.size--;
	g_assert_false(fend_address_equal(&a, &b));
}

static void
test_format_needs_room_for_all(struct test *test)
{
	static const char *const texts[] = { "127.0.0.1:80", "[fe80::1%1]:80", "unix:@x" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(texts); i++) {
		int length = (int)strlen(texts[i]);
		struct fend_address address;
		char text[32];
		int size;

		test_ok(fend_address_parse(texts[i], &address));
		for (size = 0; size <= length; size++)
			test_error(fend_address_format(&address, text, (size_t)size), -ENOBUFS);
		test_error(fend_address_format(&address, text, (size_t)length + 1), length);
	}
}

static void
test_format_refuses_what_has_no_text(struct test *test)
{
	struct fend_address address = { 0 };
	char text[32];

	test_error(fend_address_format(&address, text, sizeof(text)), -EAFNOSUPPORT);
	address.storage.ss_family = AF_PACKET;
	address.size = 20;
	test_error(fend_address_format(&address, text, sizeof(text)), -EAFNOSUPPORT);
	test_ok(fend_address_parse("127.0.0.1:80", &address));
	address.size--;
	test_error(fend_address_format(&address, text, sizeof(text)), -EAFNOSUPPORT);
	address.size = sizeof(address.storage) + 1;
	test_error(fend_address_format(&address, text, sizeof(text)), -EAFNOSUPPORT);
	test_error(fend_address_format(NULL, text, sizeof(text)), -EINVAL);
	test_error(fend_address_format(&address, NULL, sizeof(text)), -EINVAL);
}

static void
test_set_takes_over_a_socket_address(struct test *test)
{
	struct sockaddr_storage raw = { 0 };
	const struct sockaddr *sockaddr = (const struct sockaddr *)&raw;
	struct fend_address address, parsed;

	test_ok(fend_address_parse("127.0.0.1:80", &parsed));
	memcpy(&raw, &parsed.storage, sizeof(raw));
	test_ok(fend_address_set(sockaddr, sizeof(struct sockaddr_in), &address));
	g_assert_cmpmem(&address, sizeof(address), &parsed, sizeof(parsed));
	test_ok(fend_address_set(sockaddr, sizeof(raw), &address));
	g_assert_cmpmem(&address, sizeof(address), &parsed, sizeof(parsed));
	test_error(fend_address_set(sockaddr, sizeof(struct sockaddr_in) - 1, &address), -EINVAL);
	test_error(fend_address_set(sockaddr, sizeof(raw) + 1, &address), -EINVAL);
	test_error(fend_address_set(sockaddr, 1, &address), -EINVAL);
	test_error(fend_address_set(NULL, sizeof(raw), &address), -EINVAL);
	test_error(fend_address_set(sockaddr, sizeof(raw), NULL), -EINVAL);
	raw.ss_family = AF_INET6;
	test_error(fend_address_set(sockaddr, sizeof(struct sockaddr_in), &address), -EINVAL);
	raw.ss_family = AF_PACKET;
	test_ok(fend_address_set(sockaddr, 20, &address));
	g_assert_cmpuint(address.size, ==, 20);
}

static void
test_equal_compares_what_counts(struct test *test)
{
	static const char *const all[] = {
		"1.2.3.4:80", "1.2.3.4:81", "1.2.3.5:80", "[::1]:80", "[::1]:81", "[::2]:80",
		"[::1%1]:80", "unix:/a",    "unix:/ab",   "unix:@/a", "unix:@a",  "unix:\\x40a",
	};
	struct fend_address a, b;
	size_t i, j;

	for (i = 0; i < G_N_ELEMENTS(all); i++) {
		for (j = 0; j < G_N_ELEMENTS(all); j++) {
			test_ok(fend_address_parse(all[i], &a));
			test_ok(fend_address_parse(all[j], &b));
			g_assert_cmpint(fend_address_equal(&a, &b), ==, i == j);
		}
	}
	g_assert_false(fend_address_equal(&a, NULL));
	g_assert_false(fend_address_equal(NULL, &a));
}

static void
test_compare_is_a_total_order(struct test *test)
{
	/* Sorted. */
	static const char *const all[] = {
		"unix:/a",   "unix:/ab",  "unix:/b",     "unix:\\x40a", "1.2.3.4:80", "1.2.3.4:256",
		"1.2.3.5:1", "2.0.0.1:1", "200.0.0.1:1", "[::1]:80",    "[::1]:256",  "[::1%1]:80",
		"[::1%2]:1", "[::2]:1",   "[1::]:1",     "[f000::]:1",
	};
	struct fend_address a, b;
	size_t i, j;

	G_STATIC_ASSERT(AF_UNIX < AF_INET && AF_INET < AF_INET6);
	for (i = 0; i < G_N_ELEMENTS(all); i++) {
		for (j = 0; j < G_N_ELEMENTS(all); j++) {
			int r;

			test_ok(fend_address_parse(all[i], &a));
			test_ok(fend_address_parse(all[j], &b));
			r = fend_address_compare(&a, &b);
			g_assert_cmpint((r > 0) - (r < 0), ==, (i > j) - (i < j));
		}
	}
	g_assert_cmpint(fend_address_compare(&a, NULL), >, 0);
	g_assert_cmpint(fend_address_compare(NULL, &a), <, 0);
	g_assert_cmpint(fend_address_compare(NULL, NULL), ==, 0);
}

static void
test_compare_takes_any_bytes(struct test *test)
{
	struct fend_address a = { 0 }, b = { 0 };

	g_assert_cmpint(fend_address_compare(&a, &b), ==, 0);
	a.storage.ss_family = b.storage.ss_family = AF_PACKET;
	a.size = 20;
	b.size = 19;
	g_assert_cmpint(fend_address_compare(&a, &b), >, 0);
	g_assert_cmpint(fend_address_compare(&b, &a), <, 0);
	((char *)&b.storage)[18] = 1;
	g_assert_cmpint(fend_address_compare(&a, &b), <, 0);
	a = b;
	g_assert_true(fend_address_equal(&a, &b));
	/* One that is not what it says comes before all that are. */
	a.size = sizeof(a.storage) + 1;
	g_assert_cmpint(fend_address_compare(&a, &b), <, 0);
	g_assert_cmpint(fend_address_compare(&b, &a), >, 0);
	a.storage.ss_family = AF_INET;
	a.size = 3;
	b = a;
	g_assert_cmpint(fend_address_compare(&a, &b), ==, 0);
}

static void
test_equal_ignores_padding_and_flow_label(struct test *test)
{
	struct fend_address a, b;

	test_ok(fend_address_parse("1.2.3.4:80", &a));
	b = a;
	memset((char *)&b.storage + offsetof(struct sockaddr_in, sin_zero), 1, 8);
	g_assert_true(fend_address_equal(&a, &b));
	test_ok(fend_address_parse("[::1]:80", &a));
	b = a;
	memset((char *)&b.storage + offsetof(struct sockaddr_in6, sin6_flowinfo), 1, 4);
	g_assert_true(fend_address_equal(&a, &b));
	a.storage.ss_family = b.storage.ss_family = AF_PACKET;
	g_assert_false(fend_address_equal(&a, &b));
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/address/parse-and-format-are-inverse", test_parse_and_format_are_inverse);
	test_add("/address/parse-refuses-all-else", test_parse_refuses_all_else);
	test_add("/address/parse-fills-the-socket-address", test_parse_fills_the_socket_address);
	test_add("/address/zone-is-a-name-or-a-number", test_zone_is_a_name_or_a_number);
	test_add("/address/unix-names-may-fill-the-socket-address",
		 test_unix_names_may_fill_the_socket_address);
	test_add("/address/unix-names-as-the-kernel-reports-them",
		 test_unix_names_as_the_kernel_reports_them);
	test_add("/address/format-needs-room-for-all", test_format_needs_room_for_all);
	test_add("/address/format-refuses-what-has-no-text", test_format_refuses_what_has_no_text);
	test_add("/address/set-takes-over-a-socket-address", test_set_takes_over_a_socket_address);
	test_add("/address/equal-compares-what-counts", test_equal_compares_what_counts);
	test_add("/address/compare-is-a-total-order", test_compare_is_a_total_order);
	test_add("/address/compare-takes-any-bytes", test_compare_takes_any_bytes);
	test_add("/address/equal-ignores-padding-and-flow-label",
		 test_equal_ignores_padding_and_flow_label);
	return g_test_run();
}
