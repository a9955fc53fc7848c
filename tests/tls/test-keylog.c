/* SPDX-License-Identifier: MIT */
/* The secrets of connections, written down only where that is asked for. */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fend-internal/kernel.h>
#include <fend/log.h>

#include "process.h"

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of a log in alphabetical order, without what only one of the sides has to say. */
static char *
sorted_lines(const char *path)
{
	char *text, **lines, *joined;
	size_t i, n = 0;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (i = 0; lines[i]; i++) {
		if (g_str_has_prefix(lines[i], "CLIENT_RANDOM ") ||
		    strstr(lines[i], "_TRAFFIC_SECRET "))
			lines[n++] = lines[i];
		else if (g_str_has_prefix(lines[i], "CLIENT_") && strstr(lines[i], "_SECRET_0 "))
			lines[n++] = lines[i];
		else
			g_free(lines[i]);
	}
	lines[n] = NULL;
	g_assert_cmpuint(n, >, 0);
	qsort(lines, n, sizeof(*lines), compare);
	joined = g_strjoinv("\n", lines);
	g_strfreev(lines);
	g_free(text);
	return joined;
}

/* Both sides know the same secrets, whoever they are. */
static void
test_both_sides_agree(struct test *test)
{
	char *client_path = test_file("client-keys", "");
	char *server_path = test_file("server-keys", "");
	struct fend_tls_params client = client_params(), server = server_params();
	char *client_lines, *server_lines;
	struct link link;

	client.keylog = client_path;
	server.keylog = server_path;
	link_open(&link, test, &client, &server);
	link_exchange(&link);
	link_fini(&link);
	client_lines = sorted_lines(client_path);
	server_lines = sorted_lines(server_path);
	g_assert_cmpstr(client_lines, ==, server_lines);
	g_free(server_lines);
	g_free(client_lines);
	g_free(server_path);
	g_free(client_path);
}

static gsize
count_lines(const char *path)
{
	char *text, **lines;
	gsize n;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	n = g_strv_length(lines);
	g_strfreev(lines);
	g_free(text);
	return n;
}

static void
log_one(struct test *test, const char *path)
{
	struct fend_tls_params client = client_params();
	struct link link;

	client.keylog = path;
	link_open(&link, test, &client, NULL);
	link_fini(&link);
}

static void
assert_mode(const char *path, mode_t mode)
{
	struct stat status;

	g_assert_cmpint(stat(path, &status), ==, 0);
	g_assert_cmphex(status.st_mode & 0777, ==, mode);
}

/* Made for its owner alone, and appended to; what is there keeps its mode and what is in it. */
static void
test_file_is_made(struct test *test)
{
	char *path = test_path("made");
	mode_t mask = umask(0);
	gsize lines;

	unlink(path);
	log_one(test, path);
	assert_mode(path, 0600);
	lines = count_lines(path);
	g_assert_cmpint(chmod(path, 0640), ==, 0);
	log_one(test, path);
	assert_mode(path, 0640);
	g_assert_cmpuint(count_lines(path), ==, 2 * lines - 1);
	umask(mask);
	g_free(path);
}

static void
assert_refused(const struct fend_tls_params *params, int error)
{
	struct fend_tls_context *context;
	char *reason = NULL;

	test_error(fend_tls_context_new(params, &reason, &context), error);
	if (params->keylog && error != -EKEYREJECTED)
		g_assert_true(g_str_has_prefix(reason, "keylog: "));
	fend_free(reason);
}

static void
test_refused(struct test *test)
{
	struct fend_tls_params params = client_params();
	char *fifo = test_path("fifo"), *path = test_path("never-made");

	unlink(fifo);
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	params.keylog = test_directory();
	assert_refused(&params, -EISDIR);
	params.keylog = "/nonexistent/keys";
	assert_refused(&params, -ENOENT);
	params.keylog = fifo;
	assert_refused(&params, -ENXIO);

	/* which fails for something else */
	params = server_params();
	params.certificates = &(struct fend_tls_keypair){ certificate_ec()->certificate,
							  certificate_rsa()->key, NULL };
	params.keylog = path;
	assert_refused(&params, -EKEYREJECTED);
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	g_free(path);
	g_free(fifo);
}

static void
on_text(const char *text, void *data)
{
	if (g_str_has_prefix(text, "keylog: "))
		++*(int *)data;
}

static ssize_t
full_write(int fd, const void *data, size_t size)
{
	return -ENOSPC;
}

/* A second passes between two messages of a kind, by this clock. */
static fend_time
hasty_now(void)
{
	static fend_time seconds;

	return fend__kernel_real.now() + (seconds += FEND_SEC(1));
}

static void
test_full(struct test *test)
{
	static struct fend__kernel kernel;
	char *path = test_path("full");
	int told = 0;

	test->loop = fend_loop_free(test->loop);
	kernel = fend__kernel_real;
	kernel.write = full_write;
	kernel.now = hasty_now;
	fend__kernel = &kernel;
	test_ok(fend_loop_new(NULL, &test->loop));
	fend_set_log(on_text, &told);
	log_one(test, path);
	g_assert_cmpint(told, >, 0);
	fend_set_log(NULL, NULL);
	test->loop = fend_loop_free(test->loop);
	fend__kernel = &fend__kernel_real;
	test_ok(fend_loop_new(NULL, &test->loop));
	g_free(path);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_ways("/keylog/both-sides-agree", test_both_sides_agree);
	variant_add("/keylog/file-is-made", test_file_is_made);
	variant_add("/keylog/refused", test_refused);
	variant_add("/keylog/full", test_full);
	return g_test_run();
}
