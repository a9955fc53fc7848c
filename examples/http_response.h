/* SPDX-License-Identifier: MIT */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <llhttp.h>

#include "http_client.h"

/*
 * What arrives on one connection in answer to one request: any number of interim responses (1xx),
 * which are passed over, and the final one.
 */

/* Either callback may return a negative error to end the parsing, which feed then returns. */
struct http_response_callbacks {
	/* The head of the final response is complete. */
	int (*head)(void *data);
	/* A piece of the body. */
	int (*body)(const char *bytes, size_t size, void *data);
};

struct http_response {
	int status;
	char reason[64];   /* the server's words for it, cut off if need be */
	int64_t length;    /* of the body as announced, -1 if it was not */
	bool complete;     /* the last byte was parsed */
	const char *fault; /* what is wrong with it, if it is no good HTTP */

	/* private */
	llhttp_t parser;
	const struct http_response_callbacks *callbacks;
	void *data;
	bool to_head;
	bool in_body;
	int err;
	char *fields; /* name NUL value NUL name NUL ... */
	size_t fields_size, fields_room;
	size_t fields_end; /* what fields_size was when the head was complete; until then 0 */
	size_t head_seen;
};

/* to_head: it answers a HEAD request and has no body, whatever its fields say. */
void http_response_init(struct http_response *response, bool to_head,
			const struct http_response_callbacks *callbacks, void *data);
void http_response_clear(struct http_response *response);

/*
 * Parse what was received. What follows a complete response is ignored.
 *   0         fine so far
 *   -EBADMSG  it is no good HTTP; fault tells why
 *   -ENOMEM
 *   and what a callback returned
 */
int http_response_feed(struct http_response *response, const char *bytes, size_t size);

/* The connection has ended. 0: the response is complete; -EBADMSG: it is not. */
int http_response_finish(struct http_response *response);

/* The value of the first field of that name, or NULL. */
const char *http_response_field(const struct http_response *response, const char *name);

/* Walk through all fields: give NULL, then what was returned, until NULL is returned. */
const char *http_response_next_field(const struct http_response *response, const char *name,
				     const char **ret_value);

#endif
