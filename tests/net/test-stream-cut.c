/* SPDX-License-Identifier: MIT */
/*
 * Connections that are cut at every point: after each number of bytes of one direction, and each of
 * the other one. Whatever came before the cut is offered, nothing else is, and how it ended is
 * told.
 */
#include "streams.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "layers.h"

#define TOTAL 9

static const char text[TOTAL + 1] = "necessary";

static void
push_nothing(struct fend_socket *socket)
{
}

static void
push_faulty(struct fend_socket *socket)
{
	struct faulty *layer = faulty_push(socket);

	layer->max = 4;
	layer->random = 7;
}

static void
push_rot13(struct fend_socket *socket)
{
	rot13_push(socket, NULL);
}

static void (*const pushes[])(struct fend_socket *socket) = {
	push_nothing,
	push_faulty,
	dribbler_push,
	push_rot13,
};

/* A stream, and a socket at the other end of its connection. */
struct scene {
	struct test *test;
	struct heard heard;
	struct fend_socket *peer;
};

static void
scene_init(struct scene *scene, struct test *test, void (*push)(struct fend_socket *socket))
{
	struct pair pair;

	pair_init_tcp(&pair);
	push(pair.a);
	push(pair.b);
	scene->test = test;
	scene->peer = pair.b;
	heard_init(&scene->heard, test, &pair.a, NULL);
}

static void
scene_fini(struct scene *scene)
{
	heard_fini(&scene->heard);
	fend_socket_free(scene->peer);
}

/* The stream got the first n bytes of what the peer says, and no others. */
static void
assert_got(const struct scene *scene, size_t n)
{
	g_assert_cmpmem(scene->heard.got->data, scene->heard.got->len, text, n);
}

static void
peer_gets(struct scene *scene, size_t from, size_t to)
{
	char buffer[TOTAL];

	receive_all(scene->test, scene->peer, buffer, to - from);
	g_assert_cmpmem(buffer, to - from, text + from, to - from);
}

static void
write_text(struct scene *scene, size_t size)
{
	test_ok(fend_stream_write(scene->heard.stream, text, size));
}

static void
peer_resets(struct scene *scene, size_t in, size_t out)
{
	write_text(scene, TOTAL);
	send_all(scene->peer, text, in);
	peer_gets(scene, 0, out);
	reset(&scene->peer);
	test_wait(scene->test, &scene->heard.closed);
	/* Sending may meet it first. */
	if (scene->heard.err != -EPIPE)
		test_error(scene->heard.err, -ECONNRESET);
	assert_got(scene, in);
	g_assert_cmpint(scene->heard.at_end, ==, 0);
}

static void
peer_ends(struct scene *scene, size_t in, size_t out)
{
	write_text(scene, TOTAL);
	send_all(scene->peer, text, in);
	peer_gets(scene, 0, out);
	test_ok(fend_socket_shutdown(scene->peer, SHUT_WR));
	test_wait(scene->test, &scene->heard.at_end);
	assert_got(scene, in);
	peer_gets(scene, out, TOTAL);
	g_assert_cmpint(scene->heard.closed, ==, 0);
	test_ok(fend_stream_finish(scene->heard.stream, FEND_FOREVER));
	expect_end(scene->test, scene->peer, 0);
	test_wait(scene->test, &scene->heard.closed);
	test_error(scene->heard.err, 0);
	assert_got(scene, in);
}

static void
stream_ends(struct scene *scene, size_t in, size_t out)
{
	send_all(scene->peer, text, in);
	write_text(scene, out);
	test_ok(fend_stream_finish(scene->heard.stream, FEND_FOREVER));
	peer_gets(scene, 0, out);
	expect_end(scene->test, scene->peer, 0);
	g_assert_cmpint(scene->heard.closed, ==, 0);
	send_all(scene->peer, text + in, TOTAL - in);
	test_ok(fend_socket_shutdown(scene->peer, SHUT_WR));
	test_wait(scene->test, &scene->heard.closed);
	test_error(scene->heard.err, 0);
	assert_got(scene, TOTAL);
}

static void
stream_aborts(struct scene *scene, size_t in, size_t out)
{
	send_all(scene->peer, text, in);
	write_text(scene, out);
	while (scene->heard.got->len < in || fend_stream_pending(scene->heard.stream) > 0)
		test_ok(fend_loop_dispatch(scene->test->loop, FEND_MS(1)));
	fend_stream_abort(scene->heard.stream, -EPROTO);
	test_wait(scene->test, &scene->heard.closed);
	test_error(scene->heard.err, -EPROTO);
	assert_got(scene, in);
	peer_gets(scene, 0, out);
	expect_end(scene->test, scene->peer, -ECONNRESET);
}

