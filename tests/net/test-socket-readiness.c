/* SPDX-License-Identifier: MIT */
/* Who holds a socket's readiness: what the libraries above rely on. */
#include <fend-internal/socket.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "layers.h"
#include "pair.h"

struct operation {
	struct fend__holder holder;
	struct fend_socket *socket;
	int calls, gone;
	unsigned events;
	void (*then)(struct operation *operation);
};

static void
on_ready(struct fend__holder *holder, unsigned events)
{
	struct operation *operation = (struct operation *)holder;

	operation->calls++;
	operation->events = events;
	if (operation->then)
		operation->then(operation);
}

static void
on_gone(struct fend__holder *holder)
{
	((struct operation *)holder)->gone++;
}

static const struct fend__holder_ops holder_ops = {
	.ready = on_ready,
	.gone = on_gone,
};

static void
operation_init(struct operation *operation, struct fend_socket *socket, unsigned interest)
{
	memset(operation, 0, sizeof(*operation));
	operation->holder.interest = interest;
	operation->holder.ops = &holder_ops;
	operation->socket = socket;
}

static void
never(struct fend_io *io, unsigned events, void *data)
{
	g_assert_not_reached();
}

static void
dispatch(struct test *test, int n)
{
	test_error(fend_loop_dispatch(test->loop, 0), n);
}

static void
test_one_holds_at_a_time(struct test *test)
{
	struct operation first, second;
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	operation_init(&first, pair.a, FEND_OUT);
	operation_init(&second, pair.a, FEND_OUT);
	g_assert_null(fend__socket_loop(pair.a));
	test_error(fend__socket_hold(pair.a, test->loop, &first.holder, false), 0);
	g_assert_true(fend__socket_loop(pair.a) == test->loop);
	test_error(fend__socket_hold(pair.a, test->loop, &second.holder, false), -EBUSY);
	test_error(fend__socket_hold(pair.a, test->loop, &second.holder, true), -EBUSY);
	test_error(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told), -EBUSY);
	test_error(fend_socket_push_layer(pair.a, &dribbler_ops, NULL), -EBUSY);
	test_error(fend_socket_set_events(pair.a, FEND_IN), -ENOENT);
	dispatch(test, 1);
	g_assert_cmpint(first.calls, ==, 1);
	g_assert_cmpuint(first.events, ==, FEND_OUT);
	fend__socket_release(pair.a, &second.holder);
	dispatch(test, 1);
	fend__socket_release(pair.a, &first.holder);
	dispatch(test, 0);
	test_error(fend__socket_hold(pair.a, test->loop, &second.holder, false), 0);
	fend__socket_release(pair.a, &second.holder);
	pair_fini(&pair);
	g_assert_cmpint(first.gone + second.gone, ==, 0);
}

/* The first call that names a loop makes the one source of the descriptor, which stays. */
static void
test_one_source_from_the_first_hold_on(struct test *test)
{
	struct operation operation;
	struct told told = { 0 };
	struct fend_io *io;
	struct pair pair;
	int i;

	pair_init(&pair);
	operation_init(&operation, pair.a, FEND_OUT);
	test_ok(fend_io_new(test->loop, fend_socket_fd(pair.a), 0, never, NULL, &io));
	fend_io_free(io);
	for (i = 0; i < 2; i++) {
		test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, false));
		fend__socket_release(pair.a, &operation.holder);
		test_error(fend_io_new(test->loop, fend_socket_fd(pair.a), 0, never, NULL, &io),
			   -EEXIST);
		test_ok(fend_socket_watch(pair.a, test->loop, FEND_OUT, on_told, &told));
		fend_socket_unwatch(pair.a);
		test_error(fend_io_new(test->loop, fend_socket_fd(pair.a), 0, never, NULL, &io),
			   -EEXIST);
	}
	dispatch(test, 0);
	pair_fini(&pair);
}

/* A layer's output leaves while an operation waits for something else, or for nothing. */
static void
test_what_a_layer_wants_is_added_to_any_holder(struct test *test)
{
	static const unsigned interests[] = { 0, FEND_IN, FEND_RDHUP };
	struct operation operation;
	struct rot13 *layer;
	struct pair pair;
	char buffer[8];
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(interests); i++) {
		pair_init(&pair);
		layer = rot13_push(pair.a, NULL);
		operation_init(&operation, pair.a, interests[i]);
		test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, false));
		memcpy(layer->out, "hello", 5);
		layer->out_end = 5;
		fend__socket_changed(pair.a);
		dispatch(test, 1);
		test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 5);
		dispatch(test, 0);
		g_assert_cmpint(operation.calls, ==, 0);
		pair_fini(&pair);
	}
}

