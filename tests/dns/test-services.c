/* SPDX-License-Identifier: MIT */
/*
 * The reader of services(5), seen through lookups of a NULL host. The file is the test's: the
 * kernel door opens it in place of /etc/services.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

#include <fend-internal/kernel.h>

#include "dns-test.h"

static struct fend__kernel door;
static char *services; /* the file; NULL: there is none */
static int open_error, read_error;
static size_t read_most;

static int
open_services(const char *path, int flags)
{
	g_assert_cmpstr(path, ==, "/etc/services");
	if (open_error)
		return open_error;
	return services ? fend__kernel_real.open(services, flags) : -ENOENT;
}

static ssize_t
read_services(int fd, void *buffer, size_t size)
{
	if (read_error)
		return read_error;
	return fend__kernel_real.read(fd, buffer, MIN(size, read_most));
}

static void
services_set(const char *content)
{
	g_free(services);
	services = content ? test_file("services", content) : NULL;
	open_error = read_error = 0;
	read_most = SIZE_MAX;
	door = fend__kernel_real;
	door.open = open_services;
	door.read = read_services;
	fend__kernel = &door;
}

static void
services_reset(void)
{
	services_set(NULL);
	fend__kernel = &fend__kernel_real;
}

/* The port of service, or the error. */
static int
port_of(const char *service, int socktype, int protocol)
{
	const struct addrinfo hints = {
		.ai_family = AF_INET,
		.ai_socktype = socktype,
		.ai_protocol = protocol,
	};
	struct addrinfo *list;
	struct sockaddr_in in;
	int r = fend_dns_lookup(NULL, service, &hints, 0, &list);

	if (r < 0)
		return r;
	memcpy(&in, list->ai_addr, sizeof(in));
	g_assert_null(list->ai_next);
	fend_addrinfo_free(list);
	return ntohs(in.sin_port);
}

static const char file[] = "# a comment\n"
			   "\n"
			   "   \t \n"
			   "one\t\t1/tcp\n"
			   "  two 2/tcp zwei deux\t# trois\n"
			   "two 22/tcp\n"
			   "two 3/udp\n"
			   "mixed 4/tcp 4/udp\n"
			   "both 5/udp dual\n"
			   "both 6/tcp dual\n"
			   "multi 7/sctp\n"
			   "multi 8/dccp\n"
			   "multi 9/udplite\n"
			   "top 65535/tcp\n"
			   "zero 0/tcp\n"
			   "bad\n"
			   "bad 10\n"
			   "bad tcp/10\n"
			   "bad -1/tcp\n"
			   "bad +1/tcp\n"
			   "bad 65536/tcp\n"
			   "bad 99999999999999999999/tcp\n"
			   "bad 1x/tcp\n"
			   "bad /tcp\n"
			   "bad 10/\n"
			   "bad 10/TCP\n"
			   "crlf 11/tcp\r\n"
			   "commented# 12/tcp\n"
			   "last 13/tcp";

static void
check_file(void)
{
	g_assert_cmpint(port_of("one", SOCK_STREAM, 0), ==, 1);
	g_assert_cmpint(port_of("two", SOCK_STREAM, 0), ==, 2);
	g_assert_cmpint(port_of("zwei", SOCK_STREAM, 0), ==, 2);
	g_assert_cmpint(port_of("deux", SOCK_STREAM, 0), ==, 2);
	g_assert_cmpint(port_of("two", SOCK_DGRAM, 0), ==, 3);
	g_assert_cmpint(port_of("dual", SOCK_STREAM, 0), ==, 6);
	g_assert_cmpint(port_of("dual", SOCK_DGRAM, 0), ==, 5);
	g_assert_cmpint(port_of("multi", SOCK_SEQPACKET, 0), ==, 7);
	g_assert_cmpint(port_of("multi", SOCK_DCCP, 0), ==, 8);
	g_assert_cmpint(port_of("multi", 0, IPPROTO_UDPLITE), ==, 9);
	g_assert_cmpint(port_of("top", SOCK_STREAM, 0), ==, 65535);
	g_assert_cmpint(port_of("zero", SOCK_STREAM, 0), ==, 0);
	g_assert_cmpint(port_of("crlf", SOCK_STREAM, 0), ==, 11);
	g_assert_cmpint(port_of("last", SOCK_STREAM, 0), ==, 13);
	test_error(port_of("one", SOCK_DGRAM, 0), FEND_EAI_SERVICE);
	test_error(port_of("trois", SOCK_STREAM, 0), FEND_EAI_SERVICE);
	test_error(port_of("bad", SOCK_STREAM, 0), FEND_EAI_SERVICE);
	test_error(port_of("tw", SOCK_STREAM, 0), FEND_EAI_SERVICE);
	test_error(port_of("ONE", SOCK_STREAM, 0), FEND_EAI_SERVICE);
	test_error(port_of("commented", SOCK_STREAM, 0), FEND_EAI_SERVICE);
	test_error(port_of("one", SOCK_RAW, 0), FEND_EAI_SERVICE);
}

