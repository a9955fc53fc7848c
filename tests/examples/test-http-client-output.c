/* SPDX-License-Identifier: MIT */
/*
 * Where the command http_client puts what it fetches: files that are replaced as a whole or not at
 * all, pipes that are slow or broken, the progress bar, and what a signal leaves behind.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "fake-server.h"
#include "fend-test.h"
#include "nginx.h"
#include "process.h"

static void
test_interrupted(struct test *test)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct fake_reply stall = {
		.text = "HTTP/1.1 200 OK\r\n\r\npartial",
		.size = -1,
		.stall = TRUE,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
		struct fake_server *server = fake_server_new(&stall, 1);
		char *url = url_of("http", fake_server_port(server), "/");
		char *path = path_of("interrupted");
		const char *const argv[] = { g_getenv(HTTP_CLIENT), "-v", "-o", path, url, NULL };
		struct process *process = process_start(argv);

		process_expect(process, "< 200 OK");
		g_assert_cmpint(kill(process_pid(process), signals[i]), ==, 0);
		g_assert_cmpint(process_wait(process), ==, 128 + signals[i]);
		check_nothing_left(path);
		process_stop(process);
		g_free(path);
		g_free(url);
		fake_server_free(server);
	}
}

static void
test_output_fails(struct test *test)
{
	struct nginx *nginx = nginx_start();
	char *sum = nginx_add_file(nginx, "medium", 1024 * 1024);
	char *url = url_of("http", nginx_port(nginx), "/medium"), *err;
	struct program program = program_start(HTTP_CLIENT, ">/dev/full", url, NULL);

	check_failure(&program, 23, "No space left");
	program = program_start(HTTP_CLIENT, ">&-", url, NULL);
	check_failure(&program, 23, "cannot write");
	program = program_start(HTTP_CLIENT, NULL, "-o", "/nonexistent/file", url, NULL);
	check_failure(&program, 23, "cannot open");
	program = program_start(HTTP_CLIENT, NULL, "-o", "/", url, NULL);
	check_failure(&program, 23, "cannot open");
	program = program_start(HTTP_CLIENT, "| true", url, NULL);
	program_end(&program, NULL, &err);
	g_assert_cmpstr(err, ==, "http_client: cannot write the output: Broken pipe\n");
	g_free(err);
	g_free(url);
	g_free(sum);
	nginx_stop(nginx);
}

static void
check_stalled(const struct nginx *nginx, const char *name, size_t size, const char *words)
{
	char *sum = nginx_add_file(nginx, name, size), *fifo = path_of("fifo");
	char *path = g_strconcat("/", name, NULL), *url = url_of("http", nginx_port(nginx), path);
	struct program program;
	int fd;

	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	fd = open(fifo, O_RDWR | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	/*
	 * A byte that is in it already leaves room in the end for less than what is to be written.
	 */
	g_assert_cmpint(write(fd, "", 1), ==, 1);
	program = program_start(HTTP_CLIENT, NULL, "--max-time", "0.5", "-o", fifo, url, NULL);
	check_failure(&program, 28, words);
	close(fd);
	g_assert_cmpint(unlink(fifo), ==, 0);
	g_free(fifo);
	g_free(path);
	g_free(url);
	g_free(sum);
}

/*
 * The time is over although nobody reads what there is to write: so much that the request is held
 * up, or so little that it is complete and only what is left in hand does not fit into the pipe.
 */
static void
test_stalled_reader(struct test *test)
{
	struct nginx *nginx = nginx_start();

	check_stalled(nginx, "much", 8 * 1024 * 1024, "not done after 0.5 s");
	check_stalled(nginx, "little", 64 * 1024, "the output is not written");
	nginx_stop(nginx);
}

