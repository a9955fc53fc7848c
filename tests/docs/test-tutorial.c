/* SPDX-License-Identifier: MIT */
/*
 * The steps of the tutorial, run as a reader runs them. The build tells in the environment where
 * those are that it has the libraries for.
 */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certificate.h"
#include "fake-server.h"
#include "fend-test.h"
#include "nginx.h"
#include "peer.h"

#define STEP(n) "FEND_TUTORIAL_STEP" n

/* It ends by itself with that status, and its last words contain the text. */
static void
check_end(struct process *process, int status, const char *text)
{
	int actual = process_wait(process);
	char *output = process_output(process);

	if (actual != status || !strstr(output, text))
		g_error("it ended with %d, not %d, or did not print \"%s\" but \"%s\"", actual,
			status, text, output);
	g_free(output);
	process_stop(process);
}

static void
test_timer(struct test *test)
{
	check_end(server_start(STEP("1"), NULL), 0, "tick 1\ntick 2\ntick 3\n");
}

static void
test_input(struct test *test)
{
	struct process *process = server_start(STEP("2"), NULL);

	process_write(process, "hello\n");
	process_expect(process, "6 bytes\n");
	process_write(process, "good bye\n");
	process_expect(process, "9 bytes\n");
	process_write(process, NULL);
	check_end(process, 0, "6 bytes\n9 bytes\n");
}

/* As the tutorial says of regular files. */
static void
test_input_is_a_file(struct test *test)
{
	char *path = test_file("input", "hello\n");
	const char *argv[] = { "sh", "-c", "exec \"$0\" <\"$1\"", g_getenv(STEP("2")), path, NULL };

	check_end(process_start(argv), 1, fend_strerror(-EPERM));
	g_free(path);
}

static void
test_signal(struct test *test)
{
	struct process *process = server_start(STEP("3"), NULL);

	process_write(process, "hello\n");
	process_expect(process, "6 bytes\n");
	g_assert_cmpint(kill(process_pid(process), SIGINT), ==, 0);
	check_end(process, 128 + SIGINT, "interrupted\n");
}

/* Both ways, until its input ends, and then the peer's. */
static void
converse(struct process *process, int listener)
{
	int fd = peer_accept(listener);

	peer_say(fd, "who are you?\n");
	process_expect(process, "who are you?\n");
	process_write(process, "a program\n");
	peer_expect(fd, "a program\n");
	process_write(process, NULL);
	peer_expect_end(fd);
	peer_say(fd, "good bye");
	close(fd);
	close(listener);
	check_end(process, 0, "who are you?\ngood bye");
}

static void
test_connect(struct test *test)
{
	int port, listener = peer_listen(&port);
	char *address = g_strdup_printf("127.0.0.1:%d", port);

	converse(server_start(STEP("4"), address, NULL), listener);
	g_free(address);
}

/* More than fits on the way, in both directions: nothing is lost, and nothing out of order. */
static void
test_much(struct test *test)
{
	int port, fd, listener = peer_listen(&port);
	char *address = g_strdup_printf("127.0.0.1:%d", port);
	const char *argv[] = { "sh",    "-c", "seq 600000 | \"$0\" \"$1\"", g_getenv(STEP("4")),
			       address, NULL };
	struct process *process = process_start(argv);
	GString *text = g_string_new(NULL);

	for (int i = 1; i <= 600 * 1000; i++)
		g_string_append_printf(text, "%d\n", i);
	fd = peer_accept(listener);
	peer_say(fd, text->str);
	process_expect(process, "\n600000\n");
	peer_expect(fd, text->str);
	peer_expect_end(fd);
	peer_say(fd, "that was all\n");
	close(fd);
	close(listener);
	check_end(process, 0, "\n600000\nthat was all\n");
	g_string_free(text, TRUE);
	g_free(address);
}

