/* SPDX-License-Identifier: MIT */
/* What recv, send, peek and watches do on an open connection. */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "pair.h"

static void
drink(struct link *link, size_t total)
{
	unsigned char data[10000];
	size_t done, i;
	ssize_t n;

	for (done = 0; done < total; done += (size_t)n) {
		n = tls_recv_some(link->test, link->client.socket, data, sizeof(data));
		g_assert_cmpint(n, >, 0);
		for (i = 0; i < (size_t)n; i++)
			g_assert_cmpint(data[i], ==, pattern(done + i, 0));
	}
}

/* What send has taken arrives, though nobody watches the sender. */
static void
test_flush_without_a_watch(struct test *test)
{
	struct link link;
	size_t total;

	link_open_unix(&link, test);
	total = link_fill(&link);
	g_assert_cmpint(total, >, 0);
	test_error(fend_socket_send(link.server.socket, "x", 1, 0), -EAGAIN);
	drink(&link, total);
	test_error(fend_socket_recv(link.client.socket, &(char){ 0 }, 1, 0), -EAGAIN);
	g_assert_cmpint(fend_socket_send(link.server.socket, "x", 1, 0), ==, 1);
	link_fini(&link);
}

static void
test_out_means_room(struct test *test)
{
	struct told told = { 0 };
	struct link link;
	size_t total;

	link_open_unix(&link, test);
	total = link_fill(&link);
	test_ok(fend_socket_watch(link.server.socket, test->loop, FEND_OUT, on_told, &told));
	test_drain(test);
	g_assert_cmpint(told.calls, ==, 0);
	drink(&link, total);
	test_wait(test, &told.calls);
	g_assert_cmpuint(told.events, ==, FEND_OUT);
	g_assert_cmpint(fend_socket_send(link.server.socket, "x", 1, 0), ==, 1);
	link_fini(&link);
}

/* No spinning: neither when nothing happens, nor for part of a record. */
static void
test_idle_is_idle(struct test *test)
{
	static const unsigned char part[] = { 23, 3, 3, 0, 100, 1, 2, 3 };
	struct told told = { 0 };
	struct link link;

	link_open(&link, test, NULL, NULL);
	link_exchange(&link);
	test_ok(fend_socket_watch(link.client.socket, test->loop, FEND_IN, on_told, &told));
	test_ok(fend_socket_watch(link.server.socket, test->loop, FEND_IN, on_told, &told));
	g_assert_cmpint(fend_loop_dispatch(test->loop, 0), ==, 0);
	g_assert_cmpint(told.calls, ==, 0);

	g_assert_cmpint(send(fend_socket_fd(link.server.socket), part, sizeof(part), 0), ==,
			sizeof(part));
	test_wait(test, &told.calls);
	test_error(fend_socket_recv(link.client.socket, &(char){ 0 }, 1, 0), -EAGAIN);
	g_assert_cmpint(fend_loop_dispatch(test->loop, 0), ==, 0);
	link_fini(&link);
}

/* IN is told as long as plaintext is held, although the descriptor has nothing. */
static void
test_in_is_level_triggered(struct test *test)
{
	struct told told = { 0 };
	struct link link;
	char data[8];
	int i;

	link_open(&link, test, NULL, NULL);
	link_exchange(&link); /* tickets come before it */
	tls_send(test, link.server.socket, "abcd", 4);
	test_ok(fend_socket_watch(link.client.socket, test->loop, FEND_IN, on_told, &told));
	for (i = 0; i < 4; i++) {
		told.calls = 0;
		test_wait(test, &told.calls);
		g_assert_cmpint(fend_socket_recv(link.client.socket, data, 1, 0), ==, 1);
		g_assert_cmpint(data[0], ==, "abcd"[i]);
	}
	told.calls = 0;
	test_drain(test);
	g_assert_cmpint(told.calls, ==, 0);
	link_fini(&link);
}

