/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fend-internal/kernel.h>

static long blocks, allocations;

static void *
allocate(void *pointer, size_t size, void *data)
{
	g_assert_true(data == &blocks);
	if (size == 0) {
		free(pointer);
		blocks--;
		return NULL;
	}
	allocations++;
	blocks += !pointer;
	return realloc(pointer, size);
}

static void
test_allocator_gets_everything_and_everything_back(struct test *test)
{
	struct fend_loop *loop;
	long before;

	/* The fixture's loop came from it already: main() set it. */
	g_assert_cmpint(allocations, >, 0);
	test_error(fend_set_allocator(NULL, NULL), -EBUSY);
	before = blocks;
	test_ok(fend_loop_new(NULL, &loop));
	g_assert_cmpint(blocks, >, before);
	fend_loop_free(loop);
	g_assert_cmpint(blocks, ==, before);
	fend_free(NULL);
}

static void
test_helpers(struct test *test)
{
	long before = blocks;
	char *text = fend__printf("%s-%d", "abc", 42);
	char *copy = fend__strdup(text);

	g_assert_cmpstr(copy, ==, "abc-42");
	fend_free(text);
	fend_free(copy);
	g_assert_null(fend__calloc(SIZE_MAX / 2, 3));
	g_assert_null(fend__resize(NULL, SIZE_MAX / 2, 3));
	g_assert_cmpint(blocks, ==, before);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_ok(fend_set_allocator(allocate, &blocks));
	test_add("/memory/allocator-gets-everything-and-everything-back",
		 test_allocator_gets_everything_and_everything_back);
	test_add("/memory/helpers", test_helpers);
	return g_test_run();
}
