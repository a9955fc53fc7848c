/* SPDX-License-Identifier: MIT */
/*
 * Reverse lookups beside glibc's getnameinfo(3), in one namespace, with the same hosts(5),
 * resolv.conf(5), services(5) and name server: each combination of address, port and flags must
 * give the same two texts or the same error.
 */
#include <errno.h>
#include <netdb.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <fend/reverse.h>

#include "dns-test.h"

static const char hosts_file[] = "127.0.0.1 localhost\n"
				 "::1 localhost ip6-localhost\n"
				 "192.0.2.20 hosted.home.test hosted\n"
				 "192.0.2.20 second.test\n"
				 "192.0.2.21 own.home.test own\n"
				 "192.0.2.22 home.test\n"
				 "192.0.2.23 nothome.test\n"
				 "192.0.2.24 UPPER.HOME.TEST\n"
				 "fe80::20 linked.test\n"
				 "2001:db8::20 six.home.test\n";

static const char *const records[] = {
	"--no-round-robin",
	"--host-record=one.test,192.0.2.1,2001:db8::1",
	"--host-record=covered.test,192.0.2.20",
	"--host-record=far.home.test,192.0.2.30",
	"--ptr-record=31.2.0.192.in-addr.arpa,bad/name.test",
	"--ptr-record=32.2.0.192.in-addr.arpa,first.test",
	"--ptr-record=32.2.0.192.in-addr.arpa,second.test",
	"--cname=33.2.0.192.in-addr.arpa,33.classless.test",
	"--ptr-record=33.classless.test,delegated.test",
	"--txt-record=34.2.0.192.in-addr.arpa,no name",
	"--local=/in-addr.arpa/",
	"--local=/ip6.arpa/",
	NULL,
};

/* clang-format off */
static const char *const addresses[] = {
	"127.0.0.1:80", "0.0.0.0:0", "192.0.2.1:443", "192.0.2.20:53", "192.0.2.21:22",
	"192.0.2.22:25", "192.0.2.23:1", "192.0.2.24:65535", "192.0.2.30:69", "192.0.2.31:80",
	"192.0.2.32:514", "192.0.2.33:80", "192.0.2.34:512", "192.0.2.35:5060",
	"255.255.255.255:80", "[::1]:80", "[::]:80", "[2001:db8::1]:443", "[2001:db8::2]:443",
	"[2001:db8::20]:80", "[2001:db8::20%1]:80", "[2001:db8::3%7]:80", "[fe80::20%1]:80",
	"[fe80::20]:80", "[fe80::21%lo]:80", "[fe80::21%4000]:80", "[ff02::1%1]:80",
	"[ff05::1%1]:80", "[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.20]:80", "[::192.0.2.99]:80",
};
/* clang-format on */

static const int flag_bits[] = {
	NI_NUMERICHOST, NI_NUMERICSERV, NI_NAMEREQD, NI_NOFQDN, NI_DGRAM,
};

struct told {
	struct fend_reverse *reverse;
	int calls, err, free_it;
	char *text; /* host and service */
};

static void
on_told(struct fend_reverse *reverse, int err, const char *host, const char *service, void *data)
{
	struct told *told = data;

	g_assert_true(reverse == told->reverse);
	g_assert_true((err == 0) == (host != NULL) && (err == 0) == (service != NULL));
	told->calls++;
	told->err = err;
	told->text = err == 0 ? g_strdup_printf("%s %s", host, service) : NULL;
	if (told->free_it)
		told->reverse = fend_reverse_free(reverse);
}

static void
told_clear(struct told *told)
{
	fend_reverse_free(told->reverse);
	g_free(told->text);
	memset(told, 0, sizeof(*told));
}

/* With resolver, or with the loop's own. */
static void
reverse_run(struct test *test, struct told *told, struct fend_resolver *resolver,
	    const struct fend_address *address, int flags)
{
	memset(told, 0, sizeof(*told));
	if (resolver)
		test_error(fend_resolver_reverse(resolver, address, flags, FEND_FOREVER, on_told,
						 told, &told->reverse),
			   0);
	else
		test_error(fend_reverse_start(test->loop, address, flags, FEND_FOREVER, on_told,
					      told, &told->reverse),
			   0);
	g_assert_cmpint(told->calls, ==, 0);
	test_wait(test, &told->calls);
	test_drain(test);
	g_assert_cmpint(told->calls, ==, 1);
}

/* The one difference that is meant (docs/getaddrinfo.md). */
static int
is_upper_domain(const char *host, int flags)
{
	return flags & NI_NOFQDN && strcmp(host, "UPPER.HOME.TEST") == 0;
}

static void
compare(struct test *test, const char *text, int flags)
{
	char host[NI_MAXHOST], service[NI_MAXSERV], *theirs;
	struct fend_address address;
	struct told told;
	int r;

	test_ok(fend_address_parse(text, &address));
	r = getnameinfo((struct sockaddr *)&address.storage, address.size, host, sizeof(host),
			service, sizeof(service), flags);
	reverse_run(test, &told, NULL, &address, flags);
	if (r == 0 && is_upper_domain(host, flags))
		strcpy(host, "UPPER");
	theirs = r ? g_strdup(gai_strerror(r)) : g_strdup_printf("%s %s", host, service);
	if (g_strcmp0(told.text, r ? NULL : theirs) || told.err != (r ? eai_error(r) : 0))
		g_error("%s with flags %x: fend says %s, glibc %s", text, (unsigned)flags,
			told.err ? fend_strerror(told.err) : told.text, theirs);
	told_clear(&told);
	g_free(theirs);
}

