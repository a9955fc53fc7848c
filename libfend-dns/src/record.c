/* SPDX-License-Identifier: MIT */
/*
 * A parser of DNS messages (RFC 1035, section 4) and of the records in them.
 *
 * It is fend's own, although c-ares has one parser for each type: in 1.18 only those of A, AAAA and
 * URI give a TTL, there is none for SVCB, HTTPS and TLSA, each makes several blocks, and the one
 * for all types that came with 1.28 cannot be relied upon to be there. Here one cursor checks every
 * length for all of them.
 *
 * A message is read twice: the first time measures the block that is needed, the second fills it.
 * Both take the same steps, so what passed the first time fits the second.
 */
#include <fend/record.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <fend/error.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "cursor.h"
#include "record.h"

enum {
	MESSAGE_SIZE_MAX = 65535,
	RESPONSE = 0x80, /* in the third byte */
	ALIASES_MAX = 16,
};

static struct fend_record_bytes
take_rest(struct cursor *cursor)
{
	return fend__cursor_bytes(cursor, cursor->end - cursor->at);
}

static const char *
take_name(struct cursor *cursor)
{
	char text[TEXT_SIZE_MAX];

	return fend__cursor_keep(cursor, text, fend__cursor_expand(cursor, true, text));
}

static const char *
take_plain_name(struct cursor *cursor)
{
	char text[TEXT_SIZE_MAX];

	return fend__cursor_keep(cursor, text, fend__cursor_expand(cursor, false, text));
}

static void
take_address(struct cursor *cursor, struct fend_record *record)
{
	size_t size = record->type == FEND_RECORD_A ? sizeof(record->as.a)
						    : sizeof(record->as.aaaa);
	const unsigned char *bytes = fend__cursor_take(cursor, size);

	if (bytes)
		memcpy(record->as.aaaa, bytes, size);
}

static void
take_target(struct cursor *cursor, struct fend_record *record)
{
	record->as.target = take_name(cursor);
}

static void
take_soa(struct cursor *cursor, struct fend_record *record)
{
	record->as.soa.mname = take_name(cursor);
	record->as.soa.rname = take_name(cursor);
	record->as.soa.serial = fend__cursor_32(cursor);
	record->as.soa.refresh = fend__cursor_32(cursor);
	record->as.soa.retry = fend__cursor_32(cursor);
	record->as.soa.expire = fend__cursor_32(cursor);
	record->as.soa.minimum = fend__cursor_32(cursor);
}

static void
take_mx(struct cursor *cursor, struct fend_record *record)
{
	record->as.mx.preference = fend__cursor_16(cursor);
	record->as.mx.exchange = take_name(cursor);
}

/* Is there more in the data that is being read? */
static bool
has_more(const struct cursor *cursor)
{
	return !cursor->bad && cursor->at < cursor->end;
}

static size_t
count_strings(struct cursor scan)
{
	size_t n = 0;

	for (scan.block = NULL; has_more(&scan); n++)
		fend__cursor_string(&scan);
	return n;
}

static void
take_txt(struct cursor *cursor, struct fend_record *record)
{
	size_t n = count_strings(*cursor), i;
	struct fend_record_bytes *strings;

	if (n == 0)
		cursor->bad = true;
	strings = fend__cursor_reserve(cursor, n * sizeof(*strings),
				       _Alignof(struct fend_record_bytes));
	for (i = 0; i < n; i++) {
		struct fend_record_bytes string = fend__cursor_string(cursor);

		if (strings)
			strings[i] = string;
	}
	record->as.txt.strings = strings;
	record->as.txt.n = n;
}

static void
take_srv(struct cursor *cursor, struct fend_record *record)
{
	record->as.srv.priority = fend__cursor_16(cursor);
	record->as.srv.weight = fend__cursor_16(cursor);
	record->as.srv.port = fend__cursor_16(cursor);
	record->as.srv.target = take_name(cursor);
}

static void
take_naptr(struct cursor *cursor, struct fend_record *record)
{
	record->as.naptr.order = fend__cursor_16(cursor);
	record->as.naptr.preference = fend__cursor_16(cursor);
	record->as.naptr.flags = fend__cursor_string(cursor);
	record->as.naptr.services = fend__cursor_string(cursor);
	record->as.naptr.regexp = fend__cursor_string(cursor);
	record->as.naptr.replacement = take_name(cursor);
}