static void
test_hold_names_its_errors(struct test *test)
{
	struct operation operation;
	struct fend_loop *other;
	struct pair pair;

	pair_init(&pair);
	test_ok(fend_loop_new(NULL, &other));
	operation_init(&operation, pair.a, FEND_IN | FEND_ONESHOT);
	test_error(fend__socket_hold(pair.a, test->loop, &operation.holder, false), -EINVAL);
	operation_init(&operation, pair.a, FEND_IN);
	test_error(fend__socket_hold(pair.a, NULL, &operation.holder, false), -EINVAL);
	test_error(fend__socket_hold(NULL, test->loop, &operation.holder, false), -EINVAL);
	test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, false));
	fend__socket_release(pair.a, &operation.holder);
	test_error(fend__socket_hold(pair.a, other, &operation.holder, false), -EINVAL);
	other = fend_loop_free(other);
	test->loop = fend_loop_free(test->loop);
	pair_fini(&pair);
}

static void
test_an_operation_may_suspend_a_watch(struct test *test)
{
	struct operation operation;
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	operation_init(&operation, pair.a, FEND_OUT);
	send_all(pair.b, "x", 1);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	test_error(fend__socket_hold(pair.a, test->loop, &operation.holder, false), -EBUSY);
	test_error(fend__socket_hold(pair.a, test->loop, &operation.holder, true), 0);
	test_error(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told), -EBUSY);
	dispatch(test, 1);
	g_assert_cmpint(operation.calls, ==, 1);
	g_assert_cmpuint(operation.events, ==, FEND_OUT);
	g_assert_cmpint(told.calls, ==, 0);
	fend__socket_release(pair.a, &operation.holder);
	dispatch(test, 1);
	g_assert_cmpint(operation.calls, ==, 1);
	g_assert_cmpint(told.calls, ==, 1);
	g_assert_cmpuint(told.events, ==, FEND_IN);
	pair_fini(&pair);
}

static void
test_a_suspended_watch_can_be_changed_and_ended(struct test *test)
{
	struct operation operation;
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	operation_init(&operation, pair.a, FEND_IN);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, true));
	test_error(fend_socket_set_events(pair.a, FEND_OUT), 0);
	dispatch(test, 0);
	fend__socket_release(pair.a, &operation.holder);
	dispatch(test, 1);
	g_assert_cmpuint(told.events, ==, FEND_OUT);

	test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, true));
	fend_socket_unwatch(pair.a);
	test_error(fend_socket_set_events(pair.a, FEND_OUT), -ENOENT);
	fend__socket_release(pair.a, &operation.holder);
	dispatch(test, 0);
	g_assert_cmpint(told.calls, ==, 1);

	/* The watch that a holder found is not the one that is there when it lets go. */
	test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, true));
	test_error(fend_socket_watch(pair.a, test->loop, FEND_OUT, on_told, &told), -EBUSY);
	fend__socket_release(pair.a, &operation.holder);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_OUT, on_told, &told));
	dispatch(test, 1);
	pair_fini(&pair);
}

static void
test_interest_can_be_changed(struct test *test)
{
	struct operation operation;
	struct pair pair;

	pair_init(&pair);
	operation_init(&operation, pair.a, FEND_IN);
	test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, false));
	dispatch(test, 0);
	test_error(fend__socket_interest(pair.a, &operation.holder, FEND_OUT), 0);
	dispatch(test, 1);
	test_error(fend__socket_interest(pair.a, &operation.holder, FEND_EDGE), -EINVAL);
	g_assert_cmpuint(operation.holder.interest, ==, FEND_OUT);
	test_error(fend__socket_interest(pair.a, &operation.holder, 0), 0);
	pair.b = fend_socket_free(pair.b);
	dispatch(test, 0);
	test_drain(test);
	g_assert_cmpint(operation.calls, ==, 1);
	pair_fini(&pair);
	g_assert_cmpint(operation.gone, ==, 1);
}

