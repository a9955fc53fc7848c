/* SPDX-License-Identifier: MIT */
/* What is told of a datagram besides bytes and peer: local address, class of service, segments. */
#include <fend/datagram.h>

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"
#include "pair.h"

/* A server on all addresses of text's kind, at ret_address's port. */
static struct fend_socket *
server_new(const char *text, struct fend_address *ret_address)
{
	static const char *const v4[] = { "IP_PKTINFO", "IP_RECVTOS" };
	static const char *const v6[] = { "IPV6_RECVPKTINFO", "IPV6_RECVTCLASS", "IP_RECVTOS" };
	struct fend_socket *server;
	size_t i;

	test_ok(fend_address_parse(text, ret_address));
	test_ok(fend_socket_new_udp(ret_address->storage.ss_family, &server));
	test_ok(fend_socket_bind(server, ret_address));
	test_ok(fend_socket_getsockname(server, ret_address));
	if (ret_address->storage.ss_family == AF_INET) {
		for (i = 0; i < G_N_ELEMENTS(v4); i++)
			test_ok(fend_socket_set_option_name(server, v4[i], 1));
	} else {
		for (i = 0; i < G_N_ELEMENTS(v6); i++)
			test_ok(fend_socket_set_option_name(server, v6[i], 1));
	}
	return server;
}

/* text, whose port is 0, with the port of bound. */
static struct fend_address
at_port_of(const struct fend_address *bound, const char *text)
{
	struct fend_address address;

	/* It is at the same place in both families. */
	G_STATIC_ASSERT(offsetof(struct sockaddr_in, sin_port) ==
			offsetof(struct sockaddr_in6, sin6_port));
	test_ok(fend_address_parse(text, &address));
	memcpy((char *)&address.storage + offsetof(struct sockaddr_in, sin_port),
	       (const char *)&bound->storage + offsetof(struct sockaddr_in, sin_port), 2);
	return address;
}

static void
recv_one(struct fend_socket *socket, struct fend_datagram *datagram, void *data, size_t size)
{
	memset(datagram, 0x55, sizeof(*datagram));
	datagram->data = data;
	datagram->capacity = size;
	wait_fd(fend_socket_fd(socket), POLLIN);
	test_error(fend_socket_recv_batch(socket, datagram, 1), 1);
}

static void
assert_address(const struct fend_address *address, const char *text)
{
	char written[FEND_ADDRESS_TEXT_MAX];

	test_ok(fend_address_format(address, written, sizeof(written)));
	g_assert_cmpstr(written, ==, text);
}

static void
test_what_was_received_goes_back_as_it_is(struct test *test)
{
	static const struct {
		const char *server, *client, *target, *local;
	} cases[] = {
		{ "0.0.0.0:0", "127.0.0.1:0", "127.0.0.5:0", "127.0.0.5:0" },
		{ "[::]:0", "[::1]:0", "[::1]:0", "[::1]:0" },
		/* IPv4 to a socket of IPv6 */
		{ "[::]:0", "127.0.0.1:0", "127.0.0.6:0", "[::ffff:127.0.0.6]:0" },
	};
	struct fend_address bound, name, peer;
	struct fend_socket *server, *client;
	struct fend_datagram datagram;
	char buffer[16];
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		server = server_new(cases[i].server, &bound);
		client = server_new(cases[i].client, &name);
		peer = at_port_of(&bound, cases[i].target);
		test_error(fend_socket_sendto(client, "hello", 5, 0, &peer), 5);
		recv_one(server, &datagram, buffer, sizeof(buffer));
		g_assert_cmpuint(datagram.size, ==, 5);
		assert_address(&datagram.local, cases[i].local);
		g_assert_cmpuint(datagram.interface, ==, if_nametoindex("lo"));
		g_assert_cmpuint(datagram.tos + datagram.segment, ==, 0);

		datagram.tos = 0xb9;
		test_error(fend_socket_send_batch(server, &datagram, 1), 1);
		recv_one(client, &datagram, buffer, sizeof(buffer));
		g_assert_cmpmem(datagram.data, datagram.size, "hello", 5);
		g_assert_true(fend_address_equal(&datagram.peer, &peer));
		g_assert_cmpuint(datagram.tos, ==, 0xb9);
		fend_socket_free(client);
		fend_socket_free(server);
	}
}

