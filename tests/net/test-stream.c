/* SPDX-License-Identifier: MIT */
/* Input and output of a stream: what is offered, and when output leaves. */
#include "streams.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "layers.h"

static size_t
peek_is(struct fend_stream *stream, const char *text)
{
	const void *data = "";
	size_t size = fend_stream_peek(stream, &data);

	g_assert_cmpmem(data, size, text, strlen(text));
	return size;
}

static void
test_new_names_its_errors(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options) };
	struct told told = { 0 };
	struct fend_stream *stream = NULL;
	struct fend_loop *other;
	struct pair pair;

	pair_init(&pair);
#define NEW(loop, socket, callbacks) \
	fend_stream_new(loop, socket, &options, callbacks, NULL, &stream)
	test_error(NEW(NULL, pair.a, &heard_callbacks), -EINVAL);
	test_error(NEW(test->loop, NULL, &heard_callbacks), -EINVAL);
	test_error(NEW(test->loop, pair.a, NULL), -EINVAL);
	test_error(fend_stream_new(test->loop, pair.a, NULL, &heard_callbacks, NULL, NULL),
		   -EINVAL);
	options.idle_timeout = -2;
	test_error(NEW(test->loop, pair.a, &heard_callbacks), -EINVAL);
	options.idle_timeout = 0;
	options.write_timeout = -2;
	test_error(NEW(test->loop, pair.a, &heard_callbacks), -EINVAL);
	options.write_timeout = 0;
	options.output_low = 100 << 10;
	test_error(NEW(test->loop, pair.a, &heard_callbacks), -EINVAL);
	options.output_low = 0;
	options.output_max = 1000;
	test_error(NEW(test->loop, pair.a, &heard_callbacks), -EINVAL);
	options.output_max = 0;
#if SIZE_MAX > UINT32_MAX
	options.input_max = (size_t)UINT32_MAX + 1;
	test_error(NEW(test->loop, pair.a, &heard_callbacks), -EINVAL);
	options.input_max = 0;
#endif
	options.size = 1;
	test_error(NEW(test->loop, pair.a, &heard_callbacks), -EINVAL);
	options.size = sizeof(options);

	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	test_error(NEW(test->loop, pair.a, &heard_callbacks), -EBUSY);
	fend_socket_unwatch(pair.a);
	test_ok(fend_loop_new(NULL, &other));
	options.idle_timeout = FEND_SEC(1);
	test_error(NEW(other, pair.a, &heard_callbacks), -EINVAL);
	fend_loop_free(other);
	g_assert_null(stream);
	pair_fini(&pair);
}

static void
test_a_stream_holds_the_readiness_of_its_socket(struct test *test)
{
	struct told told = { 0 };
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	g_assert_nonnull(fend_stream_socket(heard.stream));
	test_error(fend_socket_watch(fend_stream_socket(heard.stream), test->loop, FEND_IN, on_told,
				     &told),
		   -EBUSY);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_input_is_offered_once_and_again_with_more(struct test *test)
{
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	g_byte_array_unref(g_steal_pointer(&heard.got));
	send_all(pair.b, "abc", 3);
	test_drain(test);
	g_assert_cmpint(heard.readable, ==, 1);
	test_drain(test);
	g_assert_cmpint(heard.readable, ==, 1);
	peek_is(heard.stream, "abc");
	send_all(pair.b, "def", 3);
	test_drain(test);
	g_assert_cmpint(heard.readable, ==, 2);
	peek_is(heard.stream, "abcdef");
	test_error(fend_stream_consume(heard.stream, 7), -EINVAL);
	test_error(fend_stream_consume(heard.stream, 0), 0);
	test_error(fend_stream_consume(heard.stream, 4), 0);
	peek_is(heard.stream, "ef");
	send_all(pair.b, "g", 1);
	test_drain(test);
	peek_is(heard.stream, "efg");
	test_error(fend_stream_consume(heard.stream, 3), 0);
	g_assert_cmpuint(peek_is(heard.stream, ""), ==, 0);
	g_assert_cmpuint(fend_stream_peek(heard.stream, NULL), ==, 0);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_want_waits_for_so_much_and_holds_once(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options), .input_max = 10 };
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, &options);
	test_error(fend_stream_want(heard.stream, 11), -EMSGSIZE);
	test_ok(fend_stream_want(heard.stream, 5));
	send_all(pair.b, "abcd", 4);
	test_drain(test);
	g_assert_cmpint(heard.readable, ==, 0);
	peek_is(heard.stream, "abcd");
	send_all(pair.b, "e", 1);
	test_drain(test);
	heard_assert(&heard, "abcde");
	send_all(pair.b, "f", 1);
	test_drain(test);
	heard_assert(&heard, "f");
	g_assert_cmpint(heard.readable, ==, 2);
	/* and the end comes in any case */
	test_ok(fend_stream_want(heard.stream, 5));
	send_all(pair.b, "g", 1);
	test_ok(fend_socket_shutdown(pair.b, SHUT_WR));
	test_drain(test);
	heard_assert(&heard, "g");
	g_assert_cmpint(heard.readable, ==, 3);
	g_assert_cmpint(heard.at_end, ==, 1);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
