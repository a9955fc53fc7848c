/* SPDX-License-Identifier: MIT */
#include <fend/layer.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"
#include "layers.h"
#include "pair.h"

static void
dispatch(struct test *test, int n)
{
	test_error(fend_loop_dispatch(test->loop, 0), n);
}

/* Let every send fail with -EAGAIN, although the descriptor is writable. */
static void
jam(void)
{
	fault_install();
	fault_set(FAULT_SENDMSG, 1, -EAGAIN, 1);
}

static void
unjam(void)
{
	fend__kernel = &fend__kernel_real;
}

static void
test_push_names_its_errors(struct test *test)
{
	struct fend_layer_ops ops = rot13_ops;
	struct pair pair;
	int freed = 0;

	pair_init(&pair);
	test_error(fend_socket_push_layer(NULL, &rot13_ops, &freed), -EINVAL);
	test_error(fend_socket_push_layer(pair.a, NULL, &freed), -EINVAL);
	ops.size--;
	test_error(fend_socket_push_layer(pair.a, &ops, &freed), -EINVAL);
#define WITHOUT(function)                                                          \
	do {                                                                       \
		ops = rot13_ops;                                                   \
		ops.function = NULL;                                               \
		test_error(fend_socket_push_layer(pair.a, &ops, &freed), -EINVAL); \
	} while (0)
	WITHOUT(recv);
	WITHOUT(send);
	WITHOUT(shutdown);
	WITHOUT(wants);
	WITHOUT(pending);
	test_error(fend_below_recv(NULL, NULL, 0, 0), -EINVAL);
	test_error(fend_below_send(NULL, NULL, 0, 0), -EINVAL);
	test_error(fend_below_shutdown(NULL, SHUT_WR), -EINVAL);
	pair_fini(&pair);
	g_assert_cmpint(freed, ==, 0);
}

static void
test_bytes_pass_through(struct test *test)
{
	struct pair pair;
	char buffer[8];
	int freed = 0;

	pair_init(&pair);
	rot13_push(pair.a, &freed);
	dribbler_push(pair.b);
	test_error(fend_socket_recv(pair.a, buffer, sizeof(buffer), 0), -EAGAIN);
	test_error(fend_socket_send(pair.a, "hello", 5, 0), 5);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 1);
	recv_all(pair.b, buffer + 1, 4);
	g_assert_cmpmem(buffer, 5, "uryyb", 5);
	test_error(fend_socket_send(pair.b, "uryyb", 5, 0), 1);
	send_all(pair.b, "ryyb", 4);
	test_error(fend_socket_recv(pair.a, buffer, sizeof(buffer), 0), 5);
	g_assert_cmpmem(buffer, 5, "hello", 5);
	pair.b = fend_socket_free(pair.b);
	test_error(fend_socket_recv(pair.a, buffer, sizeof(buffer), 0), 0);
	g_assert_cmpint(freed, ==, 0);
	pair_fini(&pair);
	g_assert_cmpint(freed, ==, 1);
}

static void
test_only_the_flags_that_mean_something_are_taken(struct test *test)
{
	static const int recv_refused[] = {
		MSG_OOB, MSG_WAITALL, MSG_TRUNC, MSG_ERRQUEUE, MSG_PEEK | MSG_WAITALL, MSG_NOSIGNAL
	};
	static const int send_refused[] = { MSG_OOB,  MSG_MORE, MSG_DONTROUTE,
					    MSG_PEEK, MSG_EOR,  MSG_ZEROCOPY };
	struct pair pair;
	char buffer[8];
	size_t i;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	test_error(fend_socket_send(pair.a, "hello", 5, MSG_DONTWAIT | MSG_NOSIGNAL), 5);
	for (i = 0; i < G_N_ELEMENTS(send_refused); i++)
		test_error(fend_socket_send(pair.a, "x", 1, send_refused[i]), -EOPNOTSUPP);
	recv_all(pair.b, buffer, 5);
	test_error(fend_socket_recv(pair.b, buffer, 1, 0), -EAGAIN);

	send_all(pair.b, "uryyb", 5);
	for (i = 0; i < G_N_ELEMENTS(recv_refused); i++)
		test_error(fend_socket_recv(pair.a, buffer, 1, recv_refused[i]), -EOPNOTSUPP);
	test_error(fend_socket_peek(pair.a, buffer, 2), 2);
	test_error(fend_socket_recv(pair.a, buffer, 8, MSG_PEEK | MSG_DONTWAIT), 5);
	g_assert_cmpmem(buffer, 5, "hello", 5);
	test_error(fend_socket_recv(pair.a, buffer, 8, MSG_DONTWAIT), 5);
	test_error(fend_socket_peek(pair.a, buffer, 8), -EAGAIN);
	pair_fini(&pair);
}

