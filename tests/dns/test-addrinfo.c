/* SPDX-License-Identifier: MIT */
/* The lists that lookups hand out. */
#include <errno.h>
#include <pthread.h>

#include <fend-internal/kernel.h>

#include "dns-test.h"

enum {
	MANY = 100,
};

static struct fend__kernel door;
static int blocks;

static void *
counting_allocate(void *pointer, size_t size)
{
	blocks += !pointer && size > 0;
	blocks -= pointer && size == 0;
	return fend__kernel_real.allocate(pointer, size);
}

static void
test_one_block(struct test *test)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME };
	struct addrinfo *list;

	door = fend__kernel_real;
	door.allocate = counting_allocate;
	fend__kernel = &door;
	blocks = 0;
	test_ok(fend_dns_lookup("localhost", "80", &hints, 0, &list));
	g_assert_cmpint(blocks, ==, 1);
	g_assert_cmpstr(list->ai_canonname, ==, "localhost");
	g_assert_nonnull(list->ai_next->ai_next->ai_next->ai_next->ai_next);
	g_assert_null(list->ai_next->ai_next->ai_next->ai_next->ai_next->ai_next);
	fend_addrinfo_free(list);
	g_assert_cmpint(blocks, ==, 0);
	fend_addrinfo_free(NULL);
	g_assert_cmpint(blocks, ==, 0);
	fend__kernel = &fend__kernel_real;
}

static int
no_ipv6_socket(int domain, int type, int protocol)
{
	return domain == AF_INET6 ? -EAFNOSUPPORT
				  : fend__kernel_real.socket(domain, type, protocol);
}

static int
no_ipv6_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return address->sa_family == AF_INET6 ? -EADDRNOTAVAIL
					      : fend__kernel_real.connect(fd, address, size);
}

static void
expect_first(const char *host, int family)
{
	struct addrinfo *list;

	test_ok(fend_dns_lookup(host, "80", NULL, 0, &list));
	g_assert_cmpint(list->ai_family, ==, family);
	fend_addrinfo_free(list);
}

/* What cannot be reached comes last, for those who try only the first. */
static void
test_ipv4_first_without_ipv6(struct test *test)
{
	expect_first("localhost", AF_INET6);
	door = fend__kernel_real;
	fend__kernel = &door;
	door.socket = no_ipv6_socket;
	expect_first("localhost", AF_INET);
	expect_first(NULL, AF_INET);
	door.socket = fend__kernel_real.socket;
	door.connect = no_ipv6_connect;
	expect_first("localhost", AF_INET);
	fend__kernel = &fend__kernel_real;
}

static void *
free_list(void *list)
{
	fend_addrinfo_free(list);
	return NULL;
}

static void
test_freed_by_another_thread(struct test *test)
{
	struct addrinfo *list;
	pthread_t thread;

	test_ok(fend_dns_lookup("::1", NULL, NULL, 0, &list));
	g_assert_cmpint(pthread_create(&thread, NULL, free_list, list), ==, 0);
	g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

/* So many that the answer comes over TCP, from a real server. */
static void
test_many(struct test *test)
{
	GPtrArray *records = g_ptr_array_new_with_free_func(g_free);
	int port = test_port(SOCK_DGRAM);
	char *servers = g_strdup_printf("127.0.0.1:%d", port);
	struct fend_resolver *resolver = resolver_start(test->loop, servers, PATIENT);
	struct outcome outcome = { 0 };
	struct addrinfo *list, *info;
	struct process *dnsmasq;
	int i, n = 0;

	for (i = 0; i < MANY; i++)
		g_ptr_array_add(records, g_strdup_printf("--host-record=many.test,192.0.2.%d", i));
	g_ptr_array_add(records, NULL);
	dnsmasq = dnsmasq_start(port, (const char *const *)records->pdata);
	test_ok(fend_resolver_lookup(resolver, "many.test", "80",
				     &(struct addrinfo){ .ai_flags = AI_CANONNAME }, FEND_SEC(20),
				     outcome_fn, &outcome, &outcome.lookup));
	test_wait(test, &outcome.calls);
	test_error(outcome.err, 0);
	list = fend_lookup_take(outcome.lookup);
	g_assert_cmpstr(list->ai_canonname, ==, "many.test");
	for (info = list; info; info = info->ai_next)
		n++;
	g_assert_cmpint(n, ==, 3 * MANY);
	fend_addrinfo_free(list);
	outcome_clear(&outcome);
	fend_resolver_free(resolver);
	process_stop(dnsmasq);
	g_ptr_array_free(records, TRUE);
	g_free(servers);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/addrinfo/one-block", test_one_block);
	test_add("/addrinfo/ipv4-first-without-ipv6", test_ipv4_first_without_ipv6);
	test_add("/addrinfo/freed-by-another-thread", test_freed_by_another_thread);
	test_add("/addrinfo/many", test_many);
	return g_test_run();
}