static void
test_lines(struct test *test)
{
	services_set(file);
	check_file();
	services_reset();
}

static void
test_short_reads(struct test *test)
{
	services_set(file);
	for (read_most = 1; read_most < 20; read_most++)
		check_file();
	services_reset();
}

static void
test_long_lines(struct test *test)
{
	size_t length;

	/* Around the size of the reader's buffer, and far beyond. */
	for (length = 1000; length < 5000; length += length < 1050 ? 1 : 977) {
		char *filler = g_strnfill(length, 'x');
		char *content = g_strdup_printf("before 1/tcp\nlong 2/tcp %s hidden\nafter 3/tcp\n"
						"%s",
						filler, filler);
		int hidden;

		services_set(content);
		g_assert_cmpint(port_of("before", SOCK_STREAM, 0), ==, 1);
		g_assert_cmpint(port_of("after", SOCK_STREAM, 0), ==, 3);
		hidden = port_of("hidden", SOCK_STREAM, 0);
		g_assert_cmpint(hidden, ==, length < 1005 ? 2 : FEND_EAI_SERVICE);
		g_free(content);
		g_free(filler);
	}
	services_reset();
}

/* What remains of a line that was too long is not a line, wherever it was cut. */
static void
test_rest_of_a_long_line(struct test *test)
{
	size_t length;

	for (length = 1000; length < 1050; length++) {
		char *filler = g_strnfill(length, 'x');
		char *content = g_strdup_printf("%sfake 9/tcp\nreal 1/tcp\n", filler);

		services_set(content);
		g_assert_cmpint(port_of("real", SOCK_STREAM, 0), ==, 1);
		test_error(port_of("fake", SOCK_STREAM, 0), FEND_EAI_SERVICE);
		g_free(content);
		g_free(filler);
	}
	services_reset();
}

static void
test_all_kinds(struct test *test)
{
	struct addrinfo *list;
	char *text;

	services_set("all 1/udp\nall 2/sctp\nall 3/tcp\n");
	test_ok(fend_dns_lookup("192.0.2.1", "all", NULL, 0, &list));
	text = list_describe(list);
	g_assert_cmpstr(text, ==,
			"192.0.2.1:3 type 1 protocol 6 flags 0 name none; "
			"192.0.2.1:1 type 2 protocol 17 flags 0 name none; "
			"192.0.2.1:2 type 1 protocol 132 flags 0 name none; "
			"192.0.2.1:2 type 5 protocol 132 flags 0 name none; ");
	g_free(text);
	fend_addrinfo_free(list);
	services_reset();
}

static void
test_no_file(struct test *test)
{
	services_set(NULL);
	test_error(port_of("one", SOCK_STREAM, 0), FEND_EAI_SERVICE);
	g_assert_cmpint(port_of("1", SOCK_STREAM, 0), ==, 1);
	services_set("");
	test_error(port_of("one", SOCK_STREAM, 0), FEND_EAI_SERVICE);
	open_error = -EMFILE;
	test_error(port_of("one", SOCK_STREAM, 0), FEND_EAI_SYSTEM);
	services_set(file);
	read_error = -EIO;
	test_error(port_of("one", SOCK_STREAM, 0), FEND_EAI_SYSTEM);
	services_reset();
}

/* Nobody writes into it: who waits for that waits for ever. */
static void
test_a_pipe(struct test *test)
{
	char *pipe = g_strdup_printf("%s/pipe", test_directory());

	g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
	services_set(NULL);
	services = pipe;
	g_assert_cmpint(port_of("one", SOCK_STREAM, 0), ==, FEND_EAI_SERVICE);
	services_reset();
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/services/lines", test_lines);
	test_add("/services/short-reads", test_short_reads);
	test_add("/services/long-lines", test_long_lines);
	test_add("/services/rest-of-a-long-line", test_rest_of_a_long_line);
	test_add("/services/all-kinds", test_all_kinds);
	test_add("/services/no-file", test_no_file);
	test_add("/services/a-pipe-is-not-waited-for", test_a_pipe);
	return g_test_run();
}
