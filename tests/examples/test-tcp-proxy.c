/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fend-test.h"
#include "peer.h"

enum { LARGE = 16 * 1024 * 1024, ENDLESS = 256 * 1024 * 1024, MEMORY_MAX = 4 * 1024 * 1024 };

/* The proxy, and who talks through it. */
struct passage {
	struct process *proxy;
	int port, listener;
	int client, target;
};

static void
passage_open(struct passage *passage)
{
	int target_port;
	char *address, *target;

	passage->listener = peer_listen(&target_port);
	passage->port = test_port(SOCK_STREAM);
	address = g_strdup_printf("127.0.0.1:%d", passage->port);
	target = g_strdup_printf("127.0.0.1:%d", target_port);
	passage->proxy = server_start(TCP_PROXY, address, target, NULL);
	g_free(target);
	g_free(address);
	passage->client = peer_connect(passage->port);
	passage->target = peer_accept(passage->listener);
}

static void
passage_close(struct passage *passage)
{
	close(passage->client);
	close(passage->target);
	close(passage->listener);
	server_end(passage->proxy, SIGTERM, 0);
}

static void
test_both_ways_at_once(struct test *test)
{
	struct passage passage;
	GThread *there, *back;

	passage_open(&passage);
	there = pattern_send_meanwhile(passage.client, 0, LARGE, TRUE);
	back = pattern_send_meanwhile(passage.target, 1, LARGE, TRUE);
	for (gsize at = 0; at < LARGE; at += LARGE / 16) {
		pattern_expect(passage.target, at, LARGE / 16);
		pattern_expect(passage.client, 1 + at, LARGE / 16);
	}
	peer_expect_end(passage.target);
	peer_expect_end(passage.client);
	g_thread_join(there);
	g_thread_join(back);
	passage_close(&passage);
}

/* The end of one direction is passed on after all that was before it, and the other goes on. */
static void
check_half_close(struct passage *passage, int first, int second)
{
	GThread *sender = pattern_send_meanwhile(first, 0, LARGE, TRUE);

	pattern_expect(second, 0, LARGE);
	peer_expect_end(second);
	g_thread_join(sender);
	sender = pattern_send_meanwhile(second, 0, LARGE, TRUE);
	pattern_expect(first, 0, LARGE);
	peer_expect_end(first);
	g_thread_join(sender);
	passage_close(passage);
}

static void
test_half_close_by_client(struct test *test)
{
	struct passage passage;

	passage_open(&passage);
	check_half_close(&passage, passage.client, passage.target);
}

static void
test_half_close_by_target(struct test *test)
{
	struct passage passage;

	passage_open(&passage);
	check_half_close(&passage, passage.target, passage.client);
}

/* All that a client has to say is there before the target is, or the proxy has even looked. */
static void
test_said_before_connected(struct test *test)
{
	struct passage passage;
	int client, target;

	passage_open(&passage);
	g_assert_cmpint(kill(process_pid(passage.proxy), SIGSTOP), ==, 0);
	client = peer_connect(passage.port);
	pattern_send(client, 0, 100000);
	g_assert_cmpint(shutdown(client, SHUT_WR), ==, 0);
	g_assert_cmpint(kill(process_pid(passage.proxy), SIGCONT), ==, 0);
	target = peer_accept(passage.listener);
	pattern_expect(target, 0, 100000);
	peer_expect_end(target);
	peer_say(target, "goodbye");
	close(target);
	peer_expect(client, "goodbye");
	peer_expect_end(client);
	close(client);
	passage_close(&passage);
}

/* Who does not read stalls who sends, and not the proxy's memory grows. */
static void
check_stall(struct passage *passage, int from, int to)
{
	gsize memory, size;

	pattern_send(from, 0, 100000);
	pattern_expect(to, 0, 100000);
	memory = server_memory(passage->proxy);
	size = pattern_stuff(from, ENDLESS);
	g_assert_cmpuint(size, <, ENDLESS);
	g_assert_cmpuint(server_memory(passage->proxy), <, memory + MEMORY_MAX);
	peer_say(to, "the other way is open");
	peer_expect(from, "the other way is open");
	pattern_expect(to, 0, size);
	pattern_send(from, 0, 1000);
	pattern_expect(to, 0, 1000);
	passage_close(passage);
}

static void
test_target_that_does_not_read(struct test *test)
{
	struct passage passage;

	passage_open(&passage);
	check_stall(&passage, passage.client, passage.target);
}

