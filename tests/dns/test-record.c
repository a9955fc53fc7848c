/* SPDX-License-Identifier: MIT */
/* Messages taken apart: each type, the forms of names, and everything that breaks a rule. */
#include <fend/record.h>

#include <errno.h>
#include <string.h>

#include <fend/error.h>

#include "fault.h"
#include "fend-test.h"

enum { OWNER = 12 /* where the name in the question is */ };

/* A string literal with its NULs, without the last. */
#define BYTES(literal) (literal), sizeof(literal) - 1

static void
put16(GByteArray *message, unsigned value)
{
	guint8 bytes[2] = { (guint8)(value >> 8), (guint8)value };

	g_byte_array_append(message, bytes, 2);
}

/* A reply to a question of class IN and any type about the name "o.test". */
static GByteArray *
message_new(unsigned n_records)
{
	GByteArray *message = g_byte_array_new();

	put16(message, 0x1234);
	put16(message, 0x8180);
	put16(message, 1);
	put16(message, n_records);
	put16(message, 0);
	put16(message, 0);
	g_byte_array_append(message, (const guint8 *)BYTES("\1o\4test\0\0\377\0\1"));
	return message;
}

static void
put_record(GByteArray *message, unsigned type, unsigned class, unsigned ttl, const char *data,
	   gsize size)
{
	put16(message, 0xc000 | OWNER);
	put16(message, type);
	put16(message, class);
	put16(message, ttl >> 16);
	put16(message, ttl);
	put16(message, (unsigned)size);
	g_byte_array_append(message, (const guint8 *)data, (guint)size);
}

static int
parse(const GByteArray *message, struct fend_answer **ret_answer)
{
	/* In memory of its own size, so that reading beyond it is noticed. */
	guint8 *copy = g_malloc(message->len ? message->len : 1);
	int r;

	memcpy(copy, message->data, message->len);
	r = fend_answer_parse(copy, message->len, ret_answer);

	g_free(copy);
	return r;
}

/* One record of that type and data, which is right; shorter or longer it is wrong. */
static struct fend_answer *
parse_one(unsigned type, const char *data, gsize size)
{
	GByteArray *message = message_new(1);
	struct fend_answer *answer = NULL;
	gsize whole, i;

	put_record(message, type, 1, 300, data, size);
	whole = message->len;
	test_error(parse(message, &answer), 0);
	g_assert_cmpuint(answer->n, ==, 1);
	g_assert_cmpstr(answer->records[0].name, ==, "o.test");
	g_assert_cmpint(answer->records[0].type, ==, (int)type);
	g_assert_cmpuint(answer->records[0].ttl, ==, 300);
	g_assert_cmpmem(answer->records[0].data.bytes, answer->records[0].data.size, data, size);
	g_assert_cmpmem(answer->message.bytes, answer->message.size, message->data, whole);
	for (i = 0; i < whole; i++) {
		struct fend_answer *none = NULL;

		g_byte_array_set_size(message, (guint)i);
		test_error(parse(message, &none), FEND_EAI_FAIL);
		g_assert_null(none);
		g_byte_array_append(message, answer->message.bytes + i, (guint)(whole - i));
	}
	g_byte_array_unref(message);
	return answer;
}

/* It is bad although there is more behind it that could be taken for a part of it. */
static void
expect_bad(unsigned type, const char *data, gsize size)
{
	static const guint8 more[80];
	GByteArray *message = message_new(1);
	struct fend_answer *answer = NULL;

	put_record(message, type, 1, 300, data, size);
	g_byte_array_append(message, more, sizeof(more));
	test_error(parse(message, &answer), FEND_EAI_FAIL);
	g_assert_null(answer);
	g_byte_array_unref(message);
}

static void
assert_bytes(const struct fend_record_bytes *bytes, const char *expected, gsize size)
{
	g_assert_cmpmem(bytes->bytes, bytes->size, expected, size);
	g_assert_cmpint(bytes->bytes[size], ==, 0);
}

