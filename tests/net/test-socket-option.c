/* SPDX-License-Identifier: MIT */
#include <fend/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"
#include "fend-test.h"

static const struct {
	const char *name;
	int level, option;
} options[] = {
#define OPTION(level_, name_) { #name_, level_, name_ },
#include "socket-option-table.h"
#undef OPTION
};

static int
get(const struct fend_socket *socket, int level, int option)
{
	socklen_t size = sizeof(int);
	int value = -1;

	g_assert_cmpint(getsockopt(fend_socket_fd(socket), level, option, &value, &size), ==, 0);
	return value;
}

static void
test_by_number(struct test *test)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 7 }, found;
	socklen_t size = sizeof(found);
	struct fend_socket *socket;

	test_ok(fend_socket_new_tcp(AF_INET, &socket));
	test_error(fend_socket_set_option(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)),
		   0);
	g_assert_cmpint(getsockopt(fend_socket_fd(socket), SOL_SOCKET, SO_LINGER, &found, &size),
			==, 0);
	g_assert_cmpmem(&found, sizeof(found), &linger, sizeof(linger));
	test_error(fend_socket_set_option_int(socket, IPPROTO_TCP, TCP_KEEPIDLE, 77), 0);
	g_assert_cmpint(get(socket, IPPROTO_TCP, TCP_KEEPIDLE), ==, 77);
	test_error(fend_socket_set_option(socket, SOL_SOCKET, SO_LINGER, &linger, 1), -EINVAL);
	test_error(fend_socket_set_option(socket, SOL_SOCKET, SO_LINGER, NULL, 1), -EINVAL);
	test_error(fend_socket_set_option_int(socket, SOL_SOCKET, 9999, 1), -ENOPROTOOPT);
	test_error(fend_socket_set_option_int(NULL, SOL_SOCKET, SO_KEEPALIVE, 1), -EINVAL);
	fend_socket_free(socket);
}

static void
test_by_name(struct test *test)
{
	static const struct {
		const char *name;
		int level, option, value;
	} some[] = {
		{ "REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1 },
		{ "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ "RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 2 },
		{ "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1 },
		{ "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 30 },
		{ "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 9 },
		{ "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 4 },
		{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 12345 },
		{ "TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, 5 },
		{ "TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1 },
		{ "TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096 },
		{ "IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, 1 },
		{ "IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, 3 },
		{ "IP_TTL", IPPROTO_IP, IP_TTL, 5 },
	};
	struct fend_socket *socket;
	size_t i;

	test_ok(fend_socket_new_tcp(AF_INET6, &socket));
	for (i = 0; i < G_N_ELEMENTS(some); i++) {
		test_error(fend_socket_set_option_name(socket, some[i].name, some[i].value), 0);
		g_assert_cmpint(get(socket, some[i].level, some[i].option), ==, some[i].value);
	}
	fend_socket_free(socket);
	test_ok(fend_socket_new(AF_INET, SOCK_DGRAM, 0, &socket));
	test_error(fend_socket_set_option_name(socket, "UDP_CORK", 1), 0);
	g_assert_cmpint(get(socket, IPPROTO_UDP, UDP_CORK), ==, 1);
	test_error(fend_socket_set_option_name(socket, "TCP_NODELAY", 1), -ENOPROTOOPT);
	fend_socket_free(socket);
}

static void
test_unknown_names_are_refused(struct test *test)
{
	static const char *const unknown[] = {
		"",
		"SO_",
		"SO_SO_REUSEADDR",
		"NODELAY",
		"reuseaddr",
		"REUSEADDR ",
		"TCP_",
		"LINGER",
		"A_NAME_THAT_IS_SO_LONG_THAT_NO_OPTION_WILL_EVER_BE_CALLED_LIKE_THIS",
	};
	struct fend_socket *socket;
	size_t i;

	test_ok(fend_socket_new_tcp(AF_INET, &socket));
	for (i = 0; i < G_N_ELEMENTS(unknown); i++)
		test_error(fend_socket_set_option_name(socket, unknown[i], 1), -ENOPROTOOPT);
	test_error(fend_socket_set_option_name(socket, NULL, 1), -EINVAL);
	test_error(fend_socket_set_option_name(NULL, "REUSEADDR", 1), -EINVAL);
	fend_socket_free(socket);
}

/* What the last setsockopt was asked. */
static int asked_level, asked_option, asked_value;

static int
record_setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	g_assert_cmpuint(size, ==, sizeof(int));
	asked_level = level;
	asked_option = option;
	memcpy(&asked_value, value, sizeof(asked_value));
	return 0;
}

static void
test_every_name_finds_its_option(struct test *test)
{
	struct fend__kernel kernel = fend__kernel_real;
	struct fend_socket *socket;
	int i;

	test_ok(fend_socket_new_tcp(AF_INET, &socket));
	kernel.setsockopt = record_setsockopt;
	fend__kernel = &kernel;
	g_assert_cmpint(G_N_ELEMENTS(options), >, 100);
	for (i = 0; i < (int)G_N_ELEMENTS(options); i++) {
		const char *name = options[i].name;

		if (i > 0)
			g_assert_cmpint(strcmp(options[i - 1].name, name), <, 0);
		if (g_str_has_prefix(name, "SO_"))
			test_error(fend_socket_set_option_name(socket, name + 3, -i), 0);
		else
			test_error(fend_socket_set_option_name(socket, name, -i), 0);
		g_assert_cmpint(asked_value, ==, -i);
		test_error(fend_socket_set_option_name(socket, name, i), 0);
		g_assert_cmpint(asked_value, ==, i);
		g_assert_cmpint(asked_level, ==, options[i].level);
		g_assert_cmpint(asked_option, ==, options[i].option);
	}
	fend__kernel = &fend__kernel_real;
	fend_socket_free(socket);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/socket-option/by-number", test_by_number);
	test_add("/socket-option/by-name", test_by_name);
	test_add("/socket-option/unknown-names-are-refused", test_unknown_names_are_refused);
	test_add("/socket-option/every-name-finds-its-option", test_every_name_finds_its_option);
	return g_test_run();
}
