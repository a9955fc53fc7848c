/* SPDX-License-Identifier: MIT */
#include <fend/listener.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listeners.h"
#include "pair.h"

static void
test_a_unix_socket_has_a_file(struct test *test)
{
	struct fend_listener_options options = service_options(0);
	g_autofree char *text = socket_path("file");
	const char *path = text + strlen("unix:");
	struct service service, second;
	struct fend_socket *client;
	struct stat info;

	options.mode = 0622;
	service_init(&service, test, text, &options);
	g_assert_cmpint(lstat(path, &info), ==, 0);
	g_assert_cmpint(info.st_mode & 07777, ==, 0622);
	client = client_new(&service.address);
	test_wait(test, &service.accepted);
	test_error(service_try(&second, test, text, NULL), -EADDRINUSE);
	g_assert_cmpint(lstat(path, &info), ==, 0);
	fend_socket_free(client);
	service_fini(&service);
	g_assert_cmpint(lstat(path, &info), ==, -1);
}

static void
test_files_that_are_in_the_way(struct test *test)
{
	g_autofree char *text = socket_path("way");
	const char *path = text + strlen("unix:");
	struct fend_address address;
	struct fend_socket *stale;
	struct service service;
	struct stat info;

	test_ok(fend_address_parse(text, &address));
	test_ok(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &stale));
	test_ok(fend_socket_bind(stale, &address));
	fend_socket_free(stale);
	service_init(&service, test, text, NULL);
	fend_socket_free(client_new(&address));

	/* Somebody else has taken the path; that one stays. */
	g_assert_cmpint(unlink(path), ==, 0);
	test_ok(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &stale));
	test_ok(fend_socket_bind(stale, &address));
	service_fini(&service);
	g_assert_cmpint(lstat(path, &info), ==, 0);
	fend_socket_free(stale);
	g_assert_cmpint(unlink(path), ==, 0);

	g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
	test_error(service_try(&service, test, text, NULL), -EADDRINUSE);
	g_assert_cmpint(lstat(path, &info), ==, 0);
	g_assert_cmpint(info.st_size, ==, 8);
	g_assert_cmpint(unlink(path), ==, 0);
	test_error(service_try(&service, test, "unix:/no such directory/x", NULL), -ENOENT);
}

static void
test_abstract_unix_names(struct test *test)
{
	g_autofree char *text = g_strdup_printf("unix:@fend-test-%d", (int)getpid());
	struct service service, second;

	service_init(&service, test, text, NULL);
	test_error(service_try(&second, test, text, NULL), -EADDRINUSE);
	fend_socket_free(client_new(&service.address));
	service_fini(&service);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/listener-file/a-unix-socket-has-a-file", test_a_unix_socket_has_a_file);
	test_add("/listener-file/files-that-are-in-the-way", test_files_that_are_in_the_way);
	test_add("/listener-file/abstract-unix-names", test_abstract_unix_names);
	return g_test_run();
}
