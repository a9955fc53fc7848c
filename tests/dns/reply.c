/* SPDX-License-Identifier: MIT */
/*
 * What the name server with faults says. It knows as much of RFC 1035 as a test needs: a query has
 * one question, whose name is not compressed, and a reply repeats it.
 */
#include "reply.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_AAAA = 28,
	CLASS_IN = 1,
	COUNT_OFFSET = 6,     /* of the number of answers */
	FLAGS_REPLY = 0x8180, /* QR RD RA */
	FLAG_TC = 0x0200,
	FORMERR = 1,
	SERVFAIL = 2,
	NXDOMAIN = 3,
	NOTIMP = 4,
	REFUSED = 5,
	OVERSIZE_ANSWERS = 300, /* more than fit into any datagram that is asked for */
	MANY_ANSWERS = 3000,
	CHAIN = 10,
	LONG_CHAIN = 40,
};

static void
put16(GByteArray *message, unsigned value)
{
	guint8 bytes[2] = { (guint8)(value >> 8), (guint8)value };

	g_byte_array_append(message, bytes, 2);
}

static void
put_name(GByteArray *message, const char *name)
{
	char **labels = g_strsplit(name, ".", -1);
	int i;

	for (i = 0; labels[i]; i++) {
		guint8 length = (guint8)strlen(labels[i]);

		g_byte_array_append(message, &length, 1);
		g_byte_array_append(message, (const guint8 *)labels[i], length);
	}
	g_byte_array_append(message, (const guint8 *)"", 1);
	g_strfreev(labels);
}

/* What stands before the data of a record. name NULL: that of the question, by a pointer. */
static void
put_record(GByteArray *message, const char *name, unsigned type, unsigned ttl, unsigned size)
{
	unsigned count = (unsigned)message->data[COUNT_OFFSET] << 8;

	count += message->data[COUNT_OFFSET + 1] + 1U;
	message->data[COUNT_OFFSET] = (guint8)(count >> 8);
	message->data[COUNT_OFFSET + 1] = (guint8)count;
	if (name)
		put_name(message, name);
	else
		put16(message, 0xc00c);
	put16(message, type);
	put16(message, CLASS_IN);
	put16(message, ttl >> 16);
	put16(message, ttl & 0xffff);
	put16(message, size);
}

/* Its last byte is a test's means to tell a wrong answer from a right one. */
static void
put_address(GByteArray *message, const struct question *question, const char *name, guint8 last)
{
	static const guint8 in[] = { 192, 0, 2 };
	static const guint8 in6[15] = { 0x20, 0x01, 0x0d, 0xb8 };
	gboolean is_a = question->type == TYPE_A;

	put_record(message, name, question->type, question->ttl, is_a ? 4 : 16);
	g_byte_array_append(message, is_a ? in : in6, is_a ? sizeof(in) : sizeof(in6));
	g_byte_array_append(message, &last, 1);
}

/* What the test has given. */
static void
put_given(GByteArray *message, const struct question *question)
{
	const struct server_record *record = question->records;
	const char *const *address = question->addresses;
	guint8 bytes[16];

	for (; address && *address; address++) {
		unsigned size = question->type == TYPE_A ? 4 : 16;

		g_assert_cmpint(inet_pton(size == 4 ? AF_INET : AF_INET6, *address, bytes), ==, 1);
		put_record(message, NULL, question->type, question->ttl, size);
		g_byte_array_append(message, bytes, size);
	}
	for (; record && record->data; record++) {
		if (record->type != question->type && record->type != TYPE_CNAME)
			continue;
		put_record(message, NULL, record->type, record->ttl, (unsigned)record->size);
		g_byte_array_append(message, (const guint8 *)record->data, (guint)record->size);
	}
}

static void
put_alias(GByteArray *message, const struct question *question, const char *name,
	  const char *target)
{
	put_record(message, name, TYPE_CNAME, question->ttl, (unsigned)strlen(target) + 2);
	put_name(message, target);
}

static GByteArray *
message_new(const struct question *question, unsigned flags)
{
	GByteArray *message = g_byte_array_new();

	put16(message, question->id);
	put16(message, FLAGS_REPLY | flags);
	put16(message, 1);
	put16(message, 0);
	put16(message, 0);
	put16(message, 0);
	g_byte_array_append(message, question->name, (guint)question->name_size);
	put16(message, question->type);
	put16(message, CLASS_IN);
	return message;
}

