/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fend-test.h"
#include "peer.h"

enum { LARGEST = 65507, SMALL = 100, CLIENTS = 20 };

static void
pattern(unsigned char *bytes, size_t size, unsigned salt)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i * 7 + salt);
}

/* A client of the server at port. It is connected, and so hears nobody else. */
static int
client_new(const void *address, socklen_t size)
{
	struct timeval time = { .tv_sec = 20 * test_slowness() };
	int family = ((const struct sockaddr *)address)->sa_family;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(connect(fd, address, size), ==, 0);
	g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)), ==, 0);
	return fd;
}

/* Send until an answer comes: what is sent before the server is there is refused. */
static void
await(int fd)
{
	char byte;

	for (;;) {
		if (send(fd, "?", 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1)
			break;
		g_assert_cmpint(errno, ==, ECONNREFUSED);
		g_usleep(2000);
	}
}

static struct sockaddr_in
ipv4(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((guint16)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int
client_new_ipv4(int port)
{
	struct sockaddr_in address = ipv4(port);

	return client_new(&address, sizeof(address));
}

static struct process *
serve(int port)
{
	char *address = g_strdup_printf("127.0.0.1:%d", port);
	struct process *server = server_start(UDP_ECHO, address, NULL);

	g_free(address);
	return server;
}

static void
say(int fd, size_t size, unsigned salt)
{
	unsigned char bytes[LARGEST];

	pattern(bytes, size, salt);
	g_assert_cmpint(send(fd, bytes, size, 0), ==, size);
}

static void
hear(int fd, size_t size, unsigned salt)
{
	unsigned char bytes[LARGEST], expected[LARGEST];

	pattern(expected, size, salt);
	g_assert_cmpint(recv(fd, bytes, sizeof(bytes), 0), ==, size);
	g_assert_cmpmem(bytes, size, expected, size);
}

static void
test_sizes(struct test *test)
{
	static const size_t sizes[] = { 0, 1, 1472, 1473, 9000, LARGEST };
	int port = test_port(SOCK_DGRAM), fd = client_new_ipv4(port);
	struct process *server = serve(port);

	await(fd);
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		say(fd, sizes[i], (unsigned)i);
		hear(fd, sizes[i], (unsigned)i);
	}
	close(fd);
	server_end(server, SIGTERM, 0);
}

/* Several are there at once, of several clients: each comes back to where it is from. */
static void
test_many_clients(struct test *test)
{
	int port = test_port(SOCK_DGRAM), fds[CLIENTS];
	struct process *server = serve(port);

	for (int i = 0; i < CLIENTS; i++)
		fds[i] = client_new_ipv4(port);
	await(fds[0]);
	for (unsigned round = 0; round < 5; round++) {
		for (int i = 0; i < CLIENTS; i++)
			say(fds[i], SMALL + round, (unsigned)i);
		for (int i = 0; i < CLIENTS; i++)
			say(fds[i], SMALL, (unsigned)i + round);
		for (int i = 0; i < CLIENTS; i++) {
			hear(fds[i], SMALL + round, (unsigned)i);
			hear(fds[i], SMALL, (unsigned)i + round);
		}
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	server_end(server, SIGINT, 0);
}

static void
test_several_addresses(struct test *test)
{
	int ports[] = { test_port(SOCK_DGRAM), test_port(SOCK_DGRAM) };
	char *first = g_strdup_printf("127.0.0.1:%d", ports[0]);
	char *second = g_strdup_printf("[::1]:%d", ports[1]);
	struct sockaddr_in6 ipv6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons((guint16)ports[1]),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	struct process *server = server_start(UDP_ECHO, first, second, NULL);
	int fds[] = { client_new_ipv4(ports[0]), client_new(&ipv6, sizeof(ipv6)) };

	for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
		await(fds[i]);
		say(fds[i], SMALL, i);
		hear(fds[i], SMALL, i);
		close(fds[i]);
	}
	server_end(server, SIGTERM, 0);
	g_free(second);
	g_free(first);
}

/* The client is connected to one of the host's addresses, and hears no other. */
static void
test_answers_from_the_address_asked(struct test *test)
{
	int port = test_port(SOCK_DGRAM), fd;
	char *everywhere = g_strdup_printf("0.0.0.0:%d", port);
	struct process *server = server_start(UDP_ECHO, everywhere, NULL);
	struct sockaddr_in address = ipv4(port);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	fd = client_new(&address, sizeof(address));
	await(fd);
	say(fd, SMALL, 1);
	hear(fd, SMALL, 1);
	close(fd);
	server_end(server, SIGTERM, 0);
	g_free(everywhere);
}

/* The kernel tells of a client that is gone; the others are served as before. */
static void
test_client_that_is_gone(struct test *test)
{
	int port = test_port(SOCK_DGRAM), fd = client_new_ipv4(port), gone;
	struct process *server = serve(port);

	await(fd);
	for (unsigned i = 0; i < 10; i++) {
		gone = client_new_ipv4(port);
		say(gone, SMALL, i);
		close(gone);
		say(fd, SMALL, i);
		hear(fd, SMALL, i);
	}
	close(fd);
	server_end(server, SIGTERM, 0);
}

static void
test_address_in_use(struct test *test)
{
	struct sockaddr_in address = ipv4(test_port(SOCK_DGRAM));
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct process *server;
	char *output;

	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	server = serve(ntohs(address.sin_port));
	g_assert_cmpint(process_wait(server), ==, 1);
	output = process_output(server);
	g_assert_cmpstr(output, ==, "udp_echo: address in use\n");
	g_free(output);
	process_stop(server);
	close(fd);
}

static void
test_usage(struct test *test)
{
	static const char usage[] = "Usage: udp_echo ADDRESS...\n";

	server_check_usage(server_start(UDP_ECHO, NULL), usage);
	server_check_usage(server_start(UDP_ECHO, "127.0.0.1", NULL), usage);
	server_check_usage(server_start(UDP_ECHO, "127.0.0.1:7", "there", NULL), usage);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/udp-echo/sizes", test_sizes);
	test_add("/udp-echo/many-clients", test_many_clients);
	test_add("/udp-echo/several-addresses", test_several_addresses);
	test_add("/udp-echo/answers-from-the-address-asked", test_answers_from_the_address_asked);
	test_add("/udp-echo/client-that-is-gone", test_client_that_is_gone);
	test_add("/udp-echo/address-in-use", test_address_in_use);
	test_add("/udp-echo/usage", test_usage);
	return g_test_run();
}
