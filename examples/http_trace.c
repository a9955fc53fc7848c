/* SPDX-License-Identifier: MIT */
/*
 * What -v shows. Without a stream nothing is done; without memory a line is missing.
 */
#include "http_trace.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void
http_trace_clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text >= 0x7f)
			*text = '?';
}

void
http_trace(FILE *stream, const char *format, ...)
{
	char *line;
	va_list args;
	int length;

	if (!stream)
		return;
	va_start(args, format);
	length = vasprintf(&line, format, args);
	va_end(args);
	if (length < 0)
		return;
	http_trace_clean(line);
	fprintf(stream, "%s\n", line);
	free(line);
}

void
http_trace_request(FILE *stream, const char *head)
{
	while (*head) {
		size_t length = strcspn(head, "\r");

		http_trace(stream, "> %.*s", (int)length, head);
		head += length + strlen("\r\n");
	}
}

void
http_trace_response(FILE *stream, const struct http_response *response)
{
	const char *name = NULL, *value;

	http_trace(stream, "< %d %s", response->status, response->reason);
	while ((name = http_response_next_field(response, name, &value)))
		http_trace(stream, "< %s: %s", name, value);
}
