/* SPDX-License-Identifier: MIT */
/* Multicast that does not leave the loopback interface. */
#include <fend/multicast.h>

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"
#include "pair.h"

/* a sends from 127.0.0.1 to group, where b listens; b joins nothing. */
struct group {
	struct pair pair;
	struct fend_address address;
};

static void
group_init(struct group *group)
{
	struct fend_address address;

	test_ok(fend_socket_new_udp(AF_INET, &group->pair.b));
	test_ok(fend_address_parse("0.0.0.0:0", &address));
	test_ok(fend_socket_bind(group->pair.b, &address));
	test_ok(fend_socket_getsockname(group->pair.b, &address));
	test_ok(fend_address_parse("239.255.71.11:0", &group->address));
	memcpy((char *)&group->address.storage + offsetof(struct sockaddr_in, sin_port),
	       (char *)&address.storage + offsetof(struct sockaddr_in, sin_port), 2);
	test_ok(fend_socket_new_udp(AF_INET, &group->pair.a));
	test_ok(fend_address_parse("127.0.0.1:0", &address));
	test_ok(fend_socket_bind(group->pair.a, &address));
	test_ok(fend_socket_set_multicast_interface(group->pair.a, "lo"));
}

static void
send_to_group(struct group *group, char byte)
{
	test_error(fend_socket_sendto(group->pair.a, &byte, 1, 0, &group->address), 1);
}

/* What else has been sent does not arrive: this comes by the address of the interface. */
static void
assert_silence(struct group *group)
{
	struct fend_address direct;
	char byte;

	test_ok(fend_address_parse("127.0.0.1:0", &direct));
	memcpy((char *)&direct.storage + offsetof(struct sockaddr_in, sin_port),
	       (char *)&group->address.storage + offsetof(struct sockaddr_in, sin_port), 2);
	test_error(fend_socket_sendto(group->pair.a, "!", 1, 0, &direct), 1);
	wait_fd(fend_socket_fd(group->pair.b), POLLIN);
	test_error(fend_socket_recv(group->pair.b, &byte, 1, 0), 1);
	g_assert_cmpint(byte, ==, '!');
	test_error(fend_socket_recv(group->pair.b, &byte, 1, 0), -EAGAIN);
}

static void
assert_received(struct group *group, char expected)
{
	char byte;

	wait_fd(fend_socket_fd(group->pair.b), POLLIN);
	test_error(fend_socket_recv(group->pair.b, &byte, 1, 0), 1);
	g_assert_cmpint(byte, ==, expected);
}

static void
test_join_and_leave(struct test *test)
{
	g_autofree char *index = g_strdup_printf("%u", if_nametoindex("lo"));
	const char *const interfaces[] = { "lo", index };
	struct group group;
	size_t i;

	group_init(&group);
	for (i = 0; i < G_N_ELEMENTS(interfaces); i++) {
		send_to_group(&group, '0');
		assert_silence(&group);
		test_error(fend_socket_join(group.pair.b, &group.address, interfaces[i], NULL), 0);
		send_to_group(&group, '1');
		assert_received(&group, '1');
		test_error(fend_socket_join(group.pair.b, &group.address, "lo", NULL), -EADDRINUSE);
		test_error(fend_socket_leave(group.pair.b, &group.address, interfaces[i], NULL), 0);
		send_to_group(&group, '2');
		assert_silence(&group);
		test_error(fend_socket_leave(group.pair.b, &group.address, "lo", NULL),
			   -EADDRNOTAVAIL);
	}
	pair_fini(&group.pair);
}

static void
test_join_one_source(struct test *test)
{
	struct fend_address here, there;
	struct group group;

	group_init(&group);
	test_ok(fend_address_parse("127.0.0.1:0", &here));
	test_ok(fend_address_parse("127.0.0.2:0", &there));
	test_error(fend_socket_join(group.pair.b, &group.address, "lo", &there), 0);
	send_to_group(&group, '0');
	assert_silence(&group);
	test_error(fend_socket_join(group.pair.b, &group.address, "lo", &here), 0);
	send_to_group(&group, '1');
	assert_received(&group, '1');
	test_error(fend_socket_leave(group.pair.b, &group.address, "lo", &here), 0);
	send_to_group(&group, '2');
	assert_silence(&group);
	pair_fini(&group.pair);
}

/* How many have joined ff02::4711 on the loopback interface. */
static int
members6(void)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	int i, members = 0;

	g_assert_true(g_file_get_contents("/proc/net/igmp6", &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (i = 0; lines[i]; i++) {
		g_auto(GStrv) fields = g_strsplit(lines[i], " ", -1);
		g_autoptr(GPtrArray) words = g_ptr_array_new();
		int j;

		for (j = 0; fields[j]; j++) {
			if (*fields[j])
				g_ptr_array_add(words, fields[j]);
		}
		if (words->len > 3 && strcmp(words->pdata[1], "lo") == 0 &&
		    strcmp(words->pdata[2], "ff020000000000000000000000004711") == 0)
			members += atoi(words->pdata[3]);
	}
	return members;
}

/* By name, and by the zone of the address. */
static void
test_join_and_leave_ipv6(struct test *test)
{
	static const struct {
		const char *group, *interface;
	} cases[] = { { "[ff02::4711]:0", "lo" }, { "[ff02::4711%lo]:0", NULL } };
	struct fend_socket *socket;
	struct fend_address group;
	int before = members6();
	size_t i;

	test_ok(fend_socket_new_udp(AF_INET6, &socket));
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		test_ok(fend_address_parse(cases[i].group, &group));
		test_error(fend_socket_join(socket, &group, cases[i].interface, NULL), 0);
		g_assert_cmpint(members6(), ==, before + 1);
		test_error(fend_socket_leave(socket, &group, cases[i].interface, NULL), 0);
		g_assert_cmpint(members6(), ==, before);
	}
	fend_socket_free(socket);
}

