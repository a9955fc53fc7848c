/* SPDX-License-Identifier: MIT */
/*
 * What fails beneath lookups: each allocation and each system call of fend's own in turn, once and
 * from then on. Each failure must come out as an error of a call or in a callback, or not at all
 * where c-ares asks again; nothing may leak, hang or crash.
 */
#include <errno.h>

#include "dns-test.h"
#include "fault.h"

static const char hosts[] = "192.0.2.20 hosted.test\n";
static const char resolv_conf[] = "nameserver 127.0.0.1\n";

enum {
	LOOKUPS = 5,
	LONG = 90, /* addresses: the answer comes over TCP, with EDNS or without */
};

/* What may become of a lookup beneath which something has failed. */
static void
check_error(int err)
{
	static const int errors[] = {
		0,
		-ENOMEM,
		-EMFILE,
		-EACCES,
		-EIO,
		-ENOSPC,
		-ETIMEDOUT,
		FEND_EAI_AGAIN,
		FEND_EAI_FAIL,
		FEND_EAI_MEMORY,
		FEND_EAI_SERVICE,
		FEND_EAI_SYSTEM,
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(errors); i++)
		if (err == errors[i])
			return;
	g_error("%s", fend_strerror(err));
}

static int
start(struct fend_resolver *resolver, const char *host, const char *service,
      struct outcome *outcome)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME };
	int r;

	r = fend_resolver_lookup(resolver, host, service, &hints, FEND_MS(600) * test_slowness(),
				 outcome_fn, outcome, &outcome->lookup);
	if (r < 0)
		g_assert_null(outcome->lookup);
	return r;
}

static int
use_resolver(struct fend_loop *loop, struct fend_resolver *resolver)
{
	static const char *const names[LOOKUPS] = { "192.0.2.1", "localhost", "hosted.test",
						    "dual.test", "long.test" };
	struct outcome outcomes[LOOKUPS] = { 0 };
	int r = 0, told = 0, started = 0, i;

	for (i = 0; i < LOOKUPS && r >= 0; i++) {
		r = start(resolver, names[i], i % 2 ? "http" : "80", &outcomes[i]);
		started += r == 0;
	}
	/* The last one is waited for, as far as that works. */
	if (started == LOOKUPS)
		check_error(fend_lookup_wait(outcomes[LOOKUPS - 1].lookup, FEND_SEC(5)));
	while (r >= 0 && told < started) {
		r = fend_loop_dispatch(loop, FEND_SEC(5));
		for (told = 0, i = 0; i < LOOKUPS; i++)
			told += outcomes[i].calls;
	}
	for (i = 0; i < LOOKUPS; i++) {
		g_assert_cmpint(outcomes[i].calls, <=, 1);
		check_error(outcomes[i].err);
		outcome_clear(&outcomes[i]);
	}
	return r;
}

static int
use_all(void)
{
	const struct fend_resolver_options options = {
		.size = sizeof(options),
		.servers = "127.0.0.1",
		.try_timeout = FEND_MS(50) * test_slowness(),
		.tries = 2,
	};
	struct fend_resolver *resolver = NULL;
	struct addrinfo *list = NULL;
	struct fend_loop *loop = NULL;
	int r;

	r = fend_dns_lookup("dual.test", "http", NULL, FEND_SEC(20), &list);
	g_assert_true((r == 0) == (list != NULL));
	fend_addrinfo_free(list);
	check_error(r);
	r = fend_loop_new(NULL, &loop);
	if (r >= 0)
		r = fend_resolver_new(loop, &options, &resolver);
	if (r >= 0)
		r = use_resolver(loop, resolver);
	fend_resolver_free(resolver);
	fend_loop_free(loop);
	return r < 0 ? r : 0;
}

static void
walk(enum fault_op op, int error, const char *name)
{
	unsigned n = 0;
	int struck;

	do {
		int sticky;

		n++;
		for (sticky = 0; sticky < 2; sticky++) {
			int r;

			fault_install();
			fault_set(op, n, error, sticky);
			r = use_all();
			struck = fault_struck();
			fault_remove();
			check_error(r);
			if (!struck)
				g_assert_cmpint(r, ==, 0);
		}
	} while (struck);
	g_test_message("%u calls of %s failed", n - 1, name);
	g_assert_cmpuint(n, >, 1);
}

