/* SPDX-License-Identifier: MIT */
#include <fend/datagram.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fend/unix.h>

#include "fault.h"
#include "layers.h"
#include "pair.h"

/* What the door does on systems without the calls, beside what it does here. */
#define fend__real_recvmmsg recv_one_by_one
#define fend__real_sendmmsg send_one_by_one
#include "kernel-no-mmsg.c"

/* A UDP socket bound to text, and its address. */
static struct fend_socket *
bound(const char *text, struct fend_address *ret_address)
{
	struct fend_socket *socket;

	test_ok(fend_address_parse(text, ret_address));
	test_ok(fend_socket_new_udp(ret_address->storage.ss_family, &socket));
	test_ok(fend_socket_bind(socket, ret_address));
	test_ok(fend_socket_getsockname(socket, ret_address));
	return socket;
}

/* a is connected to b, which is bound, but not connected. */
static void
pair_init_udp(struct pair *pair)
{
	struct fend_address address;

	pair->b = bound("127.0.0.1:0", &address);
	test_ok(fend_socket_new_udp(AF_INET, &pair->a));
	test_ok(fend_socket_connect(pair->a, &address));
}

/* Fill an array with datagrams of sizes 1, 2, ... that all begin at data. */
static void
prepare(struct fend_datagram *datagrams, int n, void *data)
{
	int i;

	memset(datagrams, 0, (size_t)n * sizeof(*datagrams));
	for (i = 0; i < n; i++) {
		datagrams[i].data = data;
		datagrams[i].size = (size_t)i + 1;
	}
}

static void
test_recvfrom_names_the_sender(struct test *test)
{
	static const char *const hosts[] = { "127.0.0.1:0", "[::1]:0" };
	struct fend_address a_address, b_address, peer;
	struct pair pair;
	char buffer[8];
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(hosts); i++) {
		pair.a = bound(hosts[i], &a_address);
		pair.b = bound(hosts[i], &b_address);
		test_error(fend_socket_recvfrom(pair.b, buffer, 8, 0, &peer), -EAGAIN);
		test_error(fend_socket_sendto(pair.a, "hello", 5, 0, &b_address), 5);
		test_error(fend_socket_sendto(pair.a, "again", 5, 0, &b_address), 5);
		wait_fd(fend_socket_fd(pair.b), POLLIN);
		test_error(fend_socket_recvfrom(pair.b, buffer, 8, MSG_PEEK, NULL), 5);
		test_error(fend_socket_recvfrom(pair.b, buffer, 8, 0, &peer), 5);
		g_assert_cmpmem(buffer, 5, "hello", 5);
		g_assert_true(fend_address_equal(&peer, &a_address));
		test_error(fend_socket_recvfrom(pair.b, buffer, 2, MSG_TRUNC, NULL), 5);
		test_error(fend_socket_recvfrom(pair.b, buffer, 8, 0, &peer), -EAGAIN);
		pair_fini(&pair);
	}
}

static void
test_empty_datagrams_are_datagrams(struct test *test)
{
	struct fend_datagram sent = { 0 }, got[2] = { { 0 } };
	struct fend_address address;
	struct pair pair;

	pair.a = bound("127.0.0.1:0", &address);
	pair.b = bound("127.0.0.1:0", &sent.peer);
	test_error(fend_socket_sendto(pair.a, NULL, 0, 0, &sent.peer), 0);
	test_error(fend_socket_send_batch(pair.a, &sent, 1), 1);
	test_error(fend_socket_sendto(pair.a, "x", 1, 0, &sent.peer), 1);
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	test_error(fend_socket_recvfrom(pair.b, NULL, 0, 0, NULL), 0);
	test_error(fend_socket_recv_batch(pair.b, got, 2), 2);
	g_assert_cmpuint(got[0].size, ==, 0);
	g_assert_false(got[0].truncated);
	g_assert_cmpuint(got[1].size, ==, 0);
	g_assert_true(got[1].truncated);
	test_error(fend_socket_recv_batch(pair.b, got, 2), -EAGAIN);
	pair_fini(&pair);
}