static void
take_tlsa(struct cursor *cursor, struct fend_record *record)
{
	record->as.tlsa.usage = fend__cursor_8(cursor);
	record->as.tlsa.selector = fend__cursor_8(cursor);
	record->as.tlsa.matching = fend__cursor_8(cursor);
	record->as.tlsa.association = take_rest(cursor);
}

static struct fend_record_svcb_param
take_param(struct cursor *cursor)
{
	struct fend_record_svcb_param param = { .key = fend__cursor_16(cursor) };

	param.value = fend__cursor_bytes(cursor, fend__cursor_16(cursor));
	return param;
}

static size_t
count_params(struct cursor scan)
{
	size_t n = 0;

	for (scan.block = NULL; has_more(&scan); n++)
		take_param(&scan);
	return n;
}

/* The target is not compressed, and keys ascend (RFC 9460, 2.2). */
static void
take_svcb(struct cursor *cursor, struct fend_record *record)
{
	struct fend_record_svcb_param *params;
	int last = -1;
	size_t i;

	record->as.svcb.priority = fend__cursor_16(cursor);
	record->as.svcb.target = take_plain_name(cursor);
	record->as.svcb.n_params = count_params(*cursor);
	params = fend__cursor_reserve(cursor, record->as.svcb.n_params * sizeof(*params),
				      _Alignof(struct fend_record_svcb_param));
	for (i = 0; i < record->as.svcb.n_params; i++) {
		struct fend_record_svcb_param param = take_param(cursor);

		if (param.key <= last)
			cursor->bad = true;
		last = param.key;
		if (params)
			params[i] = param;
	}
	record->as.svcb.params = params;
}

static void
take_uri(struct cursor *cursor, struct fend_record *record)
{
	record->as.uri.priority = fend__cursor_16(cursor);
	record->as.uri.weight = fend__cursor_16(cursor);
	if (!has_more(cursor))
		cursor->bad = true;
	record->as.uri.target = take_rest(cursor);
}

static bool
is_tag(const unsigned char *text, size_t size)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t i;

	for (i = 0; i < size; i++)
		if (!memchr(alphabet, text[i], sizeof(alphabet) - 1))
			return false;
	return size > 0;
}

static void
take_caa(struct cursor *cursor, struct fend_record *record)
{
	const unsigned char *tag;
	uint8_t size;

	record->as.caa.flags = fend__cursor_8(cursor);
	size = fend__cursor_8(cursor);
	tag = fend__cursor_take(cursor, size);
	if (!tag || !is_tag(tag, size))
		cursor->bad = true;
	else
		record->as.caa.tag = fend__cursor_keep(cursor, tag, size);
	record->as.caa.value = take_rest(cursor);
}

/* clang-format off */
static const struct {
	int type;
	void (*take)(struct cursor *cursor, struct fend_record *record);
} types[] = {
	{ FEND_RECORD_A, take_address },
	{ FEND_RECORD_NS, take_target },
	{ FEND_RECORD_CNAME, take_target },
	{ FEND_RECORD_SOA, take_soa },
	{ FEND_RECORD_PTR, take_target },
	{ FEND_RECORD_MX, take_mx },
	{ FEND_RECORD_TXT, take_txt },
	{ FEND_RECORD_AAAA, take_address },
	{ FEND_RECORD_SRV, take_srv },
	{ FEND_RECORD_NAPTR, take_naptr },
	{ FEND_RECORD_TLSA, take_tlsa },
	{ FEND_RECORD_SVCB, take_svcb },
	{ FEND_RECORD_HTTPS, take_svcb },
	{ FEND_RECORD_URI, take_uri },
	{ FEND_RECORD_CAA, take_caa },
};
/* clang-format on */

/* What is in the data; nothing of it may be left over. */
static void
take_data(struct cursor *cursor, struct fend_record *record)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type != record->type)
			continue;
		types[i].take(cursor, record);
		if (cursor->at < cursor->end)
			cursor->bad = true;
	}
}