/* The question's name is an alias of 1.test, that of 2.test, and so on. */
static void
put_chain(GByteArray *message, const struct question *question, int n)
{
	char name[16], next[16];
	int i;

	for (i = 0; i < n; i++) {
		g_snprintf(name, sizeof(name), "%d.test", i);
		g_snprintf(next, sizeof(next), "%d.test", i + 1);
		put_alias(message, question, i ? name : NULL, next);
	}
	put_address(message, question, next, 1);
}

static void
put_many(GByteArray *message, const struct question *question, int n)
{
	int i;

	for (i = 0; i < n; i++)
		put_address(message, question, NULL, (guint8)(1 + i % 250));
}

/* A name that is a pointer to itself, and one whose pointers lead to one another. */
static void
put_loop(GByteArray *message, const struct question *question)
{
	unsigned offset;

	put_record(message, NULL, TYPE_CNAME, question->ttl, 2);
	offset = message->len;
	put16(message, 0xc000 | offset);
	message->data[COUNT_OFFSET + 1]++;
	offset = message->len;
	put16(message, 0xc000 | (offset + 2));
	put16(message, 0xc000 | offset);
}

static unsigned
rcode_of(enum server_mode mode)
{
	switch (mode) {
	case SERVER_NXDOMAIN:
	case SERVER_CNAME_NXDOMAIN:
		return NXDOMAIN;
	case SERVER_SERVFAIL:
		return SERVFAIL;
	case SERVER_REFUSED:
		return REFUSED;
	case SERVER_FORMERR:
	case SERVER_NO_EDNS:
		return FORMERR;
	case SERVER_NOTIMP:
		return NOTIMP;
	default:
		return 0;
	}
}

/* The answers of those that have some. */
static void
put_answers(GByteArray *message, enum server_mode mode, const struct question *question)
{
	switch (mode) {
	case SERVER_WRONG:
		if (question->records)
			put_given(message, question);
		else
			put_address(message, question, NULL, 66);
		break;
	case SERVER_CNAME:
		put_alias(message, question, NULL, "real.test");
		put_address(message, question, "real.test", 1);
		break;
	case SERVER_CNAME_ONLY:
	case SERVER_CNAME_NXDOMAIN:
		put_alias(message, question, NULL, "real.test");
		break;
	case SERVER_CNAME_CHAIN:
		put_chain(message, question, CHAIN);
		break;
	case SERVER_CNAME_LONG:
		put_chain(message, question, LONG_CHAIN);
		break;
	case SERVER_CNAME_BACKWARDS:
		put_address(message, question, "real.test", 1);
		put_alias(message, question, "middle.test", "real.test");
		put_alias(message, question, NULL, "middle.test");
		break;
	case SERVER_CNAME_LOOP:
		put_alias(message, question, NULL, "other.test");
		put_alias(message, question, "other.test", "more.test");
		put_alias(message, question, "more.test", "other.test");
		break;
	case SERVER_BAD_CNAME:
		put_alias(message, question, NULL, "no/host.test");
		put_address(message, question, "no/host.test", 1);
		break;
	case SERVER_FOREIGN:
		put_address(message, question, "foreign.test", 66);
		put_alias(message, question, "foreign.test", "more.test");
		put_address(message, question, "more.test", 66);
		put_address(message, question, NULL, 1);
		break;
	case SERVER_POINTER_LOOP:
		put_loop(message, question);
		break;
	case SERVER_OVERSIZED:
		put_many(message, question, OVERSIZE_ANSWERS);
		break;
	case SERVER_MANY:
		put_many(message, question, MANY_ANSWERS);
		break;
	default:
		if (question->addresses ||
		    (question->type != TYPE_A && question->type != TYPE_AAAA))
			put_given(message, question);
		else
			put_address(message, question, NULL, 1);
	}
}

GByteArray *
reply_new(enum server_mode mode, const struct question *question, gboolean tcp)
{
	GByteArray *message;
	unsigned rcode = rcode_of(mode);

	if (mode == SERVER_NO_EDNS && !question->edns_size)
		rcode = 0;
	if ((mode == SERVER_TRUNCATE || mode == SERVER_MANY) && !tcp)
		return message_new(question, FLAG_TC);
	message = message_new(question, rcode);
	if ((rcode && mode != SERVER_CNAME_NXDOMAIN) || mode == SERVER_NODATA)
		return message;
	put_answers(message, mode, question);
	if (mode == SERVER_CUT) /* in the middle of the address */
		g_byte_array_set_size(message, message->len - 2);
	if (mode == SERVER_MISCOUNTED)
		message->data[COUNT_OFFSET + 1] += 2;
	return message;
}