static void
test_nothing_is_told_unasked(struct test *test)
{
	struct fend_datagram datagram;
	struct fend_address address;
	struct pair pair;
	char buffer[8];

	test_ok(fend_address_parse("127.0.0.1:0", &address));
	test_ok(fend_socket_new_udp(AF_INET, &pair.a));
	test_ok(fend_socket_new_udp(AF_INET, &pair.b));
	test_ok(fend_socket_bind(pair.b, &address));
	test_ok(fend_socket_getsockname(pair.b, &address));
	test_ok(fend_socket_connect(pair.a, &address));
	test_error(fend_socket_send(pair.a, "x", 1, 0), 1);
	recv_one(pair.b, &datagram, buffer, sizeof(buffer));
	g_assert_cmpuint(datagram.local.size, ==, 0);
	g_assert_cmpuint(datagram.interface, ==, 0);
	g_assert_cmpuint(datagram.segment, ==, 0);
	g_assert_cmpuint(datagram.tos, ==, 0);
	g_assert_false(datagram.truncated);
	pair_fini(&pair);
}

static void
test_a_source_has_to_be_ones_own(struct test *test)
{
	static const struct {
		const char *server, *target, *local;
		int result;
	} cases[] = {
		{ "0.0.0.0:0", "127.0.0.1:0", "[::1]:0", -EINVAL },
		{ "[::]:0", "[::1]:0", "127.0.0.1:0", -EINVAL },
		{ "0.0.0.0:0", "127.0.0.1:0", "unix:@x", -EINVAL },
		{ "0.0.0.0:0", "127.0.0.1:0", "239.1.2.3:0", 1 },
		{ "[::]:0", "[::1]:0", "[ff02::1]:0", 1 },
		{ "[::]:0", "[::1]:0", "[ff02::1%lo]:0", 1 },
		{ "[::]:0", "[::ffff:127.0.0.1]:0", "[::ffff:239.1.2.3]:0", 1 },
	};
	struct fend_datagram datagram;
	struct fend_address bound, target;
	struct fend_socket *socket;
	char buffer[8] = "x";
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		socket = server_new(cases[i].server, &bound);
		memset(&datagram, 0, sizeof(datagram));
		datagram.data = buffer;
		datagram.size = 1;
		datagram.peer = at_port_of(&bound, cases[i].target);
		test_ok(fend_address_parse(cases[i].local, &datagram.local));
		g_test_message("%s", cases[i].local);
		test_error(fend_socket_send_batch(socket, &datagram, 1), cases[i].result);
		if (cases[i].result == 1) {
			recv_one(socket, &datagram, buffer, sizeof(buffer));
			/* The kernel chose the source: that of the peer, being the same host. */
			target = at_port_of(&bound, cases[i].target);
			g_assert_true(fend_address_equal(&datagram.peer, &target));
			test_ok(fend_address_parse(cases[i].local, &datagram.local));
			datagram.local.size -= 1;
			test_error(fend_socket_send_batch(socket, &datagram, 1), -EINVAL);
		}
		fend_socket_free(socket);
	}
}

/* Which error that is depends on the kernel's version. */
static void
test_a_source_of_another_host_is_refused(struct test *test)
{
	struct fend_datagram datagram = { .data = (char[]){ "x" }, .size = 1 };
	struct fend_address bound;
	struct fend_socket *socket = server_new("0.0.0.0:0", &bound);
	int r;

	datagram.peer = at_port_of(&bound, "127.0.0.1:0");
	/* Reserved (RFC 1112, section 4): nobody's. */
	test_ok(fend_address_parse("240.1.2.3:0", &datagram.local));
	r = fend_socket_send_batch(socket, &datagram, 1);
	g_assert_true(r == -EINVAL || r == -ENETUNREACH);
	fend_socket_free(socket);
}

