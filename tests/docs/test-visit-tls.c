/* SPDX-License-Identifier: MIT */
/* The recipe for a TLS client, with openssl as a server that sends each line back reversed. */
#include "visit-tls.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "link.h"
#include "process.h"

/* The visit comes first: it is what the callbacks are given. */
struct client {
	struct visit visit;
	struct test *test;
	struct process *server;
	char *port;
	struct fend_stream *stream;
	int opened, err, closed;
	GString *heard;
};

static void
on_opened(struct visit *visit, int err, struct fend_stream *stream)
{
	struct client *client = (struct client *)visit;

	client->err = err;
	client->stream = stream;
	client->opened++;
}

static void
on_readable(struct fend_stream *stream, void *data)
{
	struct client *client = data;
	const void *bytes;
	size_t size = fend_stream_peek(stream, &bytes);

	g_string_append_len(client->heard, bytes, (gssize)size);
	test_ok(fend_stream_consume(stream, size));
	client->test->done = g_str_has_suffix(client->heard->str, "\n");
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	struct client *client = data;

	client->closed++;
	client->stream = fend_stream_free(stream);
}

static struct process *
serve(const char *port)
{
	const char *const argv[] = {
		"openssl", "s_server",
		"-accept", port,
		"-cert",   certificate_ec()->certificate,
		"-key",    certificate_ec()->key,
		"-rev",    "-quiet",
		NULL,
	};

	return process_start(argv);
}

static void
client_init(struct client *client, struct test *test, const char *host, const char *cafile)
{
	struct fend_tls_params params = client_params();
	int port = test_port(SOCK_STREAM);

	params.cafile = cafile;
	*client = (struct client){ .test = test, .heard = g_string_new(NULL) };
	client->port = g_strdup_printf("%d", port);
	client->visit = (struct visit){
		.loop = test->loop,
		.tls = context_new(&params),
		.opened = on_opened,
		.callbacks = { .readable = on_readable, .closed = on_closed },
		.host = host,
		.port = client->port,
	};
	client->server = serve(client->port);
	test_wait_port(port);
}

static void
client_fini(struct client *client)
{
	fend_stream_free(client->stream);
	fend_connect_free(client->visit.connect);
	fend_tls_context_unref(client->visit.tls);
	g_string_free(client->heard, TRUE);
	g_free(client->port);
	process_stop(client->server);
}

static void
test_conversation(struct test *test)
{
	struct client client;

	client_init(&client, test, "localhost", certificate_ca());
	test_ok(visit_tls(&client.visit));
	g_assert_cmpint(client.opened, ==, 0);
	test_wait(test, &client.opened);
	test_error(client.err, 0);
	test_error(fend_stream_write(client.stream, "step on\n", 8), 0);
	test_run(test);
	g_assert_cmpstr(client.heard->str, ==, "no pets\n");
	test_ok(fend_stream_finish(client.stream, FEND_SEC(20) * test_slowness()));
	test_wait(test, &client.closed);
	g_assert_cmpint(client.opened, ==, 1);
	client_fini(&client);
}

/* It is told once, whatever it was that failed, and nothing is left open. */
static void
check_failure(struct client *client, int err)
{
	test_ok(visit_tls(&client->visit));
	test_wait(client->test, &client->opened);
	test_drain(client->test);
	g_assert_cmpint(client->opened, ==, 1);
	test_error(client->err, err);
	g_assert_null(client->stream);
	client_fini(client);
}

static void
test_certificate_of_somebody_else(struct test *test)
{
	struct client client;

	client_init(&client, test, "localhost", certificate_other_ca());
	check_failure(&client, -EKEYREJECTED);
}

static void
test_certificate_for_another_name(struct test *test)
{
	struct client client;

	client_init(&client, test, "other.localhost", certificate_ca());
	check_failure(&client, -EKEYREJECTED);
}

static void
test_nobody_listens(struct test *test)
{
	struct client client;

	client_init(&client, test, "localhost", certificate_ca());
	g_free(client.port);
	client.visit.port = client.port = g_strdup_printf("%d", test_port(SOCK_STREAM));
	check_failure(&client, -ECONNREFUSED);
}

static void
test_no_such_service(struct test *test)
{
	struct client client;

	client_init(&client, test, "localhost", certificate_ca());
	client.visit.port = "no-such-service";
	check_failure(&client, FEND_EAI_SERVICE);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/recipe/visit-tls/conversation", test_conversation);
	test_add("/recipe/visit-tls/certificate-of-somebody-else",
		 test_certificate_of_somebody_else);
	test_add("/recipe/visit-tls/certificate-for-another-name",
		 test_certificate_for_another_name);
	test_add("/recipe/visit-tls/nobody-listens", test_nobody_listens);
	test_add("/recipe/visit-tls/no-such-service", test_no_such_service);
	return g_test_run();
}
