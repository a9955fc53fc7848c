/* SPDX-License-Identifier: MIT */
/* A page, fetched through the http_client module: from our own server, or from the URL given. */
#include "step.h"

#include <errno.h>
#include <stdlib.h>

#include "http_client.h"

struct state {
	struct http_request *request;
	uint64_t size;
};

static int
on_body(struct http_request *request, const void *bytes, size_t size, void *data)
{
	struct step *step = data;
	struct state *state = step->state;

	state->size += size;
	return 0;
}

static void
on_done(struct http_request *request, const struct http_result *result, void *data)
{
	struct step *step = data;
	const struct state *state = step->state;

	if (result->error != HTTP_ERROR_NONE)
		step_end(step, -EIO, "%s", result->text);
	else
		step_end(step, result->status >= 400 ? -EIO : 0, "%s: %s, %llu bytes",
			 http_request_url(request), result->text, (unsigned long long)state->size);
}

static int
start(struct step *step)
{
	struct http_options options = { .timeout = FEND_SEC(20), .on_body = on_body };
	struct state *state = step->state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	if (step->stage->url_is_own)
		options.tls = step->stage->trust;
	return http_request_start(step->stage->loop, step->stage->url, &options, on_done, step,
				  &state->request);
}

static void
stop(struct step *step)
{
	struct state *state = step->state;

	if (!state)
		return;
	http_request_free(state->request);
	free(state);
}

const struct step_type step_https = { .name = "https", .start = start, .stop = stop };