static void
test_a_multicast_zone_chooses_the_interface(struct test *test)
{
	struct fend_datagram datagram = { .data = (char[]){ "x" }, .size = 1 };
	struct fend_address bound;
	struct fend_socket *socket = server_new("[::]:0", &bound);

	/* There is no such interface, and ::1 is not to be reached through it. */
	datagram.peer = at_port_of(&bound, "[::1]:0");
	test_ok(fend_address_parse("[ff02::1%2147483647]:0", &datagram.local));
	test_error(fend_socket_send_batch(socket, &datagram, 1), -ENODEV);
	fend_socket_free(socket);
}

/* Connected, over the loopback interface; b tells about trains if it is to. */
static void
pair_init_train(struct pair *pair, const char *host, int gro)
{
	struct fend_address address;

	pair->b = server_new(host, &address);
	test_ok(fend_socket_new_udp(address.storage.ss_family, &pair->a));
	test_ok(fend_socket_connect(pair->a, &address));
	test_ok(fend_socket_set_option_name(pair->b, "UDP_GRO", gro));
}

static void
test_a_train_is_cut_into_segments(struct test *test)
{
	static const char *const hosts[] = { "127.0.0.1:0", "[::1]:0" };
	static const size_t sizes[] = { 1000, 1000, 1000, 500 };
	struct fend_datagram train = { .segment = 1000, .tos = 2 }, got;
	char data[3500], buffer[4000];
	struct pair pair;
	size_t i, j;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 31 + i / 251);
	train.data = data;
	train.size = sizeof(data);
	for (i = 0; i < G_N_ELEMENTS(hosts); i++) {
		pair_init_train(&pair, hosts[i], 0);
		test_error(fend_socket_send_batch(pair.a, &train, 1), 1);
		for (j = 0; j < G_N_ELEMENTS(sizes); j++) {
			recv_one(pair.b, &got, buffer, sizeof(buffer));
			g_assert_cmpmem(got.data, got.size, data + 1000 * j, sizes[j]);
			g_assert_cmpuint(got.segment, ==, 0);
			g_assert_cmpuint(got.tos, ==, 2);
		}
		test_error(fend_socket_recv(pair.b, buffer, 1, 0), -EAGAIN);
		pair_fini(&pair);
	}
}

static void
test_a_train_arrives_in_one_piece(struct test *test)
{
	struct fend_datagram train = { .segment = 1000, .tos = 2 }, got;
	char data[3500], *buffer = g_malloc(65535);
	struct pair pair;
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 31 + i / 251);
	train.data = data;
	train.size = sizeof(data);
	pair_init_train(&pair, "127.0.0.1:0", 1);
	test_error(fend_socket_send_batch(pair.a, &train, 1), 1);
	recv_one(pair.b, &got, buffer, 65535);
	g_assert_cmpmem(got.data, got.size, data, sizeof(data));
	g_assert_cmpuint(got.segment, ==, 1000);
	g_assert_cmpuint(got.tos, ==, 2);
	/* And back, cut the same way. */
	test_error(fend_socket_send_batch(pair.b, &got, 1), 1);
	recv_one(pair.a, &got, buffer, 65535);
	g_assert_cmpuint(got.size, ==, 1000);
	pair_fini(&pair);
	g_free(buffer);
}