static void
then_recv_byte(struct fend_socket *socket, struct told *told)
{
	char **at = told->data;

	test_error(fend_socket_recv(socket, (*at)++, 1, 0), 1);
}

static void
test_input_that_a_layer_holds_is_told(struct test *test)
{
	char buffer[8], *at = buffer;
	struct told told = { .then = then_recv_byte, .data = &at };
	struct pair pair;
	int i;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN | FEND_PRI, on_told, &told));
	dispatch(test, 0);
	send_all(pair.b, "uryyb", 5);
	for (i = 1; i <= 5; i++) {
		dispatch(test, 1);
		g_assert_cmpint(told.calls, ==, i);
		g_assert_cmpuint(told.events, ==, FEND_IN);
	}
	/* Not even the task is left: an empty layer costs no iteration. */
	dispatch(test, 0);
	g_assert_cmpmem(buffer, 5, "hello", 5);
	pair_fini(&pair);
}

static void
test_input_that_a_layer_holds_is_level_triggered(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	send_all(pair.b, "uryyb", 5);
	/* The watch starts when there is nothing left in the kernel. */
	test_error(fend_socket_peek(pair.a, buffer, 1), 1);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	g_assert_cmpint(told.calls, ==, 0);
	dispatch(test, 1);
	dispatch(test, 1);
	g_assert_cmpint(told.calls, ==, 2);
	test_ok(fend_socket_set_events(pair.a, FEND_PRI));
	dispatch(test, 0);
	test_ok(fend_socket_set_events(pair.a, FEND_IN));
	dispatch(test, 1);
	fend_socket_unwatch(pair.a);
	dispatch(test, 0);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	test_error(fend_socket_recv(pair.a, buffer, 8, 0), 5);
	dispatch(test, 0);
	g_assert_cmpint(told.calls, ==, 3);
	pair_fini(&pair);
}

/* One of the layer's own protocol, of which the descriptor knows nothing. */
static void
test_an_end_that_a_layer_holds_is_told(struct test *test)
{
	struct told told = { 0 };
	struct rot13 *layer;
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	layer = rot13_push(pair.a, NULL);
	layer->in_error = 0;
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	dispatch(test, 1);
	g_assert_cmpint(told.calls, ==, 1);
	g_assert_cmpuint(told.events, ==, FEND_IN);
	test_error(fend_socket_recv(pair.a, buffer, sizeof(buffer), 0), 0);
	pair_fini(&pair);
}

/* The upper layer has nothing, but gets it from the lower one, while the descriptor is silent. */
static void
test_input_that_a_lower_layer_holds_is_told(struct test *test)
{
	char buffer[8], *at = buffer;
	struct told told = { .then = then_recv_byte, .data = &at };
	struct pair pair;
	int i;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	dribbler_push(pair.a);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	send_all(pair.b, "uryyb", 5);
	for (i = 1; i <= 5; i++) {
		dispatch(test, 1);
		g_assert_cmpint(told.calls, ==, i);
	}
	dispatch(test, 0);
	g_assert_cmpmem(buffer, 5, "hello", 5);
	pair_fini(&pair);
}

static void
test_output_is_flushed_though_nobody_watches(struct test *test)
{
	struct told told = { 0 };
	struct rot13 *layer;
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	layer = rot13_push(pair.a, NULL);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	fend_socket_unwatch(pair.a);
	jam();
	test_error(fend_socket_send(pair.a, "hello", 5, 0), 5);
	unjam();
	g_assert_cmpuint(layer->out_end, ==, 5);
	dispatch(test, 1);
	g_assert_cmpuint(layer->out_end, ==, 0);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 5);
	g_assert_cmpmem(buffer, 5, "uryyb", 5);
	dispatch(test, 0);
	g_assert_cmpint(told.calls, ==, 0);
	pair_fini(&pair);
}