static void
test_refused(struct test *test)
{
	char *address = g_strdup_printf("127.0.0.1:%d", test_port(SOCK_STREAM));

	check_end(server_start(STEP("4"), address, NULL), 1, fend_strerror(-ECONNREFUSED));
	check_end(server_start(STEP("4"), "nonsense", NULL), 1, fend_strerror(-EINVAL));
	check_end(server_start(STEP("4"), NULL), 2, "ADDRESS:PORT");
	g_free(address);
}

static void
test_name(struct test *test)
{
	int port, listener = peer_listen(&port);
	char *service = g_strdup_printf("%d", port);

	converse(server_start(STEP("5"), "localhost", service, NULL), listener);
	check_end(server_start(STEP("5"), "localhost", "no-such-service", NULL), 1,
		  fend_strerror(FEND_EAI_SERVICE));
	check_end(server_start(STEP("5"), "localhost", service, NULL), 1,
		  fend_strerror(-ECONNREFUSED));
	check_end(server_start(STEP("5"), "localhost", NULL), 2, "HOST PORT");
	g_free(service);
}

static struct process *
fetch(int port, const char *path, const char *cafile)
{
	char *service = g_strdup_printf("%d", port);
	struct process *process = server_start(STEP("6"), "localhost", service, path, cafile, NULL);

	g_free(service);
	return process;
}

static void
test_fetch(struct test *test)
{
	struct nginx *nginx = nginx_start();

	check_end(fetch(nginx_tls_port(nginx), "/hello", certificate_ca()), 0,
		  "\r\n\r\nHello, world.\n");
	check_end(fetch(nginx_tls_port(nginx), "/nothing", certificate_ca()), 0,
		  "HTTP/1.1 404 Not Found\r\n");
	nginx_stop(nginx);
}

/* What was cut short does not pass for the whole. */
static void
test_truncated(struct test *test)
{
	enum { SIZE = 200 * 1000, CUT = 100 * 1000 };
	struct nginx *nginx = nginx_start();
	struct fake_server *server = fake_server_new_cut(nginx_tls_port(nginx), CUT);

	g_free(nginx_add_file(nginx, "large", SIZE));
	check_end(fetch(nginx_tls_port(nginx), "/large", certificate_ca()), 0,
		  "HTTP/1.1 200 OK\r\n");
	check_end(fetch(fake_server_port(server), "/large", certificate_ca()), 1,
		  "HTTP/1.1 200 OK\r\n");
	fake_server_free(server);
	nginx_stop(nginx);
}

/* It does not speak to one that it cannot be sure of, and says why. */
static void
test_verify(struct test *test)
{
	struct nginx *nginx = nginx_start();

	check_end(fetch(nginx_tls_port(nginx), "/hello", NULL), 1, "localhost: ");
	check_end(fetch(nginx_tls_port(nginx), "/hello", certificate_other_ca()), 1, "localhost: ");
	check_end(fetch(nginx_other_port(nginx), "/hello", certificate_ca()), 1, "localhost: ");
	check_end(fetch(nginx_expired_port(nginx), "/hello", certificate_ca()), 1, "expired");
	check_end(fetch(nginx_port(nginx), "/hello", certificate_ca()), 1, "localhost: ");
	check_end(fetch(nginx_tls_port(nginx), "/hello", "/does-not-exist"), 1, "does-not-exist");
	check_end(server_start(STEP("6"), "localhost", NULL), 2, "HOST PORT PATH");
	nginx_stop(nginx);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/tutorial/timer", test_timer);
	test_add("/tutorial/input", test_input);
	test_add("/tutorial/input-is-a-file", test_input_is_a_file);
	test_add("/tutorial/signal", test_signal);
	if (g_getenv(STEP("4"))) {
		test_add("/tutorial/connect", test_connect);
		test_add("/tutorial/much", test_much);
		test_add("/tutorial/refused", test_refused);
	}
	if (g_getenv(STEP("5")))
		test_add("/tutorial/name", test_name);
	if (g_getenv(STEP("6"))) {
		test_add("/tutorial/fetch", test_fetch);
		test_add("/tutorial/truncated", test_truncated);
		test_add("/tutorial/verify", test_verify);
	}
	return g_test_run();
}
