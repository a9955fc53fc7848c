/* SPDX-License-Identifier: MIT */
/*
 * The request as its user sees it: options in, callbacks out, redirects and the time limit in
 * between. The work is done by the modules beside it:
 *
 *	http_url       what a URL says                       (liburiparser)
 *	http_head      the text of a request
 *	http_connect   lookup, connect, TLS handshake
 *	http_exchange  sending and receiving on one connection
 *	http_response  the text of a response                (llhttp)
 *	http_trace     telling what goes on
 *
 * A request is connecting (connect is set), exchanging (exchange is set) or ended, and a redirect
 * takes it back to the first. The end is told by a task, on a clean stack: so the last callback
 * never comes from inside http_request_start(), and it is lost, as it should be, if the loop is
 * freed. For that the request holds a reference to the loop.
 *
 * Any callback of the user may free the request. on_body() is the one place that looks at it
 * afterwards, and learns from freed whether it may.
 */
#include "http_client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "http_connect.h"
#include "http_exchange.h"
#include "http_head.h"
#include "http_trace.h"
#include "http_url.h"

enum { MAX_REDIRECTS = 10 };

struct http_request {
	struct fend_loop *loop;
	struct http_options options; /* its strings are not used: copies are in head and body */
	http_done_fn *done;
	void *data;
	char *method;
	char **headers;
	void *body;

	struct http_url url;
	struct http_head head;
	int redirects;
	fend_time deadline;
	struct fend_timer *timer;

	struct http_connect *connect;
	char *head_text;
	struct http_exchange *exchange;
	uint64_t received;
	bool *freed; /* while on_body() calls the user: to be set when the request is freed */

	struct fend_task end;
	struct http_result result;
	char text[1024];
};

