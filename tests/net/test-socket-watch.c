/* SPDX-License-Identifier: MIT */
#include <fend/net.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"
#include "layers.h"
#include "pair.h"

/* One iteration that calls n callbacks. */
static void
dispatch(struct test *test, int n)
{
	test_error(fend_loop_dispatch(test->loop, 0), n);
}

static void
test_watch_is_level_triggered(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;
	char byte;

	pair_init(&pair);
	test_error(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told), 0);
	dispatch(test, 0);
	send_all(pair.b, "x", 1);
	g_assert_cmpint(told.calls, ==, 0);
	dispatch(test, 1);
	dispatch(test, 1);
	g_assert_cmpint(told.calls, ==, 2);
	g_assert_cmpuint(told.events, ==, FEND_IN);
	test_error(fend_socket_recv(pair.a, &byte, 1, 0), 1);
	dispatch(test, 0);
	pair_fini(&pair);
}

static void
test_set_events_changes_the_interest(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	send_all(pair.b, "x", 1);
	test_error(fend_socket_set_events(pair.a, FEND_IN), -ENOENT);
	test_ok(fend_socket_watch(pair.a, test->loop, 0, on_told, &told));
	dispatch(test, 0);
	test_error(fend_socket_set_events(pair.a, FEND_OUT), 0);
	dispatch(test, 1);
	g_assert_cmpuint(told.events, ==, FEND_OUT);
	test_error(fend_socket_set_events(pair.a, FEND_IN | FEND_OUT), 0);
	dispatch(test, 1);
	g_assert_cmpuint(told.events, ==, FEND_IN | FEND_OUT);
	test_error(fend_socket_set_events(pair.a, 0), 0);
	dispatch(test, 0);
	test_error(fend_socket_set_events(pair.a, FEND_EDGE), -EINVAL);
	test_error(fend_socket_set_events(NULL, FEND_IN), -EINVAL);
	pair_fini(&pair);
}

static void
test_hangup_comes_unasked_unless_nothing_is_asked(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_PRI, on_told, &told));
	pair.b = fend_socket_free(pair.b);
	dispatch(test, 1);
	g_assert_cmpuint(told.events, ==, FEND_HUP);
	test_ok(fend_socket_set_events(pair.a, FEND_RDHUP));
	dispatch(test, 1);
	g_assert_cmpuint(told.events, ==, FEND_HUP | FEND_RDHUP);
	test_ok(fend_socket_set_events(pair.a, 0));
	test_drain(test);
	g_assert_cmpint(told.calls, ==, 2);
	pair_fini(&pair);
}

static void
test_hangup_comes_unasked_through_layers(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	dribbler_push(pair.a);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_PRI, on_told, &told));
	pair.b = fend_socket_free(pair.b);
	dispatch(test, 1);
	g_assert_cmpuint(told.events, ==, FEND_HUP);
	test_ok(fend_socket_set_events(pair.a, 0));
	test_drain(test);
	g_assert_cmpint(told.calls, ==, 1);
	pair_fini(&pair);
}

static void
test_watch_names_its_errors(struct test *test)
{
	struct fend_loop *other;
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	test_ok(fend_loop_new(NULL, &other));
	test_error(fend_socket_watch(NULL, test->loop, FEND_IN, on_told, &told), -EINVAL);
	test_error(fend_socket_watch(pair.a, NULL, FEND_IN, on_told, &told), -EINVAL);
	test_error(fend_socket_watch(pair.a, test->loop, FEND_IN, NULL, &told), -EINVAL);
	test_error(fend_socket_watch(pair.a, test->loop, FEND_IN | FEND_EDGE, on_told, &told),
		   -EINVAL);
	test_error(fend_socket_watch(pair.a, test->loop, FEND_ERR, on_told, &told), -EINVAL);
	/* None of these has named a loop for good. */
	test_ok(fend_socket_watch(pair.a, other, FEND_IN, on_told, &told));
	test_error(fend_socket_watch(pair.a, other, FEND_OUT, on_told, NULL), -EBUSY);
	send_all(pair.b, "x", 1);
	test_error(fend_loop_dispatch(other, 0), 1);
	g_assert_cmpuint(told.events, ==, FEND_IN);
	fend_socket_unwatch(pair.a);
	test_error(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told), -EINVAL);
	test_ok(fend_socket_watch(pair.a, other, FEND_IN, on_told, &told));
	pair_fini(&pair);
	fend_loop_free(other);
}

static void
never(struct fend_io *io, unsigned events, void *data)
{
	g_assert_not_reached();
}

