/* SPDX-License-Identifier: MIT */
/* Pipes between streams: what passes, and what holds it up. */
#include "pipes.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "layers.h"

static void
talk(struct test *test, void (*push)(struct fend_socket *socket))
{
	struct proxy proxy;

	proxy_init(&proxy, test, NULL, push);
	send_all(proxy.client, "hello", 5);
	expect(test, proxy.server, "hello");
	send_all(proxy.server, "well", 4);
	expect(test, proxy.client, "well");
	send_all(proxy.client, "and", 3);
	send_all(proxy.server, "so", 2);
	expect(test, proxy.server, "and");
	expect(test, proxy.client, "so");
	/* The end as well, one way and then the other. */
	send_all(proxy.client, "bye", 3);
	test_ok(fend_socket_shutdown(proxy.client, SHUT_WR));
	expect(test, proxy.server, "bye");
	expect_end(test, proxy.server, 0);
	send_all(proxy.server, "late", 4);
	expect(test, proxy.client, "late");
	g_assert_cmpint(proxy.near.closed + proxy.far.closed, ==, 0);
	test_ok(fend_socket_shutdown(proxy.server, SHUT_WR));
	expect_end(test, proxy.client, 0);
	test_wait(test, &proxy.near.closed);
	test_wait(test, &proxy.far.closed);
	test_error(proxy.near.err, 0);
	test_error(proxy.far.err, 0);
	g_assert_cmpint(proxy.near.readable + proxy.far.readable, ==, 0);
	proxy_fini(&proxy);
}

static void
push_rot13_twice(struct fend_socket *socket)
{
	rot13_push(socket, NULL);
	rot13_push(socket, NULL);
}

static void
test_bytes_and_ends_pass(struct test *test)
{
	talk(test, NULL);
	talk(test, dribbler_push);
	talk(test, push_rot13_twice);
}

static void
test_what_is_held_comes_first(struct test *test)
{
	struct heard from, to;
	struct pair one, two;

	pair_init(&one);
	pair_init(&two);
	heard_init(&from, test, &one.a, NULL);
	heard_init(&to, test, &two.a, NULL);
	g_byte_array_unref(g_steal_pointer(&from.got));
	send_all(one.b, "abc", 3);
	test_drain(test);
	test_ok(fend_stream_pipe(from.stream, to.stream));
	/* Written before any of that could be moved. */
	test_ok(fend_stream_write(to.stream, "head:", 5));
	send_all(one.b, "def", 3);
	expect(test, two.b, "head:abcdef");
	/* An end that was offered is passed on nevertheless. */
	test_ok(fend_stream_pipe(from.stream, NULL));
	test_ok(fend_socket_shutdown(one.b, SHUT_WR));
	test_wait(test, &from.at_end);
	test_ok(fend_stream_pipe(from.stream, to.stream));
	expect_end(test, two.b, 0);
	heard_fini(&from);
	heard_fini(&to);
	pair_fini(&one);
	pair_fini(&two);
}