static void
test_addresses(struct test *test)
{
	struct fend_answer *answer = parse_one(FEND_RECORD_A, BYTES("\300\0\2\1"));

	g_assert_cmpmem(answer->records[0].as.a, 4, "\300\0\2\1", 4);
	fend_answer_free(answer);
	answer = parse_one(FEND_RECORD_AAAA, BYTES("\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\7"));
	g_assert_cmpmem(answer->records[0].as.aaaa, 16, "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\7", 16);
	fend_answer_free(answer);
	expect_bad(FEND_RECORD_A, BYTES("\300\0\2"));
	expect_bad(FEND_RECORD_A, BYTES("\300\0\2\1\0"));
	expect_bad(FEND_RECORD_AAAA, BYTES("\300\0\2\1"));
}

static void
test_names(struct test *test)
{
	static const unsigned types[] = { FEND_RECORD_NS, FEND_RECORD_CNAME, FEND_RECORD_PTR };
	struct fend_answer *answer;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		answer = parse_one(types[i], BYTES("\1n\300\16"));
		g_assert_cmpstr(answer->records[0].as.target, ==, "n.test");
		fend_answer_free(answer);
		answer = parse_one(types[i], BYTES("\0"));
		g_assert_cmpstr(answer->records[0].as.target, ==, ".");
		fend_answer_free(answer);
		expect_bad(types[i], BYTES("\1n\0\0"));
		expect_bad(types[i], BYTES("\1n"));
		expect_bad(types[i], "", 0);
	}
	answer = parse_one(FEND_RECORD_CNAME, BYTES("\5a.b\\\"\5\0 \177\3779\1-\0"));
	g_assert_cmpstr(answer->records[0].as.target, ==, "a\\.b\\\\\".\\000\\032\\127\\2559.-");
	fend_answer_free(answer);
}

/* data is at offset 36: 12 of header, 12 of question, 12 of record. */
static void
test_pointers(struct test *test)
{
	struct fend_answer *answer;
	char label[66];

	answer = parse_one(FEND_RECORD_CNAME, BYTES("\300\14"));
	g_assert_cmpstr(answer->records[0].as.target, ==, "o.test");
	fend_answer_free(answer);
	expect_bad(FEND_RECORD_CNAME, BYTES("\300\44"));     /* to itself */
	expect_bad(FEND_RECORD_CNAME, BYTES("\1a\300\44"));  /* to its beginning */
	expect_bad(FEND_RECORD_CNAME, BYTES("\1a\300\46"));  /* to itself, behind a label */
	expect_bad(FEND_RECORD_CNAME, BYTES("\300\50\0\0")); /* forward */
	expect_bad(FEND_RECORD_CNAME, BYTES("\377\377"));    /* beyond the end */
	expect_bad(FEND_RECORD_CNAME, BYTES("\300\0"));      /* into the header */
	expect_bad(FEND_RECORD_CNAME, BYTES("\300"));
	expect_bad(FEND_RECORD_CNAME, BYTES("\100a\0")); /* forms of labels that do not exist */
	expect_bad(FEND_RECORD_CNAME, BYTES("\200a\0"));
	/* The same where there is as much as the length says. */
	memset(label, 'a', sizeof(label));
	label[0] = 64;
	label[65] = 0;
	expect_bad(FEND_RECORD_CNAME, label, 66);
}

/* Two names that point to one another. */
static void
test_loop(struct test *test)
{
	GByteArray *message = message_new(2);
	struct fend_answer *answer = NULL;

	put_record(message, FEND_RECORD_CNAME, 1, 0, BYTES("\1a\300\62"));
	put_record(message, FEND_RECORD_CNAME, 1, 0, BYTES("\300\44"));
	g_assert_cmpuint(message->len, ==, 54);
	test_error(parse(message, &answer), FEND_EAI_FAIL);
	g_byte_array_unref(message);
}

