/* SPDX-License-Identifier: MIT */
/*
 * The fixture. Each test gets a fresh loop, has its descriptors counted before and after, and runs
 * under a deadline, which counts in units of test_slowness() so that valgrind does not break it.
 */
#include "fend-test.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define DEADLINE_SECONDS 20

struct entry {
	test_fn *fn;
	void (*prepare)(void);
};

static void
run(gconstpointer data)
{
	const struct entry *entry = data;
	struct test test = { 0 };
	int fds = test_count_fds();

	/* Should a test hang outside the loop, this ends it; the exit status tells. */
	alarm((unsigned)(3 * DEADLINE_SECONDS * test_slowness()));
	test_ok(fend_loop_new(NULL, &test.loop));
	if (entry->prepare)
		entry->prepare();
	entry->fn(&test);
	fend_loop_free(test.loop);
	alarm(0);
	g_assert_cmpint(test_count_fds(), ==, fds);
}

void
test_add_prepared(const char *path, void (*prepare)(void), test_fn *fn)
{
	struct entry *entry = g_new(struct entry, 1);

	*entry = (struct entry){ .fn = fn, .prepare = prepare };
	g_test_add_data_func_full(path, entry, run, g_free);
}

void
test_add(const char *path, test_fn *fn)
{
	test_add_prepared(path, NULL, fn);
}

int
test_init(int *argc, char ***argv)
{
	g_test_init(argc, argv, NULL);
	g_setenv("LC_ALL", "C", TRUE);
	return 0;
}

int
test_slowness(void)
{
	const char *slow = getenv("FEND_TEST_SLOW");
	int factor = slow ? atoi(slow) : 1;

	return factor > 1 ? factor : 1;
}

int
test_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	g_assert_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 3; /* ".", ".." and the directory itself */
}

void
test_wait(struct test *test, const int *condition)
{
	fend_time deadline = fend_now() + FEND_SEC(DEADLINE_SECONDS) * test_slowness();

	while (!*condition) {
		fend_time left = deadline - fend_now();

		if (left <= 0)
			g_error("nothing happened in %d seconds", DEADLINE_SECONDS);
		test_ok(fend_loop_dispatch(test->loop, left));
	}
}

void
test_run(struct test *test)
{
	test_wait(test, &test->done);
	test->done = 0;
}

void
test_drain(struct test *test)
{
	int calls;

	do {
		calls = fend_loop_dispatch(test->loop, 0);
		test_ok(calls);
	} while (calls > 0);
}
