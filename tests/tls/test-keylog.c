/* SPDX-License-Identifier: MIT */
/* The secrets of connections, written down only where that is asked for. */
#include "link.h"

#include <errno.h>
#include <string.h>

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

static void
test_no_file(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct fend_tls_context *context;
	char *path = test_path("nobody-made-it");

	params.keylog = path;
	test_error(fend_tls_context_new(&params, NULL, &context), -ENOENT);
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	g_free(path);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_ways("/keylog/both-sides-agree", test_both_sides_agree);
	variant_add("/keylog/no-file", test_no_file);
	return g_test_run();
}