static void
test_arguments_that_are_missing(struct test *test)
{
	struct fend_datagram datagram = { .capacity = 1, .size = 1 };
	struct fend_address address = { .size = sizeof(address.storage) + 1 };
	struct pair pair;
	char byte = 'x';

	pair_init_udp(&pair);
	test_error(fend_socket_recvfrom(NULL, &byte, 1, 0, NULL), -EINVAL);
	test_error(fend_socket_recvfrom(pair.b, NULL, 1, 0, NULL), -EINVAL);
	test_error(fend_socket_sendto(NULL, &byte, 1, 0, NULL), -EINVAL);
	test_error(fend_socket_sendto(pair.a, NULL, 1, 0, NULL), -EINVAL);
	test_error(fend_socket_sendto(pair.a, &byte, 1, 0, &address), -EINVAL);
	test_error(fend_socket_sendto(pair.b, &byte, 1, 0, NULL), -EDESTADDRREQ);
	test_error(fend_socket_recv_batch(NULL, &datagram, 1), -EINVAL);
	test_error(fend_socket_recv_batch(pair.b, NULL, 1), -EINVAL);
	test_error(fend_socket_recv_batch(pair.b, &datagram, -1), -EINVAL);
	test_error(fend_socket_recv_batch(pair.b, &datagram, 1), -EINVAL);
	test_error(fend_socket_recv_batch(pair.b, NULL, 0), 0);
	test_error(fend_socket_send_batch(NULL, &datagram, 1), -EINVAL);
	test_error(fend_socket_send_batch(pair.a, NULL, 1), -EINVAL);
	test_error(fend_socket_send_batch(pair.a, &datagram, -1), -EINVAL);
	test_error(fend_socket_send_batch(pair.a, &datagram, 1), -EINVAL);
	test_error(fend_socket_send_batch(pair.a, NULL, 0), 0);
	datagram.data = &byte;
	datagram.peer.size = sizeof(datagram.peer.storage) + 1;
	test_error(fend_socket_send_batch(pair.a, &datagram, 1), -EINVAL);
	test_error(fend_socket_recvfrom(pair.b, &byte, 1, 0, NULL), -EAGAIN);
	pair_fini(&pair);
}

static void
test_an_error_of_the_network_is_told_once(struct test *test)
{
	struct pair pair;
	char byte;

	pair_init_udp(&pair);
	pair.b = fend_socket_free(pair.b);
	test_error(fend_socket_sendto(pair.a, "x", 1, 0, NULL), 1);
	wait_fd(fend_socket_fd(pair.a), POLLERR);
	test_error(fend_socket_recvfrom(pair.a, &byte, 1, 0, NULL), -ECONNREFUSED);
	test_error(fend_socket_recvfrom(pair.a, &byte, 1, 0, NULL), -EAGAIN);
	pair_fini(&pair);
}

/* More than one call moves, in both directions; the rest stays for the next. */
static void
move_batches(void)
{
	enum { N = FEND_DATAGRAM_BATCH + 8 };
	struct fend_datagram sent[N], got[N];
	static char buffers[N][64];
	struct pair pair;
	char data[64];
	int i;

	memset(data, 'd', sizeof(data));
	prepare(sent, N, data);
	pair_init_udp(&pair);
	memset(got, 0, sizeof(got));
	test_error(fend_socket_recv_batch(pair.b, got, N), -EAGAIN);
	test_error(fend_socket_send_batch(pair.a, sent, N), FEND_DATAGRAM_BATCH);
	test_error(fend_socket_send_batch(pair.a, sent + FEND_DATAGRAM_BATCH, 8), 8);
	for (i = 0; i < N; i++) {
		got[i].data = buffers[i];
		got[i].capacity = sizeof(buffers[i]);
	}
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	test_error(fend_socket_recv_batch(pair.b, got, N), FEND_DATAGRAM_BATCH);
	test_error(fend_socket_recv_batch(pair.b, got + FEND_DATAGRAM_BATCH, 8), 8);
	test_error(fend_socket_recv_batch(pair.b, got, N), -EAGAIN);
	for (i = 0; i < N; i++) {
		struct fend_address name;

		test_ok(fend_socket_getsockname(pair.a, &name));
		g_assert_true(fend_address_equal(&got[i].peer, &name));
		g_assert_cmpmem(got[i].data, got[i].size, data, sent[i].size);
		g_assert_false(got[i].truncated);
		g_assert_cmpuint(got[i].local.size + got[i].segment + got[i].tos, ==, 0);
	}
	pair_fini(&pair);
}