static void end(struct http_request *request, enum http_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
end(struct http_request *request, enum http_error error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(request->text, sizeof(request->text), format, args);
	va_end(args);
	http_trace_clean(request->text);
	if (error != HTTP_ERROR_NONE)
		request->exchange = http_exchange_free(request->exchange);
	request->connect = http_connect_free(request->connect);
	fend_timer_stop(request->timer);
	request->result.error = error;
	request->result.text = request->text;
	fend_task_defer(request->loop, &request->end);
}

static void
on_end(struct fend_task *task, void *data)
{
	struct http_request *request = data;

	request->done(request, &request->result, request->data);
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct http_request *request = data;

	end(request, HTTP_ERROR_TIMEOUT, "not done after %g s: %s",
	    (double)request->options.timeout / (double)FEND_SEC(1),
	    request->connect ? http_connect_stage(request->connect) : "waiting for the response");
}

static void begin(struct http_request *request);

static bool
is_redirect(const struct http_request *request, const struct http_response *response)
{
	switch (response->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return request->options.max_redirects >= 0 &&
		       http_response_field(response, "Location");
	default:
		return false;
	}
}

/* RFC 9110, section 15.4: what a redirect makes of the request. */
static void
adapt(struct http_request *request, int status, const struct http_url *url)
{
	struct http_head *head = &request->head;
	bool is_post = strcmp(head->method, "POST") == 0;
	bool is_head = strcmp(head->method, "HEAD") == 0;

	if ((status == 303 && !is_head) || (status < 303 && is_post)) {
		head->method = "GET";
		head->has_body = false;
		head->body_size = 0;
		head->no_content_fields = true;
	}
	if (!http_url_same_origin(&request->url, url))
		head->no_credentials = true;
}

static void
follow(struct http_request *request, const struct http_response *response)
{
	const char *location = http_response_field(response, "Location"), *reason;
	int max = request->options.max_redirects > 0 ? request->options.max_redirects
						     : MAX_REDIRECTS;
	struct http_url url;

	if (request->redirects++ == max) {
		end(request, HTTP_ERROR_REDIRECT, "more than %d redirects", max);
		return;
	}
	if (http_url_resolve(&request->url, location, &url, &reason) < 0) {
		end(request, HTTP_ERROR_REDIRECT, "redirected to \"%s\": %s", location, reason);
		return;
	}
	if (request->url.https && !url.https) {
		end(request, HTTP_ERROR_REDIRECT, "redirected from https to %s", url.text);
		http_url_clear(&url);
		return;
	}
	adapt(request, response->status, &url);
	http_url_clear(&request->url);
	request->url = url;
	request->exchange = http_exchange_free(request->exchange);
	begin(request);
}

static void
on_head(const struct http_response *response, void *data)
{
	struct http_request *request = data;
	uint64_t max = request->options.max_body;
	bool has_body = strcmp(request->head.method, "HEAD") != 0;

	request->result.status = response->status;
	http_trace_response(request->options.trace, response);
	if (is_redirect(request, response))
		follow(request, response);
	else if (max > 0 && has_body && response->length > 0 && (uint64_t)response->length > max)
		end(request, HTTP_ERROR_TOO_LARGE, "the body is too large: %lld bytes",
		    (long long)response->length);
	else if (request->options.on_response)
		request->options.on_response(request, response->status, request->data);
}

static void
on_body(const char *bytes, size_t size, void *data)
{
	struct http_request *request = data;
	const struct http_options *options = &request->options;
	bool freed = false;
	int stop;

	request->received += size;
	if (options->max_body > 0 && request->received > options->max_body) {
		end(request, HTTP_ERROR_TOO_LARGE, "the body is larger than %llu bytes",
		    (unsigned long long)options->max_body);
		return;
	}
	if (!options->on_body)
		return;
	request->freed = &freed;
	stop = options->on_body(request, bytes, size, request->data);
	if (freed)
		return;
	request->freed = NULL;
	if (stop)
		end(request, HTTP_ERROR_ABORTED, "stopped by the receiver");
}

static void
on_exchange_end(enum http_error error, const char *text, void *data)
{
	struct http_request *request = data;
	const struct http_response *response = http_exchange_response(request->exchange);

	if (error == HTTP_ERROR_NONE)
		end(request, error, "%d %s", response->status, response->reason);
	else
		end(request, error, "%s", text);
}

static const struct http_exchange_callbacks exchange_callbacks = {
	.head = on_head,
	.body = on_body,
	.end = on_exchange_end,
};

static void
on_connected(enum http_error error, const char *text, struct fend_socket *socket, void *data)
{
	struct http_request *request = data;
	struct http_exchange_request message = {
		.head = request->head_text,
		.head_size = strlen(request->head_text),
		.body = request->body,
		.body_size = request->head.body_size,
		.is_head = strcmp(request->head.method, "HEAD") == 0,
	};
	int err;

	if (error != HTTP_ERROR_NONE) {
		end(request, error, "%s", text);
		return;
	}
	request->connect = http_connect_free(request->connect);
	err = http_exchange_start(request->loop, socket, &message, &exchange_callbacks, request,
				  &request->exchange);
	if (err < 0) {
		fend_socket_free(socket);
		end(request, HTTP_ERROR_SYSTEM, "cannot send: %s", fend_strerror(err));
		return;
	}
	http_trace_request(request->options.trace, request->head_text);
}

/*
 * The default context reads the system's certificates, which takes a while: not before it has to.
 */
static bool
prepare_tls(struct http_request *request)
{
	const struct fend_tls_params params = { .size = sizeof(params), .mode = FEND_TLS_CLIENT };
	char *reason = NULL;
	int err;

	if (request->options.tls)
		return true;
	err = fend_tls_context_new(&params, &reason, &request->options.tls);
	if (err < 0)
		end(request, HTTP_ERROR_TLS, "TLS is not available: %s",
		    reason ? reason : fend_strerror(err));
	fend_free(reason);
	return err >= 0;
}

static void
begin(struct http_request *request)
{
	struct http_connect_target target = {
		.host = request->url.host,
		.port = request->url.port,
		.deadline = request->deadline,
		.trace = request->options.trace,
	};
	int err = -ENOMEM;

	if (request->url.https && !prepare_tls(request))
		return;
	if (request->url.https)
		target.tls = request->options.tls;
	free(request->head_text);
	request->head_text = http_head_write(&request->head, &request->url);
	if (request->head_text)
		err = http_connect_start(request->loop, &target, on_connected, request,
					 &request->connect);
	if (err < 0)
		end(request, HTTP_ERROR_SYSTEM, "cannot connect to %s: %s", request->url.host,
		    fend_strerror(err));
}

static int
copy_headers(struct http_request *request, const char *const *headers)
{
	size_t n = 0;

	while (headers && headers[n])
		n++;
	request->headers = calloc(n + 1, sizeof(*request->headers));
	if (!request->headers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		request->headers[i] = strdup(headers[i]);
		if (!request->headers[i])
			return -ENOMEM;
	}
	return 0;
}

static int
copy_options(struct http_request *request, const struct http_options *options)
{
	bool has_body = options->body_size > 0;
	const char *method = options->method;

	request->options = *options;
	fend_tls_context_ref(options->tls);
	if (!method)
		method = has_body ? "POST" : "GET";
	request->method = strdup(method);
	request->body = malloc(options->body_size + 1);
	if (!request->method || !request->body || copy_headers(request, options->headers) < 0)
		return -ENOMEM;
	if (has_body)
		memcpy(request->body, options->body, options->body_size);
	request->head = (struct http_head){
		.method = request->method,
		.headers = (const char *const *)request->headers,
		.has_body = has_body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0,
		.body_size = options->body_size,
	};
	request->deadline = FEND_FOREVER;
	if (options->timeout > 0)
		request->deadline = fend_now() + options->timeout;
	return 0;
}

/* From here on nothing is returned to the caller any more: it is told by done(). */
static void
run(struct http_request *request, const char *url)
{
	const char *reason = http_head_find_fault(&request->head);

	if (reason) {
		end(request, HTTP_ERROR_REQUEST, "%s", reason);
		return;
	}
	if (http_url_parse(url, &request->url, &reason) < 0) {
		end(request, HTTP_ERROR_URL, "cannot use \"%s\": %s", url, reason);
		return;
	}
	if (request->deadline != FEND_FOREVER)
		fend_timer_at(request->timer, request->deadline);
	begin(request);
}

int
http_request_start(struct fend_loop *loop, const char *url, const struct http_options *options,
		   http_done_fn *done, void *data, struct http_request **ret_request)
{
	static const struct http_options defaults;
	struct http_request *request;
	int err;

	if (!options)
		options = &defaults;
	if (!loop || !url || !done || !ret_request ||
	    (options->timeout < 0 && options->timeout != FEND_FOREVER))
		return -EINVAL;
	request = calloc(1, sizeof(*request));
	if (!request)
		return -ENOMEM;
	request->loop = fend_loop_ref(loop);
	request->done = done;
	request->data = data;
	request->end = (struct fend_task){ .fn = on_end, .data = request };
	err = copy_options(request, options);
	if (err >= 0)
		err = fend_timer_new(loop, on_timer, request, &request->timer);
	if (err < 0) {
		http_request_free(request);
		return err;
	}
	run(request, url);
	*ret_request = request;
	return 0;
}

static void
free_headers(char **headers)
{
	for (char **header = headers; header && *header; header++)
		free(*header);
	free(headers);
}

struct http_request *
http_request_free(struct http_request *request)
{
	if (!request)
		return NULL;
	if (request->freed)
		*request->freed = true;
	fend_task_cancel(request->loop, &request->end);
	http_connect_free(request->connect);
	http_exchange_free(request->exchange);
	fend_timer_free(request->timer);
	fend_tls_context_unref(request->options.tls);
	fend_loop_unref(request->loop);
	http_url_clear(&request->url);
	free_headers(request->headers);
	free(request->head_text);
	free(request->method);
	free(request->body);
	free(request);
	return NULL;
}

void
http_request_pause(struct http_request *request)
{
	if (request->exchange)
		http_exchange_pause(request->exchange, true);
}

void
http_request_resume(struct http_request *request)
{
	if (request->exchange)
		http_exchange_pause(request->exchange, false);
}

const char *
http_request_url(const struct http_request *request)
{
	return request->url.text;
}

const char *
http_request_header(const struct http_request *request, const char *name)
{
	if (!request->exchange)
		return NULL;
	return http_response_field(http_exchange_response(request->exchange), name);
}

int64_t
http_request_length(const struct http_request *request)
{
	return request->exchange ? http_exchange_response(request->exchange)->length : -1;
}