static void
test_one_descriptor_has_one_source_in_a_loop(struct test *test)
{
	struct fend_io *io;
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	test_ok(fend_io_new(test->loop, fend_socket_fd(pair.a), FEND_IN, never, NULL, &io));
	test_error(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told), -EEXIST);
	fend_io_free(io);
	test_error(fend_socket_set_events(pair.a, FEND_IN), -ENOENT);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	pair_fini(&pair);
}

static void
test_unwatched_sockets_are_silent(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN | FEND_OUT, on_told, &told));
	fend_socket_unwatch(pair.a);
	send_all(pair.b, "x", 1);
	pair.b = fend_socket_free(pair.b);
	dispatch(test, 0);
	dispatch(test, 0);
	g_assert_cmpint(told.calls, ==, 0);
	fend_socket_unwatch(pair.a);
	fend_socket_unwatch(NULL);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	dispatch(test, 1);
	pair_fini(&pair);
}

static void
then_unwatch(struct fend_socket *socket, struct told *told)
{
	fend_socket_unwatch(socket);
	test_error(fend_socket_set_events(socket, FEND_IN), -ENOENT);
}

static void
then_watch_anew(struct fend_socket *socket, struct told *told)
{
	struct told *other = told->data;

	fend_socket_unwatch(socket);
	test_ok(fend_socket_watch(socket, told->test->loop, FEND_OUT, on_told, other));
}

static void
then_want_out(struct fend_socket *socket, struct told *told)
{
	test_ok(fend_socket_set_events(socket, FEND_OUT));
}

static void
test_watch_may_change_inside_its_callback(struct test *test)
{
	struct told other = { 0 };
	struct told told = { .test = test, .data = &other };
	struct pair pair;

	pair_init(&pair);
	send_all(pair.b, "x", 1);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	told.then = then_want_out;
	dispatch(test, 1);
	dispatch(test, 1);
	g_assert_cmpuint(told.events, ==, FEND_OUT);
	told.then = then_watch_anew;
	dispatch(test, 1);
	g_assert_cmpint(told.calls, ==, 3);
	dispatch(test, 1);
	g_assert_cmpint(told.calls, ==, 3);
	g_assert_cmpint(other.calls, ==, 1);
	other.then = then_unwatch;
	dispatch(test, 1);
	dispatch(test, 0);
	pair_fini(&pair);
}

static void
then_free(struct fend_socket *socket, struct told *told)
{
	struct pair *pair = told->data;

	g_assert_true(socket == pair->a || socket == pair->b);
	pair_fini(pair);
}

/* Both are ready in one batch; whoever is called first frees both. */
static void
test_sockets_may_be_freed_inside_a_callback(struct test *test)
{
	struct pair pair;
	struct told told = { .then = then_free, .data = &pair };

	pair_init(&pair);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_OUT, on_told, &told));
	test_ok(fend_socket_watch(pair.b, test->loop, FEND_OUT, on_told, &told));
	dispatch(test, 1);
	dispatch(test, 0);
	g_assert_cmpint(told.calls, ==, 1);
	g_assert_null(pair.a);
}

static void
then_free_loop(struct fend_socket *socket, struct told *told)
{
	told->test->loop = fend_loop_free(told->test->loop);
}

static void
test_loop_may_be_freed_inside_a_callback(struct test *test)
{
	struct told told = { .then = then_free_loop, .test = test };
	struct pair pair;

	pair_init(&pair);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_OUT, on_told, &told));
	test_ok(fend_socket_watch(pair.b, test->loop, FEND_OUT, on_told, &told));
	test_error(fend_loop_dispatch(test->loop, 0), -ESHUTDOWN);
	g_assert_cmpint(told.calls, ==, 1);
	pair_fini(&pair);
}

