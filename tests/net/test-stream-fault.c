/* SPDX-License-Identifier: MIT */
/*
 * A client that sends and finishes, and a server that echoes, while each allocation and each system
 * call fails once: the failure is told, by a return value or by closed, nothing is lost or invented
 * before it, and nothing leaks.
 */
#include "streams.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>

#include "fault.h"
#include "layers.h"

#define PIECES 12
#define TOTAL (PIECES * 5000)

struct side {
	struct scene *scene;
	struct fend_stream *stream;
	GByteArray *got;
	int closed, err;
};

struct scene {
	struct fend_loop *loop;
	struct side client, server;
	size_t piece, total, written;
	int layered, err;
	unsigned char data[TOTAL];
};

/* Note the first error. Returns whether r is none. */
static int
ok(struct scene *scene, int r)
{
	if (r < 0 && !scene->err)
		scene->err = r;
	return r >= 0;
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	struct side *side = data;

	g_assert_cmpint(side->closed, ==, 0);
	side->closed = 1;
	side->err = err;
	ok(side->scene, err);
	side->stream = fend_stream_free(stream);
}

/* Input that was not consumed is there in closed still. */
static void
on_client_closed(struct fend_stream *stream, int err, void *data)
{
	struct side *side = data;
	const void *input;
	size_t size = fend_stream_peek(stream, &input);

	g_byte_array_append(side->got, input, (guint)size);
	on_closed(stream, err, data);
}

static void
pump(struct side *client)
{
	struct scene *scene = client->scene;
	int r = 0;

	while (r == 0 && scene->written < scene->total) {
		r = fend_stream_write(client->stream, scene->data + scene->written, scene->piece);
		if (r == -ENOTCONN)
			return;
		if (!ok(scene, r)) {
			fend_stream_abort(client->stream, r);
			return;
		}
		scene->written += scene->piece;
	}
	if (scene->written == scene->total) {
		r = fend_stream_finish(client->stream, FEND_SEC(100));
		if (r != -ENOTCONN && !ok(scene, r))
			fend_stream_abort(client->stream, r);
	}
}

static void
on_client_drained(struct fend_stream *stream, void *data)
{
	pump(data);
}

static void
on_client_readable(struct fend_stream *stream, void *data)
{
	struct side *client = data;
	const void *input;
	size_t size = fend_stream_peek(stream, &input);

	/* Leave a rest, small and large ones in turn. */
	if (!fend_stream_at_end(stream))
		size = client->got->len % 2 ? size / 2 : size - size / 16;
	g_byte_array_append(client->got, input, (guint)size);
	test_ok(fend_stream_consume(stream, size));
}

static void
on_server_readable(struct fend_stream *stream, void *data)
{
	struct side *server = data;
	const void *input;
	size_t size = fend_stream_peek(stream, &input);
	int r;

	if (!fend_stream_at_end(stream))
		size -= size / 8;
	if (size > 0) {
		r = fend_stream_write(stream, input, size);
		if (r == -ENOTCONN)
			return;
		if (!ok(server->scene, r)) {
			fend_stream_abort(stream, r);
			return;
		}
		g_byte_array_append(server->got, input, (guint)size);
		test_ok(fend_stream_consume(stream, size));
	}
	if (fend_stream_at_end(stream)) {
		r = fend_stream_finish(stream, FEND_SEC(100));
		if (r != -ENOTCONN && !ok(server->scene, r))
			fend_stream_abort(stream, r);
	}
}

static const struct fend_stream_callbacks client_callbacks = {
	.readable = on_client_readable,
	.drained = on_client_drained,
	.closed = on_client_closed,
};

static const struct fend_stream_callbacks server_callbacks = {
	.readable = on_server_readable,
	.closed = on_closed,
};

static const struct fend_stream_options options = {
	.size = sizeof(options),
	.output_low = 1000,
	.output_high = 8000,
	.idle_timeout = FEND_SEC(100),
};

static int
push_rot13(struct fend_socket *socket)
{
	struct rot13 *layer = g_new0(struct rot13, 1);
	int r;

	layer->in_error = -EAGAIN;
	r = fend_socket_push_layer(socket, &rot13_ops, layer);
	if (r < 0)
		g_free(layer);
	return r;
}