static void
test_a_message_costs_two_system_calls(struct test *test)
{
	struct proxy proxy;

	proxy_init(&proxy, test, NULL, NULL);
	send_all(proxy.client, "hello", 5);
	expect(test, proxy.server, "hello");
	send_all(proxy.client, "hello", 5);
	count_begin();
	/* Straight through, in one iteration. */
	test_error(fend_loop_dispatch(test->loop, FEND_SEC(10)), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(count.receives, ==, 1);
	g_assert_cmpint(count.sends, ==, 1);
	count_end();
	expect(test, proxy.server, "hello");
	proxy_fini(&proxy);
}

static void
stall(struct test *test, size_t low)
{
	struct fend_stream_options options = {
		.size = sizeof(options),
		.input_max = 5000,
		.output_low = low,
		.output_high = 20000,
		.output_max = 20000,
	};
	struct fend_stream_stats stats = { .size = sizeof(stats) };
	unsigned char data[1000], got[1000];
	size_t sent = 0, received = 0;
	struct proxy proxy;
	int calls;

	proxy_init(&proxy, test, &options, NULL);
	fill(data, sizeof(data), 3);
	/* Until nothing moves any more: the server reads nothing. */
	do {
		ssize_t n =
			fend_socket_send(proxy.client, data + sent % 1000, 1000 - sent % 1000, 0);

		sent += n > 0 ? (size_t)n : 0;
		calls = fend_loop_dispatch(test->loop, 0) + (n > 0);
		test_ok(calls);
		g_assert_cmpuint(fend_stream_peek(proxy.near.stream, NULL), <=, 5000);
		g_assert_cmpuint(fend_stream_pending(proxy.far.stream), <=, 20001);
	} while (calls > 0);
	g_assert_cmpuint(fend_stream_pending(proxy.far.stream), ==, 20001);
	test_ok(fend_stream_stats(proxy.far.stream, &stats));
	g_assert_cmpuint(stats.risen, ==, 1);
	test_ok(fend_socket_shutdown(proxy.client, SHUT_WR));
	while (received < sent) {
		size_t at = received % 1000;
		ssize_t n = fend_socket_recv(proxy.server, got, 1000 - at, 0);

		if (n == -EAGAIN)
			test_ok(fend_loop_dispatch(test->loop, FEND_MS(1)));
		else
			g_assert_cmpmem(got, n, data + at, n);
		received += n > 0 ? (size_t)n : 0;
	}
	expect_end(test, proxy.server, 0);
	g_assert_cmpint(proxy.far.drained, >, 0);
	proxy_fini(&proxy);
}

static void
test_a_peer_that_stalls_stops_the_other(struct test *test)
{
	stall(test, 1000);
	stall(test, 20000);
}

/* A pipe may exceed the high mark by a byte, and where that is the limit nobody else may write. */
static void
test_a_pipe_does_not_lift_the_limit(struct test *test)
{
	struct fend_stream_options options = {
		.size = sizeof(options),
		.output_low = 1000,
		.output_high = 1000,
		.output_max = 1000,
	};
	static char data[1 << 16];
	struct proxy proxy;

	proxy_init(&proxy, test, &options, NULL);
	while (fend_stream_pending(proxy.far.stream) <= 1000) {
		fend_socket_send(proxy.client, data, sizeof(data), 0);
		test_ok(fend_loop_dispatch(test->loop, FEND_MS(1)));
	}
	test_error(fend_stream_write(proxy.far.stream, "x", 1), -ENOBUFS);
	test_error(fend_stream_write(proxy.far.stream, "x", 0), 1);
	proxy_fini(&proxy);
}

static void
test_pause_stops_a_pipe(struct test *test)
{
	struct proxy proxy;

	proxy_init(&proxy, test, NULL, NULL);
	fend_stream_pause(proxy.near.stream);
	send_all(proxy.client, "abc", 3);
	wait_fd(fend_socket_fd(fend_stream_socket(proxy.near.stream)), POLLIN);
	count_begin();
	test_drain(test);
	g_assert_cmpint(count.receives, ==, 0);
	count_end();
	fend_stream_resume(proxy.near.stream);
	expect(test, proxy.server, "abc");
	proxy_fini(&proxy);
}

static void
test_a_pipe_to_itself_echoes(struct test *test)
{
	struct heard heard;
	struct pair pair;

	pair_init_tcp(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	test_ok(fend_stream_pipe(heard.stream, heard.stream));
	send_all(pair.b, "hello", 5);
	expect(test, pair.b, "hello");
	send_all(pair.b, "again", 5);
	test_ok(fend_socket_shutdown(pair.b, SHUT_WR));
	expect(test, pair.b, "again");
	expect_end(test, pair.b, 0);
	test_wait(test, &heard.closed);
	test_error(heard.err, 0);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_pipe_names_its_errors(struct test *test)
{
	struct heard elsewhere;
	struct proxy proxy;
	struct test own = { 0 };
	struct pair pair;

	proxy_init(&proxy, test, NULL, NULL);
	test_ok(fend_loop_new(NULL, &own.loop));
	pair_init(&pair);
	heard_init(&elsewhere, &own, &pair.a, NULL);
	test_error(fend_stream_pipe(NULL, proxy.far.stream), -EINVAL);
	test_error(fend_stream_pipe(proxy.near.stream, proxy.near.stream), -EBUSY);
	test_ok(fend_stream_pipe(proxy.near.stream, NULL));
	test_ok(fend_stream_pipe(proxy.near.stream, NULL));
	test_error(fend_stream_pipe(proxy.near.stream, elsewhere.stream), -EINVAL);
	test_error(fend_stream_pipe(elsewhere.stream, proxy.near.stream), -EINVAL);
	test_error(fend_stream_pipe(proxy.near.stream, proxy.near.stream), -EBUSY);
	test_ok(fend_stream_finish(proxy.far.stream, FEND_FOREVER));
	test_error(fend_stream_pipe(proxy.near.stream, proxy.far.stream), -EPIPE);
	fend_stream_abort(elsewhere.stream, -EIO);
	test_error(fend_stream_pipe(elsewhere.stream, elsewhere.stream), -ENOTCONN);
	fend_loop_free(own.loop);
	test_error(fend_stream_pipe(elsewhere.stream, NULL), -ESHUTDOWN);
	heard_fini(&elsewhere);
	pair_fini(&pair);
	proxy_fini(&proxy);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) streams_add("/stream-pipe/" path, fn)
	ADD("bytes-and-ends-pass", test_bytes_and_ends_pass);
	ADD("what-is-held-comes-first", test_what_is_held_comes_first);
	ADD("a-message-costs-two-system-calls", test_a_message_costs_two_system_calls);
	ADD("a-peer-that-stalls-stops-the-other", test_a_peer_that_stalls_stops_the_other);
	ADD("pause-stops-a-pipe", test_pause_stops_a_pipe);
	ADD("a-pipe-does-not-lift-the-limit", test_a_pipe_does_not_lift_the_limit);
	ADD("a-pipe-to-itself-echoes", test_a_pipe_to_itself_echoes);
	ADD("pipe-names-its-errors", test_pipe_names_its_errors);
	return g_test_run();
}
