/* SPDX-License-Identifier: MIT */
/* Who is told what around a handshake: watches, and callbacks that free things. */
#include "link.h"

#include <errno.h>

#include "layers.h"
#include "pair.h"

static void
test_watch_is_suspended_and_resumed(struct test *test)
{
	struct told told = { 0 };
	struct link link;

	link_init(&link, test);
	test_ok(fend_socket_watch(link.client.socket, test->loop, FEND_IN, on_told, &told));
	link_wrap(&link, NULL, NULL, NULL);
	link_handshake(&link);
	test_error(link.client.err, 0);
	g_assert_cmpint(told.calls, ==, 0);
	test_error(fend_socket_watch(link.client.socket, test->loop, FEND_IN, on_told, &told),
		   -EBUSY);
	tls_send(test, link.server.socket, "x", 1);
	test_wait(test, &told.calls);
	g_assert_cmpuint(told.events & FEND_IN, ==, FEND_IN);
	link_fini(&link);
}

struct opener {
	struct side side;
	struct told told;
	int events_in_callback;
};

static void
on_open_watch(struct fend_socket *socket, int err, void *data)
{
	struct opener *opener = data;

	test_error(err, 0);
	/* the watch from before is in force again */
	test_error(fend_socket_watch(socket, opener->side.test->loop, FEND_IN, on_told,
				     &opener->told),
		   -EBUSY);
	opener->events_in_callback = fend_socket_set_events(socket, FEND_OUT);
	opener->side.test->done = 1;
}

static void
test_watch_is_back_in_the_callback(struct test *test)
{
	struct opener opener = { .side.test = test };
	struct link link;

	link_init(&link, test);
	test_ok(fend_socket_watch(link.client.socket, test->loop, FEND_IN, on_told, &opener.told));
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_FOREVER, on_done,
				   &link.server));
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER, on_open_watch,
				   &opener));
	test_run(test);
	test_error(opener.events_in_callback, 0);
	test_wait(test, &opener.told.calls);
	g_assert_cmpuint(opener.told.events, ==, FEND_OUT);
	link_fini(&link);
}

/* Data right behind the server's last flight must reach a client that only watches. */
static void
on_open_send(struct fend_socket *socket, int err, void *data)
{
	struct side *side = data;

	test_error(err, 0);
	g_assert_cmpint(fend_socket_send(socket, "first words", 11, 0), ==, 11);
	side->called++;
	side->test->done = 1;
}

static void
speak_first(struct test *test, enum fend_tls_version version, bool client_speaks)
{
	struct fend_tls_params params = client_params();
	struct told told = { 0 };
	struct link link;
	struct side *speaker = client_speaks ? &link.client : &link.server;
	struct side *listener = client_speaks ? &link.server : &link.client;
	char data[32];

	params.protocol_min = params.protocol_max = version;
	link_init(&link, test);
	test_ok(fend_socket_watch(listener->socket, test->loop, FEND_IN, on_told, &told));
	link_wrap(&link, &params, NULL, NULL);
	test_ok(fend_tls_handshake(speaker->socket, test->loop, FEND_FOREVER, on_open_send,
				   speaker));
	test_ok(fend_tls_handshake(listener->socket, test->loop, FEND_FOREVER, on_done, listener));
	while (link.client.called + link.server.called < 2)
		test_run(test);
	test_error(listener->err, 0);
	while (fend_socket_recv(listener->socket, data, sizeof(data), 0) == -EAGAIN) {
		told.calls = 0;
		test_wait(test, &told.calls);
	}
	g_assert_cmpmem(data, 11, "first words", 11);
	link_fini(&link);
}

static void
test_data_behind_the_last_flight(struct test *test)
{
	speak_first(test, FEND_TLS_1_2, true);
	speak_first(test, FEND_TLS_1_2, false);
	speak_first(test, FEND_TLS_1_3, true);
	speak_first(test, FEND_TLS_1_3, false);
}

static void
on_done_free_socket(struct fend_socket *socket, int err, void *data)
{
	struct side *side = data;

	side->err = err;
	side->called++;
	side->socket = fend_socket_free(socket);
	side->test->done = 1;
}

static void
on_done_free_loop(struct fend_socket *socket, int err, void *data)
{
	struct side *side = data;

	on_done_free_socket(socket, err, data);
	side->test->loop = fend_loop_free(side->test->loop);
}

