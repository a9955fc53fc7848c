/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certificate.h"
#include "fend-test.h"
#include "tls-peer.h"

enum { LARGE = 4 * 1024 * 1024, ENDLESS = 256 * 1024 * 1024, MEMORY_MAX = 4 * 1024 * 1024 };

/* The proxy, before two targets: one is a.test's, the other everyone else's if open. */
struct passage {
	struct process *proxy;
	int port, named, others;
	char *certificate, *key; /* the files it reads */
};

static void
copy(const char *from, const char *to)
{
	char *content;
	gsize size;

	g_assert_true(g_file_get_contents(from, &content, &size, NULL));
	g_assert_true(g_file_set_contents(to, content, (gssize)size, NULL));
	g_free(content);
}

/* One that is good for these names only. */
static void
install(struct passage *passage, const char *name, const char *san)
{
	const struct certificate_options options = { .san = san };
	const struct certificate *certificate = certificate_new(name, &options);

	copy(certificate->certificate, passage->certificate);
	copy(certificate->key, passage->key);
}

static void
passage_open(struct passage *passage, gboolean open)
{
	int named_port, others_port;
	char *address, *named, *others;

	passage->certificate = test_path("certificate");
	passage->key = test_path("key");
	install(passage, "first", "DNS:a.test,DNS:b.test");
	passage->named = peer_listen(&named_port);
	passage->others = peer_listen(&others_port);
	passage->port = test_port(SOCK_STREAM);
	address = g_strdup_printf("127.0.0.1:%d", passage->port);
	named = g_strdup_printf("a.test=127.0.0.1:%d", named_port);
	others = g_strdup_printf("127.0.0.1:%d", others_port);
	passage->proxy = server_start(TLS_PROXY, address, passage->certificate, passage->key, named,
				      open ? others : NULL, NULL);
	test_wait_port(passage->port);
	g_free(others);
	g_free(named);
	g_free(address);
}

/* The targets go first: who is in their queue is not taken leave of otherwise. */
static void
passage_close(struct passage *passage)
{
	close(passage->named);
	close(passage->others);
	g_free(passage->certificate);
	g_free(passage->key);
}

static void
passage_end(struct passage *passage, int signo)
{
	passage_close(passage);
	server_end(passage->proxy, signo, 0);
}

static void
check_both_ways(struct process *client, int target)
{
	process_write(client, "request\n");
	peer_expect(target, "request\n");
	peer_say(target, "response\n");
	process_expect(client, "response\n");
}

static void
check_route(struct passage *passage, const char *name, int listener)
{
	struct process *client = tls_client(passage->port, name, NULL);
	int target = peer_accept(listener);

	check_both_ways(client, target);
	close(target);
	g_assert_cmpint(process_wait(client), ==, 0);
	process_stop(client);
}

static void
test_names(struct test *test)
{
	struct passage passage;

	passage_open(&passage, TRUE);
	check_route(&passage, "a.test", passage.named);
	check_route(&passage, "A.Test", passage.named);
	check_route(&passage, "b.test", passage.others);
	check_route(&passage, NULL, passage.others);
	passage_end(&passage, SIGTERM);
}

/* He has a handshake, since only then it is known whom he asked for, and nothing else. */
static void
test_unknown_name(struct test *test)
{
	struct passage passage;
	struct process *client;

	passage_open(&passage, FALSE);
	client = tls_client(passage.port, "b.test", NULL);
	process_wait(client);
	process_stop(client);
	client = tls_client(passage.port, NULL, NULL);
	process_wait(client);
	process_stop(client);
	check_route(&passage, "a.test", passage.named);
	passage_end(&passage, SIGTERM);
}

