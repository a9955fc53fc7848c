/* SPDX-License-Identifier: MIT */
/*
 * TCP echo on loopback: so many connections, messages of such a size, one or 16 of them on the way
 * per connection; connections that live for one message (churn); and what an idle connection takes.
 * Every server is measured in a process of its own, with the load from another (bench-load.c), each
 * on a processor of its own if there are two. All use TCP_NODELAY.
 *
 * "ns cpu" is the server's CPU time per message, user and system, the figure to trust; "msg/s" the
 * rate. "heap B" is what malloc has handed out per idle connection that was just made, "rss B" the
 * process's resident memory; "heap B used" and "rss B used" the same after one message of 4 KiB.
 *
 *	bench-echo [--slice MS] [--requests N] [echo|churn|idle [CONNECTIONS [SIZE [DEPTH]]]]
 *
 * --requests: one run of exactly so many, with the server in this very process, so that a tool
 * which looks at it sees nothing else. --slice: how long a server is measured at a time, 100 ms.
 */
#include "bench.h"

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
#include <unistd.h>

#include "echo.h"

enum { NOTES = 3, PORTS = 20000 };

/* What the server has used so far. */
struct note {
	int64_t cpu;
	size_t heap, resident;
	int descriptors;
};

struct outcome {
	struct note notes[NOTES + 1];
	int n;
	struct load_result result;
};

struct setting {
	const char *what;
	int connections, size, depth;
	long long requests;
	int slice;
	bool here;
	const char *dir;
};

static struct outcome *outcome; /* shared with the server's process */
static cpu_set_t cpus[2];       /* the server's and the load's */
static bool pinned;

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

