/* SPDX-License-Identifier: MIT */
#include "cursor.h"

#include <string.h>

enum {
	LABEL_SIZE_MAX = 63,
	POINTER = 0xc0, /* RFC 1035, 4.1.4 */
};

void *
fend__cursor_reserve(struct cursor *cursor, size_t size, size_t alignment)
{
	size_t start = (cursor->used + alignment - 1) / alignment * alignment;

	cursor->used = start + size;
	return cursor->block ? cursor->block + start : NULL;
}

void *
fend__cursor_keep(struct cursor *cursor, const void *bytes, size_t size)
{
	char *copy = fend__cursor_reserve(cursor, size + 1, 1);

	if (copy) {
		memcpy(copy, bytes, size);
		copy[size] = '\0';
	}
	return copy;
}

const unsigned char *
fend__cursor_take(struct cursor *cursor, size_t size)
{
	const unsigned char *bytes = cursor->message + cursor->at;

	if (cursor->bad || cursor->end - cursor->at < size) {
		cursor->bad = true;
		return NULL;
	}
	cursor->at += size;
	return bytes;
}

uint8_t
fend__cursor_8(struct cursor *cursor)
{
	const unsigned char *bytes = fend__cursor_take(cursor, 1);

	return bytes ? bytes[0] : 0;
}

uint16_t
fend__cursor_16(struct cursor *cursor)
{
	const unsigned char *bytes = fend__cursor_take(cursor, 2);

	return bytes ? (uint16_t)(bytes[0] << 8 | bytes[1]) : 0;
}

uint32_t
fend__cursor_32(struct cursor *cursor)
{
	uint32_t high = fend__cursor_16(cursor);

	return high << 16 | fend__cursor_16(cursor);
}

struct fend_record_bytes
fend__cursor_bytes(struct cursor *cursor, size_t size)
{
	const unsigned char *bytes = fend__cursor_take(cursor, size);

	if (!bytes)
		return (struct fend_record_bytes){ 0 };
	bytes = fend__cursor_keep(cursor, bytes, size);
	return (struct fend_record_bytes){ .bytes = bytes, .size = size };
}

struct fend_record_bytes
fend__cursor_string(struct cursor *cursor)
{
	return fend__cursor_bytes(cursor, fend__cursor_8(cursor));
}

bool
fend__cursor_record(struct cursor *cursor, struct record_head *ret_head)
{
	struct record_head head = { .type = fend__cursor_16(cursor) };

	head.class = fend__cursor_16(cursor);
	head.ttl = fend__cursor_32(cursor);
	if (head.ttl > INT32_MAX) /* RFC 2181, section 8 */
		head.ttl = 0;
	head.ttl = head.ttl > cursor->age ? head.ttl - cursor->age : 0;
	head.size = fend__cursor_16(cursor);
	head.at = cursor->at;
	if (!fend__cursor_take(cursor, head.size))
		return false;
	*ret_head = head;
	return true;
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
 * A pointer leads the reader elsewhere, while the cursor goes on behind the first one. Each must
 * lead back to before what was read of the name so far: that is where earlier names are, and no
 * name is endless.
 */
size_t
fend__cursor_expand(struct cursor *cursor, bool compressed, char text[TEXT_SIZE_MAX])
{
	struct cursor reader = *cursor;
	size_t start = cursor->at, size = 0;
	bool led = false;
	char *end = text;
	uint8_t length;

	do {
		length = fend__cursor_8(&reader);
		if (length >= POINTER) {
			size_t to = (size_t)(length & ~POINTER) << 8 | fend__cursor_8(&reader);

			if (!led)
				cursor->at = reader.at;
			led = true;
			if (!compressed || to < HEADER_SIZE || to >= start)
				reader.bad = true;
			start = reader.at = to;
			reader.end = reader.size;
		} else if (length > 0) {
			const unsigned char *label = fend__cursor_take(&reader, length);

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
