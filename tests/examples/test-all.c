/* SPDX-License-Identifier: MIT */
/* examples/all.c with every kind of standard input, and interrupted. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fake-server.h"
#include "fend-test.h"
#include "process.h"
#include "program.h"

static const char *const steps[] = {
	"task", "timer", "signal", "echo", "lookup", "tls", "https", "input",
};

static const char *
dispatcher(void)
{
	const char *name = getenv("FEND_DISPATCHER");

	if (!name)
		g_error("FEND_DISPATCHER is not set: run the tests with meson test");
	return name;
}

/* Every step has its line, and it says ok. */
static void
check_steps(const char *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		char *pattern = g_strdup_printf("^%s +ok +[0-9]+\\.[0-9]{3} ms  \\S", steps[i]);

		if (!g_regex_match_simple(pattern, out, G_REGEX_MULTILINE, 0))
			g_error("no \"%s\" in:\n%s", pattern, out);
		g_free(pattern);
	}
	g_assert_nonnull(strstr(out, dispatcher()));
}

static void
check_end(struct program *program, const char *input)
{
	char *out, *err;
	int status = program_end(program, &out, &err);

	g_assert_cmpstr(err, ==, "");
	check_steps(out);
	g_assert_nonnull(strstr(out, input));
	g_assert_nonnull(strstr(out, "\nall done after "));
	g_assert_cmpint(status, ==, 0);
	g_free(out);
	g_free(err);
}

static void
test_pipe(struct test *test)
{
	struct program program = program_start(ALL, NULL, dispatcher(), NULL);

	process_write(program.process, "over the pipe\nwithout a newline");
	process_write(program.process, NULL);
	check_end(&program, "\nover the pipe\nwithout a newline\n");
}

static void
test_file_input(struct test *test)
{
	char *text = g_strnfill(300000, 'x');
	char *path = test_file("input", text);
	char *redirection = g_strdup_printf("<'%s'", path);
	struct program program = program_start(ALL, redirection, dispatcher(), NULL);

	check_end(&program, "  300000 bytes, at its end\n");
	g_free(redirection);
	g_free(path);
	g_free(text);
}

static void
test_null_device(struct test *test)
{
	struct program program = program_start(ALL, "</dev/null", dispatcher(), NULL);

	check_end(&program, "  0 bytes, at its end\n");
}

static void
test_closed(struct test *test)
{
	struct program program = program_start(ALL, "<&-", dispatcher(), NULL);

	check_end(&program, "  0 bytes, closed\n");
}

static void
test_silent_pipe(struct test *test)
{
	struct program program = program_start(ALL, NULL, dispatcher(), NULL);

	check_end(&program, "  0 bytes, still open, not waited for\n");
}

/* cat(1) fails on a pipe that was left nonblocking. */
static void
test_pipe_blocks_afterwards(struct test *test)
{
	const char *const argv[] = {
		"sh",        "-c",         "\"$0\" \"$1\" && echo between && exec cat",
		getenv(ALL), dispatcher(), NULL
	};
	struct process *process = process_start(argv);
	char *output;

	process_expect(process, "between");
	process_write(process, "after\n");
	process_write(process, NULL);
	g_assert_cmpint(process_wait(process), ==, 0);
	output = process_output(process);
	g_assert_true(g_str_has_suffix(output, "between\nafter\n"));
	g_free(output);
	process_stop(process);
}

static void
test_terminal(struct test *test)
{
	struct terminal *terminal = terminal_start(ALL, dispatcher(), NULL);
	char *output;

	terminal_expect(terminal, "Ctrl-D or Ctrl-C");
	terminal_type(terminal, "typed\n");
	terminal_expect(terminal, "typed\r\ntyped\r\n");
	terminal_type(terminal, "\x04");
	g_assert_cmpint(terminal_end(terminal, &output), ==, 0);
	check_steps(output);
	g_assert_nonnull(strstr(output, "  6 bytes, at its end"));
	g_free(output);
}

