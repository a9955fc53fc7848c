/* SPDX-License-Identifier: MIT */
/*
 * The system's configuration: the blocking lookup and the loop's own resolver, in namespaces of the
 * test's own, with its own hosts and resolv.conf and dnsmasq on port 53 as the name server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dns-test.h"

static const char hosts[] = "127.0.0.1 localhost\n"
			    "::1 localhost\n"
			    "192.0.2.20 hosted.test hosted-alias\n"
			    "2001:db8::20 hosted.test hosted-alias\n"
			    "192.0.2.21 covered.test\n";
static const char resolv_conf[] = "nameserver 127.0.0.1\n"
				  "search corp.test\n";
static const char *const records[] = {
	"--host-record=dual.test,192.0.2.1,2001:db8::1",
	"--host-record=four.test,192.0.2.4",
	"--host-record=six.test,2001:db8::6",
	"--host-record=printer.corp.test,192.0.2.30",
	"--host-record=covered.test,192.0.2.99",
	"--cname=alias.test,dual.test",
	"--server=/silent.test/127.0.0.1#5999",
	"--local=/printer/", /* does not exist by itself */
	NULL,
};

static int
ask(const char *host, int family, int flags, char **ret_addresses)
{
	const struct addrinfo hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags,
	};
	struct addrinfo *list = NULL;
	int r = fend_dns_lookup(host, "80", &hints, FEND_SEC(20), &list);

	g_assert_true((r == 0) == (list != NULL));
	*ret_addresses = list_addresses(list);
	fend_addrinfo_free(list);
	return r;
}

static void
expect(const char *host, int family, int flags, int err, const char *addresses)
{
	char *found;

	test_error(ask(host, family, flags, &found), err);
	g_assert_cmpstr(found, ==, addresses);
	g_free(found);
}

static void
test_arguments(struct test *test)
{
	struct addrinfo *none = (struct addrinfo *)&none, *list = none;

	test_error(fend_dns_lookup("::1", NULL, NULL, 0, NULL), -EINVAL);
	test_error(fend_dns_lookup("::1", NULL, NULL, -2, &list), -EINVAL);
	test_error(fend_dns_lookup(NULL, NULL, NULL, 0, &list), FEND_EAI_NONAME);
	test_error(fend_dns_lookup("nosuch.test", NULL, NULL, FEND_SEC(20), &list),
		   FEND_EAI_NONAME);
	g_assert_true(list == none);
}

static void
test_hosts_file(struct test *test)
{
	expect("hosted.test", AF_UNSPEC, 0, 0, "192.0.2.20 2001:db8::20");
	expect("Hosted.TEST", AF_INET, 0, 0, "192.0.2.20");
	expect("hosted-alias", AF_INET6, 0, 0, "2001:db8::20");
	expect("covered.test", AF_INET, 0, 0, "192.0.2.21");
}

static void
test_name_server(struct test *test)
{
	expect("dual.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	expect("alias.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	expect("four.test", AF_UNSPEC, 0, 0, "192.0.2.4");
	expect("four.test", AF_INET6, AI_V4MAPPED, 0, "::ffff:192.0.2.4");
	expect("six.test", AF_INET, 0, FEND_EAI_NODATA, "");
	expect("nosuch.test", AF_UNSPEC, 0, FEND_EAI_NONAME, "");
}

static void
test_search_list(struct test *test)
{
	expect("printer", AF_INET, 0, 0, "192.0.2.30");
	expect("printer.", AF_INET, 0, FEND_EAI_NONAME, "");
	expect("dual.test.", AF_INET, 0, 0, "192.0.2.1");
}

/* What comes out of glibc's resolver and ours, with the order of the list. */
static void
compare(const char *host, int family, int flags)
{
	const struct addrinfo hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags,
	};
	struct addrinfo *ours = NULL, *theirs = NULL;
	int our_err = fend_dns_lookup(host, "80", &hints, FEND_SEC(20), &ours);
	int their_err = getaddrinfo(host, "80", &hints, &theirs);
	char *our_text = list_describe(ours), *their_text = list_describe(theirs);

	if (strcmp(our_text, their_text))
		g_test_message("%s family %d flags %x", host, family, (unsigned)flags);
	g_assert_cmpstr(our_text, ==, their_text);
	test_error(our_err, eai_error(their_err));
	g_free(our_text);
	g_free(their_text);
	fend_addrinfo_free(ours);
	if (theirs)
		freeaddrinfo(theirs);
}

static void
test_as_glibc(struct test *test)
{
	static const char *const names[] = {
		"dual.test",    "four.test", "six.test",    "hosted.test", "hosted-alias",
		"covered.test", "printer",   "nosuch.test", "DUAL.test",   "dual.test.",
	};
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };
	static const int flag_sets[] = {
		0, AI_CANONNAME, AI_V4MAPPED, AI_V4MAPPED | AI_ALL, AI_ADDRCONFIG, AI_NUMERICHOST
	};
	size_t name, family, flags;

	for (name = 0; name < G_N_ELEMENTS(names); name++)
		for (family = 0; family < G_N_ELEMENTS(families); family++)
			for (flags = 0; flags < G_N_ELEMENTS(flag_sets); flags++)
				compare(names[name], families[family], flag_sets[flags]);
}

/* A name server that takes queries and says nothing stands behind dnsmasq. */
static int
silent_server(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(5999),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
	return fd;
}

