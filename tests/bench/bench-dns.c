/* SPDX-License-Identifier: MIT */
/*
 * Lookups: how many a second, what CPU time each takes, and how long half and 99 % of them take,
 * with 1, 100 and 1000 under way, against a responder on loopback that answers at once.
 *
 *	bench-dns [--only NAME] [--rounds N] [IN_FLIGHT [LOOKUPS]]
 *	bench-dns --only gaps [--rounds N] [1000 [LOOKUPS]]
 *
 * It runs in namespaces of its own, so that those who read resolv.conf(5) find the responder there.
 * Contestants take turns within each round, and medians are compared.
 */
#include "dns.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* raw twice, unless alone: what its two copies differ by, the run cannot resolve. */
static const struct dns_contestant *const contestants[] = {
	&dns_raw, &dns_raw, &dns_fend, &dns_cares, &dns_libuv, &dns_evdns, &dns_getaddrinfo,
};

enum {
	N_CONTESTANTS = sizeof(contestants) / sizeof(contestants[0]),
	ROUNDS_MAX = 99,
	N_FIGURES = 5,
	GAPS = 100000,
};

/* lookups per second; us of CPU; us for half and 99 % of them; failures */
static const char *const figures[N_FIGURES] = { "1/s", "cpu_us", "p50_us", "p99_us", "failed" };
static double samples[N_CONTESTANTS][N_FIGURES][ROUNDS_MAX];
static int serial;

static int64_t
read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t
dns_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int
dns_begin(struct dns_run *run, char ret_name[DNS_NAME_SIZE])
{
	if (run->begun == run->n)
		return -1;
	snprintf(ret_name, DNS_NAME_SIZE, "name-%d.bench.test", serial++);
	run->started[run->begun] = dns_now();
	return run->begun++;
}

int
dns_end(struct dns_run *run, int i, int ok)
{
	run->took[i] = dns_now() - run->started[i];
	run->failed += !ok;
	return ++run->ended == run->n;
}

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
}

static void
enter_namespaces(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char path[] = "/tmp/fend-bench-XXXXXX", map[64];
	unsigned uid = getuid();
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0)
		die("unshare");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	fd = mkstemp(path);
	if (fd < 0)
		die(path);
	close(fd);
	write_file(path, "nameserver 127.0.0.1\n");
	if (mount(path, "/etc/resolv.conf", "", MS_BIND, NULL) < 0)
		die("mount");
	unlink(path);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("lo");
	close(fd);
}

static pid_t
start_responder(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(DNS_PORT),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;
	pid_t pid;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("bind");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dns_respond(fd);
	}
	close(fd);
	return pid;
}

