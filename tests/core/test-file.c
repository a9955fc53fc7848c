/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void
test_closes_what_it_took(struct test *test)
{
	struct fend_file *file;
	int fds[2];

	g_assert_cmpint(pipe(fds), ==, 0);
	test_ok(fend_file_wrap(fds[0], 0, &file));
	g_assert_cmpint(fend_file_fd(file), ==, fds[0]);
	g_assert_null(fend_file_free(file));
	g_assert_cmpint(fcntl(fds[0], F_GETFD), ==, -1);
	close(fds[1]);
}

static void
test_keeps_open_what_it_borrowed(struct test *test)
{
	struct fend_file *file;
	int fds[2];

	g_assert_cmpint(pipe(fds), ==, 0);
	test_ok(fend_file_wrap(fds[0], FEND_KEEP_OPEN, &file));
	fend_file_free(file);
	g_assert_cmpint(fcntl(fds[0], F_GETFD), !=, -1);
	close(fds[0]);
	close(fds[1]);
}

static void
test_set_blocking(struct test *test)
{
	struct fend_file *file;
	int fds[2];
	char byte;

	g_assert_cmpint(pipe(fds), ==, 0);
	test_ok(fend_file_wrap(fds[0], 0, &file));
	test_ok(fend_file_set_blocking(file, false));
	g_assert_cmpint(read(fds[0], &byte, 1), ==, -1);
	g_assert_cmpint(errno, ==, EAGAIN);
	test_ok(fend_file_set_blocking(file, true));
	g_assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	fend_file_free(file);
	close(fds[1]);
}

static void
test_bad_arguments(struct test *test)
{
	struct fend_file *file = NULL;

	test_error(fend_file_wrap(-1, 0, &file), -EBADF);
	test_error(fend_file_wrap(12345, 0, &file), -EBADF);
	test_error(fend_file_wrap(0, 0, NULL), -EINVAL);
	test_error(fend_file_wrap(0, 2, &file), -EINVAL);
	test_error(fend_file_set_blocking(NULL, true), -EINVAL);
	test_error(fend_file_fd(NULL), -EINVAL);
	g_assert_null(fend_file_free(NULL));
	g_assert_null(file);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/file/closes-what-it-took", test_closes_what_it_took);
	test_add("/file/keeps-open-what-it-borrowed", test_keeps_open_what_it_borrowed);
	test_add("/file/set-blocking", test_set_blocking);
	test_add("/file/bad-arguments", test_bad_arguments);
	return g_test_run();
}
