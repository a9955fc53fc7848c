/* SPDX-License-Identifier: MIT */
/* The authorities of a directory. */
#include "link.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "process.h"

/* A client that trusts whom is in a new directory, which is to be freed with g_free(). */
static struct fend_tls_params
trusting(char **ret_directory)
{
	struct fend_tls_params client = client_params();

	*ret_directory = test_path("directory");
	g_assert_cmpint(mkdir(*ret_directory, 0700), ==, 0);
	client.cafile = NULL;
	client.capath = *ret_directory;
	return client;
}

static void
put_link(const char *directory, const char *name, const char *target)
{
	char *path = g_build_filename(directory, name, NULL);

	g_assert_cmpint(symlink(target, path), ==, 0);
	g_free(path);
}

/* The concatenation of all texts. */
static void
put_file(const char *directory, const char *name, const char *const *texts)
{
	char *path = g_build_filename(directory, name, NULL);
	char *all = g_strjoinv("", (char **)texts);

	g_assert_true(g_file_set_contents(path, all, -1, NULL));
	g_free(all);
	g_free(path);
}

static char *
content_of(const char *path)
{
	char *text;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static int
try_context(const struct fend_tls_params *params)
{
	struct fend_tls_context *context = NULL;
	int r = fend_tls_context_new(params, NULL, &context);

	fend_tls_context_unref(context);
	return r;
}

/* Nobody writes into the FIFO, so whoever waited for that would wait for ever. */
static void
test_what_is_no_file_does_not_matter(struct test *test)
{
	char *directory, *within, *fifo;
	struct fend_tls_params client = trusting(&directory);
	struct link link;

	within = g_build_filename(directory, "within.pem", NULL);
	fifo = g_build_filename(directory, "fifo.pem", NULL);
	g_assert_cmpint(mkdir(within, 0700), ==, 0);
	put_link(within, "authority.pem", certificate_ca());
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	put_link(directory, "0b8f1c2d.0", fifo);
	put_link(directory, "link-to-fifo.pem", "fifo.pem");
	put_link(directory, "dangling.pem", "nowhere");
	put_link(directory, "loop.pem", "loop.pem");
	put_link(directory, "device.pem", "/dev/zero");
	put_link(directory, "key.pem", certificate_ec()->key);
	put_file(directory, "empty.pem", (const char *const[]){ "", NULL });
	put_file(directory, "garbage.pem", (const char *const[]){ "garbage\n", NULL });
	test_error(try_context(&client), -EBADMSG);

	put_link(directory, "no extension", certificate_ca());
	link_open(&link, test, &client, NULL);
	link_exchange(&link);
	link_fini(&link);
	g_free(fifo);
	g_free(within);
	g_free(directory);
}

/* As it is with cafile. */
static void
test_file_counts_whole_or_not(struct test *test)
{
	char *directory, *ca = content_of(certificate_ca());
	char *other = content_of(certificate_other_ca());
	struct fend_tls_params client = trusting(&directory);
	const char *const broken[] = { ca,
				       "-----BEGIN CERTIFICATE-----\nMAA=\n"
				       "-----END CERTIFICATE-----\n",
				       NULL };
	const char *const good[] = { "whose they are\n", other, "and\n", ca, NULL };
	struct link link;

	put_file(directory, "broken", broken);
	test_error(try_context(&client), -EBADMSG);
	put_file(directory, "good", good);
	link_open(&link, test, &client, NULL);
	link_fini(&link);
	g_free(directory);
	g_free(other);
	g_free(ca);
}

/* What concerns one file does not matter, the lack of descriptors does. */
static void
test_failures(struct test *test)
{
	static const struct {
		enum fault_op op;
		int error, result;
	} cases[] = {
		{ FAULT_LIST, -EACCES, -EACCES }, { FAULT_OPEN, -EACCES, -EBADMSG },
		{ FAULT_OPEN, -EMFILE, -EMFILE }, { FAULT_OPEN, -ENFILE, -ENFILE },
		{ FAULT_READ, -EIO, -EBADMSG },
	};
	char *directory;
	struct fend_tls_params client = trusting(&directory);
	size_t i;

	put_link(directory, "authority", certificate_ca());
	test->loop = fend_loop_free(test->loop);
	fault_install();
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		fault_set(cases[i].op, 1, cases[i].error, TRUE);
		test_error(try_context(&client), cases[i].result);
		fault_clear();
		g_assert_true(fault_struck());
	}
	test_ok(try_context(&client));
	fault_remove();
	g_free(directory);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_single("/directory/what-is-no-file-does-not-matter",
			   test_what_is_no_file_does_not_matter);
	variant_add_single("/directory/file-counts-whole-or-not", test_file_counts_whole_or_not);
	variant_add_single("/directory/failures", test_failures);
	return g_test_run();
}
