/* SPDX-License-Identifier: MIT */
/* Many handshakes at once, and who has to wait: they do, and not who is through with it. */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>

#include "pair.h"

#define LINKS 12
#define CLOCK_START FEND_SEC(1000)

struct storm {
	struct test *test;
	struct fend_tls_context *client_context, *server_context;
	struct link links[LINKS];
	GArray *done; /* the sides in the order in which they were called */
};

/* How many of a storm's descriptors were read from, and written to, in this iteration. */
static struct {
	struct storm *storm;
	GHashTable *read;
	unsigned sends;
	fend_time now, cost; /* a clock that only sending moves, if cost is not 0 */
} seen;

static bool
is_of_storm(int fd)
{
	size_t i;

	for (i = 0; seen.storm && i < LINKS; i++)
		if (fend_socket_fd(seen.storm->links[i].client.socket) == fd ||
		    fend_socket_fd(seen.storm->links[i].server.socket) == fd)
			return true;
	return false;
}

static ssize_t
seen_recvmsg(int fd, struct msghdr *message, int flags)
{
	if (is_of_storm(fd))
		g_hash_table_add(seen.read, GINT_TO_POINTER(fd));
	return fend__kernel_real.recvmsg(fd, message, flags);
}

static ssize_t
seen_recv(int fd, void *buffer, size_t size, int flags)
{
	if (is_of_storm(fd))
		g_hash_table_add(seen.read, GINT_TO_POINTER(fd));
	return fend__kernel_real.recv(fd, buffer, size, flags);
}

static void
note_send(int fd)
{
	if (!is_of_storm(fd))
		return;
	seen.sends++;
	seen.now += seen.cost;
}

static ssize_t
seen_sendmsg(int fd, const struct msghdr *message, int flags)
{
	note_send(fd);
	return fend__kernel_real.sendmsg(fd, message, flags);
}

static ssize_t
seen_send(int fd, const void *buffer, size_t size, int flags)
{
	note_send(fd);
	return fend__kernel_real.send(fd, buffer, size, flags);
}

static fend_time
seen_now(void)
{
	return seen.cost ? seen.now : fend__kernel_real.now();
}

static void
watch_kernel(struct test *test, fend_time cost)
{
	static struct fend__kernel kernel;

	test->loop = fend_loop_free(test->loop);
	kernel = fend__kernel_real;
	kernel.recvmsg = seen_recvmsg;
	kernel.recv = seen_recv;
	kernel.sendmsg = seen_sendmsg;
	kernel.send = seen_send;
	kernel.now = seen_now;
	seen.storm = NULL;
	seen.read = g_hash_table_new(NULL, NULL);
	seen.now = CLOCK_START;
	seen.cost = cost;
	fend__kernel = &kernel;
	test_ok(fend_loop_new(NULL, &test->loop));
}

static void
leave_kernel(struct test *test)
{
	test->loop = fend_loop_free(test->loop);
	g_hash_table_unref(seen.read);
	fend__kernel = &fend__kernel_real;
	test_ok(fend_loop_new(NULL, &test->loop));
}

static void
storm_init(struct storm *storm, struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();
	size_t i;

	*storm = (struct storm){ .test = test };
	storm->client_context = context_new(&client);
	storm->server_context = context_new(&server);
	storm->done = g_array_new(FALSE, FALSE, sizeof(struct side *));
	for (i = 0; i < LINKS; i++) {
		struct link *link = &storm->links[i];

		link_init(link, test);
		test_ok(fend_tls_wrap(link->client.socket, storm->client_context, "localhost"));
		test_ok(fend_tls_wrap(link->server.socket, storm->server_context, NULL));
	}
	seen.storm = storm;
}

/* Give up everything that is still there. */
static void
storm_calm(struct storm *storm)
{
	size_t i;

	for (i = 0; i < LINKS; i++)
		link_fini(&storm->links[i]);
}

static void
storm_fini(struct storm *storm)
{
	seen.storm = NULL;
	storm_calm(storm);
	fend_tls_context_unref(storm->client_context);
	fend_tls_context_unref(storm->server_context);
	g_array_unref(storm->done);
}

static struct storm *current;

static void
on_side(struct fend_socket *socket, int err, void *data)
{
	struct side *side = data;

	on_done(socket, err, data);
	test_error(err, 0);
	g_array_append_val(current->done, side);
}

static void
storm_start(struct storm *storm, fend_tls_fn *fn)
{
	size_t i;

	current = storm;
	for (i = 0; i < LINKS; i++) {
		struct link *link = &storm->links[i];

		test_ok(fend_tls_handshake(link->client.socket, storm->test->loop, FEND_FOREVER, fn,
					   &link->client));
		test_ok(fend_tls_handshake(link->server.socket, storm->test->loop, FEND_FOREVER, fn,
					   &link->server));
	}
}

