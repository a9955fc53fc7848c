/* SPDX-License-Identifier: MIT */
/*
 * The harness: contestants take turns within each round, so that what disturbs the machine disturbs
 * all of them, and medians are compared.
 */
#include "bench.h"

#include <dlfcn.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const modules[] = {
	"raw", "raw", "fend", "libev", "libevent", "libuv", "sd-event",
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
load(const char *dir, const char *name)
{
	char path[4096];
	void *module;

	snprintf(path, sizeof(path), "%s/contestant-%s.so", dir, name);
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
		else
			argv[left++] = argv[i];
	}
	*argc = left;
	argv[left] = NULL;
}

void
bench_init(struct bench *bench, const char *name, const char *unit, int *argc, char **argv)
{
	const char *only = NULL;
	char *self = strdup(argv[0]);
	size_t i;

	*bench = (struct bench){ .rounds = 9, .name = name, .unit = unit };
	take_options(bench, &only, argc, argv);
	if (bench->rounds < 1)
		bench->rounds = 1;
	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		const struct contestant *contestant;

		if (only && (strcmp(only, modules[i]) != 0 || bench->n > 0))
			continue;
		contestant = load(dirname(strcpy(self, argv[0])), modules[i]);
		if (contestant)
			bench->contestants[bench->n++] = contestant;
	}
	free(self);
	if (bench->n == 0) {
		fprintf(stderr, "%s: nobody to measure\n", name);
		exit(2);
	}
	bench->samples = calloc(bench->n * (size_t)bench->rounds, sizeof(double));
	printf("%s [%s]: median of %d, and its ratio to %s\n%-22s", name, unit, bench->rounds,
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

void
bench_case(struct bench *bench, const char *label,
	   double (*measure)(const struct contestant *contestant, void *data), void *data)
{
	double medians[BENCH_CONTESTANTS_MAX];
	int round;
	size_t i;

	for (round = 0; round < bench->rounds; round++)
		for (i = 0; i < bench->n; i++)
			bench->samples[i * (size_t)bench->rounds + (size_t)round] =
				measure(bench->contestants[i], data);
	printf("%-22s", label);
	for (i = 0; i < bench->n; i++) {
		medians[i] = median(bench->samples + i * (size_t)bench->rounds, bench->rounds);
		if (medians[i] < 0)
			printf(" %15s", "-");
		else
			printf(" %8.1f %6.3f", medians[i], medians[i] / medians[0]);
	}
	printf("\n");
	for (i = 0; i < bench->n; i++)
		if (medians[i] >= 0)
			printf("{\"bench\":\"%s\",\"case\":\"%s\",\"who\":\"%s%s\",\"%s\":%.2f,"
			       "\"ratio\":%.4f}\n",
			       bench->name, label, bench->contestants[i]->name,
			       i == 1 && bench->contestants[1] == bench->contestants[0] ? " again" : "",
			       bench->unit, medians[i], medians[i] / medians[0]);
	fflush(stdout);
}

void
bench_fini(struct bench *bench)
{
	free(bench->samples);
}
