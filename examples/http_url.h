/* SPDX-License-Identifier: MIT */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include <stdbool.h>

/* What an HTTP client needs of a URL (RFC 3986, RFC 9110 section 4.2). */
struct http_url {
	char *text;      /* the URL itself, scheme and name in lower case, without fragment */
	char *host;      /* a name or an address, the latter without brackets */
	char *port;      /* decimal, the scheme's default if the URL has none */
	char *authority; /* for the Host field: host, in brackets if need be, and an unusual port */
	char *target;    /* path and query, for the request line: "/", "/a?b" */
	bool https;
};

/*
 * Read an absolute URL of scheme http or https. Refused are user names and passwords, which would
 * end up in logs and process lists; names that are not plain ASCII or that are percent-encoded (an
 * international name has to be given in its "xn--" form); and what is longer than 8000 bytes.
 * Returns 0, or -EINVAL or -ENOMEM and the reason in *ret_reason, a constant.
 */
int http_url_parse(const char *text, struct http_url *ret_url, const char **ret_reason);

/* The URL that reference, which may be relative, means in a document at base. */
int http_url_resolve(const struct http_url *base, const char *reference, struct http_url *ret_url,
		     const char **ret_reason);

/* Same scheme, host and port (RFC 6454). */
bool http_url_same_origin(const struct http_url *a, const struct http_url *b);

/* Release what url holds and zero it. */
void http_url_clear(struct http_url *url);

#endif
