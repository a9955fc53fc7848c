/* SPDX-License-Identifier: MIT */
/*
 * The harness: contestants take turns within each round, so that what disturbs the machine disturbs
 * all of them, and medians are compared.
 */
#include "bench.h"

#include <dlfcn.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const modules[] = {
	"raw",      "raw",         "fend",  "fend-socket", "fend-stream", "libev",
	"libevent", "bufferevent", "libuv", "sd-event",    "nginx",
};

static int64_t
read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t
bench_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
bench_cpu(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static const struct contestant *
load(const char *dir, const char *kind, const char *name)
{
	char path[8192];
	void *module;

	snprintf(path, sizeof(path), "%s/%s-%s.so", dir, kind, name);
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	return module ? dlsym(module, "bench_contestant") : NULL;
}

static void
take_options(struct bench *bench, const char **ret_only, int *argc, char **argv)
{
	int i, left = 1;

	for (i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--only") == 0 && i + 1 < *argc)
			*ret_only = argv[++i];
		else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < *argc)
			bench->rounds = atoi(argv[++i]);
		else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < *argc)
			bench->seconds = atoi(argv[++i]);
		else
			argv[left++] = argv[i];
	}
	*argc = left;
	argv[left] = NULL;
}

void
bench_init(struct bench *bench, int *argc, char **argv)
{
	const char *only = NULL;
	char *self = strdup(argv[0]);
	size_t i;

	snprintf(bench->dir, sizeof(bench->dir), "%s", dirname(self));
	free(self);
	take_options(bench, &only, argc, argv);
	if (bench->rounds < 1)
		bench->rounds = 1;
	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		const struct contestant *contestant;

		if (only && (strcmp(only, modules[i]) != 0 || bench->n > 0))
			continue;
		contestant = load(bench->dir, bench->kind, modules[i]);
		if (contestant)
			bench->contestants[bench->n++] = contestant;
	}
	if (bench->n == 0) {
		fprintf(stderr, "%s: nobody to measure\n", bench->name);
		exit(2);
	}
	bench->samples =
		calloc(BENCH_FIGURES_MAX * bench->n * (size_t)bench->rounds, sizeof(double));
	printf("%s: median of %d, and its ratio to %s\n%-34s", bench->name, bench->rounds,
	       bench->contestants[0]->name, "");
	for (i = 0; i < bench->n; i++)
		printf(" %15s", bench->contestants[i]->name);
	printf("\n");
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *samples, int n)
{
	qsort(samples, (size_t)n, sizeof(*samples), compare);
	return n % 2 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
}

/* The two copies of the bare one have the same name. */
static const char *
again(const struct bench *bench, size_t i)
{
	return i == 1 && bench->contestants[1] == bench->contestants[0] ? " again" : "";
}

/* The k-th figure, of which so many rounds are there. */
static void
report(struct bench *bench, const char *label, const char *unit, size_t k, int rounds)
{
	double medians[BENCH_CONTESTANTS_MAX], ratios[BENCH_CONTESTANTS_MAX];
	double *ratio = calloc((size_t)rounds, sizeof(*ratio));
	double *bare = bench->samples + k * bench->n * (size_t)bench->rounds;
	int round;
	size_t i;

	for (i = 0; i < bench->n; i++) {
		double *own = bare + i * (size_t)bench->rounds;

		for (round = 0; round < rounds; round++)
			ratio[round] = own[round] / bare[round];
		ratios[i] = median(ratio, rounds);
		bench->logarithms[k][i] += log(ratios[i]);
	}
	free(ratio);
	printf("%-22s %-11s", label, unit);
	for (i = 0; i < bench->n; i++) {
		medians[i] = median(bare + i * (size_t)bench->rounds, rounds);
		if (medians[i] < 0)
			printf(" %15s", "-");
		else
			printf(" %8.1f %6.3f", medians[i], ratios[i]);
	}
	printf("\n");
	for (i = 0; i < bench->n; i++)
		if (medians[i] >= 0)
			printf("{\"bench\":\"%s\",\"case\":\"%s\",\"who\":\"%s%s\","
			       "\"%s\":%.2f,\"ratio\":%.4f,\"rounds\":%d}\n",
			       bench->name, label, bench->contestants[i]->name, again(bench, i),
			       unit, medians[i], ratios[i], rounds);
	fflush(stdout);
}

void
bench_means(struct bench *bench, const char *label, const char *const *units, size_t n)
{
	size_t i, k;

	for (k = 0; k < n; k++) {
		printf("%-22s %-11s", label, units[k]);
		for (i = 0; i < bench->n; i++)
			printf(" %15.3f", exp(bench->logarithms[k][i] / bench->cases));
		printf("\n");
		for (i = 0; i < bench->n; i++)
			printf("{\"bench\":\"%s\",\"case\":\"%s\",\"who\":\"%s%s\","
			       "\"of\":\"%s\",\"ratio\":%.4f}\n",
			       bench->name, label, bench->contestants[i]->name, again(bench, i),
			       units[k], exp(bench->logarithms[k][i] / bench->cases));
	}
	memset(bench->logarithms, 0, sizeof(bench->logarithms));
	bench->cases = 0;
}

/* Is there time for one more round, if it takes as long as those before? */
static bool
is_time(const struct bench *bench, int round, int64_t start)
{
	int64_t took = bench_now() - start;

	return round == 0 || bench->seconds == 0 ||
	       took + took / round <= (int64_t)bench->seconds * 1000000000;
}

void
bench_figures(struct bench *bench, const char *label, const char *const *units, size_t n,
	      bench_measure_fn *measure, void *data)
{
	size_t i, k, each = bench->n * (size_t)bench->rounds;
	int64_t start = bench_now();
	int round;

	for (round = 0; round < bench->rounds && is_time(bench, round, start); round++) {
		for (i = 0; i < bench->n; i++) {
			double figures[BENCH_FIGURES_MAX];

			measure(bench->contestants[i], data, figures);
			for (k = 0; k < n; k++)
				bench->samples[k * each + i * (size_t)bench->rounds +
					       (size_t)round] = figures[k];
		}
	}
	for (k = 0; k < n; k++)
		report(bench, label, units[k], k, round);
	bench->cases++;
}

struct one {
	double (*measure)(const struct contestant *contestant, void *data);
	void *data;
};

static void
measure_one(const struct contestant *contestant, void *data, double *ret_figures)
{
	const struct one *one = data;

	*ret_figures = one->measure(contestant, one->data);
}

void
bench_case(struct bench *bench, const char *label,
	   double (*measure)(const struct contestant *contestant, void *data), void *data)
{
	struct one one = { measure, data };

	bench_figures(bench, label, &bench->unit, 1, measure_one, &one);
}

void
bench_fini(struct bench *bench)
{
	free(bench->samples);
}
