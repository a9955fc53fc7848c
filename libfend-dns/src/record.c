/* SPDX-License-Identifier: MIT */
/*
 * A parser of DNS messages (RFC 1035, section 4) and of the records in them.
 *
 * It is fend's own, although c-ares has one parser for each type: in 1.18 those of MX, SRV, TXT, NS,
 * PTR, NAPTR and SOA give no TTL, there is none for SVCB, HTTPS and TLSA, each makes several blocks,
 * and the one for all types that came with 1.28 cannot be relied upon to be there. Here one
 * cursor checks every length for all of them.
 *
 * The cursor does not stop at a mistake: it remembers it, and from then on yields zeros and empty
 * names, so that whoever reads need only look once at the end. It never reads beyond the record that
 * it is in, except where a name points back to an earlier one.
 *
 * A message is read twice: the first time measures the block that is needed, the second fills it.
 * Both take the same steps, so what passed the first time fits the second.
 */
#include <fend/record.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <fend/error.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

enum {
	HEADER_SIZE = 12,
	MESSAGE_SIZE_MAX = 65535,
	NAME_SIZE_MAX = 255,      /* in a message, RFC 1035, 2.3.4 */
	TEXT_SIZE_MAX = 4 * NAME_SIZE_MAX + 1,
	LABEL_SIZE_MAX = 63,
	POINTER = 0xc0, /* RFC 1035, 4.1.4 */
	CLASS_IN = 1,
	RESPONSE = 0x80, /* in the third byte */
	RCODE_MASK = 0xf,
};

struct cursor {
	const unsigned char *message;
	size_t size;
	size_t at, end; /* in what is being read: the message, or the data of a record */
	bool bad;

	char *block; /* NULL: measure only */
	size_t used;
};

/* Room in the block, NULL while it is measured. */
static void *
reserve(struct cursor *cursor, size_t size, size_t alignment)
{
	size_t start = (cursor->used + alignment - 1) / alignment * alignment;

	cursor->used = start + size;
	return cursor->block ? cursor->block + start : NULL;
}

/* A copy in the block, with a NUL behind it. */
static void *
keep(struct cursor *cursor, const void *bytes, size_t size)
{
	char *copy = reserve(cursor, size + 1, 1);

	if (copy) {
		memcpy(copy, bytes, size);
		copy[size] = '\0';
	}
	return copy;
}

/* The next size bytes; NULL, and all else is bad from then on, if there are not so many. */
static const unsigned char *
take(struct cursor *cursor, size_t size)
{
	const unsigned char *bytes = cursor->message + cursor->at;

	if (cursor->bad || cursor->end - cursor->at < size) {
		cursor->bad = true;
		return NULL;
	}
	cursor->at += size;
	return bytes;
}

static uint8_t
take8(struct cursor *cursor)
{
	const unsigned char *bytes = take(cursor, 1);

	return bytes ? bytes[0] : 0;
}

static uint16_t
take16(struct cursor *cursor)
{
	const unsigned char *bytes = take(cursor, 2);

	return bytes ? (uint16_t)(bytes[0] << 8 | bytes[1]) : 0;
}

static uint32_t
take32(struct cursor *cursor)
{
	uint32_t high = take16(cursor);

	return high << 16 | take16(cursor);
}

static struct fend_record_bytes
take_bytes(struct cursor *cursor, size_t size)
{
	const unsigned char *bytes = take(cursor, size);

	if (!bytes)
		return (struct fend_record_bytes){ 0 };
	return (struct fend_record_bytes){ .bytes = keep(cursor, bytes, size), .size = size };
}

static struct fend_record_bytes
take_rest(struct cursor *cursor)
{
	return take_bytes(cursor, cursor->end - cursor->at);
}

/* A <character-string> of RFC 1035, 3.3. */
static struct fend_record_bytes
take_string(struct cursor *cursor)
{
	return take_bytes(cursor, take8(cursor));
}