static void
test_what_fits_into_a_segment_is_no_train(struct test *test)
{
	struct fend_datagram datagram = { .data = (char[]){ "abc" }, .size = 3, .segment = 3 }, got;
	struct pair pair;
	char buffer[8];

	pair_init_train(&pair, "127.0.0.1:0", 1);
	test_error(fend_socket_send_batch(pair.a, &datagram, 1), 1);
	recv_one(pair.b, &got, buffer, sizeof(buffer));
	g_assert_cmpmem(got.data, got.size, "abc", 3);
	g_assert_cmpuint(got.segment, ==, 0);
	pair_fini(&pair);
}

/* A kernel of before Linux 4.18, which ignores what it does not know. */
static int probes;

static int
no_segments(int fd, int level, int option, void *value, socklen_t *size)
{
	g_assert_cmpint(level, ==, IPPROTO_UDP);
	g_assert_cmpint(option, ==, UDP_SEGMENT);
	probes++;
	return -ENOPROTOOPT;
}

static void
test_a_train_that_nobody_cuts_is_refused(struct test *test)
{
	struct fend_datagram train = { .data = (char[]){ "abc" }, .size = 3, .segment = 1 };
	struct fend__kernel kernel = fend__kernel_real;
	struct pair pair;
	char byte;

	pair_init_train(&pair, "127.0.0.1:0", 0);
	kernel.getsockopt = no_segments;
	fend__kernel = &kernel;
	test_error(fend_socket_send_batch(pair.a, &train, 1), -EOPNOTSUPP);
	test_error(fend_socket_recv(pair.b, &byte, 1, 0), -EAGAIN);
	train.segment = 3;
	test_error(fend_socket_send_batch(pair.a, &train, 1), 1);
	g_assert_cmpint(probes, ==, 1);
	fend__kernel = &fend__kernel_real;
	train.segment = 1;
	test_error(fend_socket_send_batch(pair.a, &train, 1), 1);
	/* Known by now. */
	fend__kernel = &kernel;
	test_error(fend_socket_send_batch(pair.a, &train, 1), 1);
	fend__kernel = &fend__kernel_real;
	pair_fini(&pair);
}

static void
test_trains_have_limits(struct test *test)
{
	struct fend_datagram train = { .size = 65000, .segment = 60000 };
	struct pair pair;

	train.data = g_malloc0(80000);
	pair_init_train(&pair, "127.0.0.1:0", 0);
	/* Longer than the interface's MTU allows, too many, more than UDP has numbers for. */
	train.segment = 65508;
	train.size = 70000;
	test_error(fend_socket_send_batch(pair.a, &train, 1), -EMSGSIZE);
	train.segment = 70000;
	train.size = 80000;
	test_error(fend_socket_send_batch(pair.a, &train, 1), -EMSGSIZE);
	train.segment = 1;
	train.size = 2000;
	test_error(fend_socket_send_batch(pair.a, &train, 1), -EINVAL);
	pair_fini(&pair);
	g_free(train.data);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/ancillary/what-was-received-goes-back-as-it-is",
		 test_what_was_received_goes_back_as_it_is);
	test_add("/ancillary/nothing-is-told-unasked", test_nothing_is_told_unasked);
	test_add("/ancillary/a-source-has-to-be-ones-own", test_a_source_has_to_be_ones_own);
	test_add("/ancillary/a-source-of-another-host-is-refused",
		 test_a_source_of_another_host_is_refused);
	test_add("/ancillary/a-multicast-zone-chooses-the-interface",
		 test_a_multicast_zone_chooses_the_interface);
	test_add("/ancillary/a-train-is-cut-into-segments", test_a_train_is_cut_into_segments);
	test_add("/ancillary/a-train-arrives-in-one-piece", test_a_train_arrives_in_one_piece);
	test_add("/ancillary/what-fits-into-a-segment-is-no-train",
		 test_what_fits_into_a_segment_is_no_train);
	test_add("/ancillary/a-train-that-nobody-cuts-is-refused",
		 test_a_train_that_nobody_cuts_is_refused);
	test_add("/ancillary/trains-have-limits", test_trains_have_limits);
	return g_test_run();
}