static void
test_a_holder_is_told_that_the_socket_goes(struct test *test)
{
	struct operation operation;
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	operation_init(&operation, pair.a, FEND_OUT);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_OUT, on_told, &told));
	test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, true));
	pair_fini(&pair);
	g_assert_cmpint(operation.gone, ==, 1);
	dispatch(test, 0);
	g_assert_cmpint(operation.calls + told.calls, ==, 0);
}

static void
test_a_holder_is_told_that_the_socket_goes_after_the_loop(struct test *test)
{
	struct operation operation;
	struct pair pair;

	pair_init(&pair);
	operation_init(&operation, pair.a, FEND_OUT);
	test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, true));
	test->loop = fend_loop_free(test->loop);
	test_error(fend__socket_interest(pair.a, &operation.holder, FEND_IN), -ESHUTDOWN);
	fend__socket_changed(pair.a);
	pair_fini(&pair);
	g_assert_cmpint(operation.gone, ==, 1);

	operation.gone = 0;
	pair_init(&pair);
	test_ok(fend_loop_new(NULL, &test->loop));
	test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, true));
	test->loop = fend_loop_free(test->loop);
	fend__socket_release(pair.a, &operation.holder);
	pair_fini(&pair);
	g_assert_cmpint(operation.gone, ==, 0);
}

static void
release_then_free(struct operation *operation)
{
	fend__socket_release(operation->socket, &operation->holder);
	fend_socket_free(operation->socket);
}

static void
test_a_holder_may_let_go_and_free_when_called(struct test *test)
{
	struct operation operation;
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	operation_init(&operation, pair.a, FEND_OUT);
	operation.then = release_then_free;
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_OUT, on_told, &told));
	test_ok(fend__socket_hold(pair.a, test->loop, &operation.holder, true));
	dispatch(test, 1);
	dispatch(test, 0);
	g_assert_cmpint(operation.calls, ==, 1);
	g_assert_cmpint(operation.gone, ==, 0);
	g_assert_cmpint(told.calls, ==, 0);
	fend_socket_free(pair.b);
}

static void
test_a_layer_can_be_found(struct test *test)
{
	struct fend_below *below = NULL;
	struct rot13 *first, *second;
	struct pair pair;
	char buffer[8] = "abc";

	pair_init(&pair);
	g_assert_null(fend__socket_layer(NULL, &rot13_ops, NULL));
	g_assert_null(fend__socket_layer(pair.a, &rot13_ops, &below));
	first = rot13_push(pair.a, NULL);
	g_assert_true(fend__socket_layer(pair.a, &rot13_ops, NULL) == first);
	second = rot13_push(pair.a, NULL);
	contrary_push(pair.a);
	g_assert_null(fend__socket_layer(pair.a, &dribbler_ops, &below));
	g_assert_null(below);
	g_assert_true(fend__socket_layer(pair.a, &rot13_ops, &below) == second);
	/* That is the handle of what is under it: first, which rotates. */
	test_error(fend_below_send(below, &(struct iovec){ buffer, 3 }, 1, 0), 3);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 3);
	g_assert_cmpmem(buffer, 3, "nop", 3);
	pair_fini(&pair);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/socket-readiness/one-holds-at-a-time", test_one_holds_at_a_time);
	test_add("/socket-readiness/one-source-from-the-first-hold-on",
		 test_one_source_from_the_first_hold_on);
	test_add("/socket-readiness/what-a-layer-wants-is-added-to-any-holder",
		 test_what_a_layer_wants_is_added_to_any_holder);
	test_add("/socket-readiness/hold-names-its-errors", test_hold_names_its_errors);
	test_add("/socket-readiness/an-operation-may-suspend-a-watch",
		 test_an_operation_may_suspend_a_watch);
	test_add("/socket-readiness/a-suspended-watch-can-be-changed-and-ended",
		 test_a_suspended_watch_can_be_changed_and_ended);
	test_add("/socket-readiness/interest-can-be-changed", test_interest_can_be_changed);
	test_add("/socket-readiness/a-holder-is-told-that-the-socket-goes",
		 test_a_holder_is_told_that_the_socket_goes);
	test_add("/socket-readiness/a-holder-is-told-that-the-socket-goes-after-the-loop",
		 test_a_holder_is_told_that_the_socket_goes_after_the_loop);
	test_add("/socket-readiness/a-holder-may-let-go-and-free-when-called",
		 test_a_holder_may_let_go_and_free_when_called);
	test_add("/socket-readiness/a-layer-can-be-found", test_a_layer_can_be_found);
	return g_test_run();
}
