/* SPDX-License-Identifier: MIT */
#ifndef FETCH_H
#define FETCH_H

#include "fake-server.h"
#include "fend-test.h"
#include "http_client.h"

/* A request to a fake server, everything it calls back, and what is to be freed when it does. */

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define REPLY(text_)                      \
	{                                 \
		.text = text_, .size = -1 \
	}

enum when { NEVER, IN_RESPONSE, IN_BODY, IN_DONE };

struct fetch {
	struct test *test;
	struct http_request *request;
	struct http_options options;
	struct http_result result;
	char *text; /* of result */
	GString *body;
	unsigned responses, dones;
	enum when free_request, free_loop;
	gboolean stop, pause; /* what the body callback does */
};

/* Start; test->done is set when it is done. */
void fetch_start(struct fetch *fetch, struct test *test, const char *url);
/* Start, and run until it is done. */
void fetch_run(struct fetch *fetch, struct test *test, const struct fake_server *server);
void fetch_clear(struct fetch *fetch);

/* A URL there, to be freed with g_free(). */
char *fetch_url(const struct fake_server *server);

#endif
