/* SPDX-License-Identifier: MIT */
/* What a client offers without being told, byte for byte, and what a server makes of less. */
#include "link.h"

#include <errno.h>
#include <string.h>

#define RECORD_HEAD 5
#define HANDSHAKE_HEAD 4

enum extension {
	SUPPORTED_GROUPS = 10,
	SIGNATURE_ALGORITHMS = 13,
	EARLY_DATA = 42,
	SUPPORTED_VERSIONS = 43,
};

struct reader {
	const unsigned char *at, *end;
};

static unsigned
number(struct reader *reader, int bytes)
{
	unsigned value = 0;

	while (bytes--) {
		g_assert_true(reader->at < reader->end);
		value = value << 8 | *reader->at++;
	}
	return value;
}

/* A vector: its size in so many bytes, then its content. */
static struct reader
vector(struct reader *reader, int bytes)
{
	unsigned size = number(reader, bytes);
	struct reader content = { reader->at, reader->at + size };

	g_assert_cmpuint(size, <=, reader->end - reader->at);
	reader->at += size;
	return content;
}

/* All of a list of 16 bits each must be among these. */
static void
check_list(struct reader list, const unsigned *good, size_t n)
{
	unsigned value;
	size_t i;

	g_assert_true(list.at < list.end);
	while (list.at < list.end) {
		value = number(&list, 2);
		for (i = 0; i < n && good[i] != value; i++)
			;
		if (i == n)
			g_error("0x%04x is offered", value);
	}
}

static void
check_extension(unsigned type, struct reader content)
{
	/* RFC 8446, sections 4.2.1, 4.2.3 and 4.2.7; SHA-256 and better, without DSA */
	static const unsigned versions[] = { 0x0303, 0x0304 };
	static const unsigned groups[] = { 23, 24, 29 };
	static const unsigned signatures[] = {
		0x0401, 0x0501, 0x0601, 0x0403, 0x0503, 0x0603, 0x0804,
		0x0805, 0x0806, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b,
	};

	switch (type) {
	case SUPPORTED_GROUPS:
		check_list(vector(&content, 2), groups, G_N_ELEMENTS(groups));
		break;
	case SIGNATURE_ALGORITHMS:
		check_list(vector(&content, 2), signatures, G_N_ELEMENTS(signatures));
		break;
	case SUPPORTED_VERSIONS:
		check_list(vector(&content, 1), versions, G_N_ELEMENTS(versions));
		break;
	}
}

static void
check_hello(struct reader hello)
{
	/* TLS 1.3; ECDHE with AEAD; the signal of RFC 5746, which is no suite */
	static const unsigned suites[] = { 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c,
					   0xc02f, 0xc030, 0xcca8, 0xcca9, 0x00ff };
	struct reader compression, extensions;
	guint64 seen = 0;
	unsigned type;

	g_assert_cmphex(number(&hello, 2), ==, 0x0303);
	hello.at += 32;
	vector(&hello, 1);
	check_list(vector(&hello, 2), suites, G_N_ELEMENTS(suites));
	compression = vector(&hello, 1);
	g_assert_cmpuint(number(&compression, 1), ==, 0);
	g_assert_true(compression.at == compression.end);
	extensions = vector(&hello, 2);
	while (extensions.at < extensions.end) {
		type = number(&extensions, 2);
		check_extension(type, vector(&extensions, 2));
		if (type < 64)
			seen |= (guint64)1 << type;
	}
	g_assert_true(hello.at == hello.end);
	g_assert_true(seen >> SUPPORTED_VERSIONS & 1);
	g_assert_true(seen >> SUPPORTED_GROUPS & 1);
	g_assert_true(seen >> SIGNATURE_ALGORITHMS & 1);
	g_assert_false(seen >> EARLY_DATA & 1);
}

static void
test_hello(struct test *test)
{
	struct fend_tls_params client = client_params();
	struct fend_tls_context *context = context_new(&client);
	unsigned char data[4096];
	struct reader record, message;
	struct link link;

	link_init(&link, test);
	test_ok(fend_tls_wrap(link.client.socket, context, "localhost"));
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER, on_done,
				   &link.client));
	tls_recv(test, link.server.socket, data, RECORD_HEAD);
	record = (struct reader){ data + 3, data + RECORD_HEAD };
	record.end = data + number(&record, 2);
	record.at = data;
	g_assert_cmpint(record.end - record.at, <=, sizeof(data));
	tls_recv(test, link.server.socket, data, (size_t)(record.end - record.at));
	g_assert_cmpuint(number(&record, 1), ==, 1);
	message = vector(&record, 3);
	check_hello(message);
	link_fini(&link);
	fend_tls_context_unref(context);
}

