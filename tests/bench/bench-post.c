/* SPDX-License-Identifier: MIT */
/*
 * Messages to a loop from other threads: one or four producers that post as fast as they can, each
 * with a ring of handles of which none is posted while it is queued; and a ping-pong. The flood's
 * figure is wall time per message, "cpu" that of the loop's thread alone; the ping-pong's the time
 * of a round trip.
 */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { HANDLES = 1024, PRODUCERS_MAX = 4 };

struct setting {
	int producers, messages;
	bool cpu;
};

/* What the loop's thread has yet to receive. */
struct count {
	const struct contestant *contestant;
	void *loop;
	int left;
};

struct handle {
	void *post;
	atomic_bool queued;
	struct count *count;
};

struct producer {
	const struct contestant *contestant;
	struct handle handles[HANDLES];
	int messages;
	pthread_t thread;
};

static void
on_post(void *data)
{
	struct handle *handle = data;
	struct count *count = handle->count;

	atomic_store_explicit(&handle->queued, false, memory_order_release);
	if (--count->left == 0)
		count->contestant->stop(count->loop);
}

static void *
produce(void *data)
{
	struct producer *producer = data;
	int i;

	for (i = 0; i < producer->messages; i++) {
		struct handle *handle = &producer->handles[i % HANDLES];

		while (atomic_load_explicit(&handle->queued, memory_order_acquire))
			sched_yield();
		atomic_store_explicit(&handle->queued, true, memory_order_relaxed);
		producer->contestant->post(handle->post);
	}
	return NULL;
}

static double
flood(const struct contestant *contestant, void *data)
{
	const struct setting *setting = data;
	struct producer *producers;
	int all = setting->producers * setting->messages;
	struct count count = { .contestant = contestant, .left = all };
	void *loop;
	int64_t start, cpu, took;
	int i, k;

	if (!contestant->post)
		return -1;
	producers = calloc((size_t)setting->producers, sizeof(*producers));
	loop = count.loop = contestant->loop_new();
	for (i = 0; i < setting->producers; i++) {
		producers[i].contestant = contestant;
		producers[i].messages = setting->messages;
		for (k = 0; k < HANDLES; k++) {
			producers[i].handles[k].count = &count;
			producers[i].handles[k].post =
				contestant->post_new(loop, on_post, &producers[i].handles[k]);
		}
	}
	start = bench_now();
	cpu = bench_cpu();
	for (i = 0; i < setting->producers; i++)
		pthread_create(&producers[i].thread, NULL, produce, &producers[i]);
	contestant->run(loop);
	took = setting->cpu ? bench_cpu() - cpu : bench_now() - start;
	for (i = 0; i < setting->producers; i++)
		pthread_join(producers[i].thread, NULL);
	for (i = 0; i < setting->producers; i++)
		for (k = 0; k < HANDLES; k++)
			contestant->post_free(producers[i].handles[k].post);
	contestant->loop_free(loop);
	free(producers);
	return (double)took / all;
}

struct side {
	const struct contestant *contestant;
	void *loop, *post;
	struct side *other;
	int left;
};

static void
on_ball(void *data)
{
	struct side *side = data;

	side->left--;
	side->contestant->post(side->other->post);
}

static void *
play(void *data)
{
	struct side *side = data;

	while (side->left > 0)
		side->contestant->iterate(side->loop);
	return NULL;
}

static double
ping_pong(const struct contestant *contestant, void *data)
{
	const struct setting *setting = data;
	struct side sides[2];
	pthread_t thread;
	int64_t start;
	int i;

	if (!contestant->post)
		return -1;
	for (i = 0; i < 2; i++) {
		sides[i] = (struct side){ .contestant = contestant, .other = &sides[1 - i] };
		sides[i].left = setting->messages;
		sides[i].loop = contestant->loop_new();
		sides[i].post = contestant->post_new(sides[i].loop, on_ball, &sides[i]);
	}
	start = bench_now();
	contestant->post(sides[0].post);
	pthread_create(&thread, NULL, play, &sides[1]);
	play(&sides[0]);
	pthread_join(thread, NULL);
	start = bench_now() - start;
	for (i = 0; i < 2; i++) {
		contestant->post_free(sides[i].post);
		contestant->loop_free(sides[i].loop);
	}
	return (double)start / setting->messages;
}

int
main(int argc, char **argv)
{
	static struct setting one = { 1, 1000000, false }, one_cpu = { 1, 1000000, true };
	static struct setting four = { 4, 250000, false }, four_cpu = { 4, 250000, true };
	static struct setting turns = { 0, 5000, false };
	struct bench bench = { "post", "contestant", "ns/message", 9 };

	bench_init(&bench, &argc, argv);
	bench_case(&bench, "1 producer", flood, &one);
	bench_case(&bench, "1 producer, loop cpu", flood, &one_cpu);
	bench_case(&bench, "4 producers", flood, &four);
	bench_case(&bench, "4 producers, loop cpu", flood, &four_cpu);
	bench_case(&bench, "ping-pong", ping_pong, &turns);
	bench_fini(&bench);
	return 0;
}
