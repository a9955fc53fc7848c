/* SPDX-License-Identifier: MIT */
/*
 * The addresses in a DNS message (RFC 1035, section 4). The message comes from c-ares, which has
 * matched it to its question, so that this is only passed over, but otherwise from anybody: it is
 * read with the cursor that record queries read with, which checks every length.
 *
 * An alias counts if it starts at the name asked for or at the end of another alias, and an address
 * if it is that of the last: c-ares takes in some versions any address in the answer, in others
 * only those behind aliases that are in order. Addresses that nobody asked for are left alone.
 */
#include "message.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <fend/error.h>

#include <fend-internal/kernel.h>

#include "cursor.h"
#include "request.h"

enum {
	COUNTS_OFFSET = 6,       /* of the numbers of records in the header */
	FLAG_TC = 0x02,          /* in the third byte of it */
	QUESTION_SIZE = 4,       /* behind the name */
	ADDRESS_RECORD_MIN = 15, /* with the shortest of owners */
	ALIASES_MAX = 16,
};

struct reader {
	struct cursor cursor;
	unsigned n_left;   /* records */
	const char *asked; /* what is asked for */
};

struct record {
	const char *owner;
	char name[MESSAGE_NAME_SIZE]; /* for it */
	struct record_head head;
};

static void
take_name(struct cursor *cursor, char ret_name[MESSAGE_NAME_SIZE])
{
	ret_name[fend__cursor_expand(cursor, true, ret_name)] = '\0';
}

/* The name in a question is not compressed: there is nothing that it could point to. */
static bool
skip_question(struct cursor *cursor)
{
	uint8_t length;

	while ((length = fend__cursor_8(cursor)) > 0)
		fend__cursor_take(cursor, length);
	return fend__cursor_take(cursor, QUESTION_SIZE) != NULL;
}

static bool
begin(struct reader *reader, const unsigned char *message, size_t size, const char *asked)
{
	const unsigned char *header;

	*reader = (struct reader){
		.cursor = { .message = message, .size = size, .end = size },
		.asked = asked,
	};
	header = fend__cursor_take(&reader->cursor, HEADER_SIZE);
	if (!header || header[4] != 0 || header[5] != 1)
		return false;
	reader->n_left = (unsigned)header[6] << 8 | header[7];
	return skip_question(&reader->cursor);
}

/* Nearly all are a pointer to the question's name, which is the one that was asked for. */
static void
take_owner(struct reader *reader, struct record *record)
{
	static const unsigned char pointer[] = { 0xc0, HEADER_SIZE }; /* RFC 1035, 4.1.4 */
	struct cursor *cursor = &reader->cursor;

	if (cursor->end - cursor->at >= sizeof(pointer) &&
	    memcmp(cursor->message + cursor->at, pointer, sizeof(pointer)) == 0) {
		fend__cursor_take(cursor, sizeof(pointer));
		record->owner = reader->asked;
	} else {
		take_name(cursor, record->name);
		record->owner = record->name;
	}
}

/* false: there are no more, or the cursor is bad. */
static bool
next_record(struct reader *reader, struct record *record)
{
	if (reader->n_left == 0)
		return false;
	reader->n_left--;
	take_owner(reader, record);
	return fend__cursor_record(&reader->cursor, &record->head);
}

static bool
is_of(const struct record *record, unsigned type, const char *name)
{
	return record->head.type == type && record->head.class == CLASS_IN &&
	       strcasecmp(record->owner, name) == 0;
}

static size_t
address_size(unsigned type)
{
	return type == RECORD_A ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

static void
add(struct message_addresses *found, unsigned type, const unsigned char *bytes)
{
	struct host_address *address = &found->addresses[found->n++];

	address->family = type == RECORD_A ? AF_INET : AF_INET6;
	memcpy(&address->in6, bytes, address_size(type));
}

/* One pass over the records, which is enough for aliases that are in order. */
static int
collect(struct reader reader, unsigned type, struct message_addresses *found, unsigned *n_aliases)
{
	const unsigned char *message = reader.cursor.message;
	struct record record;
	struct cursor target;

	found->n = 0;
	while (next_record(&reader, &record)) {
		if (is_of(&record, RECORD_CNAME, found->canonical)) {
			target = reader.cursor;
			target.at = record.head.at;
			take_name(&target, found->canonical);
			if (++*n_aliases > ALIASES_MAX || target.bad)
				return FEND_EAI_FAIL;
			found->n = 0;
		} else if (is_of(&record, type, found->canonical) &&
			   record.head.size == address_size(type)) {
			add(found, type, message + record.head.at);
		}
	}
	return reader.cursor.bad ? FEND_EAI_FAIL : 0;
}

/* Pass after pass until there is no alias left. */
static int
collect_all(const struct reader *start, unsigned type, struct message_addresses *found)
{
	unsigned before, after = 0;
	int r;

	do {
		before = after;
		r = collect(*start, type, found, &after);
	} while (r == 0 && after != before);
	return r == 0 && found->n == 0 ? FEND_EAI_NODATA : r;
}

int
fend__message_addresses(const unsigned char *message, size_t size, const char *name, int type,
			struct message_addresses *ret_addresses)
{
	struct message_addresses *found = ret_addresses;
	size_t length = strnlen(name, sizeof(found->canonical) - 1), n_max;
	struct reader reader;
	int r;

	if (!begin(&reader, message, size, name))
		return FEND_EAI_FAIL;
	if (reader.n_left == 0)
		return FEND_EAI_NODATA;
	memcpy(found->canonical, name, length);
	found->canonical[length] = '\0';
	n_max = size / ADDRESS_RECORD_MIN;
	if (n_max > reader.n_left)
		n_max = reader.n_left;
	found->addresses = fend__calloc(n_max, sizeof(*found->addresses));
	if (!found->addresses)
		return FEND_EAI_MEMORY;
	r = collect_all(&reader, (unsigned)type, found);
	if (r < 0)
		fend__release(found->addresses);
	return r;
}

uint32_t
fend__message_ttl(const unsigned char *message, size_t size)
{
	struct reader reader;
	struct record record;
	uint32_t ttl = UINT32_MAX;

	if (!begin(&reader, message, size, ""))
		return 0;
	while (next_record(&reader, &record))
		if (record.head.ttl < ttl)
			ttl = record.head.ttl;
	return !reader.cursor.bad && ttl != UINT32_MAX ? ttl : 0;
}

size_t
fend__message_cut(unsigned char *message, size_t size)
{
	struct cursor cursor = { .message = message, .size = size, .at = HEADER_SIZE, .end = size };

	if (!skip_question(&cursor))
		return size;
	message[2] |= FLAG_TC;
	memset(message + COUNTS_OFFSET, 0, HEADER_SIZE - COUNTS_OFFSET);
	return cursor.at;
}
