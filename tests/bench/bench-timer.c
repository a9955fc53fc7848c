/* SPDX-License-Identifier: MIT */
/*
 * Timers: arm N at random deadlines, arm them again, cancel them, let them fire; and restart the
 * same long idle timeout over and over, as a server does for each of N connections, by the clock
 * and by what the loop takes for the present. CPU time per operation.
 *
 *	bench-timer [N]
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

enum phase { ARM, REARM, CANCEL, FIRE, IDLE, RESTART };

struct setting {
	int n;
	enum phase phase;
};

static int fired;

static void
on_timer(void *data)
{
	fired++;
}

/* The same numbers for everybody. */
static uint64_t
next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
arm_all(const struct contestant *contestant, void **timers, int n, int64_t from, int64_t range,
	uint64_t seed)
{
	int i;

	for (i = 0; i < n; i++)
		contestant->timer_arm(timers[i], from + (int64_t)(next(&seed) % (uint64_t)range));
}

static double
measure(const struct contestant *contestant, void *data)
{
	const struct setting *setting = data;
	int64_t hour = INT64_C(3600000000000), start;
	int n = setting->n, operations = n, i;
	void **timers = calloc((size_t)n, sizeof(*timers));
	void *loop = contestant->loop_new();
	void (*restart)(void *timer, int64_t delay_ns) =
		contestant->timer_restart ? contestant->timer_restart : contestant->timer_arm;
	double took;

	for (i = 0; i < n; i++)
		timers[i] = contestant->timer_new(loop, on_timer, NULL);
	fired = 0;
	if (setting->phase == REARM || setting->phase == CANCEL)
		arm_all(contestant, timers, n, hour, hour, 1);
	if (setting->phase == FIRE)
		arm_all(contestant, timers, n, 0, 1000000, 3);
	if (setting->phase >= IDLE)
		arm_all(contestant, timers, n, 30000000000, 1, 4);
	start = bench_cpu();
	switch (setting->phase) {
	case ARM:
		arm_all(contestant, timers, n, hour, hour, 1);
		break;
	case REARM:
		arm_all(contestant, timers, n, hour, hour, 2);
		break;
	case CANCEL:
		for (i = 0; i < n; i++)
			contestant->timer_stop(timers[i]);
		break;
	case FIRE:
		while (fired < n)
			contestant->iterate(loop);
		break;
	case IDLE:
		operations = n < 100000 ? 10 * n : 2 * n;
		for (i = 0; i < operations; i++)
			contestant->timer_arm(timers[i % n], 30000000000);
		break;
	case RESTART:
		operations = n < 100000 ? 10 * n : 2 * n;
		/* The loop's present stands still here: the deadlines advance by themselves. */
		for (i = 0; i < operations; i++)
			restart(timers[i % n], 30000000000 + i);
		break;
	}
	took = (double)(bench_cpu() - start) / operations;
	for (i = 0; i < n; i++)
		contestant->timer_free(timers[i]);
	contestant->loop_free(loop);
	free(timers);
	return took;
}

int
main(int argc, char **argv)
{
	static const char *const names[] = { "arm",  "re-arm",  "cancel",
					     "fire", "restart", "restart by the loop's time" };
	static const int sizes[] = { 1000, 10000, 100000, 1000000 };
	struct bench bench = { "timer", "contestant", "ns/op", 9 };
	char label[64];
	size_t i;
	int phase;

	bench_init(&bench, &argc, argv);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (argc > 1 && atoi(argv[1]) != sizes[i])
			continue;
		for (phase = ARM; phase <= RESTART; phase++) {
			struct setting setting = { sizes[i], (enum phase)phase };

			snprintf(label, sizeof(label), "%s %d", names[phase], sizes[i]);
			bench_case(&bench, label, measure, &setting);
		}
	}
	bench_fini(&bench);
	return 0;
}