consume_message(struct heard *heard)
{
	const void *data;
	size_t size = fend_stream_peek(heard->stream, &data);

	if (size < 3)
		return;
	test_ok(fend_stream_consume(heard->stream, 3));
	test_ok(fend_stream_want(heard->stream, 3));
}

static void
test_what_is_wanted_and_there_is_offered(struct test *test)
{
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	g_byte_array_unref(g_steal_pointer(&heard.got));
	heard.then_readable = consume_message;
	send_all(pair.b, "abcdefghij", 10);
	test_drain(test);
	g_assert_cmpint(heard.readable, ==, 3);
	peek_is(heard.stream, "j");
	test_ok(fend_stream_want(heard.stream, 1));
	g_assert_cmpint(heard.readable, ==, 3);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(heard.readable, ==, 4);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_input_grows_to_what_is_wanted(struct test *test)
{
	enum { SIZE = 1 << 20 };
	struct fend_stream_options options = { .size = sizeof(options), .input_max = SIZE };
	unsigned char *data = g_malloc(SIZE);
	size_t sent = 0;
	struct heard heard;
	struct pair pair;

	fill(data, SIZE, 1);
	pair_init(&pair);
	heard_init(&heard, test, &pair.a, &options);
	test_ok(fend_stream_want(heard.stream, SIZE));
	while (sent < SIZE) {
		ssize_t n = fend_socket_send(pair.b, data + sent, MIN(SIZE - sent, 1500), 0);

		g_assert_cmpint(heard.readable, ==, 0);
		if (n > 0)
			sent += (size_t)n;
		else
			test_error(n, -EAGAIN);
		test_ok(fend_loop_dispatch(test->loop, 0));
	}
	test_wait(test, &heard.readable);
	g_assert_cmpint(heard.readable, ==, 1);
	g_assert_cmpmem(heard.got->data, heard.got->len, data, SIZE);
	heard_fini(&heard);
	pair_fini(&pair);
	g_free(data);
}

static void
test_the_input_limit_stops_receiving(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options), .input_max = 10 };
	struct fend_stream_stats stats = { .size = sizeof(stats) };
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, &options);
	g_byte_array_unref(g_steal_pointer(&heard.got));
	send_all(pair.b, "0123456789abcdef", 16);
	test_drain(test);
	g_assert_cmpint(heard.readable, ==, 1);
	peek_is(heard.stream, "0123456789");
	count_begin();
	test_drain(test);
	g_assert_cmpint(count.receives, ==, 0);
	count_end();
	test_ok(fend_stream_consume(heard.stream, 0));
	test_ok(fend_stream_stats(heard.stream, &stats));
	g_assert_cmpuint(stats.paused, ==, 1);
	test_ok(fend_stream_consume(heard.stream, 4));
	test_drain(test);
	peek_is(heard.stream, "456789abcd");
	test_ok(fend_stream_consume(heard.stream, 10));
	test_drain(test);
	peek_is(heard.stream, "ef");
	test_ok(fend_stream_stats(heard.stream, &stats));
	g_assert_cmpuint(stats.paused, ==, 2);
	g_assert_cmpuint(stats.received, ==, 16);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_pause_leaves_input_in_the_kernel(struct test *test)
{
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	fend_stream_pause(heard.stream);
	send_all(pair.b, "abc", 3);
	test_ok(fend_socket_shutdown(pair.b, SHUT_WR));
	count_begin();
	test_drain(test);
	g_assert_cmpint(count.receives, ==, 0);
	count_end();
	g_assert_cmpint(heard.readable, ==, 0);
	fend_stream_resume(heard.stream);
	g_assert_cmpint(heard.readable, ==, 0);
	test_drain(test);
	heard_assert(&heard, "abc");
	g_assert_cmpint(heard.at_end, ==, 1);
	g_assert_cmpint(heard.readable, ==, 2);
	fend_stream_resume(heard.stream);
	test_drain(test);
	g_assert_cmpint(heard.readable, ==, 2);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
pause_stream(struct heard *heard)
{
	fend_stream_pause(heard->stream);
}

static void
test_resume_offers_what_is_held(struct test *test)
{
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	g_byte_array_unref(g_steal_pointer(&heard.got));
	heard.then_readable = pause_stream;
	send_all(pair.b, "abc", 3);
	test_drain(test);
	send_all(pair.b, "def", 3);
	test_drain(test);
	g_assert_cmpint(heard.readable, ==, 1);
	peek_is(heard.stream, "abc");
	fend_stream_resume(heard.stream);
	test_drain(test);
	g_assert_cmpint(heard.readable, ==, 2);
	peek_is(heard.stream, "abc");
	/* With nothing new too: what is held may be what a pause was for. */
	heard.got = g_byte_array_new();
	heard.then_readable = NULL;
	fend_stream_resume(heard.stream);
	test_error(fend_loop_dispatch(test->loop, 0), 2);
	g_assert_cmpint(heard.readable, ==, 4);
	heard_assert(&heard, "abcdef");
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
write_thrice(struct heard *heard)
{
	int i;

	for (i = 0; i < 3; i++)
		test_error(fend_stream_write(heard->stream, "abc", 3), 0);
	g_assert_cmpuint(fend_stream_pending(heard->stream), ==, 9);
	g_assert_cmpint(count.sends, ==, 0);
}

static void
test_writes_in_a_callback_are_one_system_call(struct test *test)
{
	struct heard heard;
	struct pair pair;
	char buffer[16];

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	heard.then_readable = write_thrice;
	send_all(pair.b, "x", 1);
	count_begin();
	/* They leave as soon as the callback has returned. */
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(count.sends, ==, 1);
	g_assert_cmpint(count.receives, ==, 1);
	g_assert_cmpuint(fend_stream_pending(heard.stream), ==, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(count.sends, ==, 1);
	g_assert_cmpint(count.receives, ==, 1);
	count_end();
	recv_all(pair.b, buffer, 9);
	g_assert_cmpmem(buffer, 9, "abcabcabc", 9);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_writes_outside_are_one_system_call_too(struct test *test)
{
	struct iovec iov[3] = { { (char *)"abc", 3 }, { NULL, 0 }, { (char *)"de", 2 } };
	struct fend_stream_stats stats = { .size = sizeof(stats) };
	struct heard heard;
	struct pair pair;
	char buffer[16];

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	count_begin();
	test_error(fend_stream_writev(heard.stream, iov, 3), 0);
	test_error(fend_stream_write(heard.stream, "fg", 2), 0);
	test_error(fend_stream_write(heard.stream, NULL, 0), 0);
	g_assert_cmpint(count.sends, ==, 0);
	g_assert_cmpuint(fend_stream_pending(heard.stream), ==, 7);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(count.sends, ==, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	count_end();
	recv_all(pair.b, buffer, 7);
	g_assert_cmpmem(buffer, 7, "abcdefg", 7);
	test_ok(fend_stream_stats(heard.stream, &stats));
	g_assert_cmpuint(stats.sent, ==, 7);
	test_error(fend_stream_write(heard.stream, NULL, 1), -EINVAL);
	test_error(fend_stream_writev(heard.stream, NULL, 1), -EINVAL);
	test_error(fend_stream_writev(heard.stream, iov, -1), -EINVAL);
	iov[0].iov_len = SIZE_MAX;
	test_error(fend_stream_writev(heard.stream, iov, 3), -EINVAL);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_the_marks_of_output(struct test *test)
{
	struct fend_stream_options options = {
		.size = sizeof(options),
		.output_low = 10,
		.output_high = 20,
		.output_max = 30,
	};
	struct heard heard;
	struct pair pair;
	char buffer[64] = { 0 };

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, &options);
	test_error(fend_stream_write(heard.stream, buffer, 31), -ENOBUFS);
	test_error(fend_stream_write(heard.stream, buffer, SIZE_MAX), -ENOBUFS);
	test_error(fend_stream_write(heard.stream, buffer, 20), 0);
	test_error(fend_stream_write(heard.stream, buffer, 11), -ENOBUFS);
	g_assert_cmpuint(fend_stream_pending(heard.stream), ==, 20);
	test_drain(test);
	g_assert_cmpint(heard.drained, ==, 0);
	test_error(fend_stream_write(heard.stream, buffer, 20), 0);
	test_error(fend_stream_write(heard.stream, buffer, 1), 1);
	test_error(fend_stream_write(heard.stream, buffer, 9), 1);
	test_error(fend_stream_write(heard.stream, buffer, 1), -ENOBUFS);
	g_assert_cmpint(heard.drained, ==, 0);
	test_drain(test);
	g_assert_cmpint(heard.drained, ==, 1);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
write_more(struct heard *heard)
{
	char buffer[21] = { 0 };

	if (heard->drained < 5)
		test_error(fend_stream_write(heard->stream, buffer, sizeof(buffer)), 1);
}

static void
test_drained_comes_at_the_low_mark_and_once_each(struct test *test)
{
	struct fend_stream_options options = {
		.size = sizeof(options),
		.output_low = 10,
		.output_high = 20,
	};
	struct heard heard;
	struct pair pair;
	char buffer[21] = { 0 };
	int i;

	pair_init(&pair);
	/* A byte leaves per iteration. */
	dribbler_push(pair.a);
	heard_init(&heard, test, &pair.a, &options);
	test_error(fend_stream_write(heard.stream, buffer, 21), 1);
	while (fend_stream_pending(heard.stream) > 10) {
		g_assert_cmpint(heard.drained, ==, 0);
		test_ok(fend_loop_dispatch(test->loop, 0));
	}
	g_assert_cmpint(heard.drained, ==, 1);
	g_assert_cmpuint(fend_stream_pending(heard.stream), >=, 9);
	test_drain(test);
	g_assert_cmpint(heard.drained, ==, 1);
	heard_fini(&heard);
	pair_fini(&pair);

	/* A writer that is never kept waiting is called once per iteration. */
	pair_init(&pair);
	heard_init(&heard, test, &pair.a, &options);
	heard.then_drained = write_more;
	test_error(fend_stream_write(heard.stream, buffer, 21), 1);
	for (i = 1; i <= 5; i++) {
		test_error(fend_loop_dispatch(test->loop, 0), 1);
		g_assert_cmpint(heard.drained, ==, i);
	}
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_nothing_is_tried_while_there_is_no_room(struct test *test)
{
	static char zeros[1 << 16];
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	while (fend_socket_send(pair.a, zeros, sizeof(zeros), 0) > 0)
		continue;
	heard_init(&heard, test, &pair.a, NULL);
	test_ok(fend_stream_write(heard.stream, "x", 1));
	count_begin();
	test_drain(test);
	test_ok(fend_stream_write(heard.stream, "x", 1));
	send_all(pair.b, "y", 1);
	count.sends--;
	test_drain(test);
	heard_assert(&heard, "y");
	g_assert_cmpint(count.sends, ==, 1);
	count_end();
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_release_gives_the_socket_back(struct test *test)
{
	struct fend_socket *socket = NULL;
	struct told told = { 0 };
	struct heard heard;
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	test_error(fend_stream_release(heard.stream, NULL), -EINVAL);
	test_ok(fend_stream_write(heard.stream, "abc", 3));
	test_error(fend_stream_release(heard.stream, &socket), -EBUSY);
	test_drain(test);
	test_ok(fend_stream_want(heard.stream, 5));
	send_all(pair.b, "x", 1);
	test_drain(test);
	test_error(fend_stream_release(heard.stream, &socket), -EBUSY);
	g_assert_null(socket);
	test_ok(fend_stream_consume(heard.stream, 1));
	test_ok(fend_stream_release(heard.stream, &socket));
	heard.stream = NULL;
	/* It is as good as new: a layer, a watch. */
	recv_all(pair.b, buffer, 3);
	rot13_push(socket, NULL);
	test_ok(fend_socket_watch(socket, test->loop, FEND_IN, on_told, &told));
	send_all(pair.b, "abc", 3);
	test_wait(test, &told.calls);
	test_error(fend_socket_recv(socket, buffer, sizeof(buffer), 0), 3);
	g_assert_cmpmem(buffer, 3, "nop", 3);
	g_assert_cmpint(heard.readable, ==, 0);
	fend_socket_free(socket);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
upgrade(struct heard *heard)
{
	struct fend_socket *socket;

	test_ok(fend_stream_write(heard->stream, "ok", 2));
	test_error(fend_stream_release(heard->stream, &socket), -EBUSY);
	heard->then_readable = NULL;
}

static void
release_and_layer(struct heard *heard)
{
	struct fend_socket *socket;

	test_ok(fend_stream_release(heard->stream, &socket));
	rot13_push(socket, NULL);
	test_ok(fend_stream_new(heard->test->loop, socket, NULL, &heard_callbacks, heard,
				&heard->stream));
	heard->then_readable = NULL;
}

static void
test_release_in_a_callback_for_a_layer(struct test *test)
{
	struct heard heard;
	struct pair pair;
	char buffer[2];

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	heard.then_readable = upgrade;
	send_all(pair.b, "starttls", 8);
	test_drain(test);
	heard_assert(&heard, "starttls");
	recv_all(pair.b, buffer, 2);
	heard.then_readable = release_and_layer;
	send_all(pair.b, "go", 2);
	test_drain(test);
	heard_assert(&heard, "go");
	send_all(pair.b, "uryyb", 5);
	test_drain(test);
	heard_assert(&heard, "hello");
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_a_layer_that_holds_input_is_read(struct test *test)
{
	struct heard heard;
	struct pair pair;
	char byte;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	send_all(pair.b, "uryyb", 5);
	test_error(fend_socket_recv(pair.a, &byte, 1, 0), 1);
	heard_init(&heard, test, &pair.a, NULL);
	test_drain(test);
	heard_assert(&heard, "ello");
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_callbacks_may_be_missing(struct test *test)
{
	static const struct fend_stream_callbacks none;
	struct fend_stream_options options = {
		.size = sizeof(options),
		.input_max = 4,
		.output_low = 1,
		.output_high = 1,
	};
	struct fend_stream *stream;
	struct pair pair;

	pair_init(&pair);
	test_ok(fend_stream_new(test->loop, pair.a, &options, &none, NULL, &stream));
	pair.a = NULL;
	send_all(pair.b, "abcdef", 6);
	test_error(fend_stream_write(stream, "abc", 3), 1);
	test_drain(test);
	peek_is(stream, "abcd");
	pair.b = fend_socket_free(pair.b);
	test_ok(fend_stream_consume(stream, 4));
	test_drain(test);
	test_ok(fend_stream_consume(stream, 2));
	test_drain(test);
	test_error(fend_stream_write(stream, "abc", 3), -ENOTCONN);
	fend_stream_free(stream);
	pair_fini(&pair);
}

static void
test_null_is_an_error_or_nothing(struct test *test)
{
	struct fend_stream_stats stats = { .size = sizeof(stats) };
	struct fend_socket *socket;

	g_assert_null(fend_stream_free(NULL));
	g_assert_null(fend_stream_socket(NULL));
	g_assert_cmpuint(fend_stream_peek(NULL, NULL), ==, 0);
	g_assert_cmpuint(fend_stream_pending(NULL), ==, 0);
	g_assert_cmpint(fend_stream_at_end(NULL), ==, 0);
	fend_stream_pause(NULL);
	fend_stream_resume(NULL);
	fend_stream_abort(NULL, 0);
	test_error(fend_stream_consume(NULL, 0), -EINVAL);
	test_error(fend_stream_want(NULL, 0), -EINVAL);
	test_error(fend_stream_write(NULL, "", 0), -EINVAL);
	test_error(fend_stream_sendfile(NULL, 0, 0, 0), -EINVAL);
	test_error(fend_stream_pipe(NULL, NULL), -EINVAL);
	test_error(fend_stream_set_rate(NULL, NULL, NULL), -EINVAL);
	test_error(fend_stream_finish(NULL, 0), -EINVAL);
	test_error(fend_stream_release(NULL, &socket), -EINVAL);
	test_error(fend_stream_stats(NULL, &stats), -EINVAL);
}

static void
test_statistics_fit_the_callers_size(struct test *test)
{
	struct fend_stream_stats stats = { .size = sizeof(stats), .sent = 7, .paused = 7 };
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	test_error(fend_stream_stats(heard.stream, NULL), -EINVAL);
	stats.size = offsetof(struct fend_stream_stats, paused);
	test_ok(fend_stream_stats(heard.stream, &stats));
	g_assert_cmpuint(stats.size, ==, offsetof(struct fend_stream_stats, paused));
	g_assert_cmpuint(stats.sent, ==, 0);
	g_assert_cmpuint(stats.paused, ==, 7);
	stats.size = 0;
	test_error(fend_stream_stats(heard.stream, &stats), -EINVAL);
	heard_fini(&heard);
	pair_fini(&pair);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) streams_add("/stream/" path, fn)
	ADD("new-names-its-errors", test_new_names_its_errors);
	ADD("holds-the-readiness-of-its-socket", test_a_stream_holds_the_readiness_of_its_socket);
	ADD("input-is-offered-once-and-again-with-more",
	    test_input_is_offered_once_and_again_with_more);
	ADD("want-waits-for-so-much-and-holds-once", test_want_waits_for_so_much_and_holds_once);
	ADD("what-is-wanted-and-there-is-offered", test_what_is_wanted_and_there_is_offered);
	ADD("input-grows-to-what-is-wanted", test_input_grows_to_what_is_wanted);
	ADD("the-input-limit-stops-receiving", test_the_input_limit_stops_receiving);
	ADD("pause-leaves-input-in-the-kernel", test_pause_leaves_input_in_the_kernel);
	ADD("resume-offers-what-is-held", test_resume_offers_what_is_held);
	ADD("writes-in-a-callback-are-one-system-call",
	    test_writes_in_a_callback_are_one_system_call);
	ADD("writes-outside-are-one-system-call-too", test_writes_outside_are_one_system_call_too);
	ADD("the-marks-of-output", test_the_marks_of_output);
	ADD("drained-comes-at-the-low-mark-and-once-each",
	    test_drained_comes_at_the_low_mark_and_once_each);
	ADD("nothing-is-tried-while-there-is-no-room",
	    test_nothing_is_tried_while_there_is_no_room);
	ADD("release-gives-the-socket-back", test_release_gives_the_socket_back);
	ADD("release-in-a-callback-for-a-layer", test_release_in_a_callback_for_a_layer);
	ADD("a-layer-that-holds-input-is-read", test_a_layer_that_holds_input_is_read);
	ADD("callbacks-may-be-missing", test_callbacks_may_be_missing);
	ADD("null-is-an-error-or-nothing", test_null_is_an_error_or_nothing);
	ADD("statistics-fit-the-callers-size", test_statistics_fit_the_callers_size);
	return g_test_run();
}