/* 255 bytes are the most, whether pointers take part or not. */
static void
test_long_names(struct test *test)
{
	GByteArray *name = g_byte_array_new();
	struct fend_answer *answer;
	int i;

	for (i = 0; i < 3; i++) {
		g_byte_array_append(name, (const guint8 *)"\77", 1);
		g_byte_array_set_size(name, name->len + 63);
		memset(name->data + name->len - 63, 1, 63);
	}
	g_byte_array_append(name, (const guint8 *)"\75", 1);
	g_byte_array_set_size(name, name->len + 61);
	memset(name->data + name->len - 61, 1, 61);
	g_byte_array_append(name, (const guint8 *)"", 1);
	g_assert_cmpuint(name->len, ==, 255);
	answer = parse_one(FEND_RECORD_CNAME, (const char *)name->data, name->len);
	g_assert_cmpuint(strlen(answer->records[0].as.target), ==, 4 * 250 + 3);
	fend_answer_free(answer);
	g_byte_array_prepend(name, (const guint8 *)"\1a", 2);
	expect_bad(FEND_RECORD_CNAME, (const char *)name->data, name->len);
	g_byte_array_set_size(name, 2 + 4 * 64 - 2);
	g_byte_array_append(name, (const guint8 *)"\300\14", 2);
	expect_bad(FEND_RECORD_CNAME, (const char *)name->data, name->len);
	g_byte_array_unref(name);
}

static void
test_soa(struct test *test)
{
	struct fend_answer *answer =
		parse_one(FEND_RECORD_SOA, BYTES("\1m\300\16\1r\300\16\1\2\3\4\0\0\0\5"
						 "\0\0\0\6\0\0\0\7\377\377\377\377"));
	const struct fend_record_soa *soa = &answer->records[0].as.soa;

	g_assert_cmpstr(soa->mname, ==, "m.test");
	g_assert_cmpstr(soa->rname, ==, "r.test");
	g_assert_cmphex(soa->serial, ==, 0x1020304);
	g_assert_cmpuint(soa->refresh, ==, 5);
	g_assert_cmpuint(soa->retry, ==, 6);
	g_assert_cmpuint(soa->expire, ==, 7);
	g_assert_cmpuint(soa->minimum, ==, UINT32_MAX);
	fend_answer_free(answer);
	expect_bad(FEND_RECORD_SOA, BYTES("\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0"));
}

static void
test_mx_srv_naptr(struct test *test)
{
	struct fend_answer *answer = parse_one(FEND_RECORD_MX, BYTES("\1\2\1m\300\16"));
	const struct fend_record_naptr *naptr;

	g_assert_cmpuint(answer->records[0].as.mx.preference, ==, 258);
	g_assert_cmpstr(answer->records[0].as.mx.exchange, ==, "m.test");
	fend_answer_free(answer);
	answer = parse_one(FEND_RECORD_SRV, BYTES("\0\1\0\2\0\3\1s\300\16"));
	g_assert_cmpuint(answer->records[0].as.srv.priority, ==, 1);
	g_assert_cmpuint(answer->records[0].as.srv.weight, ==, 2);
	g_assert_cmpuint(answer->records[0].as.srv.port, ==, 3);
	g_assert_cmpstr(answer->records[0].as.srv.target, ==, "s.test");
	fend_answer_free(answer);
	answer = parse_one(FEND_RECORD_NAPTR, BYTES("\0\1\0\2\1u\7E2U+sip\3!^!\0"));
	naptr = &answer->records[0].as.naptr;
	g_assert_cmpuint(naptr->order, ==, 1);
	g_assert_cmpuint(naptr->preference, ==, 2);
	assert_bytes(&naptr->flags, BYTES("u"));
	assert_bytes(&naptr->services, BYTES("E2U+sip"));
	assert_bytes(&naptr->regexp, BYTES("!^!"));
	g_assert_cmpstr(naptr->replacement, ==, ".");
	fend_answer_free(answer);
	expect_bad(FEND_RECORD_MX, BYTES("\0\1"));
	expect_bad(FEND_RECORD_SRV, BYTES("\0\1\0\2\0"));
	expect_bad(FEND_RECORD_NAPTR, BYTES("\0\1\0\2\1u\0\11"));
}

