/* SPDX-License-Identifier: MIT */
/*
 * Pipes between streams. A proxy is two of them, between a client and a server that are plain
 * sockets here.
 */
#include "streams.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"
#include "layers.h"

struct proxy {
	struct heard near, far; /* the streams towards client and server */
	struct fend_socket *client, *server;
};

static void
proxy_init(struct proxy *proxy, struct test *test, const struct fend_stream_options *options,
	   void (*push)(struct fend_socket *socket))
{
	struct pair near, far;

	pair_init_tcp(&near);
	pair_init_tcp(&far);
	if (push) {
		push(near.a);
		push(far.a);
	}
	heard_init(&proxy->near, test, &near.a, options);
	heard_init(&proxy->far, test, &far.a, options);
	proxy->client = near.b;
	proxy->server = far.b;
	test_ok(fend_stream_pipe(proxy->near.stream, proxy->far.stream));
	test_ok(fend_stream_pipe(proxy->far.stream, proxy->near.stream));
}

static void
proxy_fini(struct proxy *proxy)
{
	heard_fini(&proxy->near);
	heard_fini(&proxy->far);
	fend_socket_free(proxy->client);
	fend_socket_free(proxy->server);
}

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
	struct fend_stream_options options = { .size = sizeof(options), .input_max = 5000,
					       .output_low = low, .output_high = 20000,
					       .output_max = 20000 };
	struct fend_stream_stats stats = { .size = sizeof(stats) };
	unsigned char data[1000], got[1000];
	size_t sent = 0, received = 0;
	struct proxy proxy;
	int calls;

	proxy_init(&proxy, test, &options, NULL);
	fill(data, sizeof(data), 3);
	/* Until nothing moves any more: the server reads nothing. */
	do {
		ssize_t n = fend_socket_send(proxy.client, data + sent % 1000, 1000 - sent % 1000,
					     0);

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
test_an_error_ends_both(struct test *test)
{
	int side, busy;

	for (side = 0; side < 2; side++) {
		for (busy = 0; busy < 2; busy++) {
			static char data[1 << 16];
			struct proxy proxy;

			proxy_init(&proxy, test, NULL, NULL);
			/* It comes after what is on the way. */
			while (busy && fend_socket_send(proxy.client, data, sizeof(data), 0) > 0)
				test_ok(fend_loop_dispatch(test->loop, 0));
			reset(side ? &proxy.server : &proxy.client);
			expect_end(test, side ? proxy.client : proxy.server, -ECONNRESET);
			test_wait(test, &proxy.near.closed);
			test_wait(test, &proxy.far.closed);
			g_assert_cmpint(proxy.near.err, <, 0);
			test_error(proxy.far.err, proxy.near.err);
			proxy_fini(&proxy);
		}
	}
}

static void
test_abort_ends_both(struct test *test)
{
	struct proxy proxy;

	proxy_init(&proxy, test, NULL, NULL);
	fend_stream_abort(proxy.near.stream, -ECANCELED);
	g_assert_cmpint(proxy.near.closed + proxy.far.closed, ==, 0);
	test_wait(test, &proxy.far.closed);
	test_error(proxy.near.err, -ECANCELED);
	test_error(proxy.far.err, -ECANCELED);
	proxy_fini(&proxy);
}

/* It still gets what was written, and its end. */
static void
test_a_finished_stream_takes_no_more(struct test *test)
{
	struct proxy proxy;

	proxy_init(&proxy, test, NULL, NULL);
	test_ok(fend_stream_pipe(proxy.far.stream, NULL));
	test_ok(fend_stream_write(proxy.far.stream, "last", 4));
	test_ok(fend_stream_finish(proxy.far.stream, FEND_FOREVER));
	send_all(proxy.client, "more", 4);
	test_wait(test, &proxy.near.closed);
	test_error(proxy.near.err, -EPIPE);
	expect(test, proxy.server, "last");
	expect_end(test, proxy.server, 0);
	proxy.server = fend_socket_free(proxy.server);
	test_wait(test, &proxy.far.closed);
	test_error(proxy.far.err, 0);
	proxy_fini(&proxy);
}

static void
test_freeing_one_leaves_the_other(struct test *test)
{
	struct proxy proxy;

	proxy_init(&proxy, test, NULL, NULL);
	send_all(proxy.client, "abc", 3);
	wait_fd(fend_socket_fd(fend_stream_socket(proxy.near.stream)), POLLIN);
	proxy.far.stream = fend_stream_free(proxy.far.stream);
	test_wait(test, &proxy.near.readable);
	heard_assert(&proxy.near, "abc");
	test_ok(fend_stream_write(proxy.near.stream, "def", 3));
	expect(test, proxy.client, "def");
	g_assert_cmpint(proxy.near.closed, ==, 0);
	proxy_fini(&proxy);
}

/* What could not be moved yet is offered when the pipe is gone. */
static void
test_input_in_a_stalled_pipe_is_offered_again(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options), .output_low = 1,
					       .output_high = 1 };
	static char data[1 << 16];
	struct proxy proxy;
	int released;

	for (released = 0; released < 2; released++) {
		proxy_init(&proxy, test, &options, NULL);
		while (!fend_stream_peek(proxy.near.stream, NULL)) {
			fend_socket_send(proxy.client, data, sizeof(data), 0);
			test_ok(fend_loop_dispatch(test->loop, FEND_MS(1)));
		}
		g_assert_cmpint(proxy.near.readable, ==, 0);
		if (released)
			proxy.far.stream = fend_stream_free(proxy.far.stream);
		else
			test_ok(fend_stream_pipe(proxy.near.stream, NULL));
		g_assert_cmpint(proxy.near.readable, ==, 0);
		test_drain(test);
		g_assert_cmpint(proxy.near.readable, >, 0);
		proxy_fini(&proxy);
	}
}

