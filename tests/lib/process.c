/* SPDX-License-Identifier: MIT */
/*
 * Child processes, files and ports for tests.
 *
 * A child runs in a directory of its own below test_directory() and leads a process group of its
 * own, so that ending it ends what it forked as well (nginx keeps workers). It is told to terminate
 * when the thread that started it dies, which covers a test that crashes or is killed. Looking
 * whether it has ended leaves it unreaped, and while it is unreaped its process group cannot become
 * somebody else's.
 *
 * The parent keeps one descriptor for each child, closed on exec: the writing end of the child's
 * standard input. Output is read back from the file it goes to.
 *
 * Ports come from below the range that the kernel hands out by itself, from a start that depends on
 * the process id: neither a connection of somebody else nor a test program that runs at the same
 * time takes a port between test_port() and the moment a server binds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "fend-test.h"
#include "process.h"

enum {
	FIRST_PORT = 10000,
	LAST_PORT = 32767,
	PORTS_PER_PROCESS = 41, /* processes started one after the other do not overlap */
	NAP = 2000,             /* microseconds between two looks at what sends no event */
};

struct process {
	char *name;
	char *directory;
	char *output;
	pid_t pid;
	int input; /* -1: closed */
	gboolean reaped;
	int status; /* once reaped */
};

static char *directory;
static pid_t directory_owner;

static gint64
deadline_new(int seconds)
{
	return g_get_monotonic_time() + seconds * G_USEC_PER_SEC * test_slowness();
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
	return remove(path);
}

static void
remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void
remove_directory(void)
{
	/* A child that a test forked may call exit() as well. */
	if (getpid() == directory_owner)
		remove_tree(directory);
}

const char *
test_directory(void)
{
	GError *error = NULL;

	if (!directory) {
		directory = g_dir_make_tmp("fend-test-XXXXXX", &error);
		g_assert_no_error(error);
		directory_owner = getpid();
		atexit(remove_directory);
	}
	return directory;
}

char *
test_path(const char *name)
{
	static unsigned count;

	return g_strdup_printf("%s/%s-%u", test_directory(), name, count++);
}

char *
test_file(const char *name, const char *content)
{
	char *path = g_build_filename(test_directory(), name, NULL);
	GError *error = NULL;

	g_file_set_contents(path, content, -1, &error);
	g_assert_no_error(error);
	return path;
}

/* The absolute path of a program: the child has another working directory. */
static char *
find_program(const char *name)
{
	static const char *const more[] = { "/usr/sbin", "/sbin" };
	char *found = g_find_program_in_path(name);
	char *path;

	for (size_t i = 0; !found && i < G_N_ELEMENTS(more); i++) {
		path = g_build_filename(more[i], name, NULL);
		found = g_find_program_in_path(path);
		g_free(path);
	}
	if (!found)
		g_error("%s is not installed", name);
	path = g_canonicalize_filename(found, NULL);
	g_free(found);
	return path;
}