static void
test_txt(struct test *test)
{
	struct fend_answer *answer = parse_one(FEND_RECORD_TXT, BYTES("\3a\0b\0\5three"));
	const struct fend_record_txt *txt = &answer->records[0].as.txt;

	g_assert_cmpuint(txt->n, ==, 3);
	assert_bytes(&txt->strings[0], BYTES("a\0b"));
	assert_bytes(&txt->strings[1], BYTES(""));
	assert_bytes(&txt->strings[2], BYTES("three"));
	fend_answer_free(answer);
	expect_bad(FEND_RECORD_TXT, "", 0);
	expect_bad(FEND_RECORD_TXT, BYTES("\2a"));
}

static void
test_caa_uri_tlsa(struct test *test)
{
	struct fend_answer *answer = parse_one(FEND_RECORD_CAA, BYTES("\200\5issueca.test"));

	g_assert_cmpuint(answer->records[0].as.caa.flags, ==, 128);
	g_assert_cmpstr(answer->records[0].as.caa.tag, ==, "issue");
	assert_bytes(&answer->records[0].as.caa.value, BYTES("ca.test"));
	fend_answer_free(answer);
	answer = parse_one(FEND_RECORD_URI, BYTES("\0\1\0\2ftp://a/"));
	g_assert_cmpuint(answer->records[0].as.uri.priority, ==, 1);
	g_assert_cmpuint(answer->records[0].as.uri.weight, ==, 2);
	assert_bytes(&answer->records[0].as.uri.target, BYTES("ftp://a/"));
	fend_answer_free(answer);
	answer = parse_one(FEND_RECORD_TLSA, BYTES("\3\1\2\0\377"));
	g_assert_cmpuint(answer->records[0].as.tlsa.usage, ==, 3);
	g_assert_cmpuint(answer->records[0].as.tlsa.selector, ==, 1);
	g_assert_cmpuint(answer->records[0].as.tlsa.matching, ==, 2);
	assert_bytes(&answer->records[0].as.tlsa.association, BYTES("\0\377"));
	fend_answer_free(answer);
	expect_bad(FEND_RECORD_CAA, BYTES("\0\0value"));
	expect_bad(FEND_RECORD_CAA, BYTES("\0\3a-bc"));
	expect_bad(FEND_RECORD_CAA, BYTES("\0\11issue"));
	expect_bad(FEND_RECORD_URI, BYTES("\0\1\0\2"));
	expect_bad(FEND_RECORD_TLSA, BYTES("\3\1"));
}

static void
test_svcb(struct test *test)
{
	static const unsigned types[] = { FEND_RECORD_SVCB, FEND_RECORD_HTTPS };
	const struct fend_record_svcb *svcb;
	struct fend_answer *answer;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		answer = parse_one(types[i], BYTES("\0\1\1s\0\0\1\0\3\2h2\0\2\0\0\1\0\0\1x"));
		svcb = &answer->records[0].as.svcb;
		g_assert_cmpuint(svcb->priority, ==, 1);
		g_assert_cmpstr(svcb->target, ==, "s");
		g_assert_cmpuint(svcb->n_params, ==, 3);
		g_assert_cmpuint(svcb->params[0].key, ==, 1);
		assert_bytes(&svcb->params[0].value, BYTES("\2h2"));
		g_assert_cmpuint(svcb->params[1].key, ==, 2);
		assert_bytes(&svcb->params[1].value, "", 0);
		g_assert_cmpuint(svcb->params[2].key, ==, 256);
		assert_bytes(&svcb->params[2].value, BYTES("x"));
		fend_answer_free(answer);
		answer = parse_one(types[i], BYTES("\0\0\0"));
		g_assert_cmpuint(answer->records[0].as.svcb.n_params, ==, 0);
		fend_answer_free(answer);
		expect_bad(types[i], BYTES("\0\1\300\14"));            /* compressed */
		expect_bad(types[i], BYTES("\0\1\0\0\2\0\0\0\1\0\0")); /* out of order */
		expect_bad(types[i], BYTES("\0\1\0\0\2\0\0\0\2\0\0")); /* twice */
		expect_bad(types[i], BYTES("\0\1\0\0\1\0\2x"));
	}
}

