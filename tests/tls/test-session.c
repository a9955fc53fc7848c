/* SPDX-License-Identifier: MIT */
/* What recv, send, peek and watches do on an open connection. */
#include "link.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fend/layer.h>

#include "fault.h"
#include "layers.h"
#include "pair.h"

/* One end of a transfer in both directions at once. */
struct pump {
	struct fend_socket *socket;
	unsigned out_salt, in_salt;
	size_t size, sent, received;
	size_t chunk;  /* bytes per call */
	int refused;   /* how often send was -EAGAIN */
	int *finished; /* how many ends are done */
	bool done;
};

static void
pump_out(struct pump *pump)
{
	unsigned char data[100000];
	size_t size = MIN(pump->chunk, pump->size - pump->sent), i;
	ssize_t n;

	for (i = 0; i < size; i++)
		data[i] = pattern(pump->sent + i, pump->out_salt);
	n = fend_socket_send(pump->socket, data, size, 0);
	if (n == -EAGAIN) {
		pump->refused++;
		return;
	}
	g_assert_cmpint(n, >, 0);
	g_assert_cmpint(n, <=, 64 * 1024);
	pump->sent += (size_t)n;
}

static void
pump_in(struct pump *pump)
{
	unsigned char data[100000];
	ssize_t n = fend_socket_recv(pump->socket, data, pump->chunk, 0), i;

	if (n == -EAGAIN)
		return;
	g_assert_cmpint(n, >, 0);
	for (i = 0; i < n; i++)
		if (data[i] != pattern(pump->received + (size_t)i, pump->in_salt))
			g_error("byte %zu differs", pump->received + (size_t)i);
	pump->received += (size_t)n;
}

static void
on_pump(struct fend_socket *socket, unsigned events, void *data)
{
	struct pump *pump = data;

	if (events & FEND_IN && pump->received < pump->size)
		pump_in(pump);
	if (events & FEND_OUT && pump->sent < pump->size)
		pump_out(pump);
	test_ok(fend_socket_set_events(socket, FEND_IN | (pump->sent < pump->size ? FEND_OUT : 0)));
	if (!pump->done && pump->sent == pump->size && pump->received == pump->size) {
		pump->done = true;
		++*pump->finished;
	}
}

/* size bytes each way; returns how often a send was refused. */
static int
transfer(struct link *link, size_t size, size_t client_chunk, size_t server_chunk)
{
	int finished = 0;
	struct pump client = {.socket = link->client.socket, .out_salt = 1, .in_salt = 2,
			      .size = size, .chunk = client_chunk, .finished = &finished};
	struct pump server = {.socket = link->server.socket, .out_salt = 2, .in_salt = 1,
			      .size = size, .chunk = server_chunk, .finished = &finished};

	test_ok(fend_socket_watch(client.socket, link->test->loop, FEND_IN | FEND_OUT, on_pump,
				  &client));
	test_ok(fend_socket_watch(server.socket, link->test->loop, FEND_IN | FEND_OUT, on_pump,
				  &server));
	while (finished < 2)
		test_ok(fend_loop_dispatch(link->test->loop, FEND_SEC(20)));
	fend_socket_unwatch(client.socket);
	fend_socket_unwatch(server.socket);
	return client.refused + server.refused;
}

static void
set_buffers(struct link *link, int size)
{
	test_ok(fend_socket_set_option_name(link->client.socket, "SNDBUF", size));
	test_ok(fend_socket_set_option_name(link->server.socket, "SNDBUF", size));
}

static void
test_transfer(struct test *test)
{
	static const enum fend_tls_version versions[] = {FEND_TLS_1_2, FEND_TLS_1_3};
	struct fend_tls_params params = client_params();
	struct link link;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(versions); i++) {
		params.protocol_max = versions[i];
		link_open(&link, test, &params, NULL);
		transfer(&link, 4 << 20, 100000, 100000);
		transfer(&link, 1 << 20, 1000, 7000);
		transfer(&link, 3000, 1, 100000);
		link_exchange(&link);
		link_fini(&link);
	}
}

/* Small buffers of the kernel: what was taken waits, and the writer is told to wait. */
static void
test_transfer_with_little_room(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	set_buffers(&link, 4096);
	transfer(&link, 4 << 20, 100000, 5000);
	link_exchange(&link);
	link_fini(&link);
}

static void
test_transfer_in_small_pieces(struct test *test)
{
	struct link link;

	fend_loop_free(test->loop);
	fault_install();
	test_ok(fend_loop_new(NULL, &test->loop));
	link_open(&link, test, NULL, NULL);
	fault_limit(1000);
	transfer(&link, 1 << 20, 30000, 30000);
	fault_limit(3);
	transfer(&link, 20000, 30000, 30000);
	fault_limit(0);
	link_exchange(&link);
	link_fini(&link);
	test->loop = fend_loop_free(test->loop);
	fault_remove();
	test_ok(fend_loop_new(NULL, &test->loop));
}

