/* SPDX-License-Identifier: MIT */
/*
 * A loop per thread, each with a listener on the one port that they share, and streams that echo;
 * and as many threads of clients. What a thread sanitizer sees is the other half of this test.
 */
#include <fend/net.h>

#include <pthread.h>
#include <string.h>

#include "fend-test.h"

enum { THREADS = 4, CLIENTS = 25, MESSAGE = 3000 };

/* What one thread touches alone while it runs. Only its loop is stopped by another one. */
struct server {
	pthread_t thread;
	struct fend_address address; /* with a port from the first */
	struct fend_loop *loop;
	struct fend_listener *listener;
	GPtrArray *streams;
	int accepted;
};

static void
on_server_closed(struct fend_stream *stream, int err, void *data)
{
	struct server *server = data;

	test_error(err, 0);
	g_assert_true(g_ptr_array_remove_fast(server->streams, stream));
	fend_stream_free(stream);
}

static void
on_accept(struct fend_listener *listener, struct fend_socket *socket,
	  const struct fend_address *peer, void *data)
{
	static const struct fend_stream_callbacks callbacks = { .closed = on_server_closed };
	struct server *server = data;
	struct fend_stream *stream;

	server->accepted++;
	test_ok(fend_stream_new(server->loop, socket, NULL, &callbacks, server, &stream));
	test_ok(fend_stream_pipe(stream, stream));
	g_ptr_array_add(server->streams, stream);
}

/* Before its thread, so that the port is known; a loop may be given to a thread before it runs. */
static void
server_init(struct server *server, const struct fend_address *address)
{
	struct fend_listener_options options = { .size = sizeof(options),
						 .flags = FEND_LISTENER_REUSEPORT };

	test_ok(fend_loop_new(NULL, &server->loop));
	test_ok(fend_listener_new(server->loop, address, &options, on_accept, server,
				  &server->listener));
	test_ok(fend_listener_address(server->listener, &server->address));
	server->streams = g_ptr_array_new();
}

static void *
server_run(void *data)
{
	struct server *server = data;
	int code;

	test_ok(fend_loop_run(server->loop, &code));
	return NULL;
}

static void
server_fini(struct server *server)
{
	g_assert_cmpuint(server->streams->len, ==, 0);
	g_ptr_array_unref(server->streams);
	fend_listener_free(server->listener);
	fend_loop_free(server->loop);
}

struct client {
	struct crowd *crowd;
	struct fend_stream *stream;
	size_t got;
};

struct crowd {
	pthread_t thread;
	const struct fend_address *address;
	struct fend_loop *loop;
	struct client clients[CLIENTS];
	int closed;
};

static void
on_client_readable(struct fend_stream *stream, void *data)
{
	struct client *client = data;
	size_t size = fend_stream_peek(stream, NULL);

	client->got += size;
	test_ok(fend_stream_consume(stream, size));
	if (client->got == MESSAGE && !fend_stream_at_end(stream))
		test_ok(fend_stream_finish(stream, FEND_FOREVER));
}

static void
on_client_closed(struct fend_stream *stream, int err, void *data)
{
	struct client *client = data;

	test_error(err, 0);
	g_assert_cmpuint(client->got, ==, MESSAGE);
	client->stream = fend_stream_free(stream);
	if (++client->crowd->closed == CLIENTS)
		fend_loop_stop(client->crowd->loop, 0);
}

static void
on_connected(struct fend_connect *connect, int err, struct fend_socket *socket, void *data)
{
	static const struct fend_stream_callbacks callbacks = {
		.readable = on_client_readable,
		.closed = on_client_closed,
	};
	static const char message[MESSAGE];
	struct client *client = data;

	test_error(err, 0);
	test_ok(fend_stream_new(client->crowd->loop, socket, NULL, &callbacks, client,
				&client->stream));
	test_ok(fend_stream_write(client->stream, message, sizeof(message)));
	fend_connect_free(connect);
}

static void *
crowd_run(void *data)
{
	struct crowd *crowd = data;
	struct fend_connect *connect;
	int i, code;

	test_ok(fend_loop_new(NULL, &crowd->loop));
	for (i = 0; i < CLIENTS; i++) {
		crowd->clients[i].crowd = crowd;
		test_ok(fend_connect_new(crowd->loop, NULL, on_connected, &crowd->clients[i],
					 &connect));
		test_ok(fend_connect_add(connect, crowd->address));
		test_ok(fend_connect_last(connect));
	}
	test_ok(fend_loop_run(crowd->loop, &code));
	crowd->loop = fend_loop_free(crowd->loop);
	return NULL;
}

static void
test_a_loop_per_thread_shares_a_port(struct test *test)
{
	struct server *servers = g_new0(struct server, THREADS);
	struct crowd *crowds = g_new0(struct crowd, THREADS);
	struct fend_address address;
	int accepted = 0, i;

	test_ok(fend_address_parse("127.0.0.1:0", &address));
	for (i = 0; i < THREADS; i++) {
		server_init(&servers[i], &address);
		address = servers[i].address;
		crowds[i].address = &servers[0].address;
	}
	for (i = 0; i < THREADS; i++) {
		g_assert_cmpint(pthread_create(&servers[i].thread, NULL, server_run, &servers[i]),
				==, 0);
		g_assert_cmpint(pthread_create(&crowds[i].thread, NULL, crowd_run, &crowds[i]), ==,
				0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(crowds[i].thread, NULL);
	for (i = 0; i < THREADS; i++) {
		test_ok(fend_loop_stop(servers[i].loop, 0));
		pthread_join(servers[i].thread, NULL);
		/* The last ends may not have been seen. */
		while (servers[i].streams->len > 0)
			test_ok(fend_loop_dispatch(servers[i].loop, FEND_SEC(20)));
		accepted += servers[i].accepted;
		server_fini(&servers[i]);
	}
	g_assert_cmpint(accepted, ==, THREADS * CLIENTS);
	g_free(servers);
	g_free(crowds);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/threads/a-loop-per-thread-shares-a-port", test_a_loop_per_thread_shares_a_port);
	return g_test_run();
}
