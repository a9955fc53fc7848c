/* SPDX-License-Identifier: MIT */
/* Bytes from and to several pieces of memory, plain and through layers. */
#include <fend/socket.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"
#include "layers.h"
#include "pair.h"

static void
move_pieces(struct pair *pair)
{
	char a[2], b[3], c[8];
	struct iovec he = { (char[]){ "he" }, 2 }, llo = { (char[]){ "llo" }, 3 }, empty = { 0 };
	struct iovec out[] = { empty, he, empty, llo, empty };
	struct iovec in[] = { { NULL, 0 }, { a, 2 }, { b, 3 }, { NULL, 0 }, { c, 8 } };

	test_error(fend_socket_recvv(pair->b, in, 5, 0), -EAGAIN);
	test_error(fend_socket_sendv(pair->a, out, 5, 0), 5);
	test_error(fend_socket_sendv(pair->a, out + 1, 1, MSG_DONTWAIT), 2);
	wait_fd(fend_socket_fd(pair->b), POLLIN);
	test_error(fend_socket_recvv(pair->b, in, 5, MSG_PEEK), 7);
	memset(a, 0, sizeof(a));
	test_error(fend_socket_recvv(pair->b, in, 5, MSG_DONTWAIT), 7);
	g_assert_cmpmem(a, 2, "he", 2);
	g_assert_cmpmem(b, 3, "llo", 3);
	g_assert_cmpmem(c, 2, "he", 2);
	test_ok(fend_socket_shutdown(pair->a, SHUT_WR));
	wait_fd(fend_socket_fd(pair->b), POLLIN);
	test_error(fend_socket_recvv(pair->b, in, 5, 0), 0);
}

static void
test_pieces_are_one(struct test *test)
{
	struct pair pair;

	pair_init(&pair);
	move_pieces(&pair);
	pair_fini(&pair);
	pair_init(&pair);
	rot13_push(pair.a, NULL);
	rot13_push(pair.b, NULL);
	move_pieces(&pair);
	pair_fini(&pair);
}

static void
test_a_layer_may_move_less(struct test *test)
{
	char a[2], b[8];
	struct iovec out[] = { { NULL, 0 }, { (char[]){ "he" }, 2 }, { (char[]){ "llo" }, 3 } };
	struct iovec in[] = { { NULL, 0 }, { a, 2 }, { b, 8 } };
	struct pair pair;

	pair_init(&pair);
	dribbler_push(pair.a);
	dribbler_push(pair.b);
	test_error(fend_socket_sendv(pair.a, out, 3, 0), 1);
	test_error(fend_socket_recvv(pair.b, in, 3, 0), 1);
	g_assert_cmpint(a[0], ==, 'h');
	test_error(fend_socket_sendv(pair.a, out, 3, MSG_MORE), -EOPNOTSUPP);
	test_error(fend_socket_recvv(pair.b, in, 3, MSG_WAITALL), -EOPNOTSUPP);
	pair_fini(&pair);
}

static void
test_pieces_of_a_datagram_are_one_datagram(struct test *test)
{
	char a[2], b[8];
	struct iovec out[] = { { (char[]){ "he" }, 2 }, { (char[]){ "llo" }, 3 } };
	struct iovec in[] = { { a, 2 }, { b, 8 } };
	struct pair pair;
	int fds[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), ==, 0);
	test_ok(fend_socket_wrap(fds[0], &pair.a));
	test_ok(fend_socket_wrap(fds[1], &pair.b));
	test_error(fend_socket_sendv(pair.a, out, 2, 0), 5);
	test_error(fend_socket_sendv(pair.a, out, 1, 0), 2);
	test_error(fend_socket_recvv(pair.b, in, 2, 0), 5);
	test_error(fend_socket_recvv(pair.b, in, 2, 0), 2);
	pair_fini(&pair);
}

static void
test_bad_vectors_are_refused(struct test *test)
{
	static struct iovec many[IOV_MAX + 1];
	struct iovec hole[] = { { (char[]){ "x" }, 1 }, { NULL, 1 } };
	struct iovec large[] = { { (char[]){ "x" }, SSIZE_MAX }, { (char[]){ "x" }, 1 } };
	struct pair pair;
	char byte;
	int i;

	pair_init(&pair);
	test_error(fend_socket_sendv(NULL, hole, 1, 0), -EINVAL);
	test_error(fend_socket_recvv(NULL, hole, 1, 0), -EINVAL);
	test_error(fend_socket_sendv(pair.a, NULL, 1, 0), -EINVAL);
	test_error(fend_socket_sendv(pair.a, hole, -1, 0), -EINVAL);
	test_error(fend_socket_sendv(pair.a, hole, 2, 0), -EINVAL);
	test_error(fend_socket_sendv(pair.a, large, 2, 0), -EINVAL);
	test_error(fend_socket_sendv(pair.a, NULL, 0, 0), 0);
	test_error(fend_socket_recvv(pair.b, NULL, 0, 0), 0);
	test_error(fend_socket_recvv(pair.b, hole, 2, 0), -EINVAL);
	for (i = 0; i <= IOV_MAX; i++)
		many[i] = hole[0];
	test_error(fend_socket_sendv(pair.a, many, IOV_MAX + 1, 0), -EMSGSIZE);
	test_error(fend_socket_sendv(pair.a, many, IOV_MAX, 0), IOV_MAX);
	test_error(fend_socket_recv(pair.b, &byte, 1, 0), 1);
	pair_fini(&pair);
}

static void
test_calls_that_fail_are_told(struct test *test)
{
	char a[2], b[2];
	struct iovec out[] = { { (char[]){ "he" }, 2 }, { (char[]){ "l" }, 1 } };
	struct iovec in[] = { { a, 2 }, { b, 2 } };
	struct pair pair;

	pair_init(&pair);
	fault_install();
	fault_set(FAULT_SENDMSG, 1, -ENOBUFS, 0);
	test_error(fend_socket_sendv(pair.a, out, 2, 0), -ENOBUFS);
	test_error(fend_socket_sendv(pair.a, out, 2, 0), 3);
	fault_set(FAULT_RECVMSG, 1, -ENOMEM, 0);
	test_error(fend_socket_recvv(pair.b, in, 2, 0), -ENOMEM);
	test_error(fend_socket_recvv(pair.b, in, 2, 0), 3);
	fault_remove();
	pair.b = fend_socket_free(pair.b);
	/* And raise no signal. */
	test_error(fend_socket_sendv(pair.a, out, 2, 0), -EPIPE);
	pair_fini(&pair);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/socket-vector/pieces-are-one", test_pieces_are_one);
	test_add("/socket-vector/a-layer-may-move-less", test_a_layer_may_move_less);
	test_add("/socket-vector/pieces-of-a-datagram-are-one-datagram",
		 test_pieces_of_a_datagram_are_one_datagram);
	test_add("/socket-vector/bad-vectors-are-refused", test_bad_vectors_are_refused);
	test_add("/socket-vector/calls-that-fail-are-told", test_calls_that_fail_are_told);
	return g_test_run();
}
