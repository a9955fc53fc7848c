/* SPDX-License-Identifier: MIT */
/* Files in the output of a stream. */
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"
#include "layers.h"

/* A file with that content and no name. */
static int
file_new(const void *data, size_t size)
{
	char *path;
	int fd = g_file_open_tmp("fend-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(unlink(path), ==, 0);
	g_free(path);
	g_assert_cmpint(write(fd, data, size), ==, size);
	return fd;
}

static int
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* What is written before, between and after files comes there, and they are closed. */
static void
write_mixed(struct test *test, struct pair *pair, int letters)
{
	static const char expected[] = "headABCmiddle12345tail";
	struct heard heard;
	char buffer[sizeof(expected)] = "";
	int first = file_new("xABCx", 5), second = file_new("12345", 5), empty = file_new("", 0);

	heard_init(&heard, test, &pair->a, NULL);
	test_error(fend_stream_write(heard.stream, "head", 4), 0);
	test_error(fend_stream_sendfile(heard.stream, first, 1, 3), 0);
	test_error(fend_stream_write(heard.stream, "mid", 3), 0);
	test_error(fend_stream_write(heard.stream, "dle", 3), 0);
	test_error(fend_stream_sendfile(heard.stream, empty, 0, 0), 0);
	g_assert_false(is_open(empty));
	test_error(fend_stream_sendfile(heard.stream, second, 0, 5), 0);
	test_error(fend_stream_write(heard.stream, "tail", 4), 0);
	g_assert_cmpuint(fend_stream_pending(heard.stream), ==, strlen(expected));
	receive_all(test, pair->b, buffer, strlen(expected));
	if (letters)
		rot13(buffer, strlen(expected));
	g_assert_cmpstr(buffer, ==, expected);
	g_assert_cmpuint(fend_stream_pending(heard.stream), ==, 0);
	g_assert_false(is_open(first));
	g_assert_false(is_open(second));
	heard_fini(&heard);
	pair_fini(pair);
}

static void
test_a_file_leaves_in_its_turn(struct test *test)
{
	struct pair pair;

	pair_init(&pair);
	write_mixed(test, &pair, 0);
	pair_init_tcp(&pair);
	write_mixed(test, &pair, 0);
}

static void
test_a_file_passes_through_layers(struct test *test)
{
	struct pair pair;

	pair_init(&pair);
	dribbler_push(pair.a);
	write_mixed(test, &pair, 0);
	pair_init(&pair);
	rot13_push(pair.a, NULL);
	write_mixed(test, &pair, 1);
}

#define LARGE (3 << 20)

static void
test_a_large_file_takes_no_memory(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options), .output_max = 64 << 10 };
	struct fend_stream_stats stats = { .size = sizeof(stats) };
	unsigned char *data = g_malloc(LARGE), *got = g_malloc(LARGE);
	struct heard heard;
	struct pair pair;
	int fd;

	fill(data, LARGE, 5);
	fd = file_new(data, LARGE);
	pair_init(&pair);
	heard_init(&heard, test, &pair.a, &options);
	/* It counts for the marks, and not for the limit. */
	test_error(fend_stream_sendfile(heard.stream, fd, 0, LARGE), 1);
	fault_install();
	fault_set(FAULT_ALLOCATE, 1, -ENOMEM, 1);
	test_drain(test);
	g_assert_cmpuint(fend_stream_pending(heard.stream), >, LARGE / 2);
	g_assert_cmpint(heard.drained, ==, 0);
	receive_all(test, pair.b, got, LARGE);
	test_drain(test);
	g_assert_false(fault_struck());
	fault_clear();
	fend__kernel = &fend__kernel_real;
	g_assert_cmpmem(got, LARGE, data, LARGE);
	g_assert_cmpint(heard.drained, ==, 1);
	g_assert_false(is_open(fd));
	test_ok(fend_stream_stats(heard.stream, &stats));
	g_assert_cmpuint(stats.sent, ==, LARGE);
	g_assert_cmpuint(stats.risen, ==, 1);
	heard_fini(&heard);
	pair_fini(&pair);
	g_free(data);
	g_free(got);
}