static void
test_all_is_shut_down_when_the_loop_was_freed(struct test *test)
{
	struct iovec iov = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	struct fend_datagram datagram = { .data = iov.iov_base, .capacity = 1, .size = 1 };
	struct fend_credentials peer;
	int fd = 0;
	struct fend_fds fds = { .fds = &fd, .max = 1 };
	struct fend_address address;
	struct fend_loop *other;
	struct fend_socket *socket;
	struct told told = { 0 };
	struct pair pair;
	char byte;

	pair_init(&pair);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	test->loop = fend_loop_free(test->loop);
	test_ok(fend_loop_new(NULL, &other));

	g_assert_cmpint(fend_socket_fd(pair.a), >=, 0);
	g_assert_nonnull(fend_socket_file(pair.a));
	test_error(fend_socket_getsockname(pair.a, &address), 0);
	test_error(fend_socket_getpeername(pair.a, &address), 0);
	test_error(fend_socket_peer_credentials(pair.a, &peer), 0);

	test_error(fend_socket_error(pair.a), -ESHUTDOWN);
	test_error(fend_socket_set_option_int(pair.a, SOL_SOCKET, SO_KEEPALIVE, 1), -ESHUTDOWN);
	test_error(fend_socket_set_option_name(pair.a, "KEEPALIVE", 1), -ESHUTDOWN);
	test_error(fend_socket_bind(pair.a, &address), -ESHUTDOWN);
	test_error(fend_socket_bind_addrinfo(pair.a, NULL), -ESHUTDOWN);
	test_error(fend_socket_listen(pair.a, 0), -ESHUTDOWN);
	test_error(fend_socket_accept(pair.a, NULL, &socket), -ESHUTDOWN);
	test_error(fend_socket_connect(pair.a, &address), -ESHUTDOWN);
	test_error(fend_socket_recv(pair.a, &byte, 1, 0), -ESHUTDOWN);
	test_error(fend_socket_peek(pair.a, &byte, 1), -ESHUTDOWN);
	test_error(fend_socket_send(pair.a, &byte, 1, 0), -ESHUTDOWN);
	test_error(fend_socket_recvv(pair.a, &iov, 1, 0), -ESHUTDOWN);
	test_error(fend_socket_sendv(pair.a, &iov, 1, 0), -ESHUTDOWN);
	test_error(fend_socket_recvfrom(pair.a, &byte, 1, 0, &address), -ESHUTDOWN);
	test_error(fend_socket_sendto(pair.a, &byte, 1, 0, &address), -ESHUTDOWN);
	test_error(fend_socket_recv_batch(pair.a, &datagram, 1), -ESHUTDOWN);
	test_error(fend_socket_send_batch(pair.a, &datagram, 1), -ESHUTDOWN);
	test_error(fend_socket_recv_fds(pair.a, &iov, 1, &fds), -ESHUTDOWN);
	test_error(fend_socket_send_fds(pair.a, &iov, 1, &fd, 1), -ESHUTDOWN);
	test_error(fend_socket_join(pair.a, &address, NULL, NULL), -ESHUTDOWN);
	test_error(fend_socket_leave(pair.a, &address, NULL, NULL), -ESHUTDOWN);
	test_error(fend_socket_set_multicast_interface(pair.a, NULL), -ESHUTDOWN);
	test_error(fend_socket_shutdown(pair.a, SHUT_WR), -ESHUTDOWN);
	test_error(fend_socket_set_events(pair.a, FEND_OUT), -ESHUTDOWN);
	test_error(fend_socket_watch(pair.a, other, FEND_IN, on_told, &told), -ESHUTDOWN);
	fend_socket_unwatch(pair.a);
	pair_fini(&pair);
	fend_loop_free(other);
}

static void
test_refused_changes_are_told_as_err(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	fault_install();
	fault_set(FAULT_EPOLL_CTL, 1, -ENOMEM, 0);
	test_ok(fend_socket_set_events(pair.a, FEND_OUT));
	dispatch(test, 1);
	fault_remove();
	g_assert_cmpuint(told.events, ==, FEND_ERR);
	pair_fini(&pair);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/socket-watch/level-triggered", test_watch_is_level_triggered);
	test_add("/socket-watch/set-events-changes-the-interest",
		 test_set_events_changes_the_interest);
	test_add("/socket-watch/hangup-comes-unasked-unless-nothing-is-asked",
		 test_hangup_comes_unasked_unless_nothing_is_asked);
	test_add("/socket-watch/hangup-comes-unasked-through-layers",
		 test_hangup_comes_unasked_through_layers);
	test_add("/socket-watch/names-its-errors", test_watch_names_its_errors);
	test_add("/socket-watch/one-descriptor-has-one-source-in-a-loop",
		 test_one_descriptor_has_one_source_in_a_loop);
	test_add("/socket-watch/unwatched-sockets-are-silent", test_unwatched_sockets_are_silent);
	test_add("/socket-watch/may-change-inside-its-callback",
		 test_watch_may_change_inside_its_callback);
	test_add("/socket-watch/sockets-may-be-freed-inside-a-callback",
		 test_sockets_may_be_freed_inside_a_callback);
	test_add("/socket-watch/loop-may-be-freed-inside-a-callback",
		 test_loop_may_be_freed_inside_a_callback);
	test_add("/socket-watch/all-is-shut-down-when-the-loop-was-freed",
		 test_all_is_shut_down_when_the_loop_was_freed);
	/* poll has nothing that could refuse. */
	if (g_strcmp0(g_getenv("FEND_DISPATCHER"), "poll") != 0)
		test_add("/socket-watch/refused-changes-are-told-as-err",
			 test_refused_changes_are_told_as_err);
	return g_test_run();
}
