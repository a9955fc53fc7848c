/* SPDX-License-Identifier: MIT */
#ifndef FEND_BENCH_H
#define FEND_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What each library under comparison implements, in a module of its own that is loaded apart from
 * the others, since libev and libevent export the same names. Entries that a library has no
 * counterpart for are NULL: it then takes no part in that benchmark. fn is the same for all sources
 * of a kind, so that data can be the library's own pointer.
 */
struct contestant {
	const char *name;
	const char *(*version)(void);

	void *(*loop_new)(void);
	void (*loop_free)(void *loop);
	/* Run until _stop is called in a callback. */
	void (*run)(void *loop);
	void (*stop)(void *loop);
	/* One iteration, which waits. */
	void (*iterate)(void *loop);

	/* Call fn(data) while fd is readable, level-triggered. */
	void *(*io_new)(void *loop, int fd, void (*fn)(void *data), void *data);
	void (*io_free)(void *io);

	/* A timer that calls fn(data) once when it was armed. */
	void *(*timer_new)(void *loop, void (*fn)(void *data), void *data);
	void (*timer_free)(void *timer);
	void (*timer_arm)(void *timer, int64_t delay_ns);
	/*
	 * The same, counted from the loop's idea of the present where that saves a clock reading
	 * that timer_arm takes: how programs restart an idle timeout. NULL: timer_arm saves it too.
	 */
	void (*timer_restart)(void *timer, int64_t delay_ns);
	void (*timer_stop)(void *timer);

	/* Have fn(data) called in the loop's thread, from any; a handle is posted once at a time. */
	void *(*post_new)(void *loop, void (*fn)(void *data), void *data);
	void (*post_free)(void *post);
	void (*post)(void *post);

	/*
	 * Of a server's module, the only entry: accept TCP connections on listener and send back
	 * what comes on each, until its end. Whenever control is readable call on_control(control),
	 * and return when that returns false. Connections that are left end with the process.
	 */
	void (*serve)(int listener, int control, bool (*on_control)(int control));
	/* And the process that does it, if it is another one. */
	pid_t (*process)(void);
};

/* Exported by each module. */
extern const struct contestant bench_contestant;

enum { BENCH_CONTESTANTS_MAX = 16, BENCH_FIGURES_MAX = 8 };

/* The first five are the program's to set. */
struct bench {
	const char *name;
	const char *kind; /* of modules: "contestant", "server" */
	const char *unit; /* of bench_case() */
	int rounds;
	int seconds; /* a case has fewer rounds if it would last longer; 0: however long */
	/* [0]: the bare system calls */
	const struct contestant *contestants[BENCH_CONTESTANTS_MAX];
	size_t n;
	double *samples; /* of the case being measured: [figure][contestant][round] */
	double logarithms[BENCH_FIGURES_MAX][BENCH_CONTESTANTS_MAX]; /* of ratios, their sum */
	int cases;                                                   /* in that */
	char dir[4096]; /* where the program and its modules are */
};

/*
 * Options: --only NAME, --rounds N, --seconds N; what is left stays in argv. Loads the modules that
 * are beside the program; the bare one twice, and how its copies differ this run cannot resolve.
 */
void bench_init(struct bench *bench, int *argc, char **argv);

/*
 * Measure one case: run every contestant once per round, in turn, and print, as a line of the table
 * and as JSON, the medians, and the median of the rounds' ratios to the bare one. measure returns
 * the figure, or < 0 if the contestant cannot take part.
 */
void bench_case(struct bench *bench, const char *label,
		double (*measure)(const struct contestant *contestant, void *data), void *data);

/* The same for several figures of one measurement, each with its unit; a line for each. */
typedef void bench_measure_fn(const struct contestant *contestant, void *data, double *ret_figures);
void bench_figures(struct bench *bench, const char *label, const char *const *units, size_t n,
		   bench_measure_fn *measure, void *data);
/* And the geometric mean of the ratios since it was last called. */
void bench_means(struct bench *bench, const char *label, const char *const *units, size_t n);

void bench_fini(struct bench *bench);

/* Nanoseconds of wall time, and of CPU time of this thread. */
int64_t bench_now(void);
int64_t bench_cpu(void);

#endif