static void
test_client_that_does_not_read(struct test *test)
{
	struct passage passage;

	passage_open(&passage);
	check_stall(&passage, passage.target, passage.client);
}

/* It closes the client, and the proxy goes on. */
static void
test_refused_by_target(struct test *test)
{
	int port = test_port(SOCK_STREAM), client;
	char *address = g_strdup_printf("127.0.0.1:%d", port);
	char *target = g_strdup_printf("127.0.0.1:%d", test_port(SOCK_STREAM));
	struct process *proxy = server_start(TCP_PROXY, address, target, NULL);

	for (int i = 0; i < 10; i++) {
		client = peer_connect(port);
		peer_expect_end(client);
		close(client);
	}
	server_end(proxy, SIGTERM, 0);
	g_free(target);
	g_free(address);
}

static void
reset(int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), ==, 0);
	close(fd);
}

static void
test_reset_is_passed_on(struct test *test)
{
	struct passage passage;

	passage_open(&passage);
	peer_say(passage.client, "x");
	peer_expect(passage.target, "x");
	reset(passage.client);
	peer_expect_reset(passage.target);
	close(passage.target);
	passage.client = peer_connect(passage.port);
	passage.target = peer_accept(passage.listener);
	peer_say(passage.target, "x");
	peer_expect(passage.client, "x");
	reset(passage.target);
	peer_expect_reset(passage.client);
	close(passage.client);
	close(passage.listener);
	server_end(passage.proxy, SIGTERM, 0);
}

static void
test_drains(struct test *test)
{
	struct passage passage;

	passage_open(&passage);
	peer_say(passage.client, "before");
	peer_expect(passage.target, "before");
	g_assert_cmpint(kill(process_pid(passage.proxy), SIGINT), ==, 0);
	peer_wait_refused(passage.port);
	pattern_send(passage.target, 0, 100000);
	pattern_expect(passage.client, 0, 100000);
	g_assert_cmpint(shutdown(passage.client, SHUT_WR), ==, 0);
	peer_expect_end(passage.target);
	peer_say(passage.target, "after");
	close(passage.target);
	peer_expect(passage.client, "after");
	peer_expect_end(passage.client);
	close(passage.client);
	close(passage.listener);
	server_end(passage.proxy, 0, 0);
}

static void
test_many(struct test *test)
{
	enum { CLIENTS = 100 };
	int clients[CLIENTS], targets[CLIENTS];
	struct passage passage;

	passage_open(&passage);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = peer_connect(passage.port);
		targets[i] = peer_accept(passage.listener);
	}
	for (int i = 0; i < CLIENTS; i++)
		pattern_send(clients[i], (gsize)i, 1000);
	for (int i = 0; i < CLIENTS; i++) {
		pattern_expect(targets[i], (gsize)i, 1000);
		pattern_send(targets[i], (gsize)i, 1000);
		close(targets[i]);
	}
	for (int i = 0; i < CLIENTS; i++) {
		pattern_expect(clients[i], (gsize)i, 1000);
		peer_expect_end(clients[i]);
		close(clients[i]);
	}
	passage_close(&passage);
}

static void
test_usage(struct test *test)
{
	static const char usage[] = "Usage: tcp_proxy ADDRESS TARGET\n";

	server_check_usage(server_start(TCP_PROXY, NULL), usage);
	server_check_usage(server_start(TCP_PROXY, "127.0.0.1:7", NULL), usage);
	server_check_usage(server_start(TCP_PROXY, "127.0.0.1:7", "localhost:7", NULL), usage);
	server_check_usage(server_start(TCP_PROXY, "7", "127.0.0.1:7", NULL), usage);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/tcp-proxy/both-ways-at-once", test_both_ways_at_once);
	test_add("/tcp-proxy/half-close/by-client", test_half_close_by_client);
	test_add("/tcp-proxy/half-close/by-target", test_half_close_by_target);
	test_add("/tcp-proxy/said-before-connected", test_said_before_connected);
	test_add("/tcp-proxy/stall/by-target", test_target_that_does_not_read);
	test_add("/tcp-proxy/stall/by-client", test_client_that_does_not_read);
	test_add("/tcp-proxy/refused-by-target", test_refused_by_target);
	test_add("/tcp-proxy/reset-is-passed-on", test_reset_is_passed_on);
	test_add("/tcp-proxy/drains", test_drains);
	test_add("/tcp-proxy/many", test_many);
	test_add("/tcp-proxy/usage", test_usage);
	return g_test_run();
}
