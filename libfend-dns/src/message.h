/* SPDX-License-Identifier: MIT */
#ifndef FEND_MESSAGE_H
#define FEND_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

struct host_address;

enum {
	MESSAGE_NAME_SIZE = 1024, /* more than a name has as text (cursor.h), the NUL included */

	RECORD_A = 1,
	RECORD_CNAME = 5,
	RECORD_AAAA = 28,
};

/* The addresses that a DNS message has for a name. */
struct message_addresses {
	struct host_address *addresses; /* to be released */
	size_t n;
	char canonical[MESSAGE_NAME_SIZE]; /* the end of the aliases */
};

/*
 * Take the addresses of type (RECORD_A, _AAAA) for name out of a message whose question is for that
 * name. 0, FEND_EAI_NODATA if it has none, FEND_EAI_FAIL if it is malformed, FEND_EAI_MEMORY.
 */
int fend__message_addresses(const unsigned char *message, size_t size, const char *name, int type,
			    struct message_addresses *ret_addresses);

/* The least time to live of a message's answers, in seconds; 0 if there is none. */
uint32_t fend__message_ttl(const unsigned char *message, size_t size);

/*
 * Make a message, of at least 12 bytes, one without answers that says of itself that it is cut
 * (TC). Its new size.
 */
size_t fend__message_cut(unsigned char *message, size_t size);

#endif
