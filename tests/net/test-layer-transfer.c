/* SPDX-License-Identifier: MIT */
/* Whole transfers through layers that make trouble, with sockets that are watched. */
#include <fend/layer.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "layers.h"
#include "pair.h"

#define WHOLE (1 << 18)

/* Sends and receives the whole, as much as there is room for. */
struct half {
	struct fend_socket *socket;
	const unsigned char *out;
	unsigned char *in;
	size_t sent, received;
	int *open; /* halves that are not done */
	int done;
};

static void
on_half(struct fend_socket *socket, unsigned events, void *data)
{
	struct half *half = data;
	ssize_t n;

	if (events & FEND_OUT) {
		n = fend_socket_send(socket, half->out + half->sent, WHOLE - half->sent, 0);
		g_assert_true(n > 0 || n == -EAGAIN);
		half->sent += n > 0 ? (size_t)n : 0;
		if (half->sent == WHOLE) {
			test_ok(fend_socket_shutdown(socket, SHUT_WR));
			test_ok(fend_socket_set_events(socket, half->done ? 0 : FEND_IN));
		}
	}
	if (events & FEND_IN && !half->done) {
		n = fend_socket_recv(socket, half->in + half->received, WHOLE + 1 - half->received,
				     0);
		g_assert_true(n >= 0 || n == -EAGAIN);
		half->received += n > 0 ? (size_t)n : 0;
		if (n == 0) {
			half->done = 1;
			test_ok(fend_socket_set_events(socket, half->sent < WHOLE ? FEND_OUT : 0));
		}
	}
}

/* Both ends send WHOLE to each other at once, end, and have received it all. */
static void
exchange(struct test *test, struct pair *pair)
{
	struct half halves[2] = { { 0 } };
	int i;

	halves[0].socket = pair->a;
	halves[1].socket = pair->b;
	for (i = 0; i < 2; i++) {
		unsigned char *bytes = g_malloc(WHOLE);
		int j;

		for (j = 0; j < WHOLE; j++)
			bytes[j] = (unsigned char)(j * 31 + j / 251 + i);
		halves[i].out = bytes;
		halves[i].in = g_malloc(WHOLE + 1);
		test_ok(fend_socket_watch(halves[i].socket, test->loop, FEND_IN | FEND_OUT, on_half,
					  &halves[i]));
	}
	test_wait(test, &halves[0].done);
	test_wait(test, &halves[1].done);
	for (i = 0; i < 2; i++) {
		g_assert_cmpuint(halves[i].sent, ==, WHOLE);
		g_assert_cmpmem(halves[i].in, halves[i].received, halves[!i].out, WHOLE);
	}
	test_drain(test);
	for (i = 0; i < 2; i++) {
		g_free((void *)halves[i].out);
		g_free(halves[i].in);
	}
}

static void
test_through_stacks(struct test *test)
{
	struct pair pair;

	pair_init_tcp(&pair);
	rot13_push(pair.a, NULL);
	rot13_push(pair.b, NULL);
	rot13_push(pair.b, NULL);
	dribbler_push(pair.b);
	rot13_push(pair.b, NULL);
	exchange(test, &pair);
	pair_fini(&pair);
}

static void
trouble(struct fend_socket *socket, guint32 seed, size_t max, unsigned stall)
{
	struct faulty *layer = faulty_push(socket);

	layer->random = seed;
	layer->max = max;
	layer->stall = stall;
}

/* Nothing waits for readiness that was told already, and nothing is lost or comes twice. */
static void
test_through_sizes_and_stalls_by_chance(struct test *test)
{
	static const struct {
		size_t max;
		unsigned stall;
	} cases[] = { { 0, 2 }, { 700, 0 }, { 5000, 3 }, { 100, 2 } };
	struct pair pair;
	size_t i;
	int tcp;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		for (tcp = 0; tcp < 2; tcp++) {
			if (tcp)
				pair_init_tcp(&pair);
			else
				pair_init(&pair);
			trouble(pair.a, (guint32)i, cases[i].max, cases[i].stall);
			rot13_push(pair.a, NULL);
			trouble(pair.a, 77 + (guint32)i, 3 * cases[i].max, cases[i].stall);
			rot13_push(pair.b, NULL);
			trouble(pair.b, 99, cases[i].max, 0);
			exchange(test, &pair);
			pair_fini(&pair);
		}
	}
}

/* Level-triggered also for one who did not get what he was told of. */
static void
test_a_stalled_reader_is_told_again(struct test *test)
{
	struct told told = { 0 };
	struct faulty *layer;
	struct pair pair;
	char byte;

	pair_init(&pair);
	layer = faulty_push(pair.a);
	send_all(pair.b, "x", 1);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	layer->stall = 1;
	test_error(fend_socket_recv(pair.a, &byte, 1, 0), -EAGAIN);
	test_wait(test, &told.calls);
	layer->stall = 0;
	told.calls = 0;
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_socket_recv(pair.a, &byte, 1, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpuint(told.events, ==, FEND_IN);
	pair_fini(&pair);
}

/* At every byte: those before arrive, then there is the error, and it stays. */
static void
test_errors_at_every_byte(struct test *test)
{
	char data[] = "a few bytes", got[sizeof(data)];
	size_t at;

	for (at = 0; at < sizeof(data); at++) {
		struct told told = { 0 };
		struct faulty *layer;
		struct pair pair;
		int i;

		pair_init(&pair);
		rot13_push(pair.b, NULL);
		layer = faulty_push(pair.a);
		rot13_push(pair.a, NULL);
		layer->recv_left = layer->send_left = at;
		layer->recv_error = -EIO;
		layer->send_error = -ETIMEDOUT;
		test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));

		/* The layer above learns of it when it sends what it has taken. */
		test_error(fend_socket_send(pair.a, data, sizeof(data), 0), -ETIMEDOUT);
		test_error(fend_socket_send(pair.a, data, 1, 0), -ETIMEDOUT);
		if (at > 0) {
			recv_all(pair.b, got, at);
			g_assert_cmpmem(got, at, data, at);
		}
		test_error(fend_socket_recv(pair.b, got, 1, 0), -EAGAIN);

		send_all(pair.b, data, sizeof(data));
		if (at > 0) {
			test_wait(test, &told.calls);
			recv_all(pair.a, got, at);
			g_assert_cmpmem(got, at, data, at);
		}
		for (i = 0; i < 2; i++) {
			told.calls = 0;
			test_wait(test, &told.calls);
			g_assert_cmpuint(told.events, ==, FEND_IN);
			test_error(fend_socket_recv(pair.a, got, 1, 0), -EIO);
		}
		pair_fini(&pair);
	}
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/layer-transfer/through-stacks", test_through_stacks);
	test_add("/layer-transfer/through-sizes-and-stalls-by-chance",
		 test_through_sizes_and_stalls_by_chance);
	test_add("/layer-transfer/a-stalled-reader-is-told-again",
		 test_a_stalled_reader_is_told_again);
	test_add("/layer-transfer/errors-at-every-byte", test_errors_at_every_byte);
	return g_test_run();
}