static void
test_batches_keep_order_and_bounds(struct test *test)
{
	struct fend__kernel kernel = fend__kernel_real;

	move_batches();
	kernel.recvmmsg = recv_one_by_one;
	kernel.sendmmsg = send_one_by_one;
	fend__kernel = &kernel;
	move_batches();
	fend__kernel = &fend__kernel_real;
}

static unsigned calls;

static int
count_recvmmsg(int fd, struct fend__message *messages, unsigned n, int flags)
{
	calls++;
	return fend__kernel_real.recvmmsg(fd, messages, n, flags);
}

static int
count_sendmmsg(int fd, struct fend__message *messages, unsigned n, int flags)
{
	calls++;
	return fend__kernel_real.sendmmsg(fd, messages, n, flags);
}

static void
test_a_batch_is_one_system_call(struct test *test)
{
	struct fend__kernel kernel = fend__kernel_real;
	struct fend_datagram datagrams[20];
	struct pair pair;
	char data[64] = { 0 };
	int i;

	prepare(datagrams, 20, data);
	for (i = 0; i < 20; i++)
		datagrams[i].capacity = sizeof(data);
	pair_init_udp(&pair);
	calls = 0;
	kernel.recvmmsg = count_recvmmsg;
	kernel.sendmmsg = count_sendmmsg;
	kernel.recvmsg = NULL;
	kernel.sendmsg = NULL;
	fend__kernel = &kernel;
	test_error(fend_socket_send_batch(pair.a, datagrams, 20), 20);
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	test_error(fend_socket_recv_batch(pair.b, datagrams, 20), 20);
	g_assert_cmpuint(calls, ==, 2);
	fend__kernel = &fend__kernel_real;
	pair_fini(&pair);
}

/* What the kernel refuses, and what is refused before; by the system's call and without it. */
static void
test_a_datagram_that_cannot_be_sent_ends_the_batch(struct test *test)
{
	struct fend__kernel kernel = fend__kernel_real;
	struct fend_datagram sent[4], got[4];
	char *data = g_malloc0(70000);
	struct pair pair;
	int door, i;

	pair_init_udp(&pair);
	for (door = 0; door < 2; door++) {
		for (i = 0; i < 2; i++) {
			prepare(sent, 4, data);
			if (i)
				sent[2].size = 70000;
			else
				sent[2].data = NULL;
			test_error(fend_socket_send_batch(pair.a, sent, 4), 2);
			test_error(fend_socket_send_batch(pair.a, sent + 2, 2),
				   i ? -EMSGSIZE : -EINVAL);
			wait_fd(fend_socket_fd(pair.b), POLLIN);
			prepare(got, 4, data);
			got[0].capacity = got[1].capacity = got[2].capacity = got[3].capacity = 9;
			test_error(fend_socket_recv_batch(pair.b, got, 4), 2);
		}
		kernel.sendmmsg = send_one_by_one;
		fend__kernel = &kernel;
	}
	fend__kernel = &fend__kernel_real;
	pair_fini(&pair);
	g_free(data);
}

static void
test_what_does_not_fit_is_lost_and_told(struct test *test)
{
	struct fend_datagram got[2] = { { 0 } };
	struct pair pair;
	char buffer[2][4];

	pair_init_udp(&pair);
	test_error(fend_socket_sendto(pair.a, "hello", 5, 0, NULL), 5);
	test_error(fend_socket_sendto(pair.a, "four", 4, 0, NULL), 4);
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	got[0].data = buffer[0];
	got[1].data = buffer[1];
	got[0].capacity = got[1].capacity = 4;
	test_error(fend_socket_recv_batch(pair.b, got, 2), 2);
	g_assert_cmpmem(got[0].data, got[0].size, "hell", 4);
	g_assert_true(got[0].truncated);
	g_assert_cmpmem(got[1].data, got[1].size, "four", 4);
	g_assert_false(got[1].truncated);
	pair_fini(&pair);
}