static void
test_what_is_no_file_stays_the_callers(struct test *test)
{
	int fds[2], fd = file_new("abc", 3);
	struct heard heard;
	struct pair pair;

	g_assert_cmpint(pipe(fds), ==, 0);
	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	test_error(fend_stream_sendfile(NULL, fd, 0, 3), -EINVAL);
	test_error(fend_stream_sendfile(heard.stream, -1, 0, 3), -EBADF);
	test_error(fend_stream_sendfile(heard.stream, fds[0], 0, 3), -ESPIPE);
	test_error(fend_stream_sendfile(heard.stream, fd, (uint64_t)INT64_MAX + 1, 0), -EINVAL);
	test_error(fend_stream_sendfile(heard.stream, fd, 1, INT64_MAX), -EINVAL);
	fault_install();
	fault_set(FAULT_ALLOCATE, 1, -ENOMEM, 0);
	test_error(fend_stream_sendfile(heard.stream, fd, 0, 3), -ENOMEM);
	fault_clear();
	fend__kernel = &fend__kernel_real;
	g_assert_cmpuint(fend_stream_pending(heard.stream), ==, 0);
	test_ok(fend_stream_finish(heard.stream, FEND_FOREVER));
	test_error(fend_stream_sendfile(heard.stream, fd, 0, 3), -EPIPE);
	fend_stream_abort(heard.stream, 0);
	test_error(fend_stream_sendfile(heard.stream, fd, 0, 3), -ENOTCONN);
	g_assert_true(is_open(fd));
	g_assert_true(is_open(fds[0]));
	close(fd);
	close(fds[0]);
	close(fds[1]);
	heard_fini(&heard);
	pair_fini(&pair);
}

