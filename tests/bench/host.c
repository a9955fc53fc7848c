/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *program;
static struct host_outcome *outcome; /* shared with the server's process */
static const struct contestant *server;
static cpu_set_t cpus[2]; /* the server's and the load's */
static bool pinned;

static void
die(const char *what)
{
	fprintf(stderr, "%s: ", program);
	perror(what);
	exit(2);
}

/* Without stdio streams, which would allocate. */
static size_t
resident(pid_t pid)
{
	char text[128], *end;
	int fd;

	snprintf(text, sizeof(text), "/proc/%d/statm", (int)pid);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	memset(text, 0, sizeof(text));
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die("statm");
	close(fd);
	strtoul(text, &end, 10);
	return strtoul(end, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* CPU time that another process has used. */
static int64_t
cpu_of(pid_t pid)
{
	struct timespec time;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
		die("clock");
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct host_note
take_note(int control)
{
	pid_t other = server->process ? server->process() : 0;
	struct host_note note = { .cpu = other ? cpu_of(other) : bench_cpu() };
	struct mallinfo2 info = mallinfo2();

	note.heap = info.uordblks + info.hblkhd;
	note.resident = resident(other ? other : getpid());
	/* The kernel gives the lowest number that is free. */
	note.descriptors = dup(control);
	close(note.descriptors);
	return note;
}

/* Called by the server's loop: the load has a byte, or the result, or has died. */
static bool
on_control(int control)
{
	struct load_result message;
	ssize_t n = recv(control, &message, sizeof(message), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0 || outcome->n == HOST_NOTES)
		die("the load generator failed");
	outcome->notes[outcome->n++] = take_note(control);
	if (n == (ssize_t)sizeof(message)) {
		outcome->result = message;
		return false;
	}
	if (send(control, &message, 1, MSG_NOSIGNAL) != 1)
		die("the load generator");
	return true;
}

static int
listen_on_loopback(unsigned *ret_port)
{
	static const int one = 1;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	/* What is accepted inherits the option. */
	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 4096) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		die("listen");
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static pid_t
start_load(char **argv, unsigned port, int control)
{
	posix_spawn_file_actions_t actions;
	char text[16];
	pid_t pid;

	snprintf(text, sizeof(text), "%u", port);
	argv[1] = text;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, control, ECHO_CONTROL);
	errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	if (errno)
		die(argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

/* Both inherit and keep the processor that this process is on when they start. */
static void
pin(int which)
{
	if (pinned)
		sched_setaffinity(0, sizeof(cpus[which]), &cpus[which]);
}

static void
serve(const struct contestant *contestant, char **argv)
{
	int control[2], listener, status;
	unsigned port;
	pid_t load;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
		die("socketpair");
	listener = listen_on_loopback(&port);
	pin(1);
	load = start_load(argv, port, control[1]);
	close(control[1]);
	pin(0);
	outcome->n = 0;
	server = contestant;
	contestant->serve(listener, control[0], on_control);
	if (waitpid(load, &status, 0) < 0 || status != 0)
		die("the load generator");
}

static void
choose_cpus(void)
{
	cpu_set_t all;
	int cpu, n = 0;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return;
	for (cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++) {
		if (CPU_ISSET(cpu, &all)) {
			CPU_ZERO(&cpus[n]);
			CPU_SET(cpu, &cpus[n++]);
		}
	}
	pinned = n == 2;
}

int
host_init(const char *name)
{
	struct rlimit limit;

	program = name;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (outcome == MAP_FAILED)
		die("mmap");
	choose_cpus();
	return limit.rlim_cur > INT_MAX ? INT_MAX : (int)limit.rlim_cur;
}

const struct host_outcome *
host_serve(const struct contestant *contestant, char **argv, bool here)
{
	int status = 0;
	pid_t pid;

	if (here) {
		serve(contestant, argv);
		return outcome;
	}
	pid = fork();
	if (pid == 0) {
		serve(contestant, argv);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "%s: %s failed\n", program, contestant->name);
		exit(2);
	}
	return outcome;
}