/* Without stdio, which would allocate. */
static size_t
resident(void)
{
	char text[128] = "", *end;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die("/proc/self/statm");
	close(fd);
	strtoul(text, &end, 10);
	return strtoul(end, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static struct note
take_note(int control)
{
	struct note note = { .cpu = bench_cpu() };
	struct mallinfo2 info = mallinfo2();

	note.heap = info.uordblks + info.hblkhd;
	note.resident = resident();
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
	if (n <= 0 || outcome->n > NOTES)
		die("bench-echo: the load generator failed");
	outcome->notes[outcome->n++] = take_note(control);
	if (n == (ssize_t)sizeof(message)) {
		outcome->result = message;
		return false;
	}
	if (send(control, &message, 1, MSG_NOSIGNAL) != 1)
		die("bench-echo: the load generator");
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
start_load(const struct setting *setting, unsigned port, int control)
{
	char path[8192], text[6][24];
	char *argv[9] = { path, text[0], (char *)setting->what, text[1], text[2],
			  text[3], text[4], text[5] };
	posix_spawn_file_actions_t actions;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/bench-load", setting->dir);
	snprintf(text[0], sizeof(text[0]), "%u", port);
	snprintf(text[1], sizeof(text[1]), "%d", setting->connections);
	snprintf(text[2], sizeof(text[2]), "%d", setting->size);
	snprintf(text[3], sizeof(text[3]), "%d", setting->depth);
	snprintf(text[4], sizeof(text[4]), "%lld", setting->requests);
	snprintf(text[5], sizeof(text[5]), "%d", setting->slice);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, control, ECHO_CONTROL);
	errno = posix_spawn(&pid, path, &actions, NULL, argv, NULL);
	if (errno)
		die(path);
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
serve(const struct contestant *contestant, const struct setting *setting)
{
	int control[2], listener, status;
	unsigned port;
	pid_t load;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
		die("socketpair");
	listener = listen_on_loopback(&port);
	pin(1);
	load = start_load(setting, port, control[1]);
	close(control[1]);
	pin(0);
	outcome->n = 0;
	contestant->serve(listener, control[0], on_control);
	if (waitpid(load, &status, 0) < 0 || status != 0)
		die("bench-echo: the load generator");
}

static void
measure(const struct contestant *contestant, void *data, double *ret_figures)
{
	const struct setting *setting = data;
	const struct note *notes = outcome->notes;
	double n = (double)setting->connections;
	int status = 0;
	pid_t pid;

	if (setting->here) {
		serve(contestant, setting);
	} else {
		pid = fork();
		if (pid == 0) {
			serve(contestant, setting);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
			fprintf(stderr, "bench-echo: %s failed\n", contestant->name);
			exit(2);
		}
	}
	if (strcmp(setting->what, "idle") == 0) {
		ret_figures[0] = (double)(notes[1].heap - notes[0].heap) / n;
		ret_figures[1] = (double)(notes[1].resident - notes[0].resident) / n;
		ret_figures[2] = (double)(notes[2].heap - notes[0].heap) / n;
		ret_figures[3] = (double)(notes[2].resident - notes[0].resident) / n;
		ret_figures[4] = (notes[1].descriptors - notes[0].descriptors) / n;
		return;
	}
	ret_figures[0] = (double)(notes[1].cpu - notes[0].cpu) / (double)outcome->result.requests;
	ret_figures[1] = (double)outcome->result.requests * 1e9 / (double)outcome->result.took_ns;
}

static const char *const speed[] = { "ns cpu", "msg/s" };

static void
run(struct bench *bench, struct setting *setting)
{
	static const char *const memory[] = {
		"heap B", "rss B", "heap B used", "rss B used", "fds",
	};
	char label[64], size[16];

	if (setting->size >= 1024)
		snprintf(size, sizeof(size), "%d KiB", setting->size / 1024);
	else
		snprintf(size, sizeof(size), "%d B", setting->size);
	if (strcmp(setting->what, "idle") == 0) {
		snprintf(label, sizeof(label), "idle %d", setting->connections);
		bench_figures(bench, label, memory, 5, measure, setting);
		return;
	}
	snprintf(label, sizeof(label), "%s%d x %s", *setting->what == 'c' ? "churn " : "",
		 setting->connections, size);
	if (setting->depth > 1)
		snprintf(label + strlen(label), 16, " x %d", setting->depth);
	bench_figures(bench, label, speed, 2, measure, setting);
}

static void
run_all(struct bench *bench, struct setting *setting, int most)
{
	static const int connections[] = { 1, 50, 1000, 9000 }, sizes[] = { 64, 4096, 65536 };
	static const int depths[] = { 1, 16 };
	size_t i;

	for (i = 0; i < 4 * 3 * 2; i++) {
		/* What was cut down to the limit before would be the same again. */
		if (i >= 6 && connections[i / 6 - 1] >= most)
			break;
		setting->what = "echo";
		setting->connections = connections[i / 6];
		if (setting->connections > most)
			setting->connections = most;
		setting->size = sizes[i / 2 % 3];
		setting->depth = depths[i % 2];
		run(bench, setting);
	}
	bench_means(bench, "all of these", speed, 2);
	setting->what = "churn";
	setting->connections = 50;
	setting->size = 64;
	setting->depth = 1;
	setting->requests = PORTS;
	run(bench, setting);
	setting->what = "idle";
	setting->connections = 1000 < most ? 1000 : most;
	setting->size = 4096;
	run(bench, setting);
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

static void
take_options(struct setting *setting, int *argc, char **argv)
{
	int i, left = 1;

	for (i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--slice") == 0 && i + 1 < *argc) {
			setting->slice = atoi(argv[++i]);
		} else if (strcmp(argv[i], "--requests") == 0 && i + 1 < *argc) {
			setting->requests = atoll(argv[++i]);
			setting->here = true;
		} else {
			argv[left++] = argv[i];
		}
	}
	*argc = left;
}

int
main(int argc, char **argv)
{
	struct bench bench = { .name = "echo", .kind = "server", .rounds = 9, .seconds = 9 };
	struct setting setting = { "echo", 50, 64, 1, 1000000000000, 100, false, bench.dir };
	struct rlimit limit;
	int most;

	bench_init(&bench, &argc, argv);
	take_options(&setting, &argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	/* Each side has a few descriptors beside its connections. */
	most = limit.rlim_cur > INT_MAX ? INT_MAX : (int)limit.rlim_cur - 64 - 100;
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (outcome == MAP_FAILED)
		die("mmap");
	choose_cpus();
	if (setting.here) {
		bench.rounds = 1;
		setting.slice = 0;
	}
	if (argc > 1)
		setting.what = argv[1];
	if (argc > 2)
		setting.connections = atoi(argv[2]);
	if (argc > 3)
		setting.size = atoi(argv[3]);
	if (argc > 4)
		setting.depth = atoi(argv[4]);
	if (argc > 1 || setting.here)
		run(&bench, &setting);
	else
		run_all(&bench, &setting, most);
	bench_fini(&bench);
	return 0;
}