/* In the child, between fork and exec: async-signal-safe calls only. */
static void G_GNUC_NORETURN
become(const struct process *process, const char *path, const char *const *argv, int input,
       pid_t parent)
{
	sigset_t none;
	int output;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	output = open(process->output, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (output < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 ||
	    chdir(process->directory) < 0)
		_exit(127);
	execv(path, (char *const *)argv);
	_exit(127);
}

struct process *
process_start(const char *const *argv)
{
	static unsigned count;
	struct process *process = g_new0(struct process, 1);
	char *path = find_program(argv[0]);
	pid_t parent = getpid();
	int input[2];

	process->name = g_path_get_basename(argv[0]);
	process->directory = g_strdup_printf("%s/process-%u", test_directory(), count++);
	process->output = g_build_filename(process->directory, "output", NULL);
	g_assert_cmpint(mkdir(process->directory, 0755), ==, 0);
	g_assert_true(g_file_set_contents(process->output, "", 0, NULL));
	g_assert_cmpint(pipe2(input, O_CLOEXEC), ==, 0);

	process->pid = fork();
	g_assert_cmpint(process->pid, >=, 0);
	if (process->pid == 0)
		become(process, path, argv, input[0], parent);
	process->input = input[1];
	close(input[0]);
	g_free(path);
	return process;
}

static gboolean
has_ended(const struct process *process)
{
	siginfo_t info = { .si_pid = 0 };

	if (process->reaped)
		return TRUE;
	g_assert_cmpint(waitid(P_PID, process->pid, &info, WEXITED | WNOHANG | WNOWAIT), ==, 0);
	return info.si_pid == process->pid;
}

/* Wait for the exit; did it come before the deadline? */
static gboolean
await_end(const struct process *process, gint64 deadline)
{
	gboolean late = FALSE, ended;

	while (!(ended = has_ended(process)) && !late) {
		g_usleep(NAP);
		late = g_get_monotonic_time() > deadline;
	}
	return ended;
}

/* It has ended: end what it left behind, and learn its status. */
static void
reap(struct process *process)
{
	pid_t reaped;
	int status;

	if (process->reaped)
		return;
	kill(-process->pid, SIGKILL);
	do
		reaped = waitpid(process->pid, &status, 0);
	while (reaped < 0 && errno == EINTR);
	g_assert_cmpint(reaped, ==, process->pid);
	process->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	process->reaped = TRUE;
}

struct process *
process_stop(struct process *process)
{
	if (!process)
		return NULL;
	process_write(process, NULL);
	if (!has_ended(process))
		kill(process->pid, SIGTERM);
	if (!await_end(process, deadline_new(5)))
		kill(process->pid, SIGKILL);
	reap(process);
	remove_tree(process->directory);
	g_free(process->name);
	g_free(process->directory);
	g_free(process->output);
	g_free(process);
	return NULL;
}

static void G_GNUC_NORETURN
give_up(const struct process *process, const char *what)
{
	char *output = process_output(process);

	/* Apart from the message, which GLib repeats on standard output, where TAP is one line. */
	g_printerr("%s has printed:\n%s\n", process->name, output);
	g_error("%s %s", process->name, what);
}

int
process_wait(struct process *process)
{
	if (!await_end(process, deadline_new(20)))
		give_up(process, "did not end");
	reap(process);
	return process->status;
}

pid_t
process_pid(const struct process *process)
{
	return process->pid;
}

void
process_write(struct process *process, const char *text)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	size_t size = text ? strlen(text) : 0;
	ssize_t written;

	if (!text && process->input >= 0) {
		close(process->input);
		process->input = -1;
	}
	/* A process that has ended reads no more: what it did is told by its output and status. */
	sigaction(SIGPIPE, &ignore, &before);
	for (size_t i = 0; i < size; i += written) {
		written = write(process->input, text + i, size - i);
		if (written < 0 && errno == EPIPE)
			break;
		if (written < 0 && errno == EINTR)
			written = 0;
		g_assert_cmpint(written, >=, 0);
	}
	sigaction(SIGPIPE, &before, NULL);
}

char *
process_output(const struct process *process)
{
	GError *error = NULL;
	char *output;

	g_file_get_contents(process->output, &output, NULL, &error);
	g_assert_no_error(error);
	return output;
}

static gboolean
has_printed(const struct process *process, const char *text)
{
	char *output = process_output(process);
	gboolean found = strstr(output, text) != NULL;

	g_free(output);
	return found;
}

void
process_expect(struct process *process, const char *text)
{
	gint64 deadline = deadline_new(20);
	gboolean ended;
	char *what;

	for (;;) {
		/* In this order: what it prints last counts, too. */
		ended = has_ended(process);
		if (has_printed(process, text))
			return;
		if (ended || g_get_monotonic_time() > deadline)
			break;
		g_usleep(NAP);
	}
	what = g_strdup_printf("%s without \"%s\"", ended ? "ended" : "went on for long", text);
	give_up(process, what);
}

static gboolean
is_free(int type, int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	int error;

	g_assert_cmpint(fd, >=, 0);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return error == 0;
}

int
test_port(int type)
{
	static int next;
	const int ports = LAST_PORT - FIRST_PORT + 1;
	int port;

	for (int tries = 0; tries < ports; tries++) {
		port = FIRST_PORT + (getpid() * PORTS_PER_PROCESS + next++) % ports;
		if (is_free(SOCK_STREAM, port) && (type == SOCK_STREAM || is_free(type, port)))
			return port;
	}
	g_error("no port is free on 127.0.0.1");
}

/*
 * Look for a listening socket in one of the kernel's tables. Connecting would tell as well, but a
 * server that serves one client, or counts them, must not be disturbed.
 */
static gboolean
is_listening(const char *table, int port)
{
	const unsigned tcp_listen = 0x0a;
	gboolean found = FALSE;
	char address[33], line[512];
	unsigned local, state;
	FILE *file = fopen(table, "re");

	while (file && !found && fgets(line, sizeof(line), file))
		if (sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x", address, &local,
			   &state) == 3)
			found = state == tcp_listen && local == (unsigned)port;
	if (file)
		fclose(file);
	return found;
}

void
test_wait_port(int port)
{
	gint64 deadline = deadline_new(20);

	while (!is_listening("/proc/net/tcp", port) && !is_listening("/proc/net/tcp6", port)) {
		if (g_get_monotonic_time() > deadline)
			g_error("nothing listens on port %d", port);
		g_usleep(NAP);
	}
}
