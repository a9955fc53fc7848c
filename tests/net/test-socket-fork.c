/* SPDX-License-Identifier: MIT */
/* What fork(2) leaves of sockets in the child, and what the child must leave to the parent. */
#include <fend/net.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "layers.h"
#include "pair.h"

/* Run fn in a child, which is to end by itself; a failed assertion there fails here. */
static void
in_child(void (*fn)(struct test *test, struct pair *pair), struct test *test, struct pair *pair)
{
	int status;
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		fn(test, pair);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

static void
all_is_refused(struct test *test, struct pair *pair)
{
	struct iovec iov = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	struct fend_datagram datagram = { .data = iov.iov_base, .capacity = 1, .size = 1 };
	struct fend_credentials peer;
	int fd = 0;
	struct fend_fds fds = { .fds = &fd, .max = 1 };
	struct fend_address address;
	struct fend_socket *socket;
	struct fend_loop *own;
	char byte;

	g_assert_cmpint(fend_socket_fd(pair->a), >=, 0);
	g_assert_nonnull(fend_socket_file(pair->a));
	test_error(fend_socket_getsockname(pair->a, &address), 0);
	test_error(fend_socket_getpeername(pair->a, &address), 0);
	test_error(fend_socket_peer_credentials(pair->a, &peer), 0);

	test_error(fend_socket_recv(pair->a, &byte, 1, 0), -ECHILD);
	test_error(fend_socket_peek(pair->a, &byte, 1), -ECHILD);
	test_error(fend_socket_send(pair->a, &byte, 1, 0), -ECHILD);
	test_error(fend_socket_recvv(pair->a, &iov, 1, 0), -ECHILD);
	test_error(fend_socket_sendv(pair->a, &iov, 1, 0), -ECHILD);
	test_error(fend_socket_recvfrom(pair->a, &byte, 1, 0, &address), -ECHILD);
	test_error(fend_socket_sendto(pair->a, &byte, 1, 0, &address), -ECHILD);
	test_error(fend_socket_recv_batch(pair->a, &datagram, 1), -ECHILD);
	test_error(fend_socket_send_batch(pair->a, &datagram, 1), -ECHILD);
	test_error(fend_socket_recv_fds(pair->a, &iov, 1, &fds), -ECHILD);
	test_error(fend_socket_send_fds(pair->a, &iov, 1, &fd, 1), -ECHILD);
	test_error(fend_socket_join(pair->a, &address, NULL, NULL), -ECHILD);
	test_error(fend_socket_leave(pair->a, &address, NULL, NULL), -ECHILD);
	test_error(fend_socket_set_multicast_interface(pair->a, NULL), -ECHILD);
	test_error(fend_socket_shutdown(pair->a, SHUT_RDWR), -ECHILD);
	test_error(fend_socket_error(pair->a), -ECHILD);
	test_error(fend_socket_set_option_name(pair->a, "KEEPALIVE", 1), -ECHILD);
	test_error(fend_socket_bind(pair->a, &address), -ECHILD);
	test_error(fend_socket_bind_addrinfo(pair->a, NULL), -ECHILD);
	test_error(fend_socket_listen(pair->a, 0), -ECHILD);
	test_error(fend_socket_accept(pair->a, NULL, &socket), -ECHILD);
	test_error(fend_socket_connect(pair->a, &address), -ECHILD);
	test_error(fend_socket_push_layer(pair->a, &dribbler_ops, NULL), -ECHILD);
	test_error(fend_socket_set_events(pair->a, FEND_OUT), -ECHILD);
	test_ok(fend_loop_new(NULL, &own));
	test_error(fend_socket_watch(pair->a, own, FEND_IN, on_told, NULL), -ECHILD);
	fend_socket_unwatch(pair->a);
	pair_fini(pair);
	fend_loop_free(own);
	test->loop = fend_loop_free(test->loop);
}

static void
test_a_socket_of_a_loop_is_the_parents(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;

	pair_init(&pair);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	in_child(all_is_refused, test, &pair);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	send_all(pair.b, "x", 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	pair_fini(&pair);
}

static void
test_a_socket_with_a_layer_is_the_parents(struct test *test)
{
	struct pair pair;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	in_child(all_is_refused, test, &pair);
	send_all(pair.a, "x", 1);
	pair_fini(&pair);
}

static void
use_and_free(struct test *test, struct pair *pair)
{
	struct told told = { 0 };
	struct fend_loop *own;
	char byte;

	send_all(pair->b, "x", 1);
	recv_all(pair->a, &byte, 1);
	/* Also on a loop of the child's own, and with layers that are flushed when it ends. */
	test_ok(fend_loop_new(NULL, &own));
	test_ok(fend_socket_watch(pair->a, own, FEND_OUT, on_told, &told));
	test_error(fend_loop_dispatch(own, 0), 1);
	rot13_push(pair->a, NULL);
	fault_install();
	fault_set(FAULT_SENDMSG, 1, -EAGAIN, 0);
	test_error(fend_socket_send(pair->a, "hello", 5, 0), 5);
	pair->a = fend_socket_free(pair->a);
	fend_loop_free(own);
}

static void
test_a_plain_socket_goes_on_in_the_child(struct test *test)
{
	struct pair pair;
	char buffer[8];

	pair_init(&pair);
	in_child(use_and_free, test, &pair);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 5);
	g_assert_cmpmem(buffer, 5, "uryyb", 5);
	send_all(pair.a, "x", 1);
	recv_all(pair.b, buffer, 1);
	pair_fini(&pair);
}

static void
free_socket_then_loop(struct test *test, struct pair *pair)
{
	pair->a = fend_socket_free(pair->a);
	test->loop = fend_loop_free(test->loop);
}

static void
free_loop_then_socket(struct test *test, struct pair *pair)
{
	test->loop = fend_loop_free(test->loop);
	pair->a = fend_socket_free(pair->a);
}

/* A layer holds input and output; the child throws both away and the parent has them still. */
static void
test_a_child_frees_and_the_parent_goes_on(struct test *test)
{
	struct told told = { 0 };
	struct pair pair;
	char buffer[16];
	int i;

	pair_init(&pair);
	rot13_push(pair.a, NULL);
	test_ok(fend_socket_watch(pair.a, test->loop, FEND_IN, on_told, &told));
	for (i = 0; i < 2; i++) {
		send_all(pair.b, "nopqrs", 6);
		test_error(fend_socket_recv(pair.a, buffer, 2, 0), 2);
		fault_install();
		fault_set(FAULT_SENDMSG, 1, -EAGAIN, 0);
		test_error(fend_socket_send(pair.a, "hello", 5, 0), 5);
		fend__kernel = &fend__kernel_real;
		in_child(i ? free_socket_then_loop : free_loop_then_socket, test, &pair);
		test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), -EAGAIN);
		test_ok(fend_loop_dispatch(test->loop, 0));
		test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 5);
		g_assert_cmpmem(buffer, 5, "uryyb", 5);
		test_error(fend_socket_recv(pair.a, buffer, sizeof(buffer), 0), 4);
		g_assert_cmpmem(buffer, 4, "cdef", 4);
	}
	g_assert_cmpint(told.calls, >, 0);
	pair_fini(&pair);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/socket-fork/a-socket-of-a-loop-is-the-parents",
		 test_a_socket_of_a_loop_is_the_parents);
	test_add("/socket-fork/a-socket-with-a-layer-is-the-parents",
		 test_a_socket_with_a_layer_is_the_parents);
	test_add("/socket-fork/a-plain-socket-goes-on-in-the-child",
		 test_a_plain_socket_goes_on_in_the_child);
	test_add("/socket-fork/a-child-frees-and-the-parent-goes-on",
		 test_a_child_frees_and_the_parent_goes_on);
	return g_test_run();
}