static void
test_peek(struct test *test)
{
	struct told told = { 0 };
	struct link link;
	char data[16];

	link_open(&link, test, NULL, NULL);
	test_error(fend_socket_peek(link.client.socket, data, sizeof(data)), -EAGAIN);
	tls_send(test, link.server.socket, "abc", 3);
	test_ok(fend_socket_watch(link.client.socket, test->loop, FEND_IN, on_told, &told));
	test_wait(test, &told.calls);
	g_assert_cmpint(fend_socket_peek(link.client.socket, data, 2), ==, 2);
	g_assert_cmpmem(data, 2, "ab", 2);
	g_assert_cmpint(fend_socket_recv(link.client.socket, data, 16, MSG_PEEK), ==, 3);
	g_assert_cmpmem(data, 3, "abc", 3);
	told.calls = 0;
	test_wait(test, &told.calls);

	g_assert_cmpint(fend_socket_recv(link.client.socket, data, 1, 0), ==, 1);
	tls_send(test, link.server.socket, "def", 3);
	while (fend_socket_peek(link.client.socket, data, 16) < 5)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
	g_assert_cmpmem(data, 5, "bcdef", 5);
	g_assert_cmpint(fend_socket_recv(link.client.socket, data, 16, MSG_DONTWAIT), ==, 5);
	g_assert_cmpmem(data, 5, "bcdef", 5);
	test_error(fend_socket_peek(link.client.socket, data, 16), -EAGAIN);
	test_error(fend_socket_recv(link.client.socket, data, 16, MSG_OOB), -EOPNOTSUPP);
	link_fini(&link);
}

static void
test_peek_has_a_limit(struct test *test)
{
	struct link link;
	char *data = g_malloc(100000);
	ssize_t n;

	link_open(&link, test, NULL, NULL);
	memset(data, 'x', 60000);
	tls_send(test, link.server.socket, data, 60000);
	while ((n = fend_socket_peek(link.client.socket, data, 100000)) < 16384)
		test_ok(fend_loop_dispatch(test->loop, FEND_MS(10)));
	g_assert_cmpint(n, ==, 16384);
	tls_recv(test, link.client.socket, data, 60000);
	test_error(fend_socket_recv(link.client.socket, data, 1, 0), -EAGAIN);
	link_fini(&link);
	g_free(data);
}

/* A door that counts. */
static struct fend__kernel counting;
static long blocks;
static int receives, sends;

static void *
counting_allocate(void *pointer, size_t size)
{
	if (!pointer && size)
		blocks++;
	else if (pointer && !size)
		blocks--;
	return fend__kernel_real.allocate(pointer, size);
}

static ssize_t
counting_recvmsg(int fd, struct msghdr *message, int flags)
{
	receives++;
	return fend__kernel_real.recvmsg(fd, message, flags);
}

static ssize_t
counting_sendmsg(int fd, const struct msghdr *message, int flags)
{
	sends++;
	return fend__kernel_real.sendmsg(fd, message, flags);
}

static ssize_t
counting_recv(int fd, void *buffer, size_t size, int flags)
{
	receives++;
	return fend__kernel_real.recv(fd, buffer, size, flags);
}

static ssize_t
counting_send(int fd, const void *buffer, size_t size, int flags)
{
	sends++;
	return fend__kernel_real.send(fd, buffer, size, flags);
}

static void
start_counting(struct test *test)
{
	fend_loop_free(test->loop);
	counting = fend__kernel_real;
	counting.allocate = counting_allocate;
	counting.recv = counting_recv;
	counting.send = counting_send;
	counting.recvmsg = counting_recvmsg;
	counting.sendmsg = counting_sendmsg;
	fend__kernel = &counting;
	test_ok(fend_loop_new(NULL, &test->loop));
}

static void
stop_counting(struct test *test)
{
	fend_loop_free(test->loop);
	g_assert_cmpint(blocks, ==, 0);
	fend__kernel = &fend__kernel_real;
	test_ok(fend_loop_new(NULL, &test->loop));
}

/* An idle connection holds no buffer of fend's: as much memory after an exchange as before. */
static void
test_idle_holds_no_buffer(struct test *test)
{
	char data[50000] = { 0 };
	struct link link;
	long before;

	start_counting(test);
	link_open(&link, test, NULL, NULL);
	before = blocks;
	link_exchange(&link);
	tls_send(test, link.client.socket, data, sizeof(data));
	tls_recv(test, link.server.socket, data, sizeof(data));
	test_drain(test);
	g_assert_cmpint(blocks, ==, before);
	link_fini(&link);
	stop_counting(test);
}

