/* SPDX-License-Identifier: MIT */
#include "namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit status of a child without the right to have a namespace. */
#define NO_NAMESPACE 77

static bool
run(const char *arguments)
{
	g_autofree char *command = g_strconcat("ip ", arguments, NULL);
	int status;

	return g_spawn_command_line_sync(command, NULL, NULL, &status, NULL) && status == 0;
}

void
ip(const char *arguments, ...)
{
	g_autofree char *text = NULL;
	va_list list;

	va_start(list, arguments);
	text = g_strdup_vprintf(arguments, list);
	va_end(list);
	g_test_message("ip %s", text);
	g_assert_true(run(text));
}

/* Without ARP it sends to its own link-layer address, which its other end does not listen to. */
void
ip_add_hole(void)
{
	ip("link add hole type veth peer name bottom");
	ip("link set hole arp off");
	ip("address add 192.0.2.254/24 dev hole");
	ip("address add 2001:db8::ffff/64 dev hole nodad");
	ip("link set hole up");
	ip("link set bottom up");
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(NO_NAMESPACE);
	close(fd);
}

static void
enter(void)
{
	uid_t uid = getuid();

	if (uid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(NO_NAMESPACE);
	} else {
		g_autofree char *map = g_strdup_printf("0 %u 1", uid);

		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			_exit(NO_NAMESPACE);
		write_file("/proc/self/uid_map", map);
	}
	if (!run("link set lo up"))
		_exit(NO_NAMESPACE);
}

void
in_namespace(test_fn *play)
{
	int status;
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		struct test own = { 0 };
		int fds;

		alarm(60 * (unsigned)test_slowness());
		enter();
		fds = test_count_fds();
		test_ok(fend_loop_new(NULL, &own.loop));
		play(&own);
		fend_loop_free(own.loop);
		g_assert_cmpint(test_count_fds(), ==, fds);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE)
		g_test_skip("no network namespaces here, or no ip(8)");
	else
		g_assert_cmpint(status, ==, 0);
}
