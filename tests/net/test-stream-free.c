/* SPDX-License-Identifier: MIT */
/* Streams and loops that go in any callback and in any order, and what fork(2) leaves of them. */
#include "streams.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layers.h"

/* In which callback, what is freed, over what. */
enum where { IN_READABLE, IN_DRAINED, IN_CLOSED, WHERES };
enum what { THE_STREAM, THE_LOOP, LOOP_THEN_STREAM, STREAM_THEN_LOOP, ANOTHER_STREAM, WHATS };

struct case_of {
	enum what what;
	struct heard *other;
};

/* The whole of it, wherever it happens. */
static void
free_things(struct heard *heard)
{
	struct case_of *c = heard->data;
	const void *data = NULL;
	size_t size = fend_stream_peek(heard->stream, &data);
	char first = size ? *(const char *)data : 'x';

	switch (c->what) {
	case THE_STREAM:
		heard->stream = fend_stream_free(heard->stream);
		break;
	case THE_LOOP:
		heard->test->loop = fend_loop_free(heard->test->loop);
		/* What was found by peek is there still. */
		if (size)
			g_assert_cmpint(*(const char *)data, ==, first);
		g_assert_cmpuint(fend_stream_peek(heard->stream, NULL), ==, size);
		test_error(fend_stream_consume(heard->stream, 0), -ESHUTDOWN);
		test_error(fend_stream_write(heard->stream, "x", 1), -ESHUTDOWN);
		break;
	case LOOP_THEN_STREAM:
		heard->test->loop = fend_loop_free(heard->test->loop);
		heard->stream = fend_stream_free(heard->stream);
		break;
	case STREAM_THEN_LOOP:
		heard->stream = fend_stream_free(heard->stream);
		heard->test->loop = fend_loop_free(heard->test->loop);
		break;
	case ANOTHER_STREAM:
		test_ok(fend_stream_write(c->other->stream, "x", 1));
		c->other->stream = fend_stream_free(c->other->stream);
		break;
	default:
		g_assert_not_reached();
	}
}

static void
play(enum where where, enum what what, int consume, int layer)
{
	struct fend_stream_options options = {
		.size = sizeof(options),
		.output_low = 1,
		.output_high = 1,
		.idle_timeout = FEND_SEC(100),
	};
	static const struct linger linger = { .l_onoff = 1 };
	struct test own = { 0 };
	struct heard heard, other;
	struct case_of c = { .what = what, .other = &other };
	struct pair pair, others;
	const int *happened[] = { &heard.readable, &heard.drained, &heard.closed };
	int r = 0;

	test_ok(fend_loop_new(NULL, &own.loop));
	pair_init_tcp(&pair);
	pair_init(&others);
	if (layer)
		rot13_push(pair.a, NULL);
	heard_init(&heard, &own, &pair.a, &options);
	heard_init(&other, &own, &others.a, &options);
	if (!consume)
		g_byte_array_unref(g_steal_pointer(&heard.got));
	heard.data = &c;
	if (where == IN_READABLE)
		heard.then_readable = free_things;
	else if (where == IN_DRAINED)
		heard.then_drained = free_things;
	else
		heard.then_closed = free_things;
	send_all(pair.b, "hello", 5);
	send_all(others.b, "hello", 5);
	test_error(fend_stream_write(heard.stream, "hello", 5), 1);
	if (where == IN_CLOSED) {
		test_ok(fend_socket_set_option(pair.b, SOL_SOCKET, SO_LINGER, &linger,
					       sizeof(linger)));
		pair.b = fend_socket_free(pair.b);
	}
	while (r >= 0 && !*happened[where])
		r = fend_loop_dispatch(own.loop, FEND_SEC(20));
	g_assert_cmpint(*happened[where], ==, 1);
	if (own.loop)
		test_drain(&own);
	else if (r < 0)
		test_error(r, -ESHUTDOWN);
	if (!heard.stream || !own.loop)
		g_assert_cmpint(*happened[where], ==, 1);
	heard_fini(&heard);
	heard_fini(&other);
	pair_fini(&pair);
	pair_fini(&others);
	fend_loop_free(own.loop);
}

static void
test_everything_may_go_in_any_callback(struct test *test)
{
	int where, what, variant;

	for (where = 0; where < WHERES; where++)
		for (what = 0; what < WHATS; what++)
			for (variant = 0; variant < 4; variant++)
				play((enum where)where, (enum what)what, variant & 1, variant & 2);
}

static void
test_everything_may_go_when_time_is_up(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options), .idle_timeout = 1 };
	int what;

	for (what = THE_STREAM; what < ANOTHER_STREAM; what++) {
		struct case_of c = { .what = (enum what)what };
		struct test own = { 0 };
		struct heard heard;
		struct pair pair;
		int r = 0;

		test_ok(fend_loop_new(NULL, &own.loop));
		pair_init(&pair);
		heard_init(&heard, &own, &pair.a, &options);
		heard.data = &c;
		heard.then_closed = free_things;
		while (r >= 0 && !heard.closed)
			r = fend_loop_dispatch(own.loop, FEND_SEC(20));
		test_error(heard.err, -ETIMEDOUT);
		heard_fini(&heard);
		pair_fini(&pair);
		fend_loop_free(own.loop);
	}
}

