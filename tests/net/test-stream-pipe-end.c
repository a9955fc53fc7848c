/* SPDX-License-Identifier: MIT */
/* How pipes end: by errors, by freeing, and by whatever fails. */
#include "pipes.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"
#include "layers.h"

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

/* Whoever got a part of what is piped learns that it was not the whole. */
static void
test_what_a_pipe_lost_does_not_end_in_order(struct test *test)
{
	struct heard from, to;
	struct faulty *layer;
	struct pair one, two;
	char data[3];

	/* Sending fails while nothing waits in the output. */
	pair_init(&one);
	pair_init_tcp(&two);
	layer = faulty_push(two.a);
	layer->send_left = 3;
	layer->send_error = -EPROTO;
	heard_init(&from, test, &one.a, NULL);
	heard_init(&to, test, &two.a, NULL);
	test_ok(fend_stream_pipe(from.stream, to.stream));
	send_all(one.b, "abc", 3);
	expect(test, two.b, "abc");
	send_all(one.b, "def", 3);
	test_ok(fend_socket_shutdown(two.b, SHUT_WR));
	test_wait(test, &to.closed);
	test_error(to.err, -EPROTO);
	heard_fini(&to);
	expect_end(test, two.b, -ECONNRESET);
	/* Nobody takes any more of it. */
	test_wait(test, &from.closed);
	test_error(from.err, -EPROTO);
	heard_fini(&from);
	pair_fini(&one);
	pair_fini(&two);

	/* Receiving fails, and the other stream is the same one. */
	pair_init_tcp(&one);
	layer = faulty_push(one.a);
	layer->recv_left = 3;
	layer->recv_error = -EBADMSG;
	heard_init(&from, test, &one.a, NULL);
	test_ok(fend_stream_pipe(from.stream, from.stream));
	send_all(one.b, "abc", 3);
	test_wait(test, &from.closed);
	test_error(from.err, -EBADMSG);
	recv_all(one.b, data, 3);
	heard_fini(&from);
	expect_end(test, one.b, -ECONNRESET);
	pair_fini(&one);
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
	struct fend_stream_options options = {
		.size = sizeof(options),
		.output_low = 1,
		.output_high = 1,
	};
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
	struct fend_stream_options options = {
		.size = sizeof(options),
		.output_low = 1,
		.output_high = 1,
	};
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
#define ADD(path, fn) streams_add("/stream-pipe-end/" path, fn)
	ADD("an-error-ends-both", test_an_error_ends_both);
	ADD("what-a-pipe-lost-does-not-end-in-order", test_what_a_pipe_lost_does_not_end_in_order);
	ADD("abort-ends-both", test_abort_ends_both);
	ADD("a-finished-stream-takes-no-more", test_a_finished_stream_takes_no_more);
	ADD("freeing-one-leaves-the-other", test_freeing_one_leaves_the_other);
	ADD("input-in-a-stalled-pipe-is-offered-again",
	    test_input_in_a_stalled_pipe_is_offered_again);
	ADD("a-stream-outlives-what-it-has-to-pass-on",
	    test_a_stream_outlives_what_it_has_to_pass_on);
	ADD("both-may-go-in-closed", test_both_may_go_in_closed);
	ADD("no-failure-loses-a-byte-silently", test_no_failure_loses_a_byte_silently);
	return g_test_run();
}