/* The addresses are those of Unix sockets, and descriptors that come along are not kept. */
static void
test_unix_datagrams(struct test *test)
{
	g_autofree char *name = g_strdup_printf("unix:@fend-test-datagram-%d", getpid());
	struct iovec iov = { .iov_base = (char[]){ "fd" }, .iov_len = 2 };
	struct fend_datagram got[3] = { { 0 } };
	struct fend_address address;
	struct pair pair;
	char buffers[3][8], byte;
	int i;

	test_ok(fend_address_parse(name, &address));
	test_ok(fend_socket_new_unix(SOCK_DGRAM, &pair.a));
	test_ok(fend_socket_new_unix(SOCK_DGRAM, &pair.b));
	test_ok(fend_socket_bind(pair.b, &address));
	test_error(fend_socket_sendto(pair.a, "one", 3, 0, &address), 3);
	test_error(fend_socket_sendto(pair.b, "two", 3, 0, &address), 3);
	test_ok(fend_socket_connect(pair.a, &address));
	test_error(fend_socket_send_fds(pair.a, &iov, 1, (int[]){ 0, 1, 2 }, 3), 2);
	for (i = 0; i < 3; i++) {
		got[i].data = buffers[i];
		got[i].capacity = sizeof(buffers[i]);
	}
	test_error(fend_socket_recv_batch(pair.b, got, 3), 3);
	g_assert_cmpmem(got[0].data, got[0].size, "one", 3);
	g_assert_cmpuint(got[0].peer.size, ==, 0);
	g_assert_true(fend_address_equal(&got[1].peer, &address));
	g_assert_cmpmem(got[2].data, got[2].size, "fd", 2);
	test_error(fend_socket_recvfrom(pair.b, &byte, 1, 0, &address), -EAGAIN);
	got[0].tos = 1;
	test_error(fend_socket_send_batch(pair.a, got, 1), -EOPNOTSUPP);
	got[0].tos = 0;
	test_error(fend_socket_send_batch(pair.a, got, 1), 1);
	pair_fini(&pair);
}