static void
test_no_callback_after_free(struct test *test)
{
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	send_all(pair.b, "hello", 5);
	test_ok(fend_stream_write(heard.stream, "hello", 5));
	fend_stream_abort(heard.stream, -EIO);
	heard.stream = fend_stream_free(heard.stream);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(heard.readable + heard.closed, ==, 0);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
free_the_next(struct heard *heard)
{
	struct heard *next = heard->data;

	next->stream = fend_stream_free(next->stream);
}

static void
free_the_loop(struct heard *heard)
{
	heard->test->loop = fend_loop_free(heard->test->loop);
}

/* Three are due at once, and the first frees the second, or the loop. */
static void
test_what_is_due_may_be_freed_by_another(struct test *test)
{
	void (*const cases[])(struct heard * heard) = { free_the_next, free_the_loop };
	size_t c;
	int i, r;

	for (c = 0; c < G_N_ELEMENTS(cases); c++) {
		struct test own = { 0 };
		struct heard heard[3];
		struct pair pairs[3];

		test_ok(fend_loop_new(NULL, &own.loop));
		for (i = 0; i < 3; i++) {
			pair_init(&pairs[i]);
			heard_init(&heard[i], &own, &pairs[i].a, NULL);
			fend_stream_abort(heard[i].stream, -EIO);
		}
		heard[0].then_closed = cases[c];
		heard[0].data = &heard[1];
		r = fend_loop_dispatch(own.loop, 0);
		test_error(r, own.loop ? 1 : -ESHUTDOWN);
		g_assert_cmpint(heard[0].closed, ==, 1);
		g_assert_cmpint(heard[1].closed, ==, 0);
		g_assert_cmpint(heard[2].closed, ==, own.loop ? 1 : 0);
		for (i = 0; i < 3; i++) {
			heard_fini(&heard[i]);
			pair_fini(&pairs[i]);
		}
		fend_loop_free(own.loop);
	}
}

static void
test_what_was_freed_does_not_hold_up_others(struct test *test)
{
	struct heard heard[2];
	struct pair pairs[2];
	int i;

	for (i = 0; i < 2; i++) {
		pair_init(&pairs[i]);
		heard_init(&heard[i], test, &pairs[i].a, NULL);
		test_ok(fend_stream_write(heard[i].stream, "hello", 5));
	}
	heard[0].stream = fend_stream_free(heard[0].stream);
	expect(test, pairs[1].b, "hello");
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	for (i = 0; i < 2; i++) {
		heard_fini(&heard[i]);
		pair_fini(&pairs[i]);
	}
}

/* They share what is equal, and that alone. */
static void
test_streams_of_a_loop_keep_their_own_marks(struct test *test)
{
	static const struct fend_stream_options options[] = {
		{ .size = sizeof(options[0]) },
		{ .size = sizeof(options[0]), .output_low = 4, .output_high = 4 },
		{ .size = sizeof(options[0]), .output_low = 4, .output_high = 5 },
		{ .size = sizeof(options[0]), .output_low = 4, .output_high = 4, .output_max = 4 },
		{ .size = sizeof(options[0]), .output_low = 4, .output_high = 4, .input_max = 4 },
	};
	static const int written[] = { 0, 1, 0, -ENOBUFS, 1 };
	static const int wanted[] = { 0, 0, 0, 0, -EMSGSIZE };
	struct heard heard[G_N_ELEMENTS(options)];
	struct pair pairs[G_N_ELEMENTS(options)];
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(options); i++) {
		pair_init(&pairs[i]);
		heard_init(&heard[i], test, &pairs[i].a, &options[i]);
	}
	for (i = 0; i < G_N_ELEMENTS(options); i++) {
		test_error(fend_stream_write(heard[i].stream, "12345", 5), written[i]);
		test_error(fend_stream_want(heard[i].stream, 5), wanted[i]);
	}
	for (i = 0; i < G_N_ELEMENTS(options); i++) {
		heard_fini(&heard[i]);
		pair_fini(&pairs[i]);
	}
}

