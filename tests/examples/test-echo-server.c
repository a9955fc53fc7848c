/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fend-test.h"
#include "peer.h"

enum { LARGE = 16 * 1024 * 1024, ENDLESS = 256 * 1024 * 1024, MEMORY_MAX = 4 * 1024 * 1024 };

static const char usage[] = "Usage: echo_server THREADS ADDRESS...\n";

static struct process *
serve(const char *threads, int port)
{
	char *address = g_strdup_printf("127.0.0.1:%d", port);
	struct process *server = server_start(ECHO_SERVER, threads, address, NULL);

	g_free(address);
	return server;
}

static void
exchange(int fd)
{
	GThread *sender = pattern_send_meanwhile(fd, 0, LARGE, TRUE);

	pattern_expect(fd, 0, LARGE);
	peer_expect_end(fd);
	g_thread_join(sender);
	close(fd);
}

static void
test_large(struct test *test)
{
	int port = test_port(SOCK_STREAM);
	struct process *server = serve("1", port);

	exchange(peer_connect(port));
	server_end(server, SIGTERM, 0);
}

/* The second address does not stand behind the first, and the file goes when the server does. */
static void
test_unix(struct test *test)
{
	char *path = g_build_filename(test_directory(), "echo", NULL);
	char *address = g_strdup_printf("unix:%s", path);
	char *tcp = g_strdup_printf("127.0.0.1:%d", test_port(SOCK_STREAM));
	struct process *server = server_start(ECHO_SERVER, "3", tcp, address, NULL);

	exchange(peer_connect_unix(path));
	g_assert_cmpint(access(path, F_OK), ==, 0);
	server_end(server, SIGINT, 0);
	g_assert_cmpint(access(path, F_OK), ==, -1);
	g_free(tcp);
	g_free(address);
	g_free(path);
}

static void
test_many_clients(struct test *test)
{
	enum { CLIENTS = 200 };
	int port = test_port(SOCK_STREAM), fds[CLIENTS];
	struct process *server = serve("4", port);

	for (int i = 0; i < CLIENTS; i++)
		fds[i] = peer_connect(port);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < CLIENTS; i++)
			pattern_send(fds[i], (gsize)i, 1000);
		for (int i = 0; i < CLIENTS; i++)
			pattern_expect(fds[i], (gsize)i, 1000);
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	server_end(server, SIGTERM, 0);
}

/* How many sockets listen there. */
static int
count_listeners(int port)
{
	char *pattern = g_strdup_printf(": 0100007F:%04X 00000000:0000 0A ", (unsigned)port), *text;
	int count = 0;

	g_assert_true(g_file_get_contents("/proc/net/tcp", &text, NULL, NULL));
	for (const char *at = text; (at = strstr(at, pattern)); at++)
		count++;
	g_free(text);
	g_free(pattern);
	return count;
}

static void
test_threads_share_the_port(struct test *test)
{
	int port = test_port(SOCK_STREAM), fd;
	struct process *server = serve("4", port);

	fd = peer_connect(port);
	peer_say(fd, "x");
	peer_expect(fd, "x");
	close(fd);
	g_assert_cmpint(count_listeners(port), ==, 4);
	server_end(server, SIGTERM, 0);
}

/* Nobody new is let in, but who is there is served until he leaves. */
static void
test_drains(struct test *test)
{
	int port = test_port(SOCK_STREAM), fd;
	struct process *server = serve("2", port);

	fd = peer_connect(port);
	peer_say(fd, "before");
	peer_expect(fd, "before");
	g_assert_cmpint(kill(process_pid(server), SIGTERM), ==, 0);
	peer_wait_refused(port);
	exchange(fd);
	server_end(server, 0, 0);
}

/* Who has sent, but was not served yet, is: the signal comes while the echo is on its way. */
static void
test_drains_what_is_on_its_way(struct test *test)
{
	int port = test_port(SOCK_STREAM), fd;
	struct process *server = serve("1", port);
	gsize size;

	fd = peer_connect(port);
	size = pattern_stuff(fd, ENDLESS);
	g_assert_cmpint(kill(process_pid(server), SIGINT), ==, 0);
	peer_wait_refused(port);
	g_assert_cmpint(shutdown(fd, SHUT_WR), ==, 0);
	pattern_expect(fd, 0, size);
	peer_expect_end(fd);
	close(fd);
	server_end(server, 0, 0);
}

static void
test_second_signal_kills(struct test *test)
{
	int port = test_port(SOCK_STREAM), fd;
	struct process *server = serve("2", port);

	fd = peer_connect(port);
	peer_say(fd, "x");
	peer_expect(fd, "x");
	g_assert_cmpint(kill(process_pid(server), SIGTERM), ==, 0);
	peer_wait_refused(port);
	server_end(server, SIGTERM, 128 + SIGTERM);
	close(fd);
}

static void
test_client_that_does_not_read(struct test *test)
{
	int port = test_port(SOCK_STREAM), stalled, other;
	struct process *server = serve("1", port);
	gsize memory, size;

	other = peer_connect(port);
	pattern_send(other, 0, 100000);
	pattern_expect(other, 0, 100000);
	memory = server_memory(server);
	stalled = peer_connect(port);
	size = pattern_stuff(stalled, ENDLESS);
	g_assert_cmpuint(size, <, ENDLESS);
	g_assert_cmpuint(server_memory(server), <, memory + MEMORY_MAX);
	peer_say(other, "still served");
	peer_expect(other, "still served");
	pattern_expect(stalled, 0, size);
	close(stalled);
	close(other);
	server_end(server, SIGTERM, 0);
}

static void
test_address_in_use(struct test *test)
{
	int port, listener = peer_listen(&port);
	struct process *server = serve("2", port);
	char *output;

	g_assert_cmpint(process_wait(server), ==, 1);
	output = process_output(server);
	g_assert_cmpstr(output, ==, "echo_server: cannot listen: address in use\n");
	g_free(output);
	process_stop(server);
	close(listener);
}

static void
test_usage(struct test *test)
{
	server_check_usage(server_start(ECHO_SERVER, NULL), usage);
	server_check_usage(server_start(ECHO_SERVER, "1", NULL), usage);
	server_check_usage(server_start(ECHO_SERVER, "127.0.0.1:7", NULL), usage);
	server_check_usage(server_start(ECHO_SERVER, "0", "127.0.0.1:7", NULL), usage);
	server_check_usage(server_start(ECHO_SERVER, "1", "localhost", NULL), usage);
	server_check_usage(server_start(ECHO_SERVER, "1", "127.0.0.1:7", "unix", NULL), usage);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/echo-server/large", test_large);
	test_add("/echo-server/unix", test_unix);
	test_add("/echo-server/many-clients", test_many_clients);
	test_add("/echo-server/threads-share-the-port", test_threads_share_the_port);
	test_add("/echo-server/drains", test_drains);
	test_add("/echo-server/drains-what-is-on-its-way", test_drains_what_is_on_its_way);
	test_add("/echo-server/second-signal-kills", test_second_signal_kills);
	test_add("/echo-server/client-that-does-not-read", test_client_that_does_not_read);
	test_add("/echo-server/address-in-use", test_address_in_use);
	test_add("/echo-server/usage", test_usage);
	return g_test_run();
}
