/* SPDX-License-Identifier: MIT */
/*
 * URLs, read and resolved by liburiparser.
 *
 * The parser hands out ranges of the text it was given; here they become the strings that the rest
 * of the client wants, each a copy of its own. Only what RFC 3986 allows gets past it, so there are
 * no spaces, control characters or bytes beyond ASCII left that could do harm in a request line.
 * What is checked on top is what HTTP demands (RFC 9110, section 4.2): a scheme we speak, a host, a
 * port that exists.
 */
#include "http_url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <uriparser/Uri.h>

enum { URL_MAX = 8000 }; /* what RFC 9110, section 4.1 recommends to support at least */

static size_t
length(const UriTextRangeA *range)
{
	return range->first ? (size_t)(range->afterLast - range->first) : 0;
}

static bool
equals(const UriTextRangeA *range, const char *text)
{
	return length(range) == strlen(text) && memcmp(range->first, text, strlen(text)) == 0;
}

/* A range is not terminated, so this is no case for strndup(3). */
static char *
copy(const UriTextRangeA *range)
{
	char *text = malloc(length(range) + 1);

	if (text) {
		memcpy(text, range->first, length(range));
		text[length(range)] = '\0';
	}
	return text;
}

static int
parse_text(const char *text, UriUriA *ret_uri, const char **ret_reason)
{
	const char *position;

	*ret_reason = "it is no URL";
	if (strlen(text) > URL_MAX) {
		*ret_reason = "it is longer than 8000 bytes";
		return -EINVAL;
	}
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c >= 0x80) {
			*ret_reason = "it has a character outside ASCII: write names in their xn-- "
				      "form, percent-encode the rest";
			return -EINVAL;
		}
	}
	switch (uriParseSingleUriA(ret_uri, text, &position)) {
	case URI_SUCCESS:
		return 0;
	case URI_ERROR_MALLOC:
		*ret_reason = "out of memory";
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

/* The port, which the parser has found to be all digits; 0 if it does not fit. */
static unsigned
port_number(const UriTextRangeA *range)
{
	unsigned port = 0;

	for (const char *digit = range->first; digit < range->afterLast; digit++) {
		port = port * 10 + (unsigned)(*digit - '0');
		if (port > 65535)
			return 0;
	}
	return port;
}

static const char *
find_fault(const UriUriA *uri)
{
	if (!equals(&uri->scheme, "http") && !equals(&uri->scheme, "https"))
		return uri->scheme.first ? "only http and https are supported"
					 : "it does not begin with http:// or https://";
	if (uri->userInfo.first)
		return "a user name or password in it is not supported: send a header";
	if (length(&uri->hostText) == 0)
		return "it names no host";
	if (uri->hostData.ipFuture.first)
		return "this kind of address is not supported";
	if (memchr(uri->hostText.first, '%', length(&uri->hostText)))
		return "the host is percent-encoded";
	if (length(&uri->portText) > 0 && port_number(&uri->portText) == 0)
		return "the port is not between 1 and 65535";
	return NULL;
}

static char *
copy_port(const UriTextRangeA *range, bool https)
{
	unsigned number = https ? 443 : 80;
	char *port;

	if (length(range) > 0)
		number = port_number(range);
	return asprintf(&port, "%u", number) < 0 ? NULL : port;
}

static char *
make_authority(const struct http_url *url, bool is_ip6)
{
	bool is_default = strcmp(url->port, url->https ? "443" : "80") == 0;
	char *authority;

	if (asprintf(&authority, "%s%s%s%s%s", is_ip6 ? "[" : "", url->host, is_ip6 ? "]" : "",
		     is_default ? "" : ":", is_default ? "" : url->port) < 0)
		return NULL;
	return authority;
}

static void
print_part(FILE *stream, char separator, const UriTextRangeA *range)
{
	fputc(separator, stream);
	if (length(range) > 0)
		fwrite(range->first, 1, length(range), stream);
}

static char *
make_target(const UriUriA *uri)
{
	char *target = NULL;
	size_t size;
	FILE *stream = open_memstream(&target, &size);

	if (!stream)
		return NULL;
	if (!uri->pathHead)
		fputc('/', stream);
	for (const UriPathSegmentA *segment = uri->pathHead; segment; segment = segment->next)
		print_part(stream, '/', &segment->text);
	if (uri->query.first)
		print_part(stream, '?', &uri->query);
	if (fclose(stream) != 0) {
		free(target);
		return NULL;
	}
	return target;
}

static char *
make_text(const struct http_url *url)
{
	char *text;

	int n = asprintf(&text, "http%s://%s%s", url->https ? "s" : "", url->authority,
			 url->target);

	return n < 0 ? NULL : text;
}

static int
convert(const UriUriA *uri, struct http_url *ret_url)
{
	struct http_url url = { .https = equals(&uri->scheme, "https") };

	url.host = copy(&uri->hostText);
	url.port = copy_port(&uri->portText, url.https);
	url.target = make_target(uri);
	if (url.host && url.port)
		url.authority = make_authority(&url, uri->hostData.ip6 != NULL);
	if (url.authority && url.target)
		url.text = make_text(&url);
	if (!url.text) {
		http_url_clear(&url);
		return -ENOMEM;
	}
	*ret_url = url;
	return 0;
}

int
http_url_parse(const char *text, struct http_url *ret_url, const char **ret_reason)
{
	UriUriA uri;
	int err = parse_text(text, &uri, ret_reason);

	if (err < 0)
		return err;
	*ret_reason = "out of memory";
	if (uriNormalizeSyntaxExA(&uri, URI_NORMALIZE_SCHEME | URI_NORMALIZE_HOST) != URI_SUCCESS) {
		err = -ENOMEM;
	} else {
		const char *fault = find_fault(&uri);

		if (fault)
			*ret_reason = fault;
		err = fault ? -EINVAL : convert(&uri, ret_url);
	}
	uriFreeUriMembersA(&uri);
	return err;
}

static char *
print(const UriUriA *uri)
{
	int size;
	char *text;

	if (uriToStringCharsRequiredA(uri, &size) != URI_SUCCESS)
		return NULL;
	text = malloc((size_t)size + 1);
	if (text && uriToStringA(text, uri, size + 1, NULL) != URI_SUCCESS) {
		free(text);
		return NULL;
	}
	return text;
}

int
http_url_resolve(const struct http_url *base, const char *reference, struct http_url *ret_url,
		 const char **ret_reason)
{
	UriUriA base_uri, reference_uri, uri;
	char *text = NULL;
	int err = parse_text(base->text, &base_uri, ret_reason);

	if (err < 0)
		return err;
	err = parse_text(reference, &reference_uri, ret_reason);
	if (err < 0) {
		uriFreeUriMembersA(&base_uri);
		return err;
	}
	if (uriAddBaseUriA(&uri, &reference_uri, &base_uri) == URI_SUCCESS) {
		text = print(&uri);
		uriFreeUriMembersA(&uri);
	}
	uriFreeUriMembersA(&reference_uri);
	uriFreeUriMembersA(&base_uri);
	if (!text) {
		*ret_reason = "out of memory";
		return -ENOMEM;
	}
	err = http_url_parse(text, ret_url, ret_reason);
	free(text);
	return err;
}

bool
http_url_same_origin(const struct http_url *a, const struct http_url *b)
{
	return a->https == b->https && strcasecmp(a->host, b->host) == 0 &&
	       strcmp(a->port, b->port) == 0;
}

void
http_url_clear(struct http_url *url)
{
	free(url->text);
	free(url->host);
	free(url->port);
	free(url->authority);
	free(url->target);
	*url = (struct http_url){ 0 };
}