/* The callbacks so far, and how many of an iteration's descriptors and sends there were at most. */
static void
run_storm(struct storm *storm, unsigned *ret_reads, unsigned *ret_sends)
{
	*ret_reads = *ret_sends = 0;
	while (storm->done->len < 2 * LINKS) {
		g_hash_table_remove_all(seen.read);
		seen.sends = 0;
		test_ok(fend_loop_dispatch(storm->test->loop, FEND_SEC(20)));
		*ret_reads = MAX(*ret_reads, g_hash_table_size(seen.read));
		*ret_sends = MAX(*ret_sends, seen.sends);
	}
}

struct chat {
	struct fend_socket *client, *server;
	int rounds;
};

static void
on_ping(struct fend_socket *socket, unsigned events, void *data)
{
	char byte;

	if (fend_socket_recv(socket, &byte, 1, 0) == 1)
		g_assert_cmpint(fend_socket_send(socket, &byte, 1, 0), ==, 1);
}

static void
on_pong(struct fend_socket *socket, unsigned events, void *data)
{
	struct chat *chat = data;
	char byte;

	if (fend_socket_recv(socket, &byte, 1, 0) != 1)
		return;
	chat->rounds++;
	g_assert_cmpint(fend_socket_send(socket, &byte, 1, 0), ==, 1);
}

static void
chat_start(struct chat *chat, struct test *test, const struct link *link)
{
	*chat = (struct chat){ link->client.socket, link->server.socket, 0 };
	test_ok(fend_socket_watch(chat->client, test->loop, FEND_IN, on_pong, chat));
	test_ok(fend_socket_watch(chat->server, test->loop, FEND_IN, on_ping, chat));
	g_assert_cmpint(fend_socket_send(chat->client, "x", 1, 0), ==, 1);
}

/* One step of a handshake per iteration, and in each what is established gets on as ever. */
static void
test_storm_does_not_starve(struct test *test)
{
	struct link established;
	struct storm storm;
	struct chat chat;
	int iterations = 0, since = 0, before;

	watch_kernel(test, 0);
	test_ok(fend_tls_set_handshake_time(test->loop, 1));
	link_open(&established, test, NULL, NULL);
	link_exchange(&established);
	storm_init(&storm, test);
	storm_start(&storm, on_side);
	chat_start(&chat, test, &established);
	while (storm.done->len < 2 * LINKS) {
		g_hash_table_remove_all(seen.read);
		before = chat.rounds;
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
		iterations++;
		since = chat.rounds == before ? since + 1 : 0;
		g_assert_cmpint(g_hash_table_size(seen.read), <=, 1);
		g_assert_cmpint(since, <=, 3);
	}
	/* each of them took two steps at least */
	g_assert_cmpint(iterations, >=, 4 * LINKS);
	g_assert_cmpint(chat.rounds, >=, iterations / 4);
	storm_fini(&storm);
	link_fini(&established);
	leave_kernel(test);
}

static void
test_without_limit(struct test *test)
{
	unsigned reads, sends;
	struct storm storm;

	watch_kernel(test, 0);
	test_ok(fend_tls_set_handshake_time(test->loop, FEND_FOREVER));
	storm_init(&storm, test);
	storm_start(&storm, on_side);
	run_storm(&storm, &reads, &sends);
	g_assert_cmpuint(reads, >=, LINKS);
	storm_fini(&storm);
	leave_kernel(test);
}

/* Where a step takes a millisecond, there are two of them in an iteration. */
static void
test_default(struct test *test)
{
	unsigned reads, sends;
	struct storm storm;
	int i;

	for (i = 0; i < 2; i++) {
		watch_kernel(test, FEND_MS(1));
		test_ok(i ? fend_tls_set_handshake_time(test->loop, 0) : 0);
		storm_init(&storm, test);
		storm_start(&storm, on_side);
		run_storm(&storm, &reads, &sends);
		g_assert_cmpuint(sends, ==, 2);
		storm_fini(&storm);
		leave_kernel(test);
	}
}

static void
test_order_of_arrival(struct test *test)
{
	unsigned reads, sends, i, clients = 0, servers = 0;
	struct storm storm;
	struct side *side;

	watch_kernel(test, 0);
	test_ok(fend_tls_set_handshake_time(test->loop, 1));
	storm_init(&storm, test);
	storm_start(&storm, on_side);
	run_storm(&storm, &reads, &sends);
	for (i = 0; i < storm.done->len; i++) {
		side = g_array_index(storm.done, struct side *, i);
		if (clients < LINKS && side == &storm.links[clients].client)
			clients++;
		else if (servers < LINKS && side == &storm.links[servers].server)
			servers++;
	}
	g_assert_cmpuint(clients, ==, LINKS);
	g_assert_cmpuint(servers, ==, LINKS);
	storm_fini(&storm);
	leave_kernel(test);
}