static void
test_file_is_replaced(struct test *test)
{
	struct nginx *nginx = nginx_start();
	char *url = url_of("http", nginx_port(nginx), "/hello"), *path = test_file("target", "old");
	char *link = path_of("link"), *content;
	struct program program;
	struct stat status;

	g_assert_cmpint(chmod(path, 0640), ==, 0);
	g_assert_cmpint(symlink("target", link), ==, 0);
	program = program_start(HTTP_CLIENT, NULL, "-o", link, url, NULL);
	check_success(&program, "");
	g_assert_cmpint(lstat(link, &status), ==, 0);
	g_assert_true(S_ISLNK(status.st_mode));
	g_assert_cmpint(lstat(path, &status), ==, 0);
	g_assert_cmpint(status.st_mode, ==, S_IFREG | 0640);
	g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
	g_assert_cmpstr(content, ==, "Hello, world.\n");
	g_free(content);
	program = program_start(HTTP_CLIENT, NULL, "-o", "/dev/null", url, NULL);
	check_success(&program, "");
	g_assert_cmpint(stat("/dev/null", &status), ==, 0);
	g_assert_true(S_ISCHR(status.st_mode));
	g_assert_cmpint(unlink(link), ==, 0);
	g_assert_cmpint(unlink(path), ==, 0);
	g_free(link);
	g_free(path);
	g_free(url);
	nginx_stop(nginx);
}

static void
test_progress(struct test *test)
{
	struct nginx *nginx = nginx_start();
	char *sum = nginx_add_file(nginx, "medium", 1024 * 1024);
	char *url = url_of("http", nginx_port(nginx), "/medium"), *path = path_of("shown"), *output;
	struct terminal *terminal = terminal_start(HTTP_CLIENT, "-o", path, url, NULL);

	g_assert_cmpint(terminal_end(terminal, &output), ==, 0);
	g_assert_nonnull(strstr(output, "\r[#"));
	g_assert_nonnull(strstr(output, "#] 100%     1.0 MiB"));
	g_assert_true(g_str_has_suffix(output, "\r\n"));
	g_free(output);
	terminal = terminal_start(HTTP_CLIENT, url, "-o", "/nonexistent/file", NULL);
	g_assert_cmpint(terminal_end(terminal, &output), ==, 23);
	g_assert_true(g_str_has_prefix(output, "http_client: "));
	g_free(output);
	g_assert_cmpint(unlink(path), ==, 0);
	g_free(path);
	g_free(url);
	g_free(sum);
	nginx_stop(nginx);
}

/* nohup(1) has a program ignore SIGHUP, which is to stay so. */
static void
test_ignored_signal(struct test *test)
{
	const struct fake_reply stall = {
		.text = "HTTP/1.1 200 OK\r\n\r\npartial",
		.size = -1,
		.stall = TRUE,
	};
	struct fake_server *server = fake_server_new(&stall, 1);
	char *url = url_of("http", fake_server_port(server), "/");
	const char *const argv[] = {
		"sh", "-c", "trap '' HUP; exec \"$0\" -v \"$1\"", g_getenv(HTTP_CLIENT), url, NULL
	};
	struct process *process = process_start(argv);

	process_expect(process, "< 200 OK");
	g_assert_cmpint(kill(process_pid(process), SIGHUP), ==, 0);
	g_assert_cmpint(kill(process_pid(process), SIGTERM), ==, 0);
	g_assert_cmpint(process_wait(process), ==, 128 + SIGTERM);
	process_stop(process);
	g_free(url);
	fake_server_free(server);
}

int
main(int argc, char **argv)
{
	/* Whoever runs this in the background may have had it ignore them. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	test_init(&argc, &argv);
	test_add("/http-client-output/ignored-signal", test_ignored_signal);
	test_add("/http-client-output/interrupted", test_interrupted);
	test_add("/http-client-output/output-fails", test_output_fails);
	test_add("/http-client-output/stalled-reader", test_stalled_reader);
	test_add("/http-client-output/file-is-replaced", test_file_is_replaced);
	test_add("/http-client-output/progress", test_progress);
	return g_test_run();
}
