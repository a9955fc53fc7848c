/* SPDX-License-Identifier: MIT */
/* The callbacks check what is true of every request, and leave the rest to the test. */
#include "fetch.h"

static void
act(struct fetch *fetch, enum when now)
{
	if (fetch->free_loop == now) {
		fetch->test->loop = fend_loop_free(fetch->test->loop);
		fetch->free_loop = NEVER;
	}
	if (fetch->free_request == now)
		fetch->request = http_request_free(fetch->request);
}

static void
on_response(struct http_request *request, int status, void *data)
{
	struct fetch *fetch = data;

	g_assert_true(request == fetch->request);
	fetch->responses++;
	act(fetch, IN_RESPONSE);
}

static int
on_body(struct http_request *request, const void *bytes, size_t size, void *data)
{
	struct fetch *fetch = data;

	g_assert_cmpuint(size, >, 0);
	g_assert_cmpuint(fetch->responses, ==, 1);
	g_string_append_len(fetch->body, bytes, size);
	if (fetch->pause)
		http_request_pause(request);
	act(fetch, IN_BODY);
	return fetch->stop;
}

static void
on_done(struct http_request *request, const struct http_result *result, void *data)
{
	struct fetch *fetch = data;

	fetch->dones++;
	fetch->result = *result;
	fetch->text = g_strdup(result->text);
	fetch->test->done = 1;
	act(fetch, IN_DONE);
}

void
fetch_start(struct fetch *fetch, struct test *test, const char *url)
{
	fetch->test = test;
	fetch->body = g_string_new(NULL);
	fetch->options.on_response = on_response;
	fetch->options.on_body = on_body;
	test_ok(http_request_start(test->loop, url, &fetch->options, on_done, fetch,
				   &fetch->request));
	g_assert_cmpuint(fetch->dones, ==, 0);
}

void
fetch_clear(struct fetch *fetch)
{
	http_request_free(fetch->request);
	g_string_free(fetch->body, TRUE);
	g_free(fetch->text);
}

char *
fetch_url(const struct fake_server *server)
{
	return g_strdup_printf("http://127.0.0.1:%d/x", fake_server_port(server));
}

void
fetch_run(struct fetch *fetch, struct test *test, const struct fake_server *server)
{
	char *url = fetch_url(server);

	fetch_start(fetch, test, url);
	test_run(test);
	test_drain(test);
	g_assert_cmpuint(fetch->dones, ==, 1);
	g_free(url);
}