/* Many records per system call, in both directions. */
static void
test_system_calls(struct test *test)
{
	char *data = g_malloc0(64 * 1024);
	struct link link;
	int i;

	start_counting(test);
	link_open_unix(&link, test);
	sends = receives = 0;
	g_assert_cmpint(fend_socket_send(link.server.socket, data, 60000, 0), ==, 60000);
	g_assert_cmpint(sends, ==, 1);
	tls_recv(test, link.client.socket, data, 60000);
	g_assert_cmpint(receives, <=, 5);

	for (i = 0; i < 10; i++)
		g_assert_cmpint(fend_socket_send(link.server.socket, data, 100, 0), ==, 100);
	sends = receives = 0;
	g_assert_cmpint(fend_socket_recv(link.client.socket, data, 64 * 1024, 0), ==, 1000);
	g_assert_cmpint(receives, ==, 1);
	link_fini(&link);
	stop_counting(test);
	g_free(data);
}

/* No memory in the kernel is a reason to come again, and no end of the connection. */
static void
test_passing_errors(struct test *test)
{
	struct link link;
	char data[4];

	fend_loop_free(test->loop);
	fault_install();
	test_ok(fend_loop_new(NULL, &test->loop));
	link_open(&link, test, NULL, NULL);
	fault_set(FAULT_RECVMSG, 1, -ENOMEM, FALSE);
	test_error(fend_socket_recv(link.client.socket, data, 4, 0), -ENOMEM);
	fault_set(FAULT_SENDMSG, 1, -ENOBUFS, FALSE);
	g_assert_cmpint(fend_socket_send(link.server.socket, "data", 4, 0), ==, 4);
	g_assert_true(fault_struck());
	fault_clear();
	tls_recv(test, link.client.socket, data, 4);
	link_exchange(&link);
	link_fini(&link);
	test->loop = fend_loop_free(test->loop);
	fault_remove();
	test_ok(fend_loop_new(NULL, &test->loop));
}

/* In a child everything is refused, and freeing says nothing to the peer. */
static void
child(struct link *link, struct test *test)
{
	struct fend_loop *loop = NULL;
	char byte;
	bool good;

	good = fend_socket_recv(link->client.socket, &byte, 1, 0) == -ECHILD &&
	       fend_socket_send(link->client.socket, "x", 1, 0) == -ECHILD &&
	       fend_socket_shutdown(link->client.socket, SHUT_WR) == -ECHILD &&
	       fend_tls_shutdown(link->client.socket, test->loop, 0, on_done, NULL) == -ECHILD &&
	       fend_tls_get(link->client.socket, FEND_TLS_PROTOCOL) != NULL &&
	       fend_tls_error(link->client.socket)->err == 0;
	good = good && fend_loop_new(NULL, &loop) == 0 &&
	       fend_tls_shutdown(link->client.socket, loop, 0, on_done, NULL) == -ECHILD &&
	       fend_tls_handshake(link->client.socket, loop, 0, on_done, NULL) == -ECHILD;
	link_fini(link);
	fend_loop_free(loop);
	fend_loop_free(test->loop);
	_exit(good ? 0 : 1);
}

static void
test_fork(struct test *test)
{
	struct link link;
	int status;
	pid_t pid;

	link_open(&link, test, NULL, NULL);
	pid = fork();
	if (pid == 0)
		child(&link, test);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	test_error(fend_socket_recv(link.server.socket, &(char){ 0 }, 1, 0), -EAGAIN);
	link_exchange(&link);
	link_fini(&link);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_all("/session/flush-without-a-watch", test_flush_without_a_watch);
	variant_add_all("/session/out-means-room", test_out_means_room);
	variant_add_all("/session/idle-is-idle", test_idle_is_idle);
	variant_add_all("/session/in-is-level-triggered", test_in_is_level_triggered);
	variant_add_all("/session/peek", test_peek);
	variant_add_ways("/session/peek-has-a-limit", test_peek_has_a_limit);
	variant_add_ways("/session/idle-holds-no-buffer", test_idle_holds_no_buffer);
	variant_add_all("/session/system-calls", test_system_calls);
	variant_add_all("/session/passing-errors", test_passing_errors);
	variant_add_ways("/session/fork", test_fork);
	return g_test_run();
}