static void
test_terminal_interrupted(struct test *test)
{
	struct terminal *terminal = terminal_start(ALL, dispatcher(), NULL);
	char *output;

	terminal_expect(terminal, "Ctrl-D or Ctrl-C");
	terminal_type(terminal, "\x03");
	g_assert_cmpint(terminal_end(terminal, &output), ==, 0);
	g_assert_nonnull(strstr(output, "Interrupt\r\nall done after "));
	g_free(output);
}

static struct fake_server *
serve(const char *reply, gboolean stall, char **ret_url)
{
	const struct fake_reply replies = { .text = reply, .size = -1, .stall = stall };
	struct fake_server *server = fake_server_new(&replies, 1);

	*ret_url = g_strdup_printf("http://localhost:%d/", fake_server_port(server));
	return server;
}

static void
test_interrupted_early(struct test *test)
{
	static const int signals[] = { SIGINT, SIGTERM };

	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
		char *url;
		struct fake_server *server = serve("", TRUE, &url);
		const char *const argv[] = { getenv(ALL), dispatcher(), url, NULL };
		struct process *process = process_start(argv);

		process_expect(process, "tls     ok");
		g_assert_cmpint(kill(process_pid(process), signals[i]), ==, 0);
		g_assert_cmpint(process_wait(process), ==, 128 + signals[i]);
		process_expect(process, "not all done after");
		process_stop(process);
		fake_server_free(server);
		g_free(url);
	}
}

static void
test_url(struct test *test)
{
	char *url;
	struct fake_server *server = serve("HTTP/1.1 200 OK\r\n\r\n12345", FALSE, &url);
	struct program program = program_start(ALL, "</dev/null", dispatcher(), url, NULL);

	check_end(&program, ": 200 OK, 5 bytes\n");
	fake_server_free(server);
	g_free(url);
}

static void
test_failed_step(struct test *test)
{
	static const struct {
		const char *reply, *line;
	} cases[] = {
		{ "HTTP/1.1 500 Broken\r\n\r\n", ": 500 Broken, 0 bytes\n" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n12345", "the response is cut off" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *url, *out;
		struct fake_server *server = serve(cases[i].reply, FALSE, &url);
		struct program program = program_start(ALL, "</dev/null", dispatcher(), url, NULL);

		g_assert_cmpint(program_end(&program, &out, NULL), ==, 1);
		g_assert_nonnull(strstr(out, "\nhttps   FAILED "));
		g_assert_nonnull(strstr(out, cases[i].line));
		g_assert_nonnull(strstr(out, "\nnot all done after "));
		g_free(out);
		fake_server_free(server);
		g_free(url);
	}
}

static void
test_usage(struct test *test)
{
	struct program program = program_start(ALL, NULL, "select", NULL);
	char *err;

	g_assert_cmpint(program_end(&program, NULL, &err), ==, 2);
	g_assert_cmpstr(err, ==, "all: no such dispatcher: select\n");
	g_free(err);
	program = program_start(ALL, NULL, "--help", NULL);
	g_assert_cmpint(program_end(&program, NULL, &err), ==, 2);
	g_assert_true(g_str_has_prefix(err, "Usage: all"));
	g_free(err);
}

static void
test_full_output(struct test *test)
{
	struct program program = program_start(ALL, ">/dev/full </dev/null", dispatcher(), NULL);
	char *err;

	g_assert_cmpint(program_end(&program, NULL, &err), ==, 1);
	g_assert_nonnull(strstr(err, "No space left on device"));
	g_free(err);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/all/input/pipe", test_pipe);
	test_add("/all/input/file", test_file_input);
	test_add("/all/input/null-device", test_null_device);
	test_add("/all/input/closed", test_closed);
	test_add("/all/input/silent-pipe", test_silent_pipe);
	test_add("/all/input/pipe-blocks-afterwards", test_pipe_blocks_afterwards);
	test_add("/all/input/terminal", test_terminal);
	test_add("/all/interrupted/terminal", test_terminal_interrupted);
	test_add("/all/interrupted/early", test_interrupted_early);
	test_add("/all/url", test_url);
	test_add("/all/failed-step", test_failed_step);
	test_add("/all/usage", test_usage);
	test_add("/all/full-output", test_full_output);
	return g_test_run();
}