static int
start_side(struct scene *scene, struct side *side, int fd,
	   const struct fend_stream_callbacks *callbacks)
{
	struct fend_socket *socket;
	int r;

	side->scene = scene;
	side->got = g_byte_array_new();
	r = fend_socket_wrap(fd, &socket);
	if (r < 0) {
		fend__kernel_real.close(fd);
		return r;
	}
	r = scene->layered ? push_rot13(socket) : 0;
	if (r >= 0)
		r = fend_stream_new(scene->loop, socket, &options, callbacks, side, &side->stream);
	if (r < 0)
		fend_socket_free(socket);
	return r;
}

/* 0: all went well; else the first error. */
static int
play(int layered)
{
	fend_time deadline = fend_now() + FEND_SEC(20) * test_slowness();
	struct scene *scene = g_new0(struct scene, 1);
	int fds[2], err, r;

	scene->layered = layered;
	/* That layer takes 64 bytes at a time. */
	scene->piece = layered ? 100 : TOTAL / PIECES;
	scene->total = PIECES * scene->piece;
	fill(scene->data, TOTAL, 7);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
	ok(scene, fend_loop_new(NULL, &scene->loop));
	r = start_side(scene, &scene->client, fds[0], &client_callbacks);
	ok(scene, r);
	r = start_side(scene, &scene->server, fds[1], &server_callbacks);
	if (ok(scene, r) && scene->client.stream)
		pump(&scene->client);
	while (scene->client.stream && scene->server.stream) {
		r = fend_loop_dispatch(scene->loop, FEND_SEC(1));
		if (!ok(scene, r))
			break;
		g_assert_cmpint(fend_now(), <, deadline);
	}
	/* One side has gone: the other must notice. */
	while (r >= 0 && scene->client.closed + scene->server.closed == 1 &&
	       (scene->client.stream || scene->server.stream)) {
		r = fend_loop_dispatch(scene->loop, FEND_SEC(1));
		ok(scene, r);
		g_assert_cmpint(fend_now(), <, deadline);
	}
	/* What came through is the beginning of what was written, and nothing else. */
	g_assert_cmpuint(scene->server.got->len, <=, scene->written);
	g_assert_cmpmem(scene->server.got->data, scene->server.got->len, scene->data,
			scene->server.got->len);
	g_assert_cmpuint(scene->client.got->len, <=, scene->server.got->len);
	g_assert_cmpmem(scene->client.got->data, scene->client.got->len, scene->data,
			scene->client.got->len);
	err = scene->err;
	if (!err)
		g_assert_cmpuint(scene->client.got->len, ==, scene->total);
	fend_stream_free(scene->client.stream);
	fend_stream_free(scene->server.stream);
	fend_loop_free(scene->loop);
	g_byte_array_unref(scene->client.got);
	g_byte_array_unref(scene->server.got);
	g_free(scene);
	return err;
}

static int
walk(enum fault_op op, int error, int layered)
{
	int failed = 0;
	unsigned n;

	for (n = 1;; n++) {
		int r;

		fault_set(op, n, error, 0);
		r = play(layered);
		if (!fault_struck()) {
			test_error(r, 0);
			return failed;
		}
		failed += r != 0;
	}
}

static void
test_each_failure_is_told(struct test *test)
{
	int failed = 0, layered;

	fault_install();
	for (layered = 0; layered < 2; layered++) {
		failed += walk(FAULT_ALLOCATE, -ENOMEM, layered);
		failed += walk(FAULT_RECVMSG, -ECONNRESET, layered);
		failed += walk(FAULT_SHUTDOWN, -ENOTCONN, layered);
		failed += walk(FAULT_EPOLL_CTL, -EIO, layered);
		failed += walk(FAULT_GETSOCKOPT, -ENOBUFS, layered);
	}
	failed += walk(FAULT_SENDMSG, -EPIPE, 0);
	fault_remove();
	g_assert_cmpint(failed, >, 30);
}

/* -EAGAIN is none: whatever it hits goes through in the end. */
static void
test_being_told_too_early_is_no_failure(struct test *test)
{
	fault_install();
	g_assert_cmpint(walk(FAULT_RECVMSG, -EAGAIN, 0), ==, 0);
	g_assert_cmpint(walk(FAULT_SENDMSG, -EAGAIN, 0), ==, 0);
	g_assert_cmpint(walk(FAULT_RECVMSG, -EAGAIN, 1), ==, 0);
	fault_remove();
}

static void
test_a_few_bytes_at_a_time_are_enough(struct test *test)
{
	fault_install();
	fault_limit(13);
	test_error(play(0), 0);
	test_error(play(1), 0);
	fault_remove();
}