#define WALK(name, op, error)                      \
	static void test_##name(struct test *test) \
	{                                          \
		walk(FAULT_##op, error, #name);    \
	}

WALK(allocations, ALLOCATE, -ENOMEM)
WALK(opens, OPEN, -EMFILE)
WALK(reads, READ, -EIO)
WALK(polls, POLL, -ENOMEM)
WALK(sockets, SOCKET, -EMFILE)
WALK(connects, CONNECT, -EACCES)
WALK(receptions, RECVMSG, -EIO)
WALK(transmissions, SENDMSG, -ENOBUFS)
WALK(socket_options, SETSOCKOPT, -EINVAL)
WALK(epoll_ctls, EPOLL_CTL, -ENOSPC)

static void
test_wait_is_refused(struct test *test)
{
	struct outcome outcome = { 0 };
	struct fend_loop *loop;
	struct fend_resolver *resolver;

	fault_install();
	test_ok(fend_loop_new(NULL, &loop));
	resolver = resolver_start(loop, "127.0.0.1", PATIENT);
	lookup_start(&outcome, resolver, "dual.test", AF_UNSPEC, 0, FEND_FOREVER);
	fault_set(FAULT_POLL, 1, -ENOMEM, 0);
	test_error(fend_lookup_wait(outcome.lookup, FEND_FOREVER), -ENOMEM);
	g_assert_cmpint(outcome.calls, ==, 0);
	/* A signal is no reason to stop waiting. */
	fault_set(FAULT_POLL, 1, -EINTR, 0);
	test_error(fend_lookup_wait(outcome.lookup, FEND_FOREVER), 0);
	g_assert_true(fault_struck());
	test_error(outcome.err, 0);
	fault_clear();
	outcome_clear(&outcome);
	fend_resolver_free(resolver);
	fend_loop_free(loop);
	fault_remove();
}

/* c-ares cannot be told that nobody will tell it of answers, but its next step can fail. */
static void
test_unwatchable(struct test *test)
{
	struct outcome outcome = { 0 };
	struct fend_loop *loop;
	struct fend_resolver *resolver;
	fend_time start = fend_now();

	fault_install();
	test_ok(fend_loop_new(NULL, &loop));
	resolver = resolver_start(loop, "127.0.0.1", PATIENT);
	fault_set(FAULT_EPOLL_CTL, 1, -ENOSPC, 1);
	lookup_start(&outcome, resolver, "dual.test", AF_UNSPEC, 0, FEND_FOREVER);
	while (!outcome.calls)
		test_ok(fend_loop_dispatch(loop, FEND_SEC(1)));
	fault_clear();
	test_error(outcome.err, FEND_EAI_AGAIN);
	g_assert_cmpint(fend_now() - start, <, PATIENT);
	outcome_clear(&outcome);
	fend_resolver_free(resolver);
	fend_loop_free(loop);
	fault_remove();
}

static int
look_up_literal(const char *host, int flags)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_flags = flags };
	struct addrinfo *list = NULL;
	int r = fend_dns_lookup(host, NULL, &hints, FEND_SEC(20), &list);

	fend_addrinfo_free(list);
	return r;
}

static int
look_up_if_configured(void)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *list = NULL;
	int r = fend_dns_lookup("127.0.0.1", NULL, &hints, FEND_SEC(20), &list);

	fend_addrinfo_free(list);
	return r;
}

/* Here is no address but loopback's. If the kernel does not say so, there may be some. */
static void
test_unknown_addresses(struct test *test)
{
	static const enum fault_op ops[] = { FAULT_SOCKET, FAULT_SENDMSG, FAULT_RECVMSG,
					     FAULT_ALLOCATE };
	size_t i;

	fault_install();
	for (i = 0; i < G_N_ELEMENTS(ops); i++) {
		test_error(look_up_if_configured(), FEND_EAI_NONAME);
		fault_set(ops[i], 1, -ENOBUFS, 0);
		test_error(look_up_if_configured(), 0);
		g_assert_true(fault_struck());
	}
	fault_remove();
}

static void
test_unknown_interface(struct test *test)
{
	fault_install();
	test_error(look_up_literal("fe80::1%lo", 0), 0);
	fault_set(FAULT_INTERFACE, 1, -EMFILE, 0);
	test_error(look_up_literal("fe80::1%lo", 0), FEND_EAI_NONAME);
	g_assert_true(fault_struck());
	fault_remove();
}

static void
reverse_fn(struct fend_reverse *reverse, int err, const char *host, const char *service, void *data)
{
	g_string_append(data, host);
}

/* The zone of an address is a number if its interface has no name. */
static void
test_unnamed_interface(struct test *test)
{
	GString *text = g_string_new(NULL);
	struct fend_address address;
	struct fend_reverse *reverse;

	test_ok(fend_address_parse("[fe80::1%lo]:0", &address));
	fault_install();
	fault_set(FAULT_INTERFACE_NAME, 1, -ENODEV, 0);
	test_ok(fend_reverse_start(test->loop, &address, NI_NUMERICHOST, FEND_FOREVER, reverse_fn,
				   text, &reverse));
	while (text->len == 0)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	g_assert_cmpstr(text->str, ==, "fe80::1%1");
	fend_reverse_free(reverse);
	fend__kernel = &fend__kernel_real; /* the loop keeps its resolver */
	g_string_free(text, TRUE);
}

int
main(int argc, char **argv)
{
	GPtrArray *records = g_ptr_array_new_with_free_func(g_free);
	struct process *dnsmasq;
	int i, r;

	test_init(&argc, &argv);
	if (namespace_enter(hosts, resolv_conf, "files dns", 1))
		return 0;
	test_add("/faults/allocations", test_allocations);
	test_add("/faults/opens", test_opens);
	test_add("/faults/reads", test_reads);
	test_add("/faults/polls", test_polls);
	test_add("/faults/sockets", test_sockets);
	test_add("/faults/connects", test_connects);
	test_add("/faults/receptions", test_receptions);
	test_add("/faults/transmissions", test_transmissions);
	test_add("/faults/socket-options", test_socket_options);
	test_add("/faults/wait-is-refused", test_wait_is_refused);
	test_add("/faults/unknown-addresses-may-be-any", test_unknown_addresses);
	test_add("/faults/unknown-interface", test_unknown_interface);
	test_add("/faults/unnamed-interface", test_unnamed_interface);
	if (g_strcmp0(g_getenv("FEND_DISPATCHER"), "poll")) { /* which makes no such calls */
		test_add("/faults/epoll-ctls", test_epoll_ctls);
		test_add("/faults/unwatchable-is-told-at-once", test_unwatchable);
	}
	g_ptr_array_add(records, g_strdup("--host-record=dual.test,192.0.2.1,2001:db8::1"));
	for (i = 0; i < LONG; i++)
		g_ptr_array_add(records, g_strdup_printf("--host-record=long.test,192.0.2.%d", i));
	g_ptr_array_add(records, NULL);
	dnsmasq = dnsmasq_start(53, (const char *const *)records->pdata);
	r = g_test_run();
	process_stop(dnsmasq);
	g_ptr_array_free(records, TRUE);
	return r;
}