static void
test_a_socket_of_ipv6_joins_groups_of_ipv4(struct test *test)
{
	struct fend_socket *socket;
	struct fend_address group;

	test_ok(fend_socket_new_udp(AF_INET6, &socket));
	test_ok(fend_address_parse("239.255.71.11:0", &group));
	test_error(fend_socket_join(socket, &group, "lo", NULL), 0);
	test_error(fend_socket_leave(socket, &group, "lo", NULL), 0);
	fend_socket_free(socket);
}

static int
option_of(struct fend_socket *socket, int level, int option)
{
	socklen_t size = sizeof(int);
	int value = -1;

	g_assert_cmpint(getsockopt(fend_socket_fd(socket), level, option, &value, &size), ==, 0);
	return value;
}

static void
test_the_interface_to_send_by(struct test *test)
{
	struct fend_socket *socket;

	test_ok(fend_socket_new_udp(AF_INET6, &socket));
	test_error(fend_socket_set_multicast_interface(socket, "lo"), 0);
	g_assert_cmpint(option_of(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF), ==,
			(int)if_nametoindex("lo"));
	test_error(fend_socket_set_multicast_interface(socket, NULL), 0);
	g_assert_cmpint(option_of(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF), ==, 0);
	test_error(fend_socket_set_multicast_interface(socket, "no-such-if"), -ENODEV);
	test_error(fend_socket_set_multicast_interface(NULL, "lo"), -EINVAL);
	fend_socket_free(socket);
	test_ok(fend_socket_new_udp(AF_INET, &socket));
	test_error(fend_socket_set_multicast_interface(socket, NULL), 0);
	test_error(fend_socket_set_multicast_interface(socket, "2147483647"), -EADDRNOTAVAIL);
	fend_socket_free(socket);
}

static void
test_errors_have_names(struct test *test)
{
	static const char *const no_groups[] = { "127.0.0.1:0", "[::1]:0", "unix:@x" };
	static const char *const no_interfaces[] = { "no-such-if",  "",           "0",
						     "99999999999", "2147483647", "1x" };
	struct fend_address group, other;
	struct fend_socket *socket;
	size_t i;

	test_ok(fend_socket_new_udp(AF_INET, &socket));
	for (i = 0; i < G_N_ELEMENTS(no_groups); i++) {
		test_ok(fend_address_parse(no_groups[i], &group));
		test_error(fend_socket_join(socket, &group, "lo", NULL), -EINVAL);
		test_error(fend_socket_leave(socket, &group, "lo", NULL), -EINVAL);
	}
	test_ok(fend_address_parse("239.255.71.11:0", &group));
	for (i = 0; i < G_N_ELEMENTS(no_interfaces); i++)
		test_error(fend_socket_join(socket, &group, no_interfaces[i], NULL), -ENODEV);
	test_ok(fend_address_parse("[::1]:0", &other));
	test_error(fend_socket_join(socket, &group, "lo", &other), -EINVAL);
	test_error(fend_socket_join(NULL, &group, "lo", NULL), -EINVAL);
	test_error(fend_socket_join(socket, NULL, "lo", NULL), -EINVAL);
	other = group;
	other.size--;
	test_error(fend_socket_join(socket, &other, "lo", NULL), -EINVAL);
	test_error(fend_socket_join(socket, &group, "lo", &other), -EINVAL);
	other.size = sizeof(other.storage) + 1;
	test_error(fend_socket_join(socket, &other, "lo", NULL), -EINVAL);
	fend_socket_free(socket);
}

static void
test_calls_that_fail_are_told(struct test *test)
{
	struct fend_address group;
	struct fend_socket *socket;

	test_ok(fend_socket_new_udp(AF_INET, &socket));
	test_ok(fend_address_parse("239.255.71.11:0", &group));
	fault_install();
	fault_set(FAULT_INTERFACE, 1, -EMFILE, 0);
	test_error(fend_socket_join(socket, &group, "lo", NULL), -EMFILE);
	fault_set(FAULT_INTERFACE, 1, -EMFILE, 0);
	test_error(fend_socket_set_multicast_interface(socket, "lo"), -EMFILE);
	fault_set(FAULT_INTERFACE, 1, -EMFILE, 0);
	test_error(fend_address_parse("[fe80::1%lo]:80", &group), -EMFILE);
	fault_set(FAULT_SETSOCKOPT, 1, -ENOBUFS, 0);
	test_error(fend_socket_join(socket, &group, "lo", NULL), -ENOBUFS);
	test_error(fend_socket_join(socket, &group, "lo", NULL), 0);
	fault_set(FAULT_SETSOCKOPT, 1, -ENOBUFS, 0);
	test_error(fend_socket_leave(socket, &group, "lo", NULL), -ENOBUFS);
	fault_set(FAULT_SETSOCKOPT, 1, -ENOBUFS, 0);
	test_error(fend_socket_set_multicast_interface(socket, "lo"), -ENOBUFS);
	fault_remove();
	fend_socket_free(socket);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/multicast/join-and-leave", test_join_and_leave);
	test_add("/multicast/join-one-source", test_join_one_source);
	test_add("/multicast/join-and-leave-ipv6", test_join_and_leave_ipv6);
	test_add("/multicast/a-socket-of-ipv6-joins-groups-of-ipv4",
		 test_a_socket_of_ipv6_joins_groups_of_ipv4);
	test_add("/multicast/the-interface-to-send-by", test_the_interface_to_send_by);
	test_add("/multicast/errors-have-names", test_errors_have_names);
	test_add("/multicast/calls-that-fail-are-told", test_calls_that_fail_are_told);
	return g_test_run();
}
