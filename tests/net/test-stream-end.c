/* SPDX-License-Identifier: MIT */
/* How a stream ends: by the peer, in order, at once, and for want of time. */
#include "streams.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>

#include "fault.h"
#include "layers.h"

/* Write until the kernel takes no more; returns how much was written. */
static size_t
stuff(struct heard *heard)
{
	static char zeros[1 << 16];
	size_t written = 0;
	int calls;

	do {
		while (fend_stream_pending(heard->stream) <= sizeof(zeros)) {
			test_ok(fend_stream_write(heard->stream, zeros, sizeof(zeros)));
			written += sizeof(zeros);
		}
		calls = fend_loop_dispatch(heard->test->loop, 0);
		test_ok(calls);
	} while (calls > 0);
	return written;
}

static void
test_the_peers_end_is_offered_once(struct test *test)
{
	struct heard heard;
	struct pair pair;
	char byte;

	pair_init_tcp(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	test_ok(fend_socket_shutdown(pair.b, SHUT_WR));
	test_wait(test, &heard.at_end);
	test_drain(test);
	g_assert_cmpint(heard.readable, ==, 1);
	g_assert_cmpint(fend_stream_at_end(heard.stream), ==, 1);
	/* The other direction is not concerned. */
	test_ok(fend_stream_write(heard.stream, "x", 1));
	test_drain(test);
	recv_all(pair.b, &byte, 1);
	g_assert_cmpint(heard.closed, ==, 0);
	test_ok(fend_stream_finish(heard.stream, FEND_FOREVER));
	test_error(fend_stream_write(heard.stream, "x", 1), -EPIPE);
	g_assert_cmpint(heard.closed, ==, 0);
	test_wait(test, &heard.closed);
	test_error(heard.err, 0);
	test_error(fend_stream_write(heard.stream, "x", 1), -ENOTCONN);
	test_error(fend_stream_finish(heard.stream, 0), -ENOTCONN);
	fend_stream_abort(heard.stream, -EIO);
	test_drain(test);
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	test_error(fend_socket_recv(pair.b, &byte, 1, 0), 0);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_finish_sends_then_waits_for_the_peer(struct test *test)
{
	struct heard heard;
	struct pair pair;
	size_t size, got = 0;
	char *buffer = g_malloc(1 << 16);
	ssize_t n;

	pair_init_tcp(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	size = stuff(&heard);
	test_error(fend_stream_finish(heard.stream, -2), -EINVAL);
	test_ok(fend_stream_finish(heard.stream, FEND_SEC(30) * test_slowness()));
	do {
		test_ok(fend_loop_dispatch(test->loop, 0));
		n = fend_socket_recv(pair.b, buffer, 1 << 16, 0);
		if (n > 0)
			got += (size_t)n;
		else if (n < 0)
			test_error(n, -EAGAIN);
	} while (n != 0);
	g_assert_cmpuint(got, ==, size);
	g_assert_cmpint(heard.closed, ==, 0);
	send_all(pair.b, "late", 4);
	test_wait(test, &heard.readable);
	heard_assert(&heard, "late");
	test_ok(fend_socket_shutdown(pair.b, SHUT_WR));
	test_wait(test, &heard.closed);
	test_error(heard.err, 0);
	g_assert_cmpint(heard.at_end, ==, 1);
	heard_fini(&heard);
	pair_fini(&pair);
	g_free(buffer);
}

/* close_notify and the like: what a layer holds must leave before the stream is closed. */
static void
test_finish_waits_for_the_layers(struct test *test)
{
	struct heard heard;
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	heard_init(&heard, test, &pair.a, NULL);
	test_ok(fend_socket_shutdown(pair.b, SHUT_WR));
	test_wait(test, &heard.at_end);
	test_ok(fend_stream_write(heard.stream, "hello", 5));
	test_ok(fend_stream_finish(heard.stream, FEND_FOREVER));
	fault_install();
	fault_set(FAULT_SENDMSG, 1, -EAGAIN, 1);
	test_ok(fend_loop_dispatch(test->loop, 0));
	g_assert_cmpuint(fend_stream_pending(heard.stream), ==, 0);
	test_ok(fend_loop_dispatch(test->loop, 0));
	g_assert_cmpint(heard.closed, ==, 0);
	fend__kernel = &fend__kernel_real;
	test_wait(test, &heard.closed);
	test_error(heard.err, 0);
	recv_all(pair.b, buffer, 5);
	g_assert_cmpmem(buffer, 5, "uryyb", 5);
	test_error(fend_socket_recv(pair.b, buffer, 1, 0), 0);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_finish_has_a_deadline(struct test *test)
{
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	stop_clock();
	test_ok(fend_stream_finish(heard.stream, FEND_MS(50)));
	test_drain(test);
	present += FEND_MS(50) - 1;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 0);
	/* again, for longer */
	test_ok(fend_stream_finish(heard.stream, FEND_MS(50)));
	present += FEND_MS(50) - 1;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 0);
	present += 1;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 1);
	test_error(heard.err, -ETIMEDOUT);
	start_clock();
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_finish_with_no_time_tries_once(struct test *test)
{
	struct heard heard;
	struct pair pair;
	char byte;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	test_ok(fend_stream_write(heard.stream, "x", 1));
	test_ok(fend_stream_finish(heard.stream, 0));
	g_assert_cmpint(heard.closed, ==, 0);
	test_wait(test, &heard.closed);
	test_error(heard.err, -ETIMEDOUT);
	recv_all(pair.b, &byte, 1);
	test_error(fend_socket_recv(pair.b, &byte, 1, 0), 0);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_a_reset_comes_after_what_was_received(struct test *test)
{
	struct heard heard;
	struct pair pair;

	pair_init_tcp(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	send_all(pair.b, "abc", 3);
	wait_fd(fend_socket_fd(fend_stream_socket(heard.stream)), POLLIN);
	reset(&pair.b);
	test_wait(test, &heard.closed);
	heard_assert(&heard, "abc");
	test_error(heard.err, -ECONNRESET);
	g_assert_cmpint(fend_stream_at_end(heard.stream), ==, 1);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_what_is_held_back_is_offered_before_an_error(struct test *test)
{
	struct heard heard;
	struct pair pair;
	int paused;

	for (paused = 0; paused < 2; paused++) {
		pair_init_tcp(&pair);
		heard_init(&heard, test, &pair.a, NULL);
		test_ok(fend_stream_want(heard.stream, 100));
		send_all(pair.b, "abc", 3);
		wait_fd(fend_socket_fd(fend_stream_socket(heard.stream)), POLLIN);
		test_drain(test);
		g_assert_cmpint(heard.readable, ==, 0);
		if (paused) {
			fend_stream_pause(heard.stream);
			stuff(&heard);
		}
		reset(&pair.b);
		test_wait(test, &heard.closed);
		heard_assert(&heard, "abc");
		g_assert_cmpint(heard.readable, ==, 1);
		test_error(heard.err, -ECONNRESET);
		heard_fini(&heard);
		pair_fini(&pair);
	}
}

/* A failing send does not hide what the peer had said before. */
static void
test_input_outlasts_a_failed_send(struct test *test)
{
	static char data[200000];
	struct fend_stream_options options = { .size = sizeof(options), .input_max = 1000 };
	struct heard heard;
	struct pair pair;
	size_t size = 0;
	ssize_t n;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, &options);
	fill(data, sizeof(data), 3);
	do {
		n = fend_socket_send(pair.b, data + size, sizeof(data) - size, 0);
		if (n > 0)
			size += (size_t)n;
	} while (n > 0 && size < sizeof(data));
	/* on a Unix socket nothing is lost by closing */
	pair.b = fend_socket_free(pair.b);
	test_ok(fend_stream_write(heard.stream, "x", 1));
	test_wait(test, &heard.closed);
	test_error(heard.err, -EPIPE);
	g_assert_cmpmem(heard.got->data, heard.got->len, data, size);
	heard_fini(&heard);
	pair_fini(&pair);
}

/* Whoever pauses until output has drained must learn that it never will. */
static void
test_a_paused_stream_hears_of_a_failed_send(struct test *test)
{
	struct heard heard;
	struct pair pair;

	pair_init_tcp(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	stuff(&heard);
	fend_stream_pause(heard.stream);
	test_drain(test);
	heard.drained = 0;
	reset(&pair.b);
	test_wait(test, &heard.closed);
	test_error(heard.err, -ECONNRESET);
	g_assert_cmpuint(fend_stream_pending(heard.stream), ==, 0);
	g_assert_cmpint(heard.drained, ==, 0);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_a_full_stream_hears_of_a_failed_send(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options), .input_max = 3 };
	struct heard heard;
	struct pair pair;
	const void *data;

	pair_init_tcp(&pair);
	heard_init(&heard, test, &pair.a, &options);
	g_byte_array_unref(g_steal_pointer(&heard.got));
	send_all(pair.b, "abcd", 4);
	test_wait(test, &heard.readable);
	stuff(&heard);
	reset(&pair.b);
	test_wait(test, &heard.closed);
	test_error(heard.err, -ECONNRESET);
	/* and can still be consumed */
	g_assert_cmpuint(fend_stream_peek(heard.stream, &data), ==, 3);
	test_ok(fend_stream_consume(heard.stream, 3));
	test_drain(test);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_a_reset_while_idle_and_half_closed(struct test *test)
{
	struct heard heard;
	struct pair pair;
	int i;

	/* 0: idle; 1: after the stream's end; 2: with output waiting after the peer's end */
	for (i = 0; i < 3; i++) {
		pair_init_tcp(&pair);
		heard_init(&heard, test, &pair.a, NULL);
		if (i == 1)
			test_ok(fend_stream_finish(heard.stream, FEND_FOREVER));
		if (i == 2) {
			test_ok(fend_socket_shutdown(pair.b, SHUT_WR));
			test_wait(test, &heard.at_end);
			stuff(&heard);
		}
		test_drain(test);
		g_assert_cmpint(heard.closed, ==, 0);
		reset(&pair.b);
		test_wait(test, &heard.closed);
		test_error(heard.err, i == 2 ? -EPIPE : -ECONNRESET);
		test_drain(test);
		heard_fini(&heard);
		pair_fini(&pair);
	}
}

static void
test_a_truncated_layer_is_an_error(struct test *test)
{
	struct heard heard;
	struct pair pair;
	struct rot13 *layer;

	pair_init(&pair);
	layer = rot13_push(pair.a, NULL);
	heard_init(&heard, test, &pair.a, NULL);
	send_all(pair.b, "uryyb", 5);
	test_drain(test);
	layer->in_error = -EBADMSG;
	send_all(pair.b, "x", 1);
	test_wait(test, &heard.closed);
	heard_assert(&heard, "hello");
	test_error(heard.err, -EBADMSG);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
assert_reset(struct fend_socket *socket)
{
	char byte;

	wait_fd(fend_socket_fd(socket), POLLIN);
	test_error(fend_socket_recv(socket, &byte, 1, 0), -ECONNRESET);
}

static void
test_abort_resets_and_calls_back_later(struct test *test)
{
	struct heard heard;
	struct pair pair;

	pair_init_tcp(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	test_ok(fend_stream_want(heard.stream, 100));
	send_all(pair.b, "abc", 3);
	wait_fd(fend_socket_fd(fend_stream_socket(heard.stream)), POLLIN);
	test_drain(test);
	test_ok(fend_stream_write(heard.stream, "lost", 4));
	fend_stream_abort(heard.stream, -EPROTO);
	fend_stream_abort(heard.stream, -EIO);
	g_assert_cmpint(heard.closed, ==, 0);
	/* The reset is on its way before closed is told. */
	assert_reset(pair.b);
	test_error(fend_stream_write(heard.stream, "x", 1), -ENOTCONN);
	test_error(fend_stream_finish(heard.stream, 0), -ENOTCONN);
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 1);
	g_assert_cmpint(heard.readable, ==, 0);
	test_error(heard.err, -EPROTO);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
abort_stream(struct heard *heard)
{
	test_ok(fend_stream_write(heard->stream, "lost", 4));
	fend_stream_abort(heard->stream, -EPROTO);
}

static void
test_abort_in_a_callback(struct test *test)
{
	struct heard heard;
	struct pair pair;
	char byte;
	int i;

	for (i = 0; i < 2; i++) {
		if (i)
			pair_init(&pair);
		else
			pair_init_tcp(&pair);
		heard_init(&heard, test, &pair.a, NULL);
		heard.then_readable = abort_stream;
		send_all(pair.b, "abc", 3);
		test_wait(test, &heard.closed);
		test_error(heard.err, -EPROTO);
		heard_fini(&heard);
		/* Unix sockets have no reset. */
		if (i)
			test_error(fend_socket_recv(pair.b, &byte, 1, 0), 0);
		else
			assert_reset(pair.b);
		pair_fini(&pair);
	}
}

/* Where disconnecting does not reset, closing does. */
static int
refuse_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return -EAFNOSUPPORT;
}

static void
test_abort_resets_when_closed_at_the_latest(struct test *test)
{
	struct fend__kernel kernel = fend__kernel_real;
	struct heard heard;
	struct pair pair;

	pair_init_tcp(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	kernel.connect = refuse_connect;
	fend__kernel = &kernel;
	fend_stream_abort(heard.stream, -EPROTO);
	fend__kernel = &fend__kernel_real;
	test_wait(test, &heard.closed);
	heard_fini(&heard);
	assert_reset(pair.b);
	pair_fini(&pair);
}

static void
test_the_idle_timeout_counts_from_the_last_byte(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options),
					       .idle_timeout = FEND_SEC(10) };
	struct heard heard;
	struct pair pair;
	int i;

	pair_init(&pair);
	stop_clock();
	heard_init(&heard, test, &pair.a, &options);
	for (i = 0; i < 4; i++) {
		present += FEND_SEC(10) - 1;
		if (i % 2)
			send_all(pair.b, "x", 1);
		else
			test_ok(fend_stream_write(heard.stream, "y", 1));
		test_drain(test);
		g_assert_cmpint(heard.closed, ==, 0);
	}
	present += FEND_SEC(10) - 1;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 0);
	present++;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 1);
	test_error(heard.err, -ETIMEDOUT);
	present += FEND_SEC(100);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	start_clock();
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_the_write_timeout_runs_while_output_waits(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options),
					       .idle_timeout = FEND_FOREVER,
					       .write_timeout = FEND_SEC(10) };
	char *buffer = g_malloc(1 << 16);
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	stop_clock();
	heard_init(&heard, test, &pair.a, &options);
	present += FEND_SEC(100);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	stuff(&heard);
	present += FEND_SEC(10) - 1;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 0);
	/* Some of it leaves: the time begins anew. */
	while (fend_socket_recv(pair.b, buffer, 1 << 16, 0) > 0)
		continue;
	test_ok(fend_loop_dispatch(test->loop, 0));
	stuff(&heard);
	present += FEND_SEC(10) - 1;
	/* What comes in does not count. */
	send_all(pair.b, "x", 1);
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 0);
	present++;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 1);
	test_error(heard.err, -ETIMEDOUT);
	start_clock();
	heard_fini(&heard);
	pair_fini(&pair);
	g_free(buffer);
}