static int
compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int
compare_samples(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(int who, int in_flight, int n, int round)
{
	struct dns_run run = { .n = n, .in_flight = in_flight };
	int64_t start, cpu, wall;

	run.started = calloc((size_t)n, sizeof(*run.started));
	run.took = calloc((size_t)n, sizeof(*run.took));
	start = dns_now();
	cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	contestants[who]->run(&run);
	cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = dns_now() - start;
	qsort(run.took, (size_t)n, sizeof(*run.took), compare_times);
	samples[who][0][round] = n * 1e9 / (double)wall;
	samples[who][1][round] = (double)cpu / n / 1e3;
	samples[who][2][round] = (double)run.took[n / 2] / 1e3;
	samples[who][3][round] = (double)run.took[n - 1 - n / 100] / 1e3;
	samples[who][4][round] = run.failed;
	free(run.started);
	free(run.took);
}

static void
print(int who, int in_flight, int rounds, double *raw)
{
	const char *again = who == 1 ? " again" : "";
	double medians[N_FIGURES];
	int i;

	for (i = 0; i < N_FIGURES; i++) {
		qsort(samples[who][i], (size_t)rounds, sizeof(double), compare_samples);
		medians[i] = samples[who][i][rounds / 2];
	}
	if (*raw == 0)
		*raw = medians[0];
	printf("%-14s%-6s %9.0f %6.3f %8.2f %9.1f %10.1f %7.0f\n", contestants[who]->name, again,
	       medians[0], medians[0] / *raw, medians[1], medians[2], medians[3], medians[4]);
	printf("{\"bench\":\"dns\",\"case\":\"%d\",\"who\":\"%s%s\"", in_flight,
	       contestants[who]->name, again);
	for (i = 0; i < N_FIGURES; i++)
		printf(",\"%s\":%.2f", figures[i], medians[i]);
	printf(",\"ratio\":%.4f}\n", medians[0] / *raw);
}

static int
takes_part(int who, int in_flight, const char *only)
{
	const struct dns_contestant *contestant = contestants[who];

	return contestant && (!only || (strcmp(only, contestant->name) == 0 && who != 1)) &&
	       (!contestant->in_flight_max || in_flight <= contestant->in_flight_max);
}

static void
bench(int in_flight, int n, int rounds, const char *only)
{
	double raw = 0;
	int round, who;

	printf("%d under way, %d lookups, median of %d\n", in_flight, n, rounds);
	printf("%-20s %9s %6s %8s %9s %10s %7s\n", "", "lookups/s", "ratio", "CPU us", "p50 us",
	       "p99 us", "failed");
	for (round = 0; round < rounds; round++)
		for (who = 0; who < N_CONTESTANTS; who++)
			if (takes_part(who, in_flight, only))
				measure(who, in_flight, n, round);
	for (who = 0; who < N_CONTESTANTS; who++)
		if (takes_part(who, in_flight, only))
			print(who, in_flight, rounds, &raw);
	fflush(stdout);
}

/* us for half and 99 % of the gaps, and for the longest */
static void
measure_gaps(int in_flight, int n, double ret_us[3])
{
	struct dns_run run = { .n = n, .in_flight = in_flight, .n_gaps_max = GAPS };

	run.started = calloc((size_t)n + 1, sizeof(*run.started));
	run.took = calloc((size_t)n + 1, sizeof(*run.took));
	run.gaps = calloc(GAPS, sizeof(*run.gaps));
	dns_fend.run(&run);
	qsort(run.gaps, (size_t)run.n_gaps, sizeof(*run.gaps), compare_times);
	ret_us[0] = (double)run.gaps[run.n_gaps / 2] / 1e3;
	ret_us[1] = (double)run.gaps[run.n_gaps - 1 - run.n_gaps / 100] / 1e3;
	ret_us[2] = (double)run.gaps[run.n_gaps - 1] / 1e3;
	free(run.started);
	free(run.took);
	free(run.gaps);
}

/* How long the loop's other callbacks wait for their turn, without lookups and with them. */
static void
bench_gaps(int in_flight, int n, int rounds)
{
	static double gaps[2][3][ROUNDS_MAX];
	double us[3];
	int round, loaded, i;

	for (round = 0; round < rounds; round++) {
		for (loaded = 0; loaded < 2; loaded++) {
			measure_gaps(loaded ? in_flight : 0, loaded ? n : 0, us);
			for (i = 0; i < 3; i++)
				gaps[loaded][i][round] = us[i];
		}
	}
	printf("from one callback of another descriptor to the next, median of %d\n", rounds);
	printf("%-20s %9s %9s %9s\n", "lookups under way", "p50 us", "p99 us", "max us");
	for (loaded = 0; loaded < 2; loaded++) {
		for (i = 0; i < 3; i++) {
			qsort(gaps[loaded][i], (size_t)rounds, sizeof(double), compare_samples);
			us[i] = gaps[loaded][i][rounds / 2];
		}
		printf("%-20d %9.1f %9.1f %9.1f\n", loaded ? in_flight : 0, us[0], us[1], us[2]);
		printf("{\"bench\":\"dns\",\"case\":\"gaps\",\"who\":\"fend %d\",\"p50_us\":%.2f,"
		       "\"p99_us\":%.2f,\"max_us\":%.2f}\n",
		       loaded ? in_flight : 0, us[0], us[1], us[2]);
	}
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static const int at_once[] = { 1, 100, 1000 };
	const char *only = NULL;
	int rounds = 9, n = 0, one = 0, i;
	pid_t responder;
	size_t k;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			only = argv[++i];
		else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
			rounds = atoi(argv[++i]);
		else if (!one)
			one = atoi(argv[i]);
		else
			n = atoi(argv[i]);
	}
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = 9;
	enter_namespaces();
	responder = start_responder();
	for (k = 0; k < sizeof(at_once) / sizeof(at_once[0]); k++)
		if ((!one || one == at_once[k]) && (!only || strcmp(only, "gaps") != 0))
			bench(at_once[k], n ? n : at_once[k] == 1 ? 5000 : 50000, rounds, only);
	if ((!one || one == 1000) && (!only || strcmp(only, "gaps") == 0))
		bench_gaps(1000, n ? n : 50000, rounds);
	kill(responder, SIGKILL);
	return 0;
}