/* All of it was offered, with its end, and the stream has nothing else to do. */
static void
test_a_stream_outlives_what_it_has_to_pass_on(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options), .output_low = 1,
					       .output_high = 1 };
	static char data[1 << 20];
	struct heard from, to;
	struct pair one, two;

	pair_init(&one);
	pair_init(&two);
	heard_init(&from, test, &one.a, NULL);
	heard_init(&to, test, &two.a, &options);
	g_byte_array_unref(g_steal_pointer(&from.got));
	send_all(one.b, "abc", 3);
	test_error(fend_stream_write(to.stream, data, sizeof(data)), 1);
	test_drain(test);
	g_assert_cmpint(from.readable, ==, 1);
	test_ok(fend_stream_pipe(from.stream, to.stream));
	test_drain(test);
	g_assert_cmpint(from.readable, ==, 1);
	test_ok(fend_stream_pipe(from.stream, NULL));
	test_drain(test);
	g_assert_cmpint(from.readable, ==, 2);
	test_ok(fend_socket_shutdown(one.b, SHUT_WR));
	test_wait(test, &from.at_end);
	test_ok(fend_stream_pipe(from.stream, to.stream));
	test_ok(fend_stream_finish(from.stream, FEND_FOREVER));
	test_drain(test);
	g_assert_cmpint(from.closed, ==, 0);
	receive_all(test, two.b, data, sizeof(data));
	expect(test, two.b, "abc");
	expect_end(test, two.b, 0);
	test_wait(test, &from.closed);
	test_error(from.err, 0);
	heard_fini(&from);
	heard_fini(&to);
	pair_fini(&one);
	pair_fini(&two);
}

static void
free_both(struct heard *heard)
{
	struct proxy *proxy = heard->data;

	proxy->near.stream = fend_stream_free(proxy->near.stream);
	proxy->far.stream = fend_stream_free(proxy->far.stream);
}

static void
free_loop(struct heard *heard)
{
	heard->test->loop = fend_loop_free(heard->test->loop);
}