static void
test_curl(struct test *test)
{
	struct passage passage;
	char *file = test_path("page"), *line;
	struct process *curl;
	int target;

	passage_open(&passage, TRUE);
	line = g_strdup_printf("exec curl -sS --cacert %s --resolve a.test:%d:127.0.0.1 -o %s "
			       "https://a.test:%d/",
			       certificate_ca(), passage.port, file, passage.port);
	curl = process_start((const char *const[]){ "sh", "-c", line, NULL });
	target = peer_accept(passage.named);
	peer_expect(target, "GET / HTTP/1.1\r\n");
	peer_say(target, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	pattern_send(target, 0, LARGE);
	g_assert_cmpint(shutdown(target, SHUT_WR), ==, 0);
	g_assert_cmpint(process_wait(curl), ==, 0);
	tls_expect_file(file, LARGE);
	close(target);
	process_stop(curl);
	g_free(line);
	g_free(file);
	passage_end(&passage, SIGTERM);
}

/* Who does not read stalls who sends, and not the proxy's memory grows; nothing is lost. */
static void
test_client_that_does_not_read(struct test *test)
{
	char *file = test_path("taken");
	struct passage passage;
	struct process *client;
	gsize memory, size;
	int target;

	passage_open(&passage, TRUE);
	client = tls_client(passage.port, "a.test", file);
	target = peer_accept(passage.named);
	pattern_send(target, 0, 251);
	tls_expect_file(file, 251);
	g_assert_cmpint(kill(process_pid(client), SIGSTOP), ==, 0);
	memory = server_memory(passage.proxy);
	size = pattern_stuff(target, ENDLESS);
	g_assert_cmpuint(size, <, ENDLESS);
	g_assert_cmpuint(server_memory(passage.proxy), <, memory + MEMORY_MAX);
	check_route(&passage, "b.test", passage.others);
	g_assert_cmpint(kill(process_pid(client), SIGCONT), ==, 0);
	close(target);
	g_assert_cmpint(process_wait(client), ==, 0);
	tls_expect_file(file, 251 + size);
	process_stop(client);
	g_free(file);
	passage_end(&passage, SIGTERM);
}

static void
test_plain_text(struct test *test)
{
	struct passage passage;
	int fd;

	passage_open(&passage, TRUE);
	fd = peer_connect(passage.port);
	peer_say(fd, "GET / HTTP/1.0\r\n\r\n");
	tls_expect_refusal(fd);
	close(fd);
	check_route(&passage, "a.test", passage.named);
	passage_end(&passage, SIGTERM);
}

static void
test_refused_by_target(struct test *test)
{
	struct passage passage;
	struct process *client;

	passage_open(&passage, TRUE);
	close(passage.named);
	client = tls_client(passage.port, "a.test", NULL);
	process_wait(client);
	process_stop(client);
	check_route(&passage, "b.test", passage.others);
	passage.named = -1;
	passage_end(&passage, SIGTERM);
}

static void
hang_up(const struct passage *passage)
{
	g_assert_cmpint(kill(process_pid(passage->proxy), SIGHUP), ==, 0);
}

/* Nothing tells when the signal has been seen but who is served then. */
static void
wait_served(const struct passage *passage, const char *name)
{
	gint64 deadline = g_get_monotonic_time() + 20 * G_USEC_PER_SEC * test_slowness();

	while (!tls_is_served(passage->port, name))
		g_assert_cmpint(g_get_monotonic_time(), <, deadline);
}

/* tls_is_served() has the proxy connect to the target. */
static int
accept_who_says(int listener, const char *text)
{
	char first;
	int target;

	for (;;) {
		target = peer_accept(listener);
		if (recv(target, &first, 1, MSG_PEEK) == 1)
			break;
		close(target);
	}
	peer_expect(target, text);
	return target;
}

static void
test_reload(struct test *test)
{
	struct passage passage;
	struct process *before, *after;
	int target;

	passage_open(&passage, TRUE);
	before = tls_client(passage.port, "a.test", NULL);
	target = peer_accept(passage.named);
	check_both_ways(before, target);
	install(&passage, "second", "DNS:c.test");
	hang_up(&passage);
	wait_served(&passage, "c.test");
	g_assert_false(tls_is_served(passage.port, "b.test"));
	check_both_ways(before, target);
	after = tls_client(passage.port, "c.test", NULL);
	process_write(after, "hello\n");
	close(accept_who_says(passage.others, "hello\n"));
	g_assert_cmpint(process_wait(after), ==, 0);
	process_stop(after);
	check_both_ways(before, target);
	close(target);
	g_assert_cmpint(process_wait(before), ==, 0);
	process_stop(before);
	passage_end(&passage, SIGTERM);
}

/* It has a context that nothing else holds any more, and is cut off in the middle. */
static void
test_reload_during_handshake(struct test *test)
{
	struct passage passage;
	int fd;

	passage_open(&passage, TRUE);
	fd = peer_connect(passage.port);
	peer_send(fd, "\x16\x03\x01", 3);
	install(&passage, "second", "DNS:c.test");
	hang_up(&passage);
	wait_served(&passage, "c.test");
	close(fd);
	passage_end(&passage, SIGTERM);
}

static void
test_reload_of_broken_files(struct test *test)
{
	struct passage passage;
	struct process *client;
	int target;

	passage_open(&passage, TRUE);
	client = tls_client(passage.port, "a.test", NULL);
	target = peer_accept(passage.named);
	g_assert_true(g_file_set_contents(passage.certificate, "nonsense\n", -1, NULL));
	hang_up(&passage);
	process_expect(passage.proxy, "tls_proxy: ");
	check_both_ways(client, target);
	check_route(&passage, "b.test", passage.others);
	g_assert_cmpint(unlink(passage.key), ==, 0);
	hang_up(&passage);
	check_route(&passage, "b.test", passage.others);
	install(&passage, "second", "DNS:c.test");
	hang_up(&passage);
	wait_served(&passage, "c.test");
	check_both_ways(client, target);
	close(target);
	process_stop(client);
	passage_close(&passage);
	g_assert_cmpint(kill(process_pid(passage.proxy), SIGTERM), ==, 0);
	g_assert_cmpint(process_wait(passage.proxy), ==, 0);
	process_stop(passage.proxy);
}

static void
test_drains(struct test *test)
{
	struct passage passage;
	struct process *client;
	int target;

	passage_open(&passage, TRUE);
	client = tls_client(passage.port, "a.test", NULL);
	target = peer_accept(passage.named);
	check_both_ways(client, target);
	g_assert_cmpint(kill(process_pid(passage.proxy), SIGINT), ==, 0);
	peer_wait_refused(passage.port);
	check_both_ways(client, target);
	close(target);
	g_assert_cmpint(process_wait(client), ==, 0);
	process_stop(client);
	passage_end(&passage, 0);
}

static void
test_usage(struct test *test)
{
	static const char usage[] = "Usage: tls_proxy ADDRESS CERTIFICATE KEY [NAME=]TARGET...\n";

	server_check_usage(server_start(TLS_PROXY, NULL), usage);
	server_check_usage(server_start(TLS_PROXY, "127.0.0.1:7", "c", "k", NULL), usage);
	server_check_usage(server_start(TLS_PROXY, "127.0.0.1:7", "c", "k", "a=b", NULL), usage);
	server_check_usage(server_start(TLS_PROXY, "7", "c", "k", "127.0.0.1:7", NULL), usage);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/tls-proxy/names", test_names);
	test_add("/tls-proxy/unknown-name", test_unknown_name);
	test_add("/tls-proxy/curl", test_curl);
	test_add("/tls-proxy/client-that-does-not-read", test_client_that_does_not_read);
	test_add("/tls-proxy/plain-text", test_plain_text);
	test_add("/tls-proxy/refused-by-target", test_refused_by_target);
	test_add("/tls-proxy/reload/running", test_reload);
	test_add("/tls-proxy/reload/during-handshake", test_reload_during_handshake);
	test_add("/tls-proxy/reload/broken-files", test_reload_of_broken_files);
	test_add("/tls-proxy/drains", test_drains);
	test_add("/tls-proxy/usage", test_usage);
	return g_test_run();
}
