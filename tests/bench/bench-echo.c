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
#include <stdio.h>

#include "host.h"

enum { PORTS = 20000 };

struct setting {
	const char *what;
	int connections, size, depth;
	long long requests;
	int slice;
	bool here;
	const char *dir;
};

static void
measure(const struct contestant *contestant, void *data, double *ret_figures)
{
	const struct setting *setting = data;
	char path[8192], text[5][24];
	char *argv[9] = { path,    NULL,   (char *)setting->what, text[0], text[1], text[2],
			  text[3], text[4] };
	const struct host_outcome *outcome;
	const struct host_note *notes;
	double n = (double)setting->connections;

	snprintf(path, sizeof(path), "%s/bench-load", setting->dir);
	snprintf(text[0], sizeof(text[0]), "%d", setting->connections);
	snprintf(text[1], sizeof(text[1]), "%d", setting->size);
	snprintf(text[2], sizeof(text[2]), "%d", setting->depth);
	snprintf(text[3], sizeof(text[3]), "%lld", setting->requests);
	snprintf(text[4], sizeof(text[4]), "%d", setting->slice);
	outcome = host_serve(contestant, argv, setting->here);
	notes = outcome->notes;
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
	int most;

	bench_init(&bench, &argc, argv);
	take_options(&setting, &argc, argv);
	/* Each side has a few descriptors beside its connections. */
	most = host_init("bench-echo") - 64 - 100;
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