static void
test_free_socket_in_the_callback(struct test *test)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER,
				   on_done_free_socket, &link.client));
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_FOREVER,
				   on_done_free_socket, &link.server));
	while (link.client.called + link.server.called < 2)
		test_run(test);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, 0, on_done_free_socket,
				   &link.client));
	test_run(test);
	test_error(link.client.err, -ETIMEDOUT);
	link_fini(&link);
}

/* Handshakes that run, and of what the side has to say nothing leaves but its first flight. */
static struct faulty *
start_held_back(struct link *link, struct test *test, enum fend_tls_version version,
		struct side *side)
{
	struct fend_tls_params params = client_params();
	const size_t plenty = 1 << 20;
	struct faulty *layer;

	params.protocol_min = params.protocol_max = version;
	link_init(link, test);
	layer = faulty_push(side->socket);
	layer->send_error = -EAGAIN;
	layer->send_left = plenty;
	link_wrap(link, &params, NULL, NULL);
	test_ok(fend_tls_handshake(link->client.socket, test->loop, FEND_FOREVER, on_done,
				   &link->client));
	test_ok(fend_tls_handshake(link->server.socket, test->loop, FEND_FOREVER, on_done,
				   &link->server));
	while (layer->send_left == plenty)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
	layer->send_left = 0;
	return layer;
}

static void
finish_held_back(struct link *link, struct faulty *layer)
{
	layer->send_left = SIZE_MAX;
	while (link->client.called + link->server.called < 2)
		test_run(link->test);
	test_error(link->client.err, 0);
	test_error(link->server.err, 0);
	link_exchange(link);
	link_fini(link);
}

static void
hold_last_flight(struct test *test, enum fend_tls_version version, bool of_client)
{
	struct link link;
	struct side *side = of_client ? &link.client : &link.server;
	struct faulty *layer = start_held_back(&link, test, version, side);

	while (!layer->refused)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
	g_assert_cmpint(side->called, ==, 0);
	test_error(fend_socket_send(side->socket, "x", 1, 0), -EAGAIN);
	g_assert_null(fend_tls_get(side->socket, FEND_TLS_PROTOCOL));
	finish_held_back(&link, layer);
}

static void
test_last_flight_has_left(struct test *test)
{
	hold_last_flight(test, FEND_TLS_1_2, false);
	hold_last_flight(test, FEND_TLS_1_3, true);
}

static void
test_tickets_are_not_waited_for(struct test *test)
{
	struct link link;
	struct faulty *layer = start_held_back(&link, test, FEND_TLS_1_3, &link.server);

	test_wait(test, &link.server.called);
	finish_held_back(&link, layer);
}

static void
test_free_loop_in_the_callback(struct test *test)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER, on_done_free_loop,
				   &link.client));
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_FOREVER, on_done,
				   &link.server));
	while (test->loop)
		fend_loop_dispatch(test->loop, FEND_SEC(20));
	test_error(link.client.err, 0);
	test_error(fend_socket_send(link.server.socket, "x", 1, 0), -ESHUTDOWN);
	link_fini(&link);
}

static void
test_free_loop_in_the_middle(struct test *test)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER, on_done,
				   &link.client));
	test_ok(fend_loop_dispatch(test->loop, 0));
	test->loop = fend_loop_free(test->loop);
	link_fini(&link);
	g_assert_cmpint(link.client.called, ==, 0);
}

static void
test_free_socket_in_the_middle(struct test *test)
{
	struct link link;

	link_init(&link, test);
	link_wrap(&link, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_MS(1), on_done,
				   &link.client));
	test_ok(fend_loop_dispatch(test->loop, 0));
	link_fini(&link);
	while (fend_loop_dispatch(test->loop, FEND_MS(5)) > 0)
		;
	g_assert_cmpint(link.client.called, ==, 0);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_ways("/callback/watch-is-suspended-and-resumed",
			 test_watch_is_suspended_and_resumed);
	variant_add_ways("/callback/watch-is-back-in-the-callback",
			 test_watch_is_back_in_the_callback);
	variant_add_each_way("/callback/data-behind-the-last-flight",
			     test_data_behind_the_last_flight);
	variant_add("/callback/last-flight-has-left", test_last_flight_has_left);
	variant_add("/callback/tickets-are-not-waited-for", test_tickets_are_not_waited_for);
	variant_add_ways("/callback/free-socket-in-the-callback", test_free_socket_in_the_callback);
	variant_add_ways("/callback/free-loop-in-the-callback", test_free_loop_in_the_callback);
	variant_add_ways("/callback/free-loop-in-the-middle", test_free_loop_in_the_middle);
	variant_add_ways("/callback/free-socket-in-the-middle", test_free_socket_in_the_middle);
	return g_test_run();
}