/* No memory to keep what is not consumed: it is there until closed has returned. */
static void
check_input(struct heard *heard)
{
	const void *data;

	g_assert_cmpuint(fend_stream_peek(heard->stream, &data), ==, 5);
	g_assert_cmpmem(data, 5, "hello", 5);
	test_ok(fend_stream_consume(heard->stream, 2));
}

static void
test_input_that_cannot_be_kept_is_offered_last(struct test *test)
{
	struct heard heard;
	struct pair pair;
	int wanting;

	for (wanting = 0; wanting < 2; wanting++) {
		pair_init(&pair);
		heard_init(&heard, test, &pair.a, NULL);
		/* The loop's buffer is made first. */
		send_all(pair.b, "x", 1);
		test_drain(test);
		g_byte_array_unref(g_steal_pointer(&heard.got));
		heard.then_readable = heard.then_closed = check_input;
		if (!wanting)
			heard.then_readable = NULL;
		else
			heard.then_closed = NULL;
		test_ok(fend_stream_want(heard.stream, wanting ? 9 : 0));
		heard.readable = 0;
		fault_install();
		fault_set(FAULT_ALLOCATE, 1, -ENOMEM, 1);
		send_all(pair.b, "hello", 5);
		test_wait(test, &heard.closed);
		fault_clear();
		fend__kernel = &fend__kernel_real;
		test_error(heard.err, -ENOMEM);
		g_assert_cmpint(heard.readable, ==, 1);
		g_assert_cmpuint(fend_stream_peek(heard.stream, NULL), ==, 0);
		heard_fini(&heard);
		pair_fini(&pair);
	}
}

static void
test_write_takes_all_or_nothing(struct test *test)
{
	struct heard heard;
	struct pair pair;
	char buffer[8], large[10000] = { 0 };

	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	fault_install();
	fault_set(FAULT_ALLOCATE, 1, -ENOMEM, 0);
	test_error(fend_stream_write(heard.stream, "abc", 3), -ENOMEM);
	g_assert_cmpuint(fend_stream_pending(heard.stream), ==, 0);
	test_ok(fend_stream_write(heard.stream, "abc", 3));
	fault_set(FAULT_ALLOCATE, 1, -ENOMEM, 0);
	test_error(fend_stream_write(heard.stream, large, sizeof(large)), -ENOMEM);
	fault_set(FAULT_ALLOCATE, 1, -ENOMEM, 0);
	test_error(fend_stream_finish(heard.stream, FEND_SEC(1)), -ENOMEM);
	fault_clear();
	g_assert_cmpuint(fend_stream_pending(heard.stream), ==, 3);
	test_ok(fend_stream_write(heard.stream, "def", 3));
	test_drain(test);
	recv_all(pair.b, buffer, 6);
	g_assert_cmpmem(buffer, 6, "abcdef", 6);
	fend__kernel = &fend__kernel_real;
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_new_leaves_the_socket_on_failure(struct test *test)
{
	struct fend_stream *stream = NULL;
	int made = 0;
	unsigned n;

	fault_install();
	for (n = 1; !made; n++) {
		struct test own = { 0 };
		struct pair pair;

		test_ok(fend_loop_new(NULL, &own.loop));
		pair_init(&pair);
		fault_set(FAULT_ALLOCATE, n, -ENOMEM, 0);
		made = fend_stream_new(own.loop, pair.a, &options, &client_callbacks, NULL,
				       &stream) == 0;
		fault_clear();
		if (made) {
			pair.a = NULL;
			fend_stream_free(stream);
		} else {
			g_assert_null(stream);
			send_all(pair.a, "x", 1);
		}
		pair_fini(&pair);
		fend_loop_free(own.loop);
	}
	fault_remove();
	g_assert_cmpuint(n, >=, 4);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) test_add("/stream-fault/" path, fn)
	ADD("each-failure-is-told", test_each_failure_is_told);
	ADD("being-told-too-early-is-no-failure", test_being_told_too_early_is_no_failure);
	ADD("a-few-bytes-at-a-time-are-enough", test_a_few_bytes_at_a_time_are_enough);
	ADD("input-that-cannot-be-kept-is-offered-last",
	    test_input_that_cannot_be_kept_is_offered_last);
	ADD("write-takes-all-or-nothing", test_write_takes_all_or_nothing);
	ADD("new-leaves-the-socket-on-failure", test_new_leaves_the_socket_on_failure);
	return g_test_run();
}
