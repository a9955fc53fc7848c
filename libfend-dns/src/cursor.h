/* SPDX-License-Identifier: MIT */
#ifndef FEND_CURSOR_H
#define FEND_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fend/record.h>

enum {
	HEADER_SIZE = 12,
	RCODE_MASK = 0xf, /* of the fourth byte of it */
	CLASS_IN = 1,
	NAME_SIZE_MAX = 255, /* in a message, RFC 1035, 2.3.4 */
	TEXT_SIZE_MAX = 4 * NAME_SIZE_MAX + 1,
};

/*
 * Where the reading of a DNS message is.
 *
 * It does not stop at a mistake: it remembers it, and from then on yields what is worth nothing but
 * does no harm, so that whoever reads need only look once at the end. It never reads beyond end,
 * except where a name points back to an earlier one.
 *
 * What is to be kept is copied to a block or, while that is NULL, only measured: pointers to it are
 * NULL then.
 */
struct cursor {
	const unsigned char *message;
	size_t size;
	size_t at, end; /* in what is being read: the message, or the data of a record */
	bool bad;
	uint32_t age; /* to be taken off each TTL */

	char *block;
	size_t used;
};

/* What is between the owner of a record and its data. */
struct record_head {
	uint16_t type, class;
	uint32_t ttl;    /* in seconds, without age */
	size_t at, size; /* of the data */
};

/* Room in the block. */
void *fend__cursor_reserve(struct cursor *cursor, size_t size, size_t alignment);
/* A copy in the block, with a NUL behind it. */
void *fend__cursor_keep(struct cursor *cursor, const void *bytes, size_t size);

/* The next size bytes; NULL, and the cursor is bad, if there are not so many. */
const unsigned char *fend__cursor_take(struct cursor *cursor, size_t size);
uint8_t fend__cursor_8(struct cursor *cursor);
uint16_t fend__cursor_16(struct cursor *cursor);
uint32_t fend__cursor_32(struct cursor *cursor);

/* The next size bytes, kept. */
struct fend_record_bytes fend__cursor_bytes(struct cursor *cursor, size_t size);
/* A <character-string> of RFC 1035, 3.3, kept. */
struct fend_record_bytes fend__cursor_string(struct cursor *cursor);

/* The rest of a record whose owner was taken; its data are passed over. false: the cursor is bad. */
bool fend__cursor_record(struct cursor *cursor, struct record_head *ret_head);

/*
 * Write the name that comes next as text, without NUL, and return its length. compressed: it may be
 * (RFC 1035, 4.1.4).
 */
size_t fend__cursor_expand(struct cursor *cursor, bool compressed, char text[TEXT_SIZE_MAX]);

#endif