static void
test_both_may_go_in_closed(struct test *test)
{
	static void (*const then[])(struct heard *) = { free_both, free_loop };
	unsigned i;

	for (i = 0; i < G_N_ELEMENTS(then); i++) {
		struct test own = { 0 };
		struct proxy proxy;
		int r = 0;

		test_ok(fend_loop_new(NULL, &own.loop));
		proxy_init(&proxy, &own, NULL, NULL);
		proxy.near.data = proxy.far.data = &proxy;
		proxy.near.then_closed = proxy.far.then_closed = then[i];
		send_all(proxy.client, "abc", 3);
		reset(&proxy.client);
		while (r >= 0 && proxy.near.closed + proxy.far.closed == 0)
			r = fend_loop_dispatch(own.loop, FEND_SEC(20));
		g_assert_cmpint(proxy.near.closed + proxy.far.closed, ==, 1);
		if (own.loop)
			test_drain(&own);
		g_assert_cmpint(proxy.near.closed + proxy.far.closed, ==, 1);
		proxy_fini(&proxy);
		fend_loop_free(own.loop);
	}
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

/* One failure, wherever it is: both streams end; if the second did in order, nothing is lost. */
static int
play(enum fault_op op, unsigned n, int error)
{
	fend_time deadline = fend_now() + FEND_SEC(20) * test_slowness();
	struct test own = { 0 };
	struct proxy proxy;
	GByteArray *got = g_byte_array_new();
	char buffer[4096];
	int struck;

	fault_install();
	test_ok(fend_loop_new(NULL, &own.loop));
	proxy_init(&proxy, &own, NULL, NULL);
	send_all(proxy.client, "hello", 5);
	test_ok(fend_socket_shutdown(proxy.client, SHUT_WR));
	test_ok(fend_socket_shutdown(proxy.server, SHUT_WR));
	fault_set(op, n, error, 0);
	while (!proxy.near.closed || !proxy.far.closed) {
		test_ok(fend_loop_dispatch(own.loop, FEND_MS(100)));
		g_assert_cmpint(fend_now(), <, deadline);
	}
	struck = fault_struck();
	fault_clear();
	while (proxy.far.err == 0 && got->len < 5) {
		ssize_t size = fend_socket_recv(proxy.server, buffer, sizeof(buffer), 0);

		g_assert_cmpint(size, >, 0);
		g_byte_array_append(got, (guint8 *)buffer, (guint)size);
	}
	g_assert_cmpmem(got->data, got->len, "hello", got->len);
	if (error == -EAGAIN)
		test_error(proxy.far.err | proxy.near.err, 0);
	g_byte_array_unref(got);
	proxy_fini(&proxy);
	fend_loop_free(own.loop);
	fault_remove();
	return struck;
}

static void
test_no_failure_loses_a_byte_silently(struct test *test)
{
	static const struct {
		enum fault_op op;
		int error;
	} faults[] = {
		{ FAULT_ALLOCATE, -ENOMEM }, { FAULT_RECVMSG, -ECONNRESET },
		{ FAULT_SENDMSG, -EPIPE },   { FAULT_SENDMSG, -EAGAIN },
		{ FAULT_RECVMSG, -EAGAIN },  { FAULT_SHUTDOWN, -EIO },
		{ FAULT_EPOLL_CTL, -EIO },
	};
	unsigned i, n;

	for (i = 0; i < G_N_ELEMENTS(faults); i++)
		for (n = 1; play(faults[i].op, n, faults[i].error); n++)
			continue;
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) test_add("/stream-pipe/" path, fn)
	ADD("bytes-and-ends-pass", test_bytes_and_ends_pass);
	ADD("what-is-held-comes-first", test_what_is_held_comes_first);
	ADD("a-message-costs-two-system-calls", test_a_message_costs_two_system_calls);
	ADD("a-peer-that-stalls-stops-the-other", test_a_peer_that_stalls_stops_the_other);
	ADD("pause-stops-a-pipe", test_pause_stops_a_pipe);
	ADD("an-error-ends-both", test_an_error_ends_both);
	ADD("abort-ends-both", test_abort_ends_both);
	ADD("a-finished-stream-takes-no-more", test_a_finished_stream_takes_no_more);
	ADD("freeing-one-leaves-the-other", test_freeing_one_leaves_the_other);
	ADD("input-in-a-stalled-pipe-is-offered-again",
	    test_input_in_a_stalled_pipe_is_offered_again);
	ADD("a-stream-outlives-what-it-has-to-pass-on",
	    test_a_stream_outlives_what_it_has_to_pass_on);
	ADD("both-may-go-in-closed", test_both_may_go_in_closed);
	ADD("a-pipe-to-itself-echoes", test_a_pipe_to_itself_echoes);
	ADD("pipe-names-its-errors", test_pipe_names_its_errors);
	ADD("no-failure-loses-a-byte-silently", test_no_failure_loses_a_byte_silently);
	return g_test_run();
}
