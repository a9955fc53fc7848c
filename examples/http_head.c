/* SPDX-License-Identifier: MIT */
/*
 * The head of a request: what may stand in it, and writing it (RFC 9112, sections 2 and 3).
 *
 * What arrives here from the caller ends up on the wire next to what this program adds, and a line
 * break would be all it takes to turn a value into another field, or into another request. So it
 * is judged before anything is sent, and refused rather than repaired.
 */
#include "http_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <fend/version.h>

/* RFC 9110, section 5.6.2 */
#define TOKEN                                                 \
	"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz"

static const char *const own_fields[] = {
	"Host",       "Content-Length", "Transfer-Encoding",
	"Connection", "Keep-Alive",     "Trailer",
	"TE",         "Upgrade",        "Expect",
	NULL,
};
static const char *const credential_fields[] = {
	"Authorization",
	"Proxy-Authorization",
	"Cookie",
	NULL,
};
static const char *const content_fields[] = {
	"Content-Type",     "Content-Encoding", "Content-Language",
	"Content-Location", "Content-Range",    NULL,
};

static bool
is_field(const char *header, const char *name)
{
	size_t length = strlen(name);

	return strncasecmp(header, name, length) == 0 && header[length] == ':';
}

static bool
is_one_of(const char *header, const char *const *names)
{
	for (; *names; names++)
		if (is_field(header, *names))
			return true;
	return false;
}

static const char *
find_header_fault(const char *header)
{
	size_t length = strspn(header, TOKEN);

	if (length == 0 || header[length] != ':')
		return "a header must have the form \"Name: value\"";
	for (const char *c = header + length; *c; c++)
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
			return "a header must not have control characters in it";
	if (is_one_of(header, own_fields))
		return "a header that the client sets by itself was given";
	return NULL;
}

const char *
http_head_find_fault(const struct http_head *head)
{
	if (!*head->method || head->method[strspn(head->method, TOKEN)])
		return "the method must be a word without spaces";
	if (strcmp(head->method, "CONNECT") == 0)
		return "the method CONNECT is not supported";
	for (const char *const *header = head->headers; header && *header; header++) {
		const char *fault = find_header_fault(*header);

		if (fault)
			return fault;
	}
	return NULL;
}

static bool
is_left_out(const struct http_head *head, const char *header)
{
	return (head->no_credentials && is_one_of(header, credential_fields)) ||
	       (head->no_content_fields && is_one_of(header, content_fields));
}

char *
http_head_write(const struct http_head *head, const struct http_url *url)
{
	bool has_user_agent = false;
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	fprintf(stream, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", head->method,
		url->target, url->authority);
	if (head->has_body)
		fprintf(stream, "Content-Length: %zu\r\n", head->body_size);
	for (const char *const *header = head->headers; header && *header; header++) {
		if (!is_left_out(head, *header))
			fprintf(stream, "%s\r\n", *header);
		has_user_agent |= is_field(*header, "User-Agent");
	}
	if (!has_user_agent)
		fprintf(stream, "User-Agent: fend/%s\r\n", FEND_VERSION);
	fputs("\r\n", stream);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
