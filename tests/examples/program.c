/* SPDX-License-Identifier: MIT */
/*
 * Programs run through sh, so that redirections are those that users write. What they print goes to
 * a file each for output and errors, since it matters which is which.
 */
#include "program.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fend-test.h"
#include "process.h"

static const char *
find(const char *variable)
{
	const char *path = g_getenv(variable);

	if (!path)
		g_error("%s is not set: run the tests with meson test", variable);
	return path;
}

static GPtrArray *
collect(GPtrArray *argv, va_list args)
{
	const char *argument;

	while ((argument = va_arg(args, const char *)))
		g_ptr_array_add(argv, g_strdup(argument));
	g_ptr_array_add(argv, NULL);
	return argv;
}

static char *
command_line(const struct program *program, const char *shell)
{
	if (shell[0] == '|')
		return g_strdup_printf("\"$0\" \"$@\" 2>'%s' %s", program->err, shell);
	return g_strdup_printf("exec \"$0\" \"$@\" >'%s' 2>'%s' %s", program->out, program->err,
			       shell);
}

struct program
program_start(const char *variable, const char *shell, ...)
{
	static unsigned count;
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	struct program program;
	va_list args;

	program.out = g_strdup_printf("%s/out-%u", test_directory(), count);
	program.err = g_strdup_printf("%s/err-%u", test_directory(), count++);
	g_ptr_array_add(argv, g_strdup("sh"));
	g_ptr_array_add(argv, g_strdup("-c"));
	g_ptr_array_add(argv, command_line(&program, shell ? shell : ""));
	g_ptr_array_add(argv, g_strdup(find(variable)));
	va_start(args, shell);
	collect(argv, args);
	va_end(args);
	program.process = process_start((const char *const *)argv->pdata);
	g_ptr_array_unref(argv);
	return program;
}

static void
take(char *path, char **ret_text)
{
	char *text = NULL;

	if (ret_text && g_file_get_contents(path, &text, NULL, NULL))
		*ret_text = text;
	else if (ret_text)
		*ret_text = g_strdup("");
	unlink(path);
	g_free(path);
}

int
program_end(struct program *program, char **ret_out, char **ret_err)
{
	int status = process_wait(program->process);

	process_stop(program->process);
	take(program->out, ret_out);
	take(program->err, ret_err);
	return status;
}

struct terminal {
	pid_t pid;
	int fd;
	GString *output;
	size_t seen; /* what terminal_expect() has found so far ends here */
};

struct terminal *
terminal_start(const char *variable, ...)
{
	struct terminal *terminal = g_new0(struct terminal, 1);
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	va_list args;

	g_ptr_array_add(argv, g_strdup(find(variable)));
	va_start(args, variable);
	collect(argv, args);
	va_end(args);
	terminal->output = g_string_new(NULL);
	terminal->pid = forkpty(&terminal->fd, NULL, NULL, NULL);
	g_assert_cmpint(terminal->pid, >=, 0);
	if (terminal->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(argv->pdata[0], (char **)argv->pdata);
		_exit(127);
	}
	g_ptr_array_unref(argv);
	return terminal;
}

/* False: the other side is closed. */
static gboolean
read_more(struct terminal *terminal)
{
	struct pollfd pollfd = { .fd = terminal->fd, .events = POLLIN };
	char buffer[4096];
	ssize_t size;

	if (poll(&pollfd, 1, 20000 * test_slowness()) == 0)
		g_error("nothing happened on the terminal, where there is:\n%s",
			terminal->output->str);
	size = read(terminal->fd, buffer, sizeof(buffer));
	if (size <= 0)
		return FALSE;
	g_string_append_len(terminal->output, buffer, size);
	return TRUE;
}

void
terminal_expect(struct terminal *terminal, const char *text)
{
	const char *found;

	while (!(found = strstr(terminal->output->str + terminal->seen, text)))
		if (!read_more(terminal))
			g_error("no \"%s\" on the terminal, but:\n%s", text, terminal->output->str);
	terminal->seen = found + strlen(text) - terminal->output->str;
}

void
terminal_type(struct terminal *terminal, const char *keys)
{
	g_assert_cmpint(write(terminal->fd, keys, strlen(keys)), ==, strlen(keys));
}

int
terminal_end(struct terminal *terminal, char **ret_output)
{
	pid_t pid;
	int status;

	while (read_more(terminal))
		;
	do
		pid = waitpid(terminal->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	g_assert_cmpint(pid, ==, terminal->pid);
	close(terminal->fd);
	*ret_output = g_string_free(terminal->output, FALSE);
	g_free(terminal);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
