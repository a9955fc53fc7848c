/* SPDX-License-Identifier: MIT */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "http_url.h"

/* What the first lines of a request are made from. */
struct http_head {
	const char *method;
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	bool has_body;
	size_t body_size;
	bool no_credentials;    /* leave out Authorization, Proxy-Authorization, Cookie */
	bool no_content_fields; /* leave out what describes the body: Content-Type, ... */
};

/*
 * May this be sent? Method and field names must be tokens, values free of control characters, so
 * that nobody smuggles in a second field or request, and none may be one that frames the message.
 * NULL, or what is wrong, a constant.
 */
const char *http_head_find_fault(const struct http_head *head);

/* The head of the request for url, to be freed with free(); NULL: no memory. */
char *http_head_write(const struct http_head *head, const struct http_url *url);

#endif