static void
add_list(GByteArray *bytes, const unsigned *list)
{
	guint8 pair[2];
	unsigned n;

	for (n = 0; list[n]; n++)
		;
	pair[0] = 0;
	pair[1] = (guint8)(2 * n);
	g_byte_array_append(bytes, pair, 2);
	for (; n--; list++) {
		pair[0] = (guint8)(*list >> 8);
		pair[1] = (guint8)*list;
		g_byte_array_append(bytes, pair, 2);
	}
}

static void
add_extension(GByteArray *bytes, enum extension type, const unsigned *list)
{
	GByteArray *content = g_byte_array_new();
	guint8 head[4] = { 0, (guint8)type };

	add_list(content, list);
	head[3] = (guint8)content->len;
	g_byte_array_append(bytes, head, 4);
	g_byte_array_append(bytes, content->data, content->len);
	g_byte_array_unref(content);
}

/* A hello of at most 255 bytes, without a word about TLS 1.3. */
static GByteArray *
hello_new(unsigned version, const unsigned *suites, const unsigned *signatures)
{
	static const unsigned groups[] = { 29, 23, 0 };
	GByteArray *extensions = g_byte_array_new(), *bytes = g_byte_array_new();
	guint8 head[] = { 22, 3, 1, 0, 0, 1, 0, 0, 0, (guint8)(version >> 8), (guint8)version };
	guint8 random[32 + 1] = { 0 }, compression[] = { 1, 0 }, size[2] = { 0 };

	g_byte_array_append(bytes, head, sizeof(head));
	g_byte_array_append(bytes, random, sizeof(random));
	add_list(bytes, suites);
	g_byte_array_append(bytes, compression, sizeof(compression));
	add_extension(extensions, SUPPORTED_GROUPS, groups);
	add_extension(extensions, SIGNATURE_ALGORITHMS, signatures);
	size[1] = (guint8)extensions->len;
	g_byte_array_append(bytes, size, sizeof(size));
	g_byte_array_append(bytes, extensions->data, extensions->len);
	g_byte_array_unref(extensions);
	bytes->data[4] = (guint8)(bytes->len - RECORD_HEAD);
	bytes->data[8] = (guint8)(bytes->len - RECORD_HEAD - HANDSHAKE_HEAD);
	return bytes;
}

/* What is the server's answer: the type of its first record, which is an alert or not. */
static void
meet(struct test *test, unsigned version, const unsigned *suites, const unsigned *signatures,
     int alert)
{
	GByteArray *hello = hello_new(version, suites, signatures);
	struct fend_tls_params server = server_params();
	struct fend_tls_context *context = context_new(&server);
	unsigned char answer[7];
	struct link link;

	link_init(&link, test);
	test_ok(fend_tls_wrap(link.server.socket, context, NULL));
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_FOREVER, on_done,
				   &link.server));
	tls_send(test, link.client.socket, hello->data, hello->len);
	tls_recv(test, link.client.socket, answer, sizeof(answer));
	if (alert) {
		g_assert_cmpuint(answer[0], ==, 21);
		g_assert_cmpuint(answer[6], ==, alert);
		while (!link.server.called)
			test_run(test);
		test_error(link.server.err, -EPROTO);
	} else {
		g_assert_cmpuint(answer[0], ==, 22);
	}
	link_fini(&link);
	fend_tls_context_unref(context);
	g_byte_array_unref(hello);
}

static const unsigned good_suites[] = { 0xc02b, 0xc02f, 0x00ff, 0 };
static const unsigned good_signatures[] = { 0x0403, 0x0804, 0 };

static void
test_old_version(struct test *test)
{
	/* those of then, with ECDHE and without */
	static const unsigned suites[] = { 0xc02b, 0xc009, 0xc013, 0x002f, 0x00ff, 0 };

	meet(test, 0x0303, good_suites, good_signatures, 0);
	meet(test, 0x0302, suites, good_signatures, 70);
	meet(test, 0x0301, suites, good_signatures, 70);
}

/* CBC, RC4 and no cipher at all; CCM, which is AEAD, but not in fend's table; keys by RSA and DHE. */
static void
test_weak_suites(struct test *test)
{
	static const unsigned suites[] = { 0xc009, 0xc00a, 0xc023, 0xc024, 0xc007, 0xc006, 0xc0ac,
					   0x009c, 0x009d, 0x002f, 0x009e, 0x00ff, 0 };

	meet(test, 0x0303, suites, good_signatures, 40);
}

static void
test_sha_1(struct test *test)
{
	static const unsigned signatures[] = { 0x0203, 0x0201, 0 };
	static const unsigned mixed[] = { 0x0203, 0x0201, 0x0403, 0x0804, 0 };

	meet(test, 0x0303, good_suites, signatures, 40);
	meet(test, 0x0303, good_suites, mixed, 0);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/offer/hello", test_hello);
	variant_add("/offer/old-version", test_old_version);
	variant_add("/offer/weak-suites", test_weak_suites);
	variant_add("/offer/sha-1", test_sha_1);
	return g_test_run();
}
