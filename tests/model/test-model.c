/* SPDX-License-Identifier: MIT */
/*
 * Runs the model on bytes made from seeds, 1, 2, 3, ... or those that were asked for. The seed of a
 * run that fails or crashes is told, and replays it.
 */
#include "model.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES_MAX = 600, SECONDS_PER_SEED = 400, SEEDS = 10000 };

static const char *dispatcher;
static unsigned long seed;

/* splitmix64, public domain (Vigna) */
static uint64_t
next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void
failed(const char *text)
{
	printf("not ok 1 - %s\n# operation %lu; again by: --dispatcher %s --seed %lu --trace\n",
	       text, model_operation, dispatcher, seed);
	fflush(stdout);
	_exit(1);
}

/* What has become of the process is anybody's guess: say where, and let it end. */
static void
crashed(int signo)
{
	char text[160];
	int n = snprintf(text, sizeof(text), "# signal %d: %s, seed %lu, operation %lu\n", signo,
			 dispatcher, seed, model_operation);

	if (write(STDOUT_FILENO, text, (size_t)n) < 0)
		_exit(3);
	signal(signo, SIG_DFL);
	raise(signo);
}

/* With a sanitizer: after its report. */
void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

static void
died(void)
{
	crashed(0);
}

static void
run(const struct model_options *options)
{
	uint8_t bytes[BYTES_MAX];
	uint64_t state = seed;
	size_t n = 40 + next(&state) % (BYTES_MAX - 40), i;

	for (i = 0; i < n; i++)
		bytes[i] = (uint8_t)next(&state);
	alarm(SECONDS_PER_SEED);
	model_run(bytes, n, options);
}

static void
usage(void)
{
	fputs("usage: test-model [--seed N] [--seeds COUNT] [--dispatcher NAME] [--trace]\n",
	      stderr);
	exit(2);
}

int
main(int argc, char **argv)
{
	const char *slow = getenv("FEND_TEST_SLOW");
	unsigned long first = 1, count = SEEDS;
	struct model_options options = { .forks = true };
	int i;

	dispatcher = getenv("FEND_DISPATCHER");
	if (slow && atoi(slow) > 1)
		count /= (unsigned long)atoi(slow);
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--trace") == 0)
			options.trace = stdout;
		else if (++i == argc)
			usage();
		else if (strcmp(argv[i - 1], "--seed") == 0)
			first = strtoul(argv[i], NULL, 0), count = 1;
		else if (strcmp(argv[i - 1], "--seeds") == 0)
			count = strtoul(argv[i], NULL, 0);
		else if (strcmp(argv[i - 1], "--dispatcher") == 0)
			dispatcher = argv[i];
		else
			usage();
	}
	if (!dispatcher)
		dispatcher = "epoll";
	options.dispatcher = dispatcher;
	model_failed = failed;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (__sanitizer_set_death_callback) {
		__sanitizer_set_death_callback(died);
	} else {
		signal(SIGSEGV, crashed);
		signal(SIGBUS, crashed);
		signal(SIGABRT, crashed);
	}
	signal(SIGALRM, crashed);
	puts("1..1");
	for (seed = first; seed < first + count; seed++)
		run(&options);
	printf("ok 1 - %lu seeds from %lu\n", count, first);
	return 0;
}
