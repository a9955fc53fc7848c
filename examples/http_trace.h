/* SPDX-License-Identifier: MIT */
#ifndef HTTP_TRACE_H
#define HTTP_TRACE_H

#include <stdio.h>

#include "http_response.h"

/*
 * Telling what goes on, line by line, on a stream that may be NULL. What a server says may hold
 * anything, escape sequences for the terminal included: all that is not printable ASCII becomes
 * "?".
 */
void http_trace(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All lines of a request's head, each after "> ". */
void http_trace_request(FILE *stream, const char *head);

/* Status and fields of a response, each after "< ". */
void http_trace_response(FILE *stream, const struct http_response *response);

/* Make text printable in place. */
void http_trace_clean(char *text);

#endif
