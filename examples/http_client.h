/* SPDX-License-Identifier: MIT */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <fend/dns.h>
#include <fend/tls.h>

/*
 * An HTTP/1.1 client (RFC 9110, RFC 9112) on a fend loop. A request looks the host up, tries its
 * addresses one after the other, shakes hands if the URL says https, sends, receives and follows
 * redirects, without ever making the loop wait. Each exchange uses a connection of its own.
 */
struct http_request;

enum http_error {
	HTTP_ERROR_NONE,
	HTTP_ERROR_REQUEST,     /* a method or header field that must not be sent */
	HTTP_ERROR_URL,         /* not a URL, or not one that http_url.h takes */
	HTTP_ERROR_LOOKUP,      /* the host's name does not resolve */
	HTTP_ERROR_CONNECT,     /* none of its addresses takes a connection */
	HTTP_ERROR_CERTIFICATE, /* the server's certificate is not acceptable */
	HTTP_ERROR_TLS,         /* TLS failed for another reason */
	HTTP_ERROR_TIMEOUT,     /* not done in time */
	HTTP_ERROR_TRUNCATED,   /* the connection ended before the response did */
	HTTP_ERROR_PROTOCOL,    /* the response is not HTTP/1 as we know it */
	HTTP_ERROR_REDIRECT,    /* too many redirects, or one that is not followed */
	HTTP_ERROR_TOO_LARGE,   /* the body is larger than max_body */
	HTTP_ERROR_ABORTED,     /* the body callback asked for it */
	HTTP_ERROR_SYSTEM,      /* no memory, no descriptors, ... */
};

struct http_result {
	enum http_error error;
	int status;       /* of the last response; 0 if there was none */
	const char *text; /* one line without a full stop: the status line, or what went wrong */
};

/*
 * All callbacks come from the loop, never from inside a function of this module, and may free the
 * request. Once it or the loop was freed none of them is called.
 */

/* Exactly once, as the last one. text is valid until the request is freed. */
typedef void http_done_fn(struct http_request *request, const struct http_result *result,
			  void *data);

/* The head of the response is here; not called for those that were redirects or interim. */
typedef void http_response_fn(struct http_request *request, int status, void *data);

/* A piece of the body, not empty. Anything but 0 ends the request with HTTP_ERROR_ABORTED. */
typedef int http_body_fn(struct http_request *request, const void *bytes, size_t size, void *data);

/* Zero-initialised by the caller; everything is copied. */
struct http_options {
	const char *method;         /* NULL: GET, or POST if there is a body */
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	const void *body;           /* what to send */
	size_t body_size;

	fend_time timeout; /* for everything, redirects included; 0: no limit */
	int max_redirects; /* 0: 10; < 0: a redirect is the response */
	uint64_t max_body; /* of the response, in bytes; 0: no limit */

	http_response_fn *on_response; /* NULL: not told */
	http_body_fn *on_body;         /* NULL: the body is dropped */

	struct fend_tls_context *tls; /* for https; NULL: one that trusts what the system trusts */
	FILE *trace;                  /* told what goes on, line by line; NULL: nothing is */
};

/*
 * Start a request. options may be NULL: all defaults. data goes to every callback. Whatever is
 * wrong with the URL or the request is told by done, so there is one place to handle failures.
 *   -EINVAL  loop, url, done or ret_request NULL; a negative timeout other than FEND_FOREVER
 *
 * The fields Host, Content-Length, Connection and User-Agent are set here. Of these only User-Agent
 * may be among headers; nor may what frames a message (Transfer-Encoding, TE, Trailer, Upgrade,
 * Expect). A field or method with a control character in it is refused.
 *
 * Redirects: 303, and for POST also 301 and 302, go on as GET without the body; 307 and 308, and
 * any other method, as they were. One from https to http is refused. After the first that leaves
 * the origin (scheme, host, port), Authorization, Proxy-Authorization and Cookie are no longer
 * sent.
 *
 * The body of the response is delivered as it is: no Accept-Encoding is sent. A transfer coding
 * other than chunked is HTTP_ERROR_PROTOCOL. Without a Content-Length it ends with the connection,
 * with TLS only if the server says so (close_notify). A status of 400 and above is not an error
 * here.
 */
int http_request_start(struct fend_loop *loop, const char *url, const struct http_options *options,
		       http_done_fn *done, void *data, struct http_request **ret_request);

/* Cancel if it still runs, and free. NULL does nothing. Returns NULL. */
struct http_request *http_request_free(struct http_request *request);

/*
 * Stop and go on receiving, for those who cannot take the body as fast as it comes: the server is
 * slowed down by TCP. What was received before, 16 KiB at most, is still delivered. The timeout
 * goes on. Before there is a connection they do nothing.
 */
void http_request_pause(struct http_request *request);
void http_request_resume(struct http_request *request);

/* The URL in use, which redirects change. NULL if it could not be read. */
const char *http_request_url(const struct http_request *request);

/* Of the last response: the first field of that name, or NULL; its length if known, else -1. */
const char *http_request_header(const struct http_request *request, const char *name);
int64_t http_request_length(const struct http_request *request);

FEND_DEFINE_CLEANUP(http_request)

#endif