static void
test_all_flags(struct test *test)
{
	int flags, used, i;
	size_t a;

	for (used = 0; used < 1 << G_N_ELEMENTS(flag_bits); used++) {
		for (i = flags = 0; i < (int)G_N_ELEMENTS(flag_bits); i++)
			flags |= used & 1 << i ? flag_bits[i] : 0;
		for (a = 0; a < G_N_ELEMENTS(addresses); a++)
			compare(test, addresses[a], flags);
	}
}

static void
test_mistakes(struct test *test)
{
	struct fend_reverse *reverse = NULL;
	struct fend_address address;
	struct told told;

	test_ok(fend_address_parse("127.0.0.1:80", &address));
	reverse_run(test, &told, NULL, &address, 1 << 20);
	test_error(told.err, FEND_EAI_BADFLAGS);
	told_clear(&told);
	/* A name that is missing is no error, and then there is nothing to add. */
	test_ok(fend_address_parse("192.0.2.34:80", &address));
	reverse_run(test, &told, NULL, &address, 0);
	test_error(told.err, 0);
	g_assert_null(fend_reverse_detail(told.reverse));
	told_clear(&told);
	test_error(fend_reverse_start(test->loop, NULL, 0, 0, on_told, NULL, &reverse), -EINVAL);
	test_error(fend_reverse_start(test->loop, &address, 0, 0, NULL, NULL, &reverse), -EINVAL);
	test_error(fend_reverse_start(test->loop, &address, 0, 0, on_told, NULL, NULL), -EINVAL);
	test_error(fend_reverse_start(test->loop, &address, 0, -2, on_told, NULL, &reverse),
		   -EINVAL);
	test_error(fend_reverse_start(NULL, &address, 0, 0, on_told, NULL, &reverse), -EINVAL);
	test_error(fend_resolver_reverse(NULL, &address, 0, 0, on_told, NULL, &reverse), -EINVAL);
	g_assert_null(reverse);
	test_ok(fend_address_parse("unix:/x", &address));
	reverse_run(test, &told, NULL, &address, 0);
	test_error(told.err, FEND_EAI_FAMILY);
	told_clear(&told);
}

/* What prevents an answer is an error, whatever the flags are. */
static void
test_no_answer(struct test *test)
{
	struct fend_resolver *resolver = resolver_start(test->loop, "127.0.0.1:1", HASTY);
	struct fend_address address;
	struct told told;

	test_ok(fend_address_parse("192.0.2.1:80", &address));
	reverse_run(test, &told, resolver, &address, 0);
	test_error(told.err, FEND_EAI_AGAIN);
	g_assert_nonnull(strstr(fend_reverse_detail(told.reverse), "1.2.0.192.in-addr.arpa"));
	told_clear(&told);
	g_assert_null(fend_reverse_detail(NULL));
	fend_resolver_free(resolver);
}

static void
test_deadline(struct test *test)
{
	struct server *server = server_start(test->loop);
	struct fend_resolver *resolver =
		resolver_start(test->loop, server_address(server), PATIENT);
	struct told told = { .free_it = 1 }, never = { 0 };
	struct fend_address address;

	server->other = SERVER_DROP;
	test_ok(fend_address_parse("192.0.2.1:80", &address));
	test_ok(fend_resolver_reverse(resolver, &address, 0, FEND_MS(20), on_told, &told,
				      &told.reverse));
	test_ok(fend_resolver_reverse(resolver, &address, 0, FEND_MS(10), on_told, &never,
				      &never.reverse));
	g_assert_null(fend_reverse_detail(told.reverse));
	never.reverse = fend_reverse_free(never.reverse);
	test_wait(test, &told.calls);
	test_error(told.err, -ETIMEDOUT);
	g_assert_null(told.reverse);
	test_ok(fend_resolver_reverse(resolver, &address, 0, FEND_MS(10), on_told, &never,
				      &never.reverse));
	fend_resolver_free(resolver);
	test_ok(fend_loop_dispatch(test->loop, FEND_MS(20)));
	g_assert_cmpint(never.calls, ==, 0);
	told_clear(&never);
	told_clear(&told);
	server_stop(server);
}

int
main(int argc, char **argv)
{
	struct process *dnsmasq;
	int r;

	test_init(&argc, &argv);
	if (namespace_enter(hosts_file, "nameserver 127.0.0.1\n", "files dns", 1))
		return 0;
	if (unshare(CLONE_NEWUTS) < 0 || sethostname("own", 3) < 0)
		g_error("the host's name cannot be set");
	test_add("/reverse/as-glibc-with-all-flags", test_all_flags);
	test_add("/reverse/mistakes", test_mistakes);
	test_add("/reverse/no-answer", test_no_answer);
	test_add("/reverse/deadline", test_deadline);
	dnsmasq = dnsmasq_start(53, records);
	r = g_test_run();
	process_stop(dnsmasq);
	return r;
}