/* The layer's wish is added to that of the watch, which is told nothing but its own. */
static void
test_output_is_flushed_though_input_is_watched(struct test *test)
{
	struct told told = { 0 };
	struct rot13 *layer;
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	layer = rot13_push(pair.a, NULL);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	jam();
	test_error(fend_socket_send(pair.a, "hello", 5, 0), 5);
	unjam();
	dispatch(test, 1);
	g_assert_cmpint(told.calls, ==, 0);
	g_assert_cmpuint(layer->out_end, ==, 0);
	dispatch(test, 0);
	jam();
	test_error(fend_socket_send(pair.a, "hello", 5, 0), 5);
	unjam();
	send_all(pair.b, "uryyb", 5);
	dispatch(test, 1);
	g_assert_cmpint(told.calls, ==, 1);
	g_assert_cmpuint(told.events, ==, FEND_IN);
	test_error(fend_socket_recv(pair.b, buffer, 5, 0), 5);
	test_error(fend_socket_recv(pair.b, buffer, 5, 0), 5);
	pair_fini(&pair);
}

/* What changes in a layer while nobody calls it is seen as soon as the socket is told. */
static void
test_a_layer_may_change_by_itself(struct test *test)
{
	struct told told = { 0 };
	struct rot13 *layer;
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	layer = rot13_push(pair.a, NULL);
	fend_socket_layer_changed(NULL);
	fend_socket_layer_changed(pair.a);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	dispatch(test, 0);
	memcpy(layer->out, "uryyb", 5);
	layer->out_end = 5;
	dispatch(test, 0);
	fend_socket_layer_changed(pair.a);
	dispatch(test, 1);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 5);
	g_assert_cmpint(told.calls, ==, 0);

	memcpy(layer->in, "hello", 5);
	layer->in_start = 0;
	layer->in_end = 5;
	dispatch(test, 0);
	fend_socket_layer_changed(pair.a);
	g_assert_cmpint(told.calls, ==, 0);
	dispatch(test, 1);
	g_assert_cmpuint(told.events, ==, FEND_IN);
	test_error(fend_socket_recv(pair.a, buffer, sizeof(buffer), 0), 5);
	g_assert_cmpmem(buffer, 5, "hello", 5);
	dispatch(test, 0);
	test->loop = fend_loop_free(test->loop);
	fend_socket_layer_changed(pair.a);
	pair_fini(&pair);
}

static void
test_a_writer_is_not_told_while_there_is_no_room(struct test *test)
{
	struct told told = { 0 };
	char block[2 * ROT13_OUT] = { 0 };
	struct pair pair;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_OUT, on_told, &told));
	dispatch(test, 1);
	g_assert_cmpuint(told.events, ==, FEND_OUT);
	jam();
	test_error(fend_socket_send(pair.a, block, sizeof(block), 0), ROT13_OUT);
	test_error(fend_socket_send(pair.a, block, sizeof(block), 0), -EAGAIN);
	test_ok(fend_loop_dispatch(test->loop, 0));
	test_ok(fend_loop_dispatch(test->loop, 0));
	g_assert_cmpint(told.calls, ==, 1);
	unjam();
	dispatch(test, 1);
	g_assert_cmpint(told.calls, ==, 2);
	pair_fini(&pair);
}

/* Nor is a reader, though the descriptor reports what the layer waits for. */
static void
test_a_reader_is_not_told_of_a_flush(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	jam();
	test_error(fend_socket_send(pair.a, "hello", 5, 0), 5);
	dispatch(test, 1);
	dispatch(test, 1);
	unjam();
	g_assert_cmpint(told.calls, ==, 0);
	dispatch(test, 1);
	dispatch(test, 0);
	g_assert_cmpint(told.calls, ==, 0);
	pair_fini(&pair);
}

static void
test_a_flush_that_fails_is_given_up(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	test_ok(fend_socket_watch(pair.a, test->loop, 0, on_told, &told));
	jam();
	test_error(fend_socket_send(pair.a, "hello", 5, 0), 5);
	unjam();
	pair.b = fend_socket_free(pair.b);
	dispatch(test, 1);
	dispatch(test, 0);
	g_assert_cmpint(told.calls, ==, 0);
	test_error(fend_socket_send(pair.a, "hello", 5, 0), -EPIPE);
	pair_fini(&pair);
}

static void
test_shutdown_waits_for_the_flush(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	test_ok(fend_socket_watch(pair.a, test->loop, 0, on_told, &told));
	jam();
	test_error(fend_socket_send(pair.a, "hello", 5, 0), 5);
	test_error(fend_socket_shutdown(pair.a, SHUT_WR), 0);
	unjam();
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), -EAGAIN);
	dispatch(test, 1);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 5);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 0);
	test_error(fend_socket_send(pair.b, "uryyb", 5, 0), 5);
	test_error(fend_socket_recv(pair.a, buffer, sizeof(buffer), 0), 5);
	test_error(fend_socket_shutdown(pair.a, SHUT_RD), 0);
	test_error(fend_socket_recv(pair.a, buffer, sizeof(buffer), 0), 0);
	pair_fini(&pair);
}