/* Under tools it is every third point. */
static void
at_every_point(struct test *test, void (*play)(struct scene *scene, size_t in, size_t out))
{
	size_t step = test_slowness() > 1 ? 3 : 1, in, out, i;
	struct scene scene;

	for (i = 0; i < G_N_ELEMENTS(pushes); i++) {
		for (in = 0; in <= TOTAL; in += step) {
			for (out = 0; out <= TOTAL; out += step) {
				scene_init(&scene, test, pushes[i]);
				play(&scene, in, out);
				scene_fini(&scene);
			}
		}
	}
}

static void
test_the_peer_resets_at_every_point(struct test *test)
{
	at_every_point(test, peer_resets);
}

static void
test_the_peer_ends_at_every_point(struct test *test)
{
	at_every_point(test, peer_ends);
}

static void
test_the_stream_ends_at_every_point(struct test *test)
{
	at_every_point(test, stream_ends);
}

static void
test_the_stream_aborts_at_every_point(struct test *test)
{
	at_every_point(test, stream_aborts);
}

/* A layer that fails at each byte, as TLS does at a bad record. */
static void
test_a_layer_fails_at_every_point(struct test *test)
{
	struct scene scene;
	struct faulty *layer;
	struct pair pair;
	size_t n;
	int sending;

	for (n = 0; n <= TOTAL; n++) {
		for (sending = 0; sending < 2; sending++) {
			pair_init_tcp(&pair);
			layer = faulty_push(pair.a);
			layer->max = 3;
			layer->recv_error = layer->send_error = -EBADMSG;
			*(sending ? &layer->send_left : &layer->recv_left) = n;
			scene = (struct scene){ .test = test, .peer = pair.b };
			heard_init(&scene.heard, test, &pair.a, NULL);
			send_all(scene.peer, text, TOTAL);
			wait_fd(fend_socket_fd(fend_stream_socket(scene.heard.stream)), POLLIN);
			write_text(&scene, TOTAL);
			if (sending && n == TOTAL)
				write_text(&scene, 1);
			test_wait(test, &scene.heard.closed);
			test_error(scene.heard.err, -EBADMSG);
			assert_got(&scene, sending ? TOTAL : n);
			if (sending)
				peer_gets(&scene, 0, n);
			scene_fini(&scene);
		}
	}
}

/*
 * The one end of a proxy is reset while more waits to be passed on than is received at once, which
 * may not look like an end to the other one.
 */
static void
test_a_reset_is_no_end_for_who_is_piped_to(struct test *test)
{
	static char data[300000], buffer[sizeof(data)];
	struct pair near, far;
	struct heard from, to;
	ssize_t n;

	pair_init_tcp(&near);
	pair_init_tcp(&far);
	fill(data, sizeof(data), 5);
	n = fend_socket_send(near.b, data, sizeof(data), 0);
	g_assert_cmpint(n, >, 2 << 16);
	heard_init(&from, test, &near.a, NULL);
	heard_init(&to, test, &far.a, NULL);
	test_ok(fend_stream_pipe(from.stream, to.stream));
	reset(&near.b);
	test_wait(test, &from.closed);
	test_wait(test, &to.closed);
	test_error(from.err, -ECONNRESET);
	test_error(to.err, -ECONNRESET);
	do
		n = fend_socket_recv(far.b, buffer, sizeof(buffer), 0);
	while (n > 0);
	test_error(n, -ECONNRESET);
	heard_fini(&from);
	heard_fini(&to);
	pair_fini(&near);
	pair_fini(&far);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) test_add("/stream-cut/" path, fn)
	ADD("the-peer-resets-at-every-point", test_the_peer_resets_at_every_point);
	ADD("the-peer-ends-at-every-point", test_the_peer_ends_at_every_point);
	ADD("the-stream-ends-at-every-point", test_the_stream_ends_at_every_point);
	ADD("the-stream-aborts-at-every-point", test_the_stream_aborts_at_every_point);
	ADD("a-layer-fails-at-every-point", test_a_layer_fails_at_every_point);
	ADD("a-reset-is-no-end-for-who-is-piped-to", test_a_reset_is_no_end_for_who_is_piped_to);
	return g_test_run();
}
