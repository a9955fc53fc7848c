/* SPDX-License-Identifier: MIT */
/*
 * Responses, parsed by llhttp in its strict default settings.
 *
 * The parser calls back with pieces of text, cut wherever the network cut them; here they are put
 * together into a list of fields. Whatever a server sends, no more than HEAD_MAX bytes of heads and
 * trailers are accepted per connection, interim responses included, so neither memory nor patience
 * is unlimited. Fields of an interim response are replaced by those of the next one. Trailers come
 * after fields_end, where nobody looks.
 *
 * llhttp does not know that a response to HEAD and those of status 1xx, 204 and 304 have no body
 * although their fields may announce one (RFC 9112, section 6.3); it has to be told.
 */
#include "http_response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_MAX = 65536 };

/*
 * llhttp stops at any callback that returns this, and tells which kind it was; err tells the rest.
 */
enum { STOP = -1 };

static int
stop(struct http_response *response, int err)
{
	response->err = err;
	return STOP;
}

static int
refuse(struct http_response *response, const char *fault)
{
	response->fault = fault;
	return stop(response, -EBADMSG);
}

static int
count(struct http_response *response, size_t size)
{
	if (size > HEAD_MAX - response->head_seen)
		return refuse(response, "the head is larger than 64 KiB");
	response->head_seen += size;
	return 0;
}

static int
append(struct http_response *response, const char *text, size_t size)
{
	char *fields = response->fields;

	if (response->fields_size + size > response->fields_room) {
		size_t room = 2 * (response->fields_size + size) + 1024;

		fields = realloc(response->fields, room);
		if (!fields)
			return stop(response, -ENOMEM);
		response->fields = fields;
		response->fields_room = room;
	}
	memcpy(fields + response->fields_size, text, size);
	response->fields_size += size;
	return 0;
}

static int
on_message_begin(llhttp_t *parser)
{
	struct http_response *response = parser->data;

	response->fields_size = response->fields_end = 0;
	response->reason[0] = '\0';
	return 0;
}

static int
on_status(llhttp_t *parser, const char *text, size_t size)
{
	struct http_response *response = parser->data;
	size_t used = strlen(response->reason), room = sizeof(response->reason) - 1 - used;

	strncat(response->reason, text, size < room ? size : room);
	return count(response, size);
}

static int
on_field_text(llhttp_t *parser, const char *text, size_t size)
{
	struct http_response *response = parser->data;
	int err = count(response, size);

	return err ? err : append(response, text, size);
}

static int
on_field_end(llhttp_t *parser)
{
	return on_field_text(parser, "", 1);
}

static bool
has_no_body(const struct http_response *response)
{
	return response->to_head || response->status == 204 || response->status == 304;
}

static int
begin_body(struct http_response *response)
{
	int err;

	response->in_body = true;
	err = response->callbacks->head(response->data);
	return err < 0 ? stop(response, err) : has_no_body(response);
}

static int
on_headers_complete(llhttp_t *parser)
{
	struct http_response *response = parser->data;
	const char *coding;

	response->fields_end = response->fields_size;
	response->status = llhttp_get_status_code(parser);
	response->length = -1;
	if (parser->flags & F_CONTENT_LENGTH && parser->content_length <= INT64_MAX)
		response->length = (int64_t)parser->content_length;
	coding = http_response_field(response, "Transfer-Encoding");
	if (llhttp_get_http_major(parser) != 1)
		return refuse(response, "it is of another version of HTTP");
	if (response->status == 101)
		return refuse(response, "it switches to a protocol that nobody asked for");
	if (coding && strcasecmp(coding, "chunked") != 0)
		return refuse(response, "it has a transfer coding other than chunked");
	return response->status / 100 == 1 ? 1 : begin_body(response);
}

static int
on_body(llhttp_t *parser, const char *bytes, size_t size)
{
	struct http_response *response = parser->data;
	int err = response->callbacks->body(bytes, size, response->data);

	return err < 0 ? stop(response, err) : 0;
}

static int
on_message_complete(llhttp_t *parser)
{
	struct http_response *response = parser->data;

	if (!response->in_body)
		return 0; /* an interim response: the next one follows */
	response->complete = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_message_begin,
	.on_status = on_status,
	.on_header_field = on_field_text,
	.on_header_field_complete = on_field_end,
	.on_header_value = on_field_text,
	.on_header_value_complete = on_field_end,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

void
http_response_init(struct http_response *response, bool to_head,
		   const struct http_response_callbacks *callbacks, void *data)
{
	*response = (struct http_response){
		.length = -1,
		.callbacks = callbacks,
		.data = data,
		.to_head = to_head,
	};
	llhttp_init(&response->parser, HTTP_RESPONSE, &settings);
	response->parser.data = response;
}

void
http_response_clear(struct http_response *response)
{
	free(response->fields);
	*response = (struct http_response){ .length = -1 };
}

int
http_response_feed(struct http_response *response, const char *bytes, size_t size)
{
	enum llhttp_errno err;

	if (response->complete || response->err)
		return response->err;
	err = llhttp_execute(&response->parser, bytes, size);
	if (err != HPE_OK && !response->complete && !response->err) {
		response->fault = llhttp_get_error_reason(&response->parser);
		response->err = -EBADMSG;
	}
	return response->err;
}

int
http_response_finish(struct http_response *response)
{
	if (!response->complete && response->in_body)
		llhttp_finish(&response->parser);
	return response->complete ? 0 : -EBADMSG;
}

const char *
http_response_field(const struct http_response *response, const char *name)
{
	const char *field = NULL, *value;

	while ((field = http_response_next_field(response, field, &value)))
		if (strcasecmp(field, name) == 0)
			return value;
	return NULL;
}

const char *
http_response_next_field(const struct http_response *response, const char *name,
			 const char **ret_value)
{
	const char *end = response->fields + response->fields_end, *next = response->fields;

	if (name) {
		next = name + strlen(name) + 1;
		next += strlen(next) + 1;
	}
	if (next == end)
		return NULL;
	*ret_value = next + strlen(next) + 1;
	return next;
}
