/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_H
#define FEND_TEST_H

#include <glib.h>

#include <fend/core.h>

/*
 * The fixture of every test: a loop on the dispatcher the suite runs with (FEND_DISPATCHER), a
 * deadline, and a count of open descriptors before and after, which must agree.
 */
struct test {
	struct fend_loop *loop; /* freed by the fixture; a test that frees it sets NULL */
	int done;               /* for test_run(): a callback sets it */
};

typedef void test_fn(struct test *test);

/* path: "/timer/never-early" */
void test_add(const char *path, test_fn *fn);
/* The same, and prepare is called first: so one function is several cases. */
void test_add_prepared(const char *path, void (*prepare)(void), test_fn *fn);
/* For main(): runs what was added. Sets up the environment that children inherit. */
int test_init(int *argc, char ***argv);

/* Dispatch until *condition is true; fail after 20 s (more under FEND_TEST_SLOW). */
void test_wait(struct test *test, const int *condition);
/* Dispatch until test->done, then reset it. */
void test_run(struct test *test);
/* Dispatch without waiting until an iteration calls nobody. */
void test_drain(struct test *test);

/* How many times slower this run may be than a plain build's: sanitizers, valgrind. */
int test_slowness(void);

/* The number of descriptors this process has open. */
int test_count_fds(void);

#define test_ok(expression) g_assert_cmpint((expression), >=, 0)
#define test_error(expression, error) g_assert_cmpint((expression), ==, (error))

#endif
