/* SPDX-License-Identifier: MIT */
/*
 * Dispatch: N socket pairs are watched, A bytes go round among them. Each callback reads its byte
 * and writes one to the next pair, as in libevent's classic benchmark. The figure is wall time per
 * callback, with the two system calls in it that every callback makes.
 *
 *	bench-dispatch [N A [EVENTS]]
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct setting {
	int n, active, events;
};

struct ring {
	int n;
	int (*pairs)[2];
	int left; /* to write */
	int unread;
	const struct contestant *contestant;
	void *loop;
};

struct link {
	struct ring *ring;
	int index;
};

static void
on_readable(void *data)
{
	struct link *link = data;
	struct ring *ring = link->ring;
	char byte;

	if (recv(ring->pairs[link->index][0], &byte, 1, 0) != 1)
		return;
	if (--ring->unread == 0)
		ring->contestant->stop(ring->loop);
	if (ring->left > 0) {
		int next = link->index + 1 < ring->n ? link->index + 1 : 0;

		ring->left--;
		if (send(ring->pairs[next][1], &byte, 1, 0) != 1)
			abort();
	}
}

static double
measure(const struct contestant *contestant, void *data)
{
	const struct setting *setting = data;
	struct ring ring = { .n = setting->n, .unread = setting->events, .contestant = contestant };
	struct link *links = calloc((size_t)ring.n, sizeof(*links));
	void **ios = calloc((size_t)ring.n, sizeof(*ios));
	void *loop = contestant->loop_new();
	int64_t start, took;
	int i;

	ring.loop = loop;
	ring.pairs = calloc((size_t)ring.n, sizeof(*ring.pairs));
	for (i = 0; i < ring.n; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ring.pairs[i]) < 0) {
			perror("socketpair");
			exit(2);
		}
		links[i] = (struct link){ &ring, i };
		ios[i] = contestant->io_new(loop, ring.pairs[i][0], on_readable, &links[i]);
	}
	ring.left = setting->events - setting->active;
	for (i = 0; i < setting->active; i++)
		if (send(ring.pairs[(int64_t)i * ring.n / setting->active][1], "x", 1, 0) != 1)
			abort();
	start = bench_now();
	contestant->run(loop);
	took = bench_now() - start;
	for (i = 0; i < ring.n; i++) {
		contestant->io_free(ios[i]);
		close(ring.pairs[i][0]);
		close(ring.pairs[i][1]);
	}
	contestant->loop_free(loop);
	free(ring.pairs);
	free(links);
	free(ios);
	return (double)took / setting->events;
}

int
main(int argc, char **argv)
{
	static const struct setting settings[] = {
		{ 100, 1, 20000 },     { 100, 100, 50000 },  { 1000, 100, 50000 },
		{ 4000, 1000, 50000 }, { 9000, 100, 50000 },
	};
	struct rlimit limit;
	struct bench bench = { "dispatch", "contestant", "ns/event", 9 };
	char label[64];
	size_t i;

	bench_init(&bench, &argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (argc > 2) {
		struct setting one = { atoi(argv[1]), atoi(argv[2]),
				       argc > 3 ? atoi(argv[3]) : 50000 };

		snprintf(label, sizeof(label), "N=%d A=%d", one.n, one.active);
		bench_case(&bench, label, measure, &one);
		bench_fini(&bench);
		return 0;
	}
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		struct setting setting = settings[i];

		/* Two descriptors per pair, and a few for the loops. */
		if ((rlim_t)setting.n * 2 + 64 > limit.rlim_cur) {
			printf("N=%d needs more descriptors than this process may have\n",
			       setting.n);
			continue;
		}
		snprintf(label, sizeof(label), "N=%d A=%d", setting.n, setting.active);
		bench_case(&bench, label, measure, &setting);
	}
	bench_fini(&bench);
	return 0;
}