static void
test_timeout(struct test *test)
{
	int silent = silent_server();
	fend_time start = fend_now();
	struct addrinfo *list;

	test_error(fend_dns_lookup("a.silent.test", NULL, NULL, FEND_MS(70), &list), -ETIMEDOUT);
	g_assert_cmpint(fend_now() - start, >=, FEND_MS(70));
	g_assert_cmpint(fend_now() - start, <, FEND_SEC(1) * test_slowness());
	test_error(fend_dns_lookup("b.silent.test", NULL, NULL, 0, &list), -ETIMEDOUT);
	test_error(fend_dns_lookup("hosted.test", NULL, NULL, 0, &list), 0);
	fend_addrinfo_free(list);
	close(silent);
}

static void *
ask_often(void *data)
{
	int i;

	for (i = 0; i < 20; i++) {
		expect("dual.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
		expect("hosted.test", AF_INET, 0, 0, "192.0.2.20");
	}
	return NULL;
}

static void
test_threads(struct test *test)
{
	pthread_t threads[4];
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_cmpint(pthread_create(&threads[i], NULL, ask_often, NULL), ==, 0);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
}

static void
test_after_fork(struct test *test)
{
	int status;
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		char *found;
		int ok = ask("dual.test", AF_INET, 0, &found) == 0 && !strcmp(found, "192.0.2.1");

		g_free(found);
		_exit(ok ? 0 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

static void
test_addrconfig(struct test *test)
{
	/* There is no interface but loopback, so no family is configured: as glibc reads it, ... */
	expect("dual.test", AF_INET, AI_ADDRCONFIG, FEND_EAI_NONAME, "");
	expect("dual.test", AF_INET6, AI_ADDRCONFIG, FEND_EAI_NONAME, "");
	/* ... and none is better than the other. */
	expect("dual.test", AF_UNSPEC, AI_ADDRCONFIG, 0, "192.0.2.1 2001:db8::1");

	loopback_add_ipv4("198.51.100.1");
	expect("dual.test", AF_INET, AI_ADDRCONFIG, 0, "192.0.2.1");
	expect("dual.test", AF_INET6, AI_ADDRCONFIG, FEND_EAI_NONAME, "");
	expect("dual.test", AF_UNSPEC, AI_ADDRCONFIG, 0, "192.0.2.1");
	compare("six.test", AF_UNSPEC, AI_ADDRCONFIG);
	compare("::1", AF_UNSPEC, AI_ADDRCONFIG);
	loopback_add_ipv4("0.0.0.0");
}

static void
start(struct test *test, struct outcome *outcome, const char *host)
{
	test_ok(fend_lookup_start(test->loop, host, NULL, NULL, FEND_SEC(20), outcome_fn, outcome,
				  &outcome->lookup));
}

static void
test_own_resolver_of_the_loop(struct test *test)
{
	struct outcome first = { 0 }, second = { 0 }, third = { 0 };

	start(test, &first, "dual.test");
	start(test, &second, "hosted.test");
	g_assert_cmpint(second.calls, ==, 0);
	test_wait(test, &first.calls);
	test_wait(test, &second.calls);
	g_assert_cmpstr(first.addresses, ==, "192.0.2.1 2001:db8::1");
	g_assert_cmpstr(second.addresses, ==, "192.0.2.20 2001:db8::20");
	start(test, &third, "four.test");
	test_error(fend_lookup_wait(third.lookup, FEND_SEC(20)), 0);
	g_assert_cmpstr(third.addresses, ==, "192.0.2.4");
	outcome_clear(&first);
	outcome_clear(&second);
	outcome_clear(&third);
}

static void
free_loop_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct test *test = data;

	test->loop = fend_loop_free(test->loop);
	test->done = 1;
}

static void
test_own_resolver_goes_with_the_loop(struct test *test)
{
	struct outcome running = { 0 }, ended = { 0 };
	struct fend_lookup *lookup;

	start(test, &running, "a.silent.test");
	start(test, &ended, "hosted.test");
	test->loop = fend_loop_free(test->loop);
	test_error(fend_lookup_wait(running.lookup, FEND_FOREVER), -ESHUTDOWN);
	test_error(fend_lookup_wait(ended.lookup, FEND_FOREVER), -ESHUTDOWN);
	g_assert_null(fend_lookup_take(ended.lookup));
	g_assert_cmpint(running.calls + ended.calls, ==, 0);
	outcome_clear(&running);
	outcome_clear(&ended);

	/* In the callback of one of its lookups, while another runs. */
	test_ok(fend_loop_new(NULL, &test->loop));
	start(test, &running, "b.silent.test");
	test_ok(fend_lookup_start(test->loop, "dual.test", NULL, NULL, FEND_SEC(20), free_loop_fn,
				  test, &lookup));
	while (!test->done)
		fend_loop_dispatch(test->loop, FEND_SEC(20));
	g_assert_null(test->loop);
	g_assert_cmpint(running.calls, ==, 0);
	fend_lookup_free(lookup);
	outcome_clear(&running);
}

int
main(int argc, char **argv)
{
	struct process *dnsmasq;
	int r;

	test_init(&argc, &argv);
	if (namespace_enter(hosts, resolv_conf, "files dns", 1))
		return 0;
	test_add("/dns/arguments", test_arguments);
	test_add("/dns/hosts-file", test_hosts_file);
	test_add("/dns/name-server", test_name_server);
	test_add("/dns/search-list", test_search_list);
	test_add("/dns/as-glibc", test_as_glibc);
	test_add("/dns/timeout", test_timeout);
	test_add("/dns/threads", test_threads);
	test_add("/dns/after-fork", test_after_fork);
	test_add("/dns/addrconfig", test_addrconfig);
	test_add("/dns/own-resolver-of-the-loop", test_own_resolver_of_the_loop);
	test_add("/dns/own-resolver-goes-with-the-loop", test_own_resolver_goes_with_the_loop);
	dnsmasq = dnsmasq_start(53, records);
	r = g_test_run();
	process_stop(dnsmasq);
	return r;
}
