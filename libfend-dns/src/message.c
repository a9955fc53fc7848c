/* SPDX-License-Identifier: MIT */
/*
 * The addresses in a DNS message (RFC 1035, section 4). The message comes from c-ares, which has
 * matched it to its question, but otherwise from anybody: every length is checked, and names are
 * expanded by the cursor that record queries read with.
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
	COUNTS_OFFSET = 6, /* of the numbers of records in the header */
	FLAG_TC = 0x02,    /* in the third byte of it */
	QUESTION_SIZE = 4, /* behind the name */
	RECORD_SIZE = 10,  /* behind the name */
	CLASS_IN = 1,
	ALIASES_MAX = 16,
};

struct reader {
	const unsigned char *message;
	size_t size, offset;
	unsigned n_left; /* records */
	char *question;  /* the name in it, MESSAGE_NAME_SIZE */
};

struct record {
	const char *owner;
	char name[MESSAGE_NAME_SIZE]; /* for it */
	unsigned type, class;
	uint32_t ttl;
	size_t data, size;
};

static unsigned
get16(const unsigned char *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static bool
read_name(struct reader *reader, char ret_name[MESSAGE_NAME_SIZE])
{
	struct cursor cursor = { .message = reader->message,
				 .size = reader->size,
				 .at = reader->offset,
				 .end = reader->size };

	ret_name[fend__cursor_expand(&cursor, true, ret_name)] = '\0';
	reader->offset = cursor.at;
	return !cursor.bad;
}

/* question is the caller's memory, to be kept as long as the reader is used. */
static bool
begin(struct reader *reader, const unsigned char *message, size_t size,
      char question[MESSAGE_NAME_SIZE])
{
	*reader = (struct reader){
		.message = message,
		.size = size,
		.offset = HEADER_SIZE,
		.question = question,
	};
	if (size < HEADER_SIZE || get16(message + 4) != 1)
		return false;
	reader->n_left = get16(message + 6);
	if (!read_name(reader, question) || size - reader->offset < QUESTION_SIZE)
		return false;
	reader->offset += QUESTION_SIZE;
	return true;
}

/* Nearly all are a pointer to the question's name, and need not be expanded for it again. */
static bool
read_owner(struct reader *reader, struct record *record)
{
	static const unsigned char pointer[] = { 0xc0, HEADER_SIZE }; /* RFC 1035, 4.1.4 */

	if (reader->size - reader->offset >= sizeof(pointer) &&
	    memcmp(reader->message + reader->offset, pointer, sizeof(pointer)) == 0) {
		reader->offset += sizeof(pointer);
		record->owner = reader->question;
		return true;
	}
	record->owner = record->name;
	return read_name(reader, record->name);
}

/* 1: there is one; 0: there are no more; FEND_EAI_FAIL. */
static int
next_record(struct reader *reader, struct record *record)
{
	const unsigned char *bytes;

	if (reader->n_left == 0)
		return 0;
	reader->n_left--;
	if (!read_owner(reader, record) || reader->size - reader->offset < RECORD_SIZE)
		return FEND_EAI_FAIL;
	bytes = reader->message + reader->offset;
	record->type = get16(bytes);
	record->class = get16(bytes + 2);
	record->ttl = (uint32_t)get16(bytes + 4) << 16 | get16(bytes + 6);
	if (record->ttl > INT32_MAX) /* RFC 2181, section 8 */
		record->ttl = 0;
	record->size = get16(bytes + 8);
	record->data = reader->offset + RECORD_SIZE;
	if (reader->size - record->data < record->size)
		return FEND_EAI_FAIL;
	reader->offset = record->data + record->size;
	return 1;
}

static bool
is_of(const struct record *record, unsigned type, const char *name)
{
	return record->type == type && record->class == CLASS_IN &&
	       strcasecmp(record->owner, name) == 0;
}

/* One pass over the records; aliases that are in order are followed in the first. */
static int
follow_aliases(const struct reader *start, struct message_addresses *found, unsigned *n_aliases)
{
	struct reader reader = *start, target;
	struct record record;
	int r;

	while ((r = next_record(&reader, &record)) > 0) {
		if (!is_of(&record, RECORD_CNAME, found->canonical))
			continue;
		target = reader;
		target.offset = record.data;
		if (++*n_aliases > ALIASES_MAX || !read_name(&target, found->canonical))
			return FEND_EAI_FAIL;
	}
	return r;
}

static int
find_end(const struct reader *start, struct message_addresses *found)
{
	unsigned before, after = 0;
	int r;

	do {
		before = after;
		r = follow_aliases(start, found, &after);
	} while (r == 0 && after != before);
	return r;
}

/* addresses NULL: only count. */
static int
collect(const struct reader *start, unsigned type, struct message_addresses *found)
{
	size_t size = type == RECORD_A ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	struct reader reader = *start;
	struct record record;
	int r;

	found->n = 0;
	while ((r = next_record(&reader, &record)) > 0) {
		if (!is_of(&record, type, found->canonical) || record.size != size)
			continue;
		if (found->addresses) {
			struct host_address *address = &found->addresses[found->n];

			address->family = type == RECORD_A ? AF_INET : AF_INET6;
			memcpy(&address->in6, reader.message + record.data, size);
		}
		found->n++;
	}
	return r;
}

int
fend__message_addresses(const unsigned char *message, size_t size, const char *name, int type,
			struct message_addresses *ret_addresses)
{
	struct message_addresses *found = ret_addresses;
	size_t length = strnlen(name, sizeof(found->canonical) - 1);
	char question[MESSAGE_NAME_SIZE];
	struct reader reader;
	int r;

	found->addresses = NULL;
	memcpy(found->canonical, name, length);
	found->canonical[length] = '\0';
	if (!begin(&reader, message, size, question))
		return FEND_EAI_FAIL;
	r = find_end(&reader, found);
	if (r == 0)
		r = collect(&reader, (unsigned)type, found);
	if (r < 0)
		return r;
	if (found->n == 0)
		return FEND_EAI_NODATA;
	found->addresses = fend__calloc(found->n, sizeof(*found->addresses));
	if (!found->addresses)
		return FEND_EAI_MEMORY;
	collect(&reader, (unsigned)type, found);
	return 0;
}

uint32_t
fend__message_ttl(const unsigned char *message, size_t size)
{
	struct reader reader;
	struct record record;
	char question[MESSAGE_NAME_SIZE];
	uint32_t ttl = UINT32_MAX;
	int r;

	if (!begin(&reader, message, size, question))
		return 0;
	while ((r = next_record(&reader, &record)) > 0)
		if (record.ttl < ttl)
			ttl = record.ttl;
	return r == 0 && ttl != UINT32_MAX ? ttl : 0;
}

size_t
fend__message_cut(unsigned char *message, size_t size)
{
	size_t end = HEADER_SIZE;

	/* The name in a question is not compressed: there is nothing that it could point to. */
	while (end < size && message[end])
		end += message[end] + 1U;
	end += 1 + QUESTION_SIZE;
	if (end > size)
		return size;
	message[2] |= FLAG_TC;
	memset(message + COUNTS_OFFSET, 0, HEADER_SIZE - COUNTS_OFFSET);
	return end;
}