/* Unknown types are passed on, other classes are not, and a TTL has 31 bits (RFC 2181). */
static void
test_several(struct test *test)
{
	GByteArray *message = message_new(4);
	struct fend_answer *answer = NULL;

	message->data[3] = 0x83;
	put_record(message, 999, 1, 0x7fffffff, BYTES("any"));
	put_record(message, FEND_RECORD_A, 3, 5, BYTES("not an address"));
	put_record(message, FEND_RECORD_A, 1, 0x80000000, BYTES("\1\2\3\4"));
	put_record(message, FEND_RECORD_A, 1, 7, BYTES("\5\6\7\10"));
	put16(message, 0xffff); /* not looked at, as is what else may be behind the answers */
	test_error(parse(message, &answer), 0);
	g_assert_cmpint(answer->rcode, ==, 3);
	g_assert_cmpuint(answer->n, ==, 3);
	g_assert_cmpint(answer->records[0].type, ==, 999);
	g_assert_cmpuint(answer->records[0].ttl, ==, 0x7fffffff);
	g_assert_cmpmem(answer->records[0].data.bytes, answer->records[0].data.size, "any", 3);
	g_assert_cmpuint(answer->records[1].ttl, ==, 0);
	g_assert_cmpuint(answer->records[2].ttl, ==, 7);
	fend_answer_free(answer);
	g_byte_array_unref(message);
}

static void
test_no_answer(struct test *test)
{
	static guint8 zeros[65536];
	struct fend_answer *answer = NULL;
	GByteArray *message = message_new(0);

	test_error(parse(message, &answer), 0);
	g_assert_cmpuint(answer->n, ==, 0);
	g_assert_cmpstr(answer->name, ==, "o.test");
	g_assert_cmpint(answer->type, ==, 255);
	answer = fend_answer_free(answer);
	message->data[2] = 0; /* a question */
	test_error(parse(message, &answer), FEND_EAI_FAIL);
	g_byte_array_unref(message);
	zeros[2] = 0x80;
	test_error(fend_answer_parse(zeros, 65535, &answer), 0);
	g_assert_null(answer->name);
	answer = fend_answer_free(answer);
	test_error(fend_answer_parse(zeros, 65536, &answer), FEND_EAI_FAIL);
	test_error(fend_answer_parse(NULL, 12, &answer), -EINVAL);
	test_error(fend_answer_parse(zeros, 12, NULL), -EINVAL);
	g_assert_null(fend_answer_free(NULL));
}

static void
test_no_memory(struct test *test)
{
	GByteArray *message = message_new(1);
	struct fend_answer *answer = NULL;

	put_record(message, FEND_RECORD_TXT, 1, 0, BYTES("\1a\1b"));
	fault_install();
	fault_set(FAULT_ALLOCATE, 1, -ENOMEM, 0);
	test_error(parse(message, &answer), FEND_EAI_MEMORY);
	g_assert_null(answer);
	fault_clear();
	test_error(parse(message, &answer), 0);
	fend_answer_free(answer);
	fault_remove();
	g_byte_array_unref(message);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/record/addresses", test_addresses);
	test_add("/record/names", test_names);
	test_add("/record/pointers", test_pointers);
	test_add("/record/loop", test_loop);
	test_add("/record/long-names", test_long_names);
	test_add("/record/soa", test_soa);
	test_add("/record/mx-srv-naptr", test_mx_srv_naptr);
	test_add("/record/txt", test_txt);
	test_add("/record/caa-uri-tlsa", test_caa_uri_tlsa);
	test_add("/record/svcb", test_svcb);
	test_add("/record/several", test_several);
	test_add("/record/no-answer", test_no_answer);
	test_add("/record/no-memory", test_no_memory);
	return g_test_run();
}