static char *
put_label(char *text, const unsigned char *label, size_t size)
{
	for (; size > 0; size--, label++) {
		if (*label == '.' || *label == '\\') {
			*text++ = '\\';
			*text++ = (char)*label;
		} else if (*label > ' ' && *label < 0x7f) {
			*text++ = (char)*label;
		} else {
			*text++ = '\\';
			*text++ = (char)('0' + *label / 100);
			*text++ = (char)('0' + *label / 10 % 10);
			*text++ = (char)('0' + *label % 10);
		}
	}
	return text;
}

/*
 * Write a name as text and return its length. A pointer leads the reader elsewhere, while the cursor
 * goes on behind the first one. Each must lead back to before what was read of the name so far: that
 * is where earlier names are, and no name is endless.
 */
static size_t
expand(struct cursor *cursor, bool compressed, char text[TEXT_SIZE_MAX])
{
	struct cursor reader = *cursor;
	size_t start = cursor->at, size = 0;
	bool led = false;
	char *end = text;
	uint8_t length;

	do {
		length = take8(&reader);
		if (length >= POINTER) {
			size_t to = (size_t)(length & ~POINTER) << 8 | take8(&reader);

			if (!led)
				cursor->at = reader.at;
			led = true;
			if (!compressed || to < HEADER_SIZE || to >= start)
				reader.bad = true;
			start = reader.at = to;
			reader.end = reader.size;
		} else if (length > 0) {
			const unsigned char *label = take(&reader, length);

			size += length + 1U;
			if (length > LABEL_SIZE_MAX || size >= NAME_SIZE_MAX)
				reader.bad = true;
			if (reader.bad)
				break;
			if (end > text)
				*end++ = '.';
			end = put_label(end, label, length);
		}
	} while (length > 0 && !reader.bad);
	if (!led)
		cursor->at = reader.at;
	if (reader.bad)
		cursor->bad = true;
	if (end == text)
		*end++ = '.';
	return (size_t)(end - text);
}

static const char *
take_name(struct cursor *cursor)
{
	char text[TEXT_SIZE_MAX];

	return keep(cursor, text, expand(cursor, true, text));
}

static const char *
take_plain_name(struct cursor *cursor)
{
	char text[TEXT_SIZE_MAX];

	return keep(cursor, text, expand(cursor, false, text));
}

static void
take_address(struct cursor *cursor, struct fend_record *record)
{
	size_t size = record->type == FEND_RECORD_A ? sizeof(record->as.a) : sizeof(record->as.aaaa);
	const unsigned char *bytes = take(cursor, size);

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
	record->as.soa.serial = take32(cursor);
	record->as.soa.refresh = take32(cursor);
	record->as.soa.retry = take32(cursor);
	record->as.soa.expire = take32(cursor);
	record->as.soa.minimum = take32(cursor);
}

static void
take_mx(struct cursor *cursor, struct fend_record *record)
{
	record->as.mx.preference = take16(cursor);
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
		take_string(&scan);
	return n;
}

static void
take_txt(struct cursor *cursor, struct fend_record *record)
{
	size_t n = count_strings(*cursor), i;
	struct fend_record_bytes *strings =
		reserve(cursor, n * sizeof(*strings), _Alignof(struct fend_record_bytes));

	if (n == 0)
		cursor->bad = true;
	for (i = 0; i < n; i++) {
		struct fend_record_bytes string = take_string(cursor);

		if (strings)
			strings[i] = string;
	}
	record->as.txt.strings = strings;
	record->as.txt.n = n;
}

static void
take_srv(struct cursor *cursor, struct fend_record *record)
{
	record->as.srv.priority = take16(cursor);
	record->as.srv.weight = take16(cursor);
	record->as.srv.port = take16(cursor);
	record->as.srv.target = take_name(cursor);
}

static void
take_naptr(struct cursor *cursor, struct fend_record *record)
{
	record->as.naptr.order = take16(cursor);
	record->as.naptr.preference = take16(cursor);
	record->as.naptr.flags = take_string(cursor);
	record->as.naptr.services = take_string(cursor);
	record->as.naptr.regexp = take_string(cursor);
	record->as.naptr.replacement = take_name(cursor);
}