static void
test_what_is_buffered_gets_one_try_when_freed(struct test *test)
{
	struct told told = { 0 };
	char block[ROT13_OUT + 10], got[sizeof(block) + 1];
	struct pair pair;
	int freed = 0;

	memset(block, 'a', ROT13_OUT);
	memset(block + ROT13_OUT, 'b', 10);
	pair_init(&pair);
	rot13_push(pair.a, &freed);
	rot13_push(pair.a, &freed);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	jam();
	/* The lower one gets full, the upper one keeps the rest. */
	test_error(fend_socket_send(pair.a, block, ROT13_OUT, 0), ROT13_OUT);
	test_error(fend_socket_send(pair.a, block + ROT13_OUT, 10, 0), 10);
	unjam();
	/* Also after the loop. */
	test->loop = fend_loop_free(test->loop);
	pair.a = fend_socket_free(pair.a);
	g_assert_cmpint(freed, ==, 2);
	test_error(fend_socket_recv(pair.b, got, sizeof(got), 0), (int)sizeof(block));
	g_assert_cmpmem(got, sizeof(block), block, sizeof(block));
	pair_fini(&pair);
}

static void
test_freeing_does_not_wait(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;
	char byte;
	int freed = 0;

	pair_init(&pair);
	rot13_push(pair.a, &freed);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	jam();
	test_error(fend_socket_send(pair.a, "x", 1, 0), 1);
	pair.a = fend_socket_free(pair.a);
	unjam();
	g_assert_cmpint(freed, ==, 1);
	test_error(fend_socket_recv(pair.b, &byte, 1, 0), 0);
	dispatch(test, 0);
	pair_fini(&pair);
}

static void
then_free(struct fend_socket *socket, struct told *told)
{
	fend_socket_free(socket);
}

static void
test_free_inside_a_callback(struct test *test)
{
	struct told told = { .then = then_free };
	struct pair pair;
	char byte;
	int freed = 0;
	int held;

	/* Called by the descriptor, with the task queued, and then by the task. */
	for (held = 0; held < 2; held++) {
		pair_init(&pair);
		dribbler_push(pair.a);
		rot13_push(pair.a, &freed);
		dribbler_push(pair.a);
		test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
		send_all(pair.b, "xy", 2);
		if (held)
			test_error(fend_socket_peek(pair.a, &byte, 1), 1);
		dispatch(test, 1);
		dispatch(test, 0);
		fend_socket_free(pair.b);
	}
	g_assert_cmpint(told.calls, ==, 2);
	g_assert_cmpint(freed, ==, 2);
}

static void
then_free_loop(struct fend_socket *socket, struct told *told)
{
	told->test->loop = fend_loop_free(told->test->loop);
}

static void
test_free_the_loop_inside_a_callback(struct test *test)
{
	struct told told = { .then = then_free_loop, .test = test };
	struct pair pair;
	char byte;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	send_all(pair.b, "xy", 2);
	test_error(fend_socket_peek(pair.a, &byte, 1), 1);
	test_error(fend_loop_dispatch(test->loop, 0), -ESHUTDOWN);
	g_assert_cmpint(told.calls, ==, 1);
	test_error(fend_socket_recv(pair.a, &byte, 1, 0), -ESHUTDOWN);
	pair_fini(&pair);
}

static void
test_push_under_a_watch(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	rot13_push(pair.a, NULL);
	dispatch(test, 0);
	send_all(pair.b, "uryyb", 5);
	dispatch(test, 1);
	test_error(fend_socket_recv(pair.a, buffer, 2, 0), 2);
	dispatch(test, 1);
	test_error(fend_socket_recv(pair.a, buffer + 2, 6, 0), 3);
	g_assert_cmpmem(buffer, 5, "hello", 5);
	dispatch(test, 0);
	pair_fini(&pair);
}

/* What a layer wants when it is pushed, as one would that has a greeting to send. */
static void
test_a_layer_may_want_something_at_once(struct test *test)
{
	struct told told = { 0 };
	struct rot13 *layer = g_new0(struct rot13, 1);
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	layer->in_error = -EAGAIN;
	layer->out_end = 5;
	memcpy(layer->out, "hello", 5);
	test_error(fend_socket_push_layer(pair.a, &rot13_ops, layer), 0);
	dispatch(test, 1);
	dispatch(test, 0);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 5);
	g_assert_cmpint(told.calls, ==, 0);
	pair_fini(&pair);
}

