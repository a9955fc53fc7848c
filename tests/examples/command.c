/* SPDX-License-Identifier: MIT */
/* Checks that compare all a command has printed, so that a stray line fails them. */
#include "command.h"

#include <glob.h>
#include <string.h>

#include "process.h"

char *
url_of(const char *scheme, int port, const char *path)
{
	return g_strdup_printf("%s://localhost:%d%s", scheme, port, path);
}

char *
path_of(const char *name)
{
	return g_build_filename(test_directory(), name, NULL);
}

char *
sha256_of(const char *path)
{
	GMappedFile *file = g_mapped_file_new(path, FALSE, NULL);
	GBytes *bytes;
	char *sum;

	g_assert_nonnull(file);
	bytes = g_mapped_file_get_bytes(file);
	sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
	g_bytes_unref(bytes);
	g_mapped_file_unref(file);
	return sum;
}

void
check_failure(struct program *program, int status, const char *words)
{
	char *err;

	g_assert_cmpint(program_end(program, NULL, &err), ==, status);
	g_assert_true(g_str_has_prefix(err, "http_client: "));
	g_assert_true(g_str_has_suffix(err, "\n"));
	g_assert_null(strchr(strchr(err, '\n') + 1, '\n'));
	if (!strstr(err, words))
		g_error("no \"%s\" in: %s", words, err);
	g_free(err);
}

void
check_success(struct program *program, const char *expected)
{
	char *out, *err;
	int status = program_end(program, &out, &err);

	g_assert_cmpstr(err, ==, "");
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpstr(out, ==, expected);
	g_free(out);
	g_free(err);
}

void
check_nothing_left(const char *path)
{
	char *pattern = g_strconcat(path, "*", NULL);
	glob_t found;

	g_assert_cmpint(glob(pattern, 0, NULL, &found), ==, GLOB_NOMATCH);
	g_free(pattern);
}
