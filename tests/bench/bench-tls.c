/* SPDX-License-Identifier: MIT */
/*
 * TLS 1.3 servers on loopback, with a P-256 certificate: handshakes in full and resumed, one after
 * the other; sending to one client and receiving from it, in writes of 100 B to 64 KiB; and what an
 * idle connection takes. raw is a bare epoll loop over the provider that libfend-tls was configured
 * with; bufferevent and nginx always stand on OpenSSL. Every server is measured in a process of its
 * own, as in bench-echo.
 *
 * "us cpu" is the server's CPU time per handshake or KiB, the figure to trust, beside handshakes or
 * MB a second, which depend on the client's half of the work as well. "heap B" and "rss B" are per
 * connection.
 *
 *	bench-tls [--slice MS] [--requests N] [full|resumed|send|receive|idle [SIZE]]
 *
 * --requests: one run of exactly so many handshakes or KiB, with the server in this very process,
 * so that a tool which looks at it sees nothing else. idle: SIZE connections.
 */
#include <stdio.h>

#include "host.h"
#include "tls.h"

struct setting {
	const char *what;
	int size;
	long long requests;
	int slice;
	bool here;
	const char *dir;
};

static bool
is(const struct setting *setting, const char *what)
{
	return strcmp(setting->what, what) == 0;
}

/* One that is a process of its own speaks HTTP, and what it has allocated cannot be seen. */
static void
prepare(const struct contestant *contestant, const struct setting *setting, const char *size)
{
	if (contestant->process)
		setenv(TLS_SIZE, is(setting, "send") ? size : "16384", 1);
	else
		unsetenv(TLS_SIZE);
}

static void
measure(const struct contestant *contestant, void *data, double *ret_figures)
{
	const struct setting *setting = data;
	char path[8192], text[3][24];
	char *argv[8] = { path, NULL, (char *)setting->what, text[0], text[0], text[1], text[2] };
	const struct host_outcome *outcome;
	const struct host_note *notes;
	double requests, seconds;

	ret_figures[0] = ret_figures[1] = -1;
	if (contestant->process && is(setting, "receive"))
		return;
	snprintf(path, sizeof(path), "%s/bench-tls-load", setting->dir);
	snprintf(text[0], sizeof(text[0]), "%d", setting->size);
	snprintf(text[1], sizeof(text[1]), "%lld", setting->requests);
	snprintf(text[2], sizeof(text[2]), "%d", setting->slice);
	prepare(contestant, setting, text[0]);
	outcome = host_serve(contestant, argv, setting->here);
	notes = outcome->notes;
	if (is(setting, "idle")) {
		if (!contestant->process)
			ret_figures[0] = (double)(notes[1].heap - notes[0].heap) / setting->size;
		ret_figures[1] = (double)(notes[1].resident - notes[0].resident) / setting->size;
		return;
	}
	requests = (double)outcome->result.requests;
	seconds = (double)outcome->result.took_ns / 1e9;
	ret_figures[0] = (double)(notes[1].cpu - notes[0].cpu) / 1000 / requests;
	ret_figures[1] = is(setting, "send") || is(setting, "receive")
				 ? requests * 1024 / 1e6 / seconds
				 : requests / seconds;
}

static void
run(struct bench *bench, struct setting *setting)
{
	static const char *const memory[] = { "heap B", "rss B" };
	static const char *const handshake[] = { "us cpu", "a second" };
	static const char *const bulk[] = { "us cpu/KiB", "MB/s" };
	char label[64];

	if (is(setting, "idle")) {
		snprintf(label, sizeof(label), "idle %d", setting->size);
		bench_figures(bench, label, memory, 2, measure, setting);
	} else if (is(setting, "full") || is(setting, "resumed")) {
		bench_figures(bench, setting->what, handshake, 2, measure, setting);
	} else {
		snprintf(label, sizeof(label), "%s %d B", setting->what, setting->size);
		bench_figures(bench, label, bulk, 2, measure, setting);
	}
}

static void
run_all(struct bench *bench, struct setting *setting)
{
	static const char *const bulk[] = { "send", "receive" };
	static const int sizes[] = { 100, 1400, 16384, 65536 };

	setting->what = "full";
	run(bench, setting);
	setting->what = "resumed";
	run(bench, setting);
	for (int i = 0; i < 2 * 4; i++) {
		setting->what = bulk[i / 4];
		setting->size = sizes[i % 4];
		run(bench, setting);
	}
	setting->what = "idle";
	setting->size = 200;
	run(bench, setting);
}

/* Into a directory that is removed at the end, with the openssl command. */
static void
make_certificate(char *dir)
{
	char command[512], path[128];

	if (!mkdtemp(dir))
		abort();
	snprintf(command, sizeof(command),
		 "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
		 "-subj /CN=localhost -keyout %s/key -out %s/certificate 2>/dev/null",
		 dir, dir);
	if (system(command) != 0) {
		fprintf(stderr, "bench-tls: openssl makes no certificate\n");
		exit(2);
	}
	snprintf(path, sizeof(path), "%s/certificate", dir);
	setenv(TLS_CERTIFICATE, path, 1);
	snprintf(path, sizeof(path), "%s/key", dir);
	setenv(TLS_KEY, path, 1);
}

static void
remove_certificate(const char *dir)
{
	remove(getenv(TLS_CERTIFICATE));
	remove(getenv(TLS_KEY));
	remove(dir);
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
	struct bench bench = { .name = "tls", .kind = "tls", .rounds = 9, .seconds = 12 };
	struct setting setting = { "full", 16384, 1000000000000, 200, false, bench.dir };
	char dir[] = "/tmp/bench-tls-XXXXXX";

	bench_init(&bench, &argc, argv);
	take_options(&setting, &argc, argv);
	host_init("bench-tls");
	make_certificate(dir);
	if (setting.here) {
		bench.rounds = 1;
		setting.slice = 0;
	}
	if (argc > 1)
		setting.what = argv[1];
	if (argc > 2)
		setting.size = atoi(argv[2]);
	if (argc > 1 || setting.here)
		run(&bench, &setting);
	else
		run_all(&bench, &setting);
	remove_certificate(dir);
	bench_fini(&bench);
	return 0;
}
