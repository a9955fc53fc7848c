/* SPDX-License-Identifier: MIT */
/* The recipe for a TLS server, in a server that answers each line, with openssl as its client. */
#include "serve-tls.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "link.h"
#include "pair.h"
#include "process.h"

/* The service comes first: it is what the callbacks are given. */
struct server {
	struct service service;
	struct test *test;
	struct fend_listener *listener;
	int port;
	int answered, closed, drained;
};

static void
on_readable(struct fend_stream *stream, void *data)
{
	struct server *server = data;
	const void *bytes;
	size_t size = fend_stream_peek(stream, &bytes);

	if (size > 0 && memchr(bytes, '\n', size)) {
		test_error(fend_stream_write(stream, "you said: ", 10), 0);
		test_error(fend_stream_write(stream, bytes, size), 0);
		test_ok(fend_stream_consume(stream, size));
		test_ok(fend_stream_finish(stream, FEND_SEC(20) * test_slowness()));
		server->answered = 1;
	}
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	struct server *server = data;

	server->closed = 1;
	fend_stream_free(stream);
}

static void
server_init(struct server *server, struct test *test)
{
	struct fend_tls_params params = server_params();
	struct fend_address address;
	char text[FEND_ADDRESS_TEXT_MAX];

	*server = (struct server){
		.service = {
			.loop = test->loop, .tls = context_new(&params),
			     .callbacks = { .readable = on_readable, .closed = on_closed },
		},
		.test = test,
	};
	test_ok(fend_address_parse("127.0.0.1:0", &address));
	test_ok(serve_tls(&server->service, &address, &server->listener));
	test_ok(fend_listener_address(server->listener, &address));
	test_ok(fend_address_format(&address, text, sizeof(text)));
	server->port = atoi(strrchr(text, ':') + 1);
}

static void
on_drained(struct fend_listener *listener, unsigned left, void *data)
{
	struct server *server = data;

	g_assert_cmpuint(left, ==, 0);
	server->drained = 1;
}

/* No connection is left over. */
static void
server_fini(struct server *server)
{
	test_ok(fend_listener_drain(server->listener, FEND_SEC(20) * test_slowness(), on_drained,
				    server));
	test_wait(server->test, &server->drained);
	fend_listener_free(server->listener);
	fend_tls_context_unref(server->service.tls);
}

static struct process *
client_start(const struct server *server)
{
	char *address = g_strdup_printf("127.0.0.1:%d", server->port);
	const char *const argv[] = {
		"openssl",
		"s_client",
		"-connect",
		address,
		"-servername",
		"localhost",
		"-verify_hostname",
		"localhost",
		"-verify_return_error",
		"-CAfile",
		certificate_ca(),
		"-quiet",
		NULL,
	};
	struct process *process = process_start(argv);

	g_free(address);
	return process;
}

static void
test_conversation(struct test *test)
{
	struct server server;
	struct process *client;

	server_init(&server, test);
	client = client_start(&server);
	process_write(client, "hello\n");
	test_wait(test, &server.answered);
	test_wait(test, &server.closed);
	process_expect(client, "you said: hello\n");
	process_stop(client);
	server_fini(&server);
}

/* Two at the same time: each has a socket and a stream of its own. */
static void
test_clients(struct test *test)
{
	struct server server;
	struct process *first, *second;

	server_init(&server, test);
	first = client_start(&server);
	second = client_start(&server);
	process_write(second, "second\n");
	test_wait(test, &server.closed);
	process_expect(second, "you said: second\n");
	server.closed = 0;
	process_write(first, "first\n");
	test_wait(test, &server.closed);
	process_expect(first, "you said: first\n");
	process_stop(second);
	process_stop(first);
	server_fini(&server);
}

static unsigned
accepted(const struct server *server)
{
	struct fend_listener_stats stats = { .size = sizeof(stats) };

	test_ok(fend_listener_stats(server->listener, &stats));
	return (unsigned)stats.accepted;
}

/* What is not TLS gets nowhere, and leaves nothing. */
static void
test_no_tls(struct test *test)
{
	struct fend_address address;
	struct fend_socket *client;
	struct server server;
	int r;

	server_init(&server, test);
	test_ok(fend_listener_address(server.listener, &address));
	test_ok(fend_socket_new_tcp(AF_INET, &client));
	r = fend_socket_connect(client, &address);
	g_assert_true(r == 0 || r == -EINPROGRESS);
	wait_fd(fend_socket_fd(client), POLLOUT);
	send_all(client, "hello?\n", 7);
	while (accepted(&server) == 0)
		test_ok(fend_loop_dispatch(test->loop, FEND_FOREVER));
	server_fini(&server);
	g_assert_cmpint(server.answered + server.closed, ==, 0);
	fend_socket_free(client);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/recipe/serve-tls/conversation", test_conversation);
	test_add("/recipe/serve-tls/clients", test_clients);
	test_add("/recipe/serve-tls/no-tls", test_no_tls);
	return g_test_run();
}