/* The peer must not take what it got for the whole. */
static void
test_a_file_that_shrinks_resets_the_stream(struct test *test)
{
	char buffer[16];
	struct heard heard;
	struct pair pair;
	ssize_t n;
	int fd;

	pair_init_tcp(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	fd = file_new("0123456789", 10);
	test_error(fend_stream_sendfile(heard.stream, fd, 0, 10), 0);
	test_error(fend_stream_write(heard.stream, "tail", 4), 0);
	g_assert_cmpint(ftruncate(fd, 4), ==, 0);
	test_wait(test, &heard.closed);
	test_error(heard.err, -ENODATA);
	g_assert_false(is_open(fd));
	do {
		wait_fd(fend_socket_fd(pair.b), POLLIN);
		n = fend_socket_recv(pair.b, buffer, sizeof(buffer), 0);
	} while (n > 0);
	test_error(n, -ECONNRESET);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_a_file_that_cannot_be_read_resets_the_stream(struct test *test)
{
	unsigned char *data = g_malloc0(LARGE);
	unsigned n;

	for (n = 1; n <= 3; n++) {
		struct test own = { 0 };
		struct heard heard;
		struct pair pair;
		int fd;

		fault_install();
		test_ok(fend_loop_new(NULL, &own.loop));
		pair_init(&pair);
		heard_init(&heard, &own, &pair.a, NULL);
		fd = file_new(data, LARGE);
		fault_set(FAULT_PREAD, n, -EIO, 0);
		test_ok(fend_stream_sendfile(heard.stream, fd, 0, LARGE));
		while (!heard.closed) {
			test_ok(fend_loop_dispatch(own.loop, FEND_MS(1)));
			while (fend_socket_recv(pair.b, data, LARGE, 0) > 0)
				continue;
		}
		test_error(heard.err, -EIO);
		g_assert_true(fault_struck());
		g_assert_false(is_open(fd));
		heard_fini(&heard);
		pair_fini(&pair);
		fend_loop_free(own.loop);
		fault_remove();
	}
	g_free(data);
}

/* And a few bytes of it at a time will do. */
static void
test_a_file_is_read_in_pieces(struct test *test)
{
	unsigned char data[1000], got[1000];
	struct heard heard;
	struct pair pair;

	fill(data, sizeof(data), 9);
	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	fault_install();
	fault_limit(13);
	test_ok(fend_stream_sendfile(heard.stream, file_new(data, sizeof(data)), 0, sizeof(data)));
	receive_all(test, pair.b, got, sizeof(got));
	g_assert_cmpmem(got, sizeof(got), data, sizeof(data));
	fault_limit(0);
	fend__kernel = &fend__kernel_real;
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_finish_waits_for_the_file(struct test *test)
{
	struct fend_socket *socket;
	struct heard heard;
	struct pair pair;
	char buffer[8];
	int fd = file_new("abcdef", 6);

	pair_init_tcp(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	test_ok(fend_stream_sendfile(heard.stream, fd, 0, 6));
	test_error(fend_stream_release(heard.stream, &socket), -EBUSY);
	test_ok(fend_stream_finish(heard.stream, FEND_FOREVER));
	receive_all(test, pair.b, buffer, 6);
	g_assert_cmpmem(buffer, 6, "abcdef", 6);
	test_drain(test);
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	test_error(fend_socket_recv(pair.b, buffer, 1, 0), 0);
	pair.b = fend_socket_free(pair.b);
	test_wait(test, &heard.closed);
	test_error(heard.err, 0);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_the_write_timeout_runs_while_a_file_waits(struct test *test)
{
	struct fend_stream_options options = { .size = sizeof(options),
					       .write_timeout = FEND_SEC(10) };
	unsigned char *data = g_malloc0(LARGE);
	struct heard heard;
	struct pair pair;

	pair_init(&pair);
	stop_clock();
	heard_init(&heard, test, &pair.a, &options);
	present += FEND_SEC(100);
	test_ok(fend_stream_sendfile(heard.stream, file_new(data, LARGE), 0, LARGE));
	test_drain(test);
	present += FEND_SEC(10) - 1;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 0);
	/* Some of it leaves: the time begins anew. */
	while (fend_socket_recv(pair.b, data, LARGE, 0) > 0)
		continue;
	test_drain(test);
	present += FEND_SEC(10) - 1;
	/* What is written behind it does not count. */
	test_ok(fend_stream_write(heard.stream, "x", 1));
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 0);
	present++;
	test_drain(test);
	g_assert_cmpint(heard.closed, ==, 1);
	test_error(heard.err, -ETIMEDOUT);
	start_clock();
	heard_fini(&heard);
	pair_fini(&pair);
	g_free(data);
}

static void
test_files_go_with_the_stream(struct test *test)
{
	int fds[3] = { file_new("a", 1), file_new("b", 1), file_new("c", 1) };
	struct heard heard, other;
	struct pair pair, others;
	int i;

	pair_init(&pair);
	pair_init(&others);
	heard_init(&heard, test, &pair.a, NULL);
	heard_init(&other, test, &others.a, NULL);
	test_ok(fend_stream_sendfile(heard.stream, fds[0], 0, 1));
	test_ok(fend_stream_sendfile(heard.stream, fds[1], 0, 1));
	test_ok(fend_stream_sendfile(other.stream, fds[2], 0, 1));
	fend_stream_abort(other.stream, -EIO);
	heard_fini(&heard);
	test_drain(test);
	g_assert_cmpint(other.closed, ==, 1);
	for (i = 0; i < 3; i++)
		g_assert_false(is_open(fds[i]));
	heard_fini(&other);
	pair_fini(&pair);
	pair_fini(&others);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) streams_add("/stream-file/" path, fn)
	ADD("a-file-leaves-in-its-turn", test_a_file_leaves_in_its_turn);
	ADD("a-file-passes-through-layers", test_a_file_passes_through_layers);
	ADD("a-large-file-takes-no-memory", test_a_large_file_takes_no_memory);
	ADD("what-is-no-file-stays-the-callers", test_what_is_no_file_stays_the_callers);
	ADD("a-file-that-shrinks-resets-the-stream", test_a_file_that_shrinks_resets_the_stream);
	ADD("a-file-that-cannot-be-read-resets-the-stream",
	    test_a_file_that_cannot_be_read_resets_the_stream);
	ADD("a-file-is-read-in-pieces", test_a_file_is_read_in_pieces);
	ADD("finish-waits-for-the-file", test_finish_waits_for_the_file);
	ADD("the-write-timeout-runs-while-a-file-waits",
	    test_the_write_timeout_runs_while_a_file_waits);
	ADD("files-go-with-the-stream", test_files_go_with_the_stream);
	return g_test_run();
}