static void
all_is_refused(struct fend_stream *stream, int error)
{
	struct fend_stream_stats stats = { .size = sizeof(stats) };
	struct iovec iov = { (char *)"x", 1 };
	struct fend_socket *socket = NULL;
	const void *data;

	g_assert_cmpuint(fend_stream_peek(stream, &data), ==, 5);
	g_assert_cmpmem(data, 5, "hello", 5);
	g_assert_cmpuint(fend_stream_pending(stream), ==, 3);
	g_assert_cmpint(fend_stream_at_end(stream), ==, 0);
	g_assert_nonnull(fend_stream_socket(stream));
	test_ok(fend_stream_stats(stream, &stats));
	g_assert_cmpuint(stats.received, ==, 5);
	test_error(fend_stream_consume(stream, 1), error);
	test_error(fend_stream_want(stream, 1), error);
	test_error(fend_stream_write(stream, "x", 1), error);
	test_error(fend_stream_writev(stream, &iov, 1), error);
	test_error(fend_stream_sendfile(stream, 0, 0, 1), error);
	test_error(fend_stream_pipe(stream, stream), error);
	test_error(fend_stream_set_rate(stream, NULL, NULL), error);
	test_error(fend_stream_finish(stream, FEND_SEC(1)), error);
	test_error(fend_stream_release(stream, &socket), error);
	g_assert_null(socket);
	fend_stream_pause(stream);
	fend_stream_resume(stream);
	fend_stream_abort(stream, -EIO);
	g_assert_cmpuint(fend_stream_peek(stream, NULL), ==, 5);
	g_assert_cmpuint(fend_stream_pending(stream), ==, 3);
}

/* A stream with input held and output that has not left. */
static void
prepare(struct heard *heard, struct test *test, struct pair *pair)
{
	struct fend_stream_options options = { .size = sizeof(options),
					       .idle_timeout = FEND_SEC(100) };

	pair_init(pair);
	heard_init(heard, test, &pair->a, &options);
	g_byte_array_unref(g_steal_pointer(&heard->got));
	send_all(pair->b, "hello", 5);
	test_drain(test);
	test_ok(fend_stream_write(heard->stream, "abc", 3));
}

static void
test_a_stream_is_inert_after_its_loop(struct test *test)
{
	struct fend_stream *stream;
	struct heard heard;
	struct pair pair, late;

	prepare(&heard, test, &pair);
	pair_init(&late);
	fend_loop_ref(test->loop);
	fend_loop_free(test->loop);
	all_is_refused(heard.stream, -ESHUTDOWN);
	test_error(fend_stream_new(test->loop, late.a, NULL, &heard_callbacks, NULL, &stream),
		   -ESHUTDOWN);
	test->loop = fend_loop_unref(test->loop);
	heard_fini(&heard);
	pair_fini(&pair);
	pair_fini(&late);
}

static void
test_a_child_only_releases_memory(struct test *test)
{
	struct heard heard;
	struct pair pair;
	char buffer[8];
	int status;
	pid_t pid;

	prepare(&heard, test, &pair);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		all_is_refused(heard.stream, -ECHILD);
		test_error(fend_loop_dispatch(test->loop, 0), -ECHILD);
		fend_loop_free(test->loop);
		fend_stream_free(heard.stream);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), -EAGAIN);
	test_drain(test);
	recv_all(pair.b, buffer, 3);
	g_assert_cmpmem(buffer, 3, "abc", 3);
	g_assert_cmpint(heard.closed, ==, 0);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
fork_child(struct heard *heard)
{
	int status;
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		test_error(fend_stream_consume(heard->stream, 1), -ECHILD);
		heard->data = heard;
		return;
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

static void
test_a_child_returns_from_a_callback(struct test *test)
{
	struct heard heard;
	struct pair pair;
	int r;

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	g_byte_array_unref(g_steal_pointer(&heard.got));
	heard.then_readable = fork_child;
	send_all(pair.b, "hello", 5);
	r = fend_loop_dispatch(test->loop, FEND_SEC(20));
	if (heard.data) {
		test_error(r, -ECHILD);
		g_assert_cmpuint(fend_stream_peek(heard.stream, NULL), ==, 5);
		fend_stream_free(heard.stream);
		fend_loop_free(test->loop);
		_exit(0);
	}
	test_error(r, 1);
	g_assert_cmpuint(fend_stream_peek(heard.stream, NULL), ==, 5);
	heard_fini(&heard);
	pair_fini(&pair);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) streams_add("/stream-free/" path, fn)
	ADD("everything-may-go-in-any-callback", test_everything_may_go_in_any_callback);
	ADD("everything-may-go-when-time-is-up", test_everything_may_go_when_time_is_up);
	ADD("no-callback-after-free", test_no_callback_after_free);
	ADD("what-is-due-may-be-freed-by-another", test_what_is_due_may_be_freed_by_another);
	ADD("what-was-freed-does-not-hold-up-others", test_what_was_freed_does_not_hold_up_others);
	ADD("streams-of-a-loop-keep-their-own-marks", test_streams_of_a_loop_keep_their_own_marks);
	ADD("a-stream-is-inert-after-its-loop", test_a_stream_is_inert_after_its_loop);
	ADD("a-child-only-releases-memory", test_a_child_only_releases_memory);
	ADD("a-child-returns-from-a-callback", test_a_child_returns_from_a_callback);
	return g_test_run();
}