static void
test_transfer_one_byte_at_a_time(struct test *test)
{
	struct link link;

	link_init(&link, test);
	dribbler_push(link.client.socket);
	dribbler_push(link.server.socket);
	link_wrap(&link, NULL, NULL, NULL);
	link_handshake(&link);
	transfer(&link, 10000, 3000, 3000);
	link_fini(&link);
}

/* A layer above TLS that moves its data in three pieces. */
static int
split(const struct iovec *from, struct iovec *to)
{
	size_t part = from->iov_len / 3;
	char *base = from->iov_base;

	to[0] = (struct iovec){base, part};
	to[1] = (struct iovec){base + part, part};
	to[2] = (struct iovec){base + 2 * part, from->iov_len - 2 * part};
	return 3;
}

static ssize_t
splitter_recv(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct iovec three[3];

	return fend_below_recv(below, three, split(iov, three), flags);
}

static ssize_t
splitter_send(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct iovec three[3];

	return fend_below_send(below, three, split(iov, three), flags);
}

static int
splitter_shutdown(void *layer, struct fend_below *below, int how)
{
	return fend_below_shutdown(below, how);
}

static unsigned
splitter_wants(void *layer, unsigned interest)
{
	return interest;
}

static unsigned
splitter_pending(void *layer)
{
	return FEND_OUT;
}

static const struct fend_layer_ops splitter = {
	.size = sizeof(struct fend_layer_ops),
	.name = "splitter",
	.recv = splitter_recv,
	.send = splitter_send,
	.shutdown = splitter_shutdown,
	.wants = splitter_wants,
	.pending = splitter_pending,
};

static void
test_vectors(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	test_ok(fend_socket_push_layer(link.client.socket, &splitter, NULL));
	test_ok(fend_socket_push_layer(link.server.socket, &splitter, NULL));
	transfer(&link, 1 << 20, 100000, 100000);
	transfer(&link, 3000, 2, 10);
	link_exchange(&link);
	g_assert_nonnull(fend_tls_get(link.client.socket, FEND_TLS_PROTOCOL));
	link_fini(&link);
}

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
	test_error(fend_socket_recv(link.client.socket, &(char){0}, 1, 0), -EAGAIN);
	g_assert_cmpint(fend_socket_send(link.server.socket, "x", 1, 0), ==, 1);
	link_fini(&link);
}

static void
test_out_means_room(struct test *test)
{
	struct told told = {0};
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
	static const unsigned char part[] = {23, 3, 3, 0, 100, 1, 2, 3};
	struct told told = {0};
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
	test_error(fend_socket_recv(link.client.socket, &(char){0}, 1, 0), -EAGAIN);
	g_assert_cmpint(fend_loop_dispatch(test->loop, 0), ==, 0);
	link_fini(&link);
}

/* IN is told as long as plaintext is held, although the descriptor has nothing. */
static void
test_in_is_level_triggered(struct test *test)
{
	struct told told = {0};
	struct link link;
	char data[8];
	int i;

	link_open(&link, test, NULL, NULL);
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
	struct told told = {0};
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

static void
start_counting(struct test *test)
{
	fend_loop_free(test->loop);
	counting = fend__kernel_real;
	counting.allocate = counting_allocate;
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
	struct link link;
	long before;

	start_counting(test);
	link_open(&link, test, NULL, NULL);
	before = blocks;
	link_exchange(&link);
	transfer(&link, 1 << 20, 100000, 100000);
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
	g_assert_cmpint(fend_socket_send(link.server.socket, data, 64 * 1024, 0), ==, 64 * 1024);
	g_assert_cmpint(sends, ==, 1);
	tls_recv(test, link.client.socket, data, 64 * 1024);
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
	struct fend_loop *loop;
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
	test_error(fend_socket_recv(link.server.socket, &(char){0}, 1, 0), -EAGAIN);
	link_exchange(&link);
	link_fini(&link);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/session/transfer", test_transfer);
	test_add("/session/transfer-with-little-room", test_transfer_with_little_room);
	test_add("/session/transfer-in-small-pieces", test_transfer_in_small_pieces);
	test_add("/session/transfer-one-byte-at-a-time", test_transfer_one_byte_at_a_time);
	test_add("/session/vectors", test_vectors);
	test_add("/session/flush-without-a-watch", test_flush_without_a_watch);
	test_add("/session/out-means-room", test_out_means_room);
	test_add("/session/idle-is-idle", test_idle_is_idle);
	test_add("/session/in-is-level-triggered", test_in_is_level_triggered);
	test_add("/session/peek", test_peek);
	test_add("/session/peek-has-a-limit", test_peek_has_a_limit);
	test_add("/session/idle-holds-no-buffer", test_idle_holds_no_buffer);
	test_add("/session/system-calls", test_system_calls);
	test_add("/session/passing-errors", test_passing_errors);
	test_add("/session/fork", test_fork);
	return g_test_run();
}