static void
test_datagrams_never_wait_and_raise_no_signal(struct test *test)
{
	struct fend_datagram datagram = { .data = (char[]){ "xyz" }, .capacity = 3, .size = 3 };
	struct fend_socket *socket;
	char buffer[8];
	int fds[2], r;

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), ==, 0);
	test_ok(fend_socket_wrap(fds[0], &socket));
	test_ok(fend_file_set_blocking(fend_socket_file(socket), true));
	test_error(fend_socket_recvfrom(socket, datagram.data, 3, 0, NULL), -EAGAIN);
	test_error(fend_socket_recv_batch(socket, &datagram, 1), -EAGAIN);
	do
		r = fend_socket_send_batch(socket, &datagram, 1);
	while (r == 1);
	test_error(r, -EAGAIN);
	test_error(fend_socket_sendto(socket, "x", 1, 0, NULL), -EAGAIN);
	while (recv(fds[1], buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
		continue;
	close(fds[1]);
	test_error(fend_socket_sendto(socket, "x", 1, 0, NULL), -EPIPE);
	test_error(fend_socket_send_batch(socket, &datagram, 1), -EPIPE);
	fend_socket_free(socket);
}

static void
test_layers_know_no_datagrams(struct test *test)
{
	struct fend_datagram datagram = { .data = (char[]){ "x" }, .capacity = 1, .size = 1 };
	struct pair pair;

	pair_init_udp(&pair);
	dribbler_push(pair.a);
	test_error(fend_socket_recvfrom(pair.a, datagram.data, 1, 0, NULL), -EOPNOTSUPP);
	test_error(fend_socket_sendto(pair.a, "x", 1, 0, NULL), -EOPNOTSUPP);
	test_error(fend_socket_recv_batch(pair.a, &datagram, 1), -EOPNOTSUPP);
	test_error(fend_socket_send_batch(pair.a, &datagram, 1), -EOPNOTSUPP);
	test_error(fend_socket_recvfrom(pair.b, datagram.data, 1, 0, NULL), -EAGAIN);
	pair_fini(&pair);
}

static void
test_calls_that_fail_change_nothing(struct test *test)
{
	struct fend_datagram datagram = { .data = (char[]){ "x" }, .capacity = 1, .size = 1 };
	struct fend_datagram before = datagram;
	struct fend_address peer = { .size = 77 };
	struct pair pair;
	char byte;

	pair_init_udp(&pair);
	fault_install();
	fault_set(FAULT_RECVMSG, 1, -ENOMEM, 0);
	test_error(fend_socket_recvfrom(pair.b, &byte, 1, 0, &peer), -ENOMEM);
	g_assert_cmpuint(peer.size, ==, 77);
	fault_set(FAULT_SENDMSG, 1, -ENOBUFS, 0);
	test_error(fend_socket_sendto(pair.a, "x", 1, 0, NULL), -ENOBUFS);
	fault_set(FAULT_RECVMMSG, 1, -ENOMEM, 0);
	test_error(fend_socket_recv_batch(pair.b, &datagram, 1), -ENOMEM);
	g_assert_cmpmem(&datagram, sizeof(datagram), &before, sizeof(before));
	fault_set(FAULT_SENDMMSG, 1, -ENOBUFS, 0);
	test_error(fend_socket_send_batch(pair.a, &datagram, 1), -ENOBUFS);
	test_error(fend_socket_recvfrom(pair.b, &byte, 1, 0, &peer), -EAGAIN);
	fault_remove();
	pair_fini(&pair);
}

static int
no_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	return -ENOBUFS;
}

static void
test_a_family_that_cannot_be_told_is_an_error(struct test *test)
{
	struct fend__kernel kernel = fend__kernel_real;
	struct fend_datagram datagram = { .data = (char[]){ "x" }, .capacity = 1, .size = 1 };
	struct pair pair;

	pair_init_udp(&pair);
	kernel.getsockname = no_getsockname;
	fend__kernel = &kernel;
	test_error(fend_socket_send_batch(pair.a, &datagram, 1), -ENOBUFS);
	test_error(fend_socket_recv_batch(pair.b, &datagram, 1), -ENOBUFS);
	fend__kernel = &fend__kernel_real;
	test_error(fend_socket_send_batch(pair.a, &datagram, 1), 1);
	pair_fini(&pair);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/datagram/recvfrom-names-the-sender", test_recvfrom_names_the_sender);
	test_add("/datagram/empty-datagrams-are-datagrams", test_empty_datagrams_are_datagrams);
	test_add("/datagram/arguments-that-are-missing", test_arguments_that_are_missing);
	test_add("/datagram/an-error-of-the-network-is-told-once",
		 test_an_error_of_the_network_is_told_once);
	test_add("/datagram/batches-keep-order-and-bounds", test_batches_keep_order_and_bounds);
	test_add("/datagram/a-batch-is-one-system-call", test_a_batch_is_one_system_call);
	test_add("/datagram/one-that-cannot-be-sent-ends-the-batch",
		 test_a_datagram_that_cannot_be_sent_ends_the_batch);
	test_add("/datagram/what-does-not-fit-is-lost-and-told",
		 test_what_does_not_fit_is_lost_and_told);
	test_add("/datagram/unix", test_unix_datagrams);
	test_add("/datagram/never-wait-and-raise-no-signal",
		 test_datagrams_never_wait_and_raise_no_signal);
	test_add("/datagram/layers-know-no-datagrams", test_layers_know_no_datagrams);
	test_add("/datagram/calls-that-fail-change-nothing", test_calls_that_fail_change_nothing);
	test_add("/datagram/a-family-that-cannot-be-told-is-an-error",
		 test_a_family_that_cannot_be_told_is_an_error);
	return g_test_run();
}