static void
take_tlsa(struct cursor *cursor, struct fend_record *record)
{
	record->as.tlsa.usage = take8(cursor);
	record->as.tlsa.selector = take8(cursor);
	record->as.tlsa.matching = take8(cursor);
	record->as.tlsa.association = take_rest(cursor);
}

static struct fend_record_svcb_param
take_param(struct cursor *cursor)
{
	struct fend_record_svcb_param param = { .key = take16(cursor) };

	param.value = take_bytes(cursor, take16(cursor));
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

	record->as.svcb.priority = take16(cursor);
	record->as.svcb.target = take_plain_name(cursor);
	record->as.svcb.n_params = count_params(*cursor);
	params = reserve(cursor, record->as.svcb.n_params * sizeof(*params),
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
	record->as.uri.priority = take16(cursor);
	record->as.uri.weight = take16(cursor);
	if (!has_more(cursor))
		cursor->bad = true;
	record->as.uri.target = take_rest(cursor);
}

static bool
is_tag(const unsigned char *text, size_t size)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
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

	record->as.caa.flags = take8(cursor);
	size = take8(cursor);
	tag = take(cursor, size);
	if (!tag || !is_tag(tag, size))
		cursor->bad = true;
	else
		record->as.caa.tag = keep(cursor, tag, size);
	record->as.caa.value = take_rest(cursor);
}

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
	size_t owner_size = expand(cursor, true, owner), data, size;
	int class;

	*record = (struct fend_record){ .type = take16(cursor) };
	class = take16(cursor);
	record->ttl = take32(cursor);
	if (record->ttl > INT32_MAX) /* RFC 2181, section 8 */
		record->ttl = 0;
	size = take16(cursor);
	data = cursor->at;
	if (!take(cursor, size))
		return false;
	if (class != CLASS_IN)
		return false;
	record->name = keep(cursor, owner, owner_size);
	record->data = (struct fend_record_bytes){ .bytes = message ? message + data : NULL,
						   .size = size };
	cursor->at = data;
	cursor->end = data + size;
	take_data(cursor, record);
	cursor->at = cursor->end;
	cursor->end = cursor->size;
	return true;
}

static void
skip_question(struct cursor *cursor)
{
	char name[TEXT_SIZE_MAX];

	expand(cursor, true, name);
	take32(cursor); /* type and class */
}

static struct fend_answer *
take_answer(struct cursor *cursor)
{
	struct fend_answer *answer = reserve(cursor, sizeof(*answer), _Alignof(struct fend_answer));
	const unsigned char *message = keep(cursor, cursor->message, cursor->size), *header;
	struct fend_record *records, record;
	size_t n_questions, n_records, n = 0;

	header = take(cursor, HEADER_SIZE);
	if (!header)
		return NULL;
	if (!(header[2] & RESPONSE))
		cursor->bad = true;
	n_questions = (size_t)header[4] << 8 | header[5];
	n_records = (size_t)header[6] << 8 | header[7];
	records = reserve(cursor, n_records * sizeof(*records), _Alignof(struct fend_record));
	for (; n_questions > 0 && !cursor->bad; n_questions--)
		skip_question(cursor);
	for (; n_records > 0 && !cursor->bad; n_records--)
		if (take_record(cursor, message, &record) && records)
			records[n++] = record;
	if (answer)
		*answer = (struct fend_answer){
			.records = records,
			.n = n,
			.rcode = header[3] & RCODE_MASK,
			.message = { .bytes = message, .size = cursor->size },
		};
	return answer;
}

FEND_PUBLIC int
fend_answer_parse(const void *message, size_t size, struct fend_answer **ret_answer)
{
	const struct cursor start = { .message = message, .size = size, .end = size };
	struct cursor cursor = start;

	if (!message || !ret_answer)
		return -EINVAL;
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

FEND_PUBLIC struct fend_answer *
fend_answer_free(struct fend_answer *answer)
{
	return fend__release(answer);
}