/* The peer must not take for the whole what it got until time was up, or sending failed. */
static void
test_lost_output_does_not_end_in_order(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options),
					       .write_timeout = FEND_SEC(10) };
	struct heard heard;
	struct faulty *layer;
	struct pair pair;

	pair_init_tcp(&pair);
	stop_clock();
	heard_init(&heard, test, &pair.a, &options);
	stuff(&heard);
	present += FEND_SEC(11);
	test_wait(test, &heard.closed);
	test_error(heard.err, -ETIMEDOUT);
	start_clock();
	heard_fini(&heard);
	expect_end(test, pair.b, -ECONNRESET);
	pair_fini(&pair);

	pair_init_tcp(&pair);
	layer = faulty_push(pair.a);
	layer->send_left = 3;
	layer->send_error = -EPROTO;
	heard_init(&heard, test, &pair.a, NULL);
	test_ok(fend_stream_write(heard.stream, "abcdef", 6));
	expect(test, pair.b, "abc");
	test_ok(fend_socket_shutdown(pair.b, SHUT_WR));
	test_wait(test, &heard.closed);
	test_error(heard.err, -EPROTO);
	heard_fini(&heard);
	expect_end(test, pair.b, -ECONNRESET);
	pair_fini(&pair);
}

/* It begins with the write, and may end before what the timer was armed for. */
static void
test_the_write_timeout_precedes_the_idle_timeout(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options),
					       .idle_timeout = FEND_SEC(100),
					       .write_timeout = FEND_SEC(10) };
	static char zeros[1 << 16];
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	while (fend_socket_send(pair.a, zeros, sizeof(zeros), 0) > 0)
		continue;
	stop_clock();
	heard_init(&heard, test, &pair.a, &options);
	present += FEND_SEC(50);
	test_ok(fend_stream_write(heard.stream, "x", 1));
	test_drain(test);
	present += FEND_SEC(10) - 1;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 0);
	present++;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 1);
	test_error(heard.err, -ETIMEDOUT);
	start_clock();
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_a_closed_stream_has_no_timer(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options),
					       .idle_timeout = FEND_SEC(10) };
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	stop_clock();
	heard_init(&heard, test, &pair.a, &options);
	fend_stream_abort(heard.stream, -EIO);
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 1);
	present += FEND_SEC(100);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	start_clock();
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_traffic_does_not_arm_timers(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options),
					       .idle_timeout = FEND_SEC(10) };
	struct fend_loop_stats stats = { .size = sizeof(stats) };
	struct heard heard;
	struct pair pair;
	int i;

	pair_init(&pair);
	stop_clock();
	heard_init(&heard, test, &pair.a, &options);
	for (i = 0; i < 100; i++) {
		present += FEND_SEC(1);
		send_all(pair.b, "x", 1);
		test_drain(test);
	}
	g_assert_cmpint(heard.closed, ==, 0);
	g_assert_cmpuint(heard.got->len, ==, 100);
	/* One early firing per period is what laziness costs. */
	test_ok(fend_loop_stats(test->loop, &stats));
	g_assert_cmpuint(stats.timers, <=, 12);
	g_assert_cmpuint(stats.timers, >=, 9);
	start_clock();
	heard_fini(&heard);
	pair_fini(&pair);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) streams_add("/stream-end/" path, fn)
	ADD("the-peers-end-is-offered-once", test_the_peers_end_is_offered_once);
	ADD("finish-sends-then-waits-for-the-peer", test_finish_sends_then_waits_for_the_peer);
	ADD("finish-waits-for-the-layers", test_finish_waits_for_the_layers);
	ADD("finish-has-a-deadline", test_finish_has_a_deadline);
	ADD("finish-with-no-time-tries-once", test_finish_with_no_time_tries_once);
	ADD("a-reset-comes-after-what-was-received", test_a_reset_comes_after_what_was_received);
	ADD("what-is-held-back-is-offered-before-an-error",
	    test_what_is_held_back_is_offered_before_an_error);
	ADD("input-outlasts-a-failed-send", test_input_outlasts_a_failed_send);
	ADD("a-paused-stream-hears-of-a-failed-send", test_a_paused_stream_hears_of_a_failed_send);
	ADD("a-full-stream-hears-of-a-failed-send", test_a_full_stream_hears_of_a_failed_send);
	ADD("a-reset-while-idle-and-half-closed", test_a_reset_while_idle_and_half_closed);
	ADD("a-truncated-layer-is-an-error", test_a_truncated_layer_is_an_error);
	ADD("abort-resets-and-calls-back-later", test_abort_resets_and_calls_back_later);
	ADD("abort-in-a-callback", test_abort_in_a_callback);
	ADD("abort-resets-when-closed-at-the-latest", test_abort_resets_when_closed_at_the_latest);
	ADD("the-idle-timeout-counts-from-the-last-byte",
	    test_the_idle_timeout_counts_from_the_last_byte);
	ADD("the-write-timeout-runs-while-output-waits",
	    test_the_write_timeout_runs_while_output_waits);
	ADD("lost-output-does-not-end-in-order", test_lost_output_does_not_end_in_order);
	ADD("the-write-timeout-precedes-the-idle-timeout",
	    test_the_write_timeout_precedes_the_idle_timeout);
	ADD("a-closed-stream-has-no-timer", test_a_closed_stream_has_no_timer);
	ADD("traffic-does-not-arm-timers", test_traffic_does_not_arm_timers);
	return g_test_run();
}