/* Who is freed while it waits is not called; the others are, all of them. */
static void
test_free_while_waiting(struct test *test)
{
	struct storm storm;
	unsigned i, n;

	for (n = 1; n < 2 * LINKS; n += 5) {
		test_ok(fend_tls_set_handshake_time(test->loop, 1));
		storm_init(&storm, test);
		storm_start(&storm, on_side);
		for (i = 0; i < n; i++)
			test_ok(fend_loop_dispatch(test->loop, 0));
		for (i = 0; i < LINKS; i += 2)
			link_fini(&storm.links[i]);
		g_array_set_size(storm.done, 0);
		while (storm.links[LINKS - 1].client.called + storm.links[LINKS - 1].server.called <
		       2)
			test_run(test);
		for (i = 0; i < LINKS; i++) {
			g_assert_true(i % 2 || !storm.links[i].client.called);
			g_assert_true(!(i % 2) || storm.links[i].client.called == 1);
			g_assert_true(!(i % 2) || storm.links[i].server.called == 1);
		}
		link_exchange(&storm.links[LINKS - 1]);
		storm_fini(&storm);
	}
}

static int calls;

static void
on_side_free_all(struct fend_socket *socket, int err, void *data)
{
	calls++;
	storm_calm(current);
}

static void
on_side_free_loop(struct fend_socket *socket, int err, void *data)
{
	calls++;
	current->test->loop = fend_loop_free(current->test->loop);
}

static void
on_side_free_loop_and_all(struct fend_socket *socket, int err, void *data)
{
	on_side_free_loop(socket, err, data);
	storm_calm(current);
}

/* The callback is of one that has waited, and others do still. */
static void
test_free_in_the_callback(struct test *test)
{
	fend_tls_fn *const fns[] = { on_side_free_all, on_side_free_loop,
				     on_side_free_loop_and_all };
	struct storm storm;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(fns); i++) {
		test_ok(fend_tls_set_handshake_time(test->loop, 1));
		storm_init(&storm, test);
		calls = 0;
		storm_start(&storm, fns[i]);
		while (!calls)
			fend_loop_dispatch(test->loop, FEND_SEC(20));
		storm_fini(&storm);
		if (!test->loop)
			test_ok(fend_loop_new(NULL, &test->loop));
		test_drain(test);
		g_assert_cmpint(calls, ==, 1);
	}
}

static void
test_free_loop_while_waiting(struct test *test)
{
	struct storm storm;

	test_ok(fend_tls_set_handshake_time(test->loop, 1));
	storm_init(&storm, test);
	storm_start(&storm, on_side);
	test_ok(fend_loop_dispatch(test->loop, 0));
	test->loop = fend_loop_free(test->loop);
	storm_fini(&storm);
}

/* Its deadline runs while it waits, and ends that. */
static void
test_deadline_while_waiting(struct test *test)
{
	struct link late;
	struct storm storm;

	test_ok(fend_tls_set_handshake_time(test->loop, 1));
	storm_init(&storm, test);
	storm_start(&storm, on_side);
	link_init(&late, test);
	link_wrap(&late, NULL, NULL, NULL);
	test_ok(fend_tls_handshake(late.client.socket, test->loop, 0, on_done, &late.client));
	while (!late.client.called)
		test_run(test);
	test_error(late.client.err, -ETIMEDOUT);
	g_assert_cmpuint(storm.done->len, <, 2 * LINKS);
	while (storm.done->len < 2 * LINKS)
		test_run(test);
	g_assert_cmpint(late.client.called, ==, 1);
	link_fini(&late);
	storm_fini(&storm);
}

static void
test_refusals(struct test *test)
{
	test_error(fend_tls_set_handshake_time(NULL, 0), -EINVAL);
	test_error(fend_tls_set_handshake_time(test->loop, -2), -EINVAL);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/pace/storm-does-not-starve", test_storm_does_not_starve);
	variant_add("/pace/without-limit", test_without_limit);
	variant_add("/pace/default", test_default);
	variant_add("/pace/order-of-arrival", test_order_of_arrival);
	variant_add("/pace/free-while-waiting", test_free_while_waiting);
	variant_add("/pace/free-in-the-callback", test_free_in_the_callback);
	variant_add("/pace/free-loop-while-waiting", test_free_loop_while_waiting);
	variant_add("/pace/deadline-while-waiting", test_deadline_while_waiting);
	variant_add("/pace/refusals", test_refusals);
	return g_test_run();
}