static void
then_recv(struct fend_socket *socket, struct told *told)
{
	char buffer[8];
	ssize_t n = fend_socket_recv(socket, buffer, sizeof(buffer), 0);

	g_assert_true(n == 5 || n == -EAGAIN);
	*(int *)told->data = n == 5;
}

/* recv wants the descriptor OUT, and the watch is for IN. */
static void
test_a_reader_may_have_to_send(struct test *test)
{
	int done = 0;
	struct told told = { .then = then_recv, .data = &done };
	struct contrary *layer;
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	layer = contrary_push(pair.a);
	send_all(pair.b, "hello", 5);
	test_error(fend_socket_recv(pair.a, buffer, sizeof(buffer), 0), -EAGAIN);
	test_error(fend_socket_recv(pair.b, buffer, 1, 0), -EAGAIN);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	test_wait(test, &done);
	g_assert_cmpuint(told.events, ==, FEND_IN);
	g_assert_cmpint(layer->asked, ==, 2);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 1);
	dispatch(test, 0);
	pair_fini(&pair);
}

static void
then_send(struct fend_socket *socket, struct told *told)
{
	*(int *)told->data = fend_socket_send(socket, "hello", 5, 0) == 5;
}

/* send wants the descriptor IN, and the watch is for OUT: it must not spin until then. */
static void
test_a_writer_may_have_to_receive(struct test *test)
{
	int done = 0;
	struct told told = { .then = then_send, .data = &done };
	struct contrary *layer;
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	layer = contrary_push(pair.a);
	test_error(fend_socket_send(pair.a, "hello", 5, 0), -EAGAIN);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_OUT, on_told, &told));
	dispatch(test, 0);
	dispatch(test, 0);
	send_all(pair.b, "!", 1);
	test_wait(test, &done);
	g_assert_cmpuint(told.events, ==, FEND_OUT);
	g_assert_cmpint(layer->answered, ==, 1);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 5);
	pair_fini(&pair);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/layer/push-names-its-errors", test_push_names_its_errors);
	test_add("/layer/bytes-pass-through", test_bytes_pass_through);
	test_add("/layer/only-the-flags-that-mean-something-are-taken",
		 test_only_the_flags_that_mean_something_are_taken);
	test_add("/layer/input-that-a-layer-holds-is-told", test_input_that_a_layer_holds_is_told);
	test_add("/layer/input-that-a-layer-holds-is-level-triggered",
		 test_input_that_a_layer_holds_is_level_triggered);
	test_add("/layer/an-end-that-a-layer-holds-is-told",
		 test_an_end_that_a_layer_holds_is_told);
	test_add("/layer/input-that-a-lower-layer-holds-is-told",
		 test_input_that_a_lower_layer_holds_is_told);
	test_add("/layer/output-is-flushed-though-nobody-watches",
		 test_output_is_flushed_though_nobody_watches);
	test_add("/layer/output-is-flushed-though-input-is-watched",
		 test_output_is_flushed_though_input_is_watched);
	test_add("/layer/may-change-by-itself", test_a_layer_may_change_by_itself);
	test_add("/layer/a-writer-is-not-told-while-there-is-no-room",
		 test_a_writer_is_not_told_while_there_is_no_room);
	test_add("/layer/a-reader-is-not-told-of-a-flush", test_a_reader_is_not_told_of_a_flush);
	test_add("/layer/a-flush-that-fails-is-given-up", test_a_flush_that_fails_is_given_up);
	test_add("/layer/shutdown-waits-for-the-flush", test_shutdown_waits_for_the_flush);
	test_add("/layer/what-is-buffered-gets-one-try-when-freed",
		 test_what_is_buffered_gets_one_try_when_freed);
	test_add("/layer/freeing-does-not-wait", test_freeing_does_not_wait);
	test_add("/layer/free-inside-a-callback", test_free_inside_a_callback);
	test_add("/layer/free-the-loop-inside-a-callback", test_free_the_loop_inside_a_callback);
	test_add("/layer/push-under-a-watch", test_push_under_a_watch);
	test_add("/layer/a-layer-may-want-something-at-once",
		 test_a_layer_may_want_something_at_once);
	test_add("/layer/a-reader-may-have-to-send", test_a_reader_may_have_to_send);
	test_add("/layer/a-writer-may-have-to-receive", test_a_writer_may_have_to_receive);
	return g_test_run();
}