/* false: it is of another class, or bad. message is the copy in the block, or NULL. */
static bool
take_record(struct cursor *cursor, const unsigned char *message, struct fend_record *record)
{
	char owner[TEXT_SIZE_MAX];
	size_t owner_size = fend__cursor_expand(cursor, true, owner);
	struct record_head head;

	if (!fend__cursor_record(cursor, &head) || head.class != CLASS_IN)
		return false;
	*record = (struct fend_record){
		.name = fend__cursor_keep(cursor, owner, owner_size),
		.type = head.type,
		.ttl = head.ttl,
		.data = { .bytes = message ? message + head.at : NULL, .size = head.size },
	};
	cursor->at = head.at;
	cursor->end = head.at + head.size;
	take_data(cursor, record);
	cursor->at = cursor->end;
	cursor->end = cursor->size;
	return true;
}

/* There may be several, although nobody asks so: the first counts. */
static void
take_questions(struct cursor *cursor, size_t n, struct fend_answer *answer)
{
	char text[TEXT_SIZE_MAX];
	size_t i, size;

	for (i = 0; i < n && !cursor->bad; i++) {
		size = fend__cursor_expand(cursor, true, text);
		if (i == 0) {
			answer->name = fend__cursor_keep(cursor, text, size);
			answer->type = fend__cursor_16(cursor);
		} else {
			fend__cursor_16(cursor);
		}
		fend__cursor_16(cursor); /* class */
	}
}

static struct fend_answer *
take_answer(struct cursor *cursor)
{
	struct fend_answer answer = { .message.size = cursor->size }, *kept;
	struct fend_record *records, record;
	const unsigned char *header;
	size_t n;

	kept = fend__cursor_reserve(cursor, sizeof(*kept), _Alignof(struct fend_answer));
	answer.message.bytes = fend__cursor_keep(cursor, cursor->message, cursor->size);
	header = fend__cursor_take(cursor, HEADER_SIZE);
	if (!header)
		return NULL;
	if (!(header[2] & RESPONSE))
		cursor->bad = true;
	answer.rcode = header[3] & RCODE_MASK;
	take_questions(cursor, (size_t)header[4] << 8 | header[5], &answer);
	n = (size_t)header[6] << 8 | header[7];
	records = fend__cursor_reserve(cursor, n * sizeof(*records), _Alignof(struct fend_record));
	answer.records = records;
	for (; n > 0 && !cursor->bad; n--)
		if (take_record(cursor, answer.message.bytes, &record) && records)
			records[answer.n++] = record;
	if (kept)
		*kept = answer;
	return kept;
}

int
fend__answer_read(const void *message, size_t size, uint32_t age, struct fend_answer **ret_answer)
{
	const struct cursor start = { .message = message, .size = size, .end = size, .age = age };
	struct cursor cursor = start;

	if (size > MESSAGE_SIZE_MAX)
		return FEND_EAI_FAIL;
	take_answer(&cursor);
	if (cursor.bad)
		return FEND_EAI_FAIL;
	size = cursor.used;
	cursor = start;
	cursor.block = fend__calloc(1, size);
	if (!cursor.block)
		return FEND_EAI_MEMORY;
	*ret_answer = take_answer(&cursor);
	return 0;
}

FEND_PUBLIC int
fend_answer_parse(const void *message, size_t size, struct fend_answer **ret_answer)
{
	if (!message || !ret_answer)
		return -EINVAL;
	return fend__answer_read(message, size, 0, ret_answer);
}

FEND_PUBLIC struct fend_answer *
fend_answer_free(struct fend_answer *answer)
{
	return fend__release(answer);
}

static const struct fend_record *
find_once(const struct fend_answer *answer, const char *name, int type)
{
	size_t i;

	for (i = 0; i < answer->n; i++)
		if (answer->records[i].type == type &&
		    strcasecmp(answer->records[i].name, name) == 0)
			return &answer->records[i];
	return NULL;
}

const struct fend_record *
fend__answer_find(const struct fend_answer *answer)
{
	const char *name = answer->name;
	const struct fend_record *found;
	int i;

	for (i = 0; name && i < ALIASES_MAX; i++) {
		found = find_once(answer, name, answer->type);
		if (found)
			return found;
		found = find_once(answer, name, FEND_RECORD_CNAME);
		name = found ? found->as.target : NULL;
	}
	return NULL;
}
