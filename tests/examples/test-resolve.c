/* SPDX-License-Identifier: MIT */
/* The command resolve, with a name server of the test's own. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns-test.h"
#include "place.h"
#include "program.h"

#define RESOLVE "FEND_EXAMPLE_RESOLVE"

static const char *const records[] = {
	"--host-record=host.test,192.0.2.1,2001:db8::1,300",
	"--host-record=local.test,127.0.0.1",
	"--host-record=xn--bcher-kva.test,192.0.2.7",
	"--cname=alias.test,host.test,7",
	"--mx-host=host.test,mail.test,10",
	"--txt-record=host.test,with \"quotes\",second",
	"--srv-host=_sip._tcp.test,host.test,5060,1,2",
	"--naptr-record=host.test,1,2,u,E2U+sip,!x!",
	"--caa-record=host.test,0,issue,ca.test",
	"--ptr-record=1.2.0.192.in-addr.arpa,back.test",
	"--dns-rr=host.test,65,0001000001000702683203010203",
	"--dns-rr=host.test,52,030101abcd",
	"--dns-rr=host.test,256,00010002667470",
	"--dns-rr=host.test,4711,010203",
	"--local=/in-addr.arpa/",
	NULL,
};

static char *server;

/* Run it with the arguments, of which option may be NULL; what it prints is expected. */
static void
check(const char *option, const char *value, const char *name, int status, const char *expected)
{
	struct program program =
		program_start(RESOLVE, NULL, "--server", server, name, option, value, NULL);
	char *out, *err;

	g_assert_cmpint(program_end(&program, &out, &err), ==, status);
	g_assert_cmpstr(out, ==, expected);
	if (status < 2)
		g_assert_true(g_str_has_suffix(err, " ms\n"));
	g_free(out);
	g_free(err);
}

static void
test_addresses(struct test *test)
{
	check(NULL, NULL, "192.0.2.9", 0, "192.0.2.9\n");
	check(NULL, NULL, "local.test", 0, "127.0.0.1\n");
	check(NULL, NULL, "nosuch.test", 1, "");
	check(NULL, NULL, "b\u00fccher.test", has_idn() ? 0 : 1, has_idn() ? "192.0.2.7\n" : "");
}

static void
test_records(struct test *test)
{
	check("--type", "A", "alias.test", 0,
	      "alias.test 7 CNAME host.test\nhost.test 300 A 192.0.2.1\n");
	check("--type", "aaaa", "host.test", 0, "host.test 300 AAAA 2001:db8::1\n");
	check("--type", "MX", "host.test", 0, "host.test 0 MX 10 mail.test\n");
	check("--type", "TXT", "host.test", 0,
	      "host.test 0 TXT \"with \\\"quotes\\\"\" \"second\"\n");
	check("--type", "SRV", "_sip._tcp.test", 0, "_sip._tcp.test 0 SRV 1 2 5060 host.test\n");
	check("--type", "NAPTR", "host.test", 0,
	      "host.test 0 NAPTR 1 2 \"u\" \"E2U+sip\" \"!x!\" .\n");
	check("--type", "CAA", "host.test", 0, "host.test 0 CAA 0 issue \"ca.test\"\n");
	check("--type", "HTTPS", "host.test", 0,
	      "host.test 0 HTTPS 1 . key1 \"\\002h2\\003\\001\\002\\003\"\n");
	check("--type", "TLSA", "host.test", 0, "host.test 0 TLSA 3 1 1 abcd\n");
	check("--type", "URI", "host.test", 0, "host.test 0 URI 1 2 \"ftp\"\n");
	check("--type", "TYPE4711", "host.test", 0, "host.test 0 TYPE4711 \\# 3 010203\n");
	check("--type", "PTR", "1.2.0.192.in-addr.arpa", 0,
	      "1.2.0.192.in-addr.arpa 0 PTR back.test\n");
	check("--type", "SOA", "host.test", 1, "");
}

static void
test_reverse(struct test *test)
{
	check("--reverse", NULL, "192.0.2.1", 0, "back.test\n");
	check("--reverse", NULL, "192.0.2.2", 1, "");
}

/* A race on the loopback interface, told as it goes. */
static void
test_connect(struct test *test)
{
	struct place in, in6;
	struct program program;
	char *out, *err, *port, *tried, *connected;
	int number = place_bind_pair(&in, &in6);

	if (number < 0) {
		g_test_skip("no IPv6 on the loopback interface");
		return;
	}
	place_init(&in, OPEN);
	place_init(&in6, REFUSED);
	port = g_strdup_printf("%d", number);
	program = program_start(RESOLVE, NULL, "--connect", port, "localhost", NULL);
	g_assert_cmpint(program_end(&program, &out, &err), ==, 0);
	tried = g_strdup_printf("trying [::1]:%s\n", port);
	g_assert_nonnull(strstr(out, tried));
	connected = g_strdup_printf("connected to 127.0.0.1:%s\n", port);
	g_assert_true(g_str_has_suffix(out, connected));
	place_fini(&in);
	place_fini(&in6);
	g_free(tried);
	g_free(connected);
	g_free(port);
	g_free(out);
	g_free(err);
}

static void
test_usage(struct test *test)
{
	check("--type", "NOSUCH", "host.test", 2, "");
	check("--type", "A", "--reverse", 2, "");
	check("--nosuch", NULL, "host.test", 2, "");
	check("--timeout", "x", "host.test", 2, "");
	check("--timeout", "nan", "host.test", 2, "");
	check("--timeout", "1e300", "host.test", 2, "");
}

int
main(int argc, char **argv)
{
	struct process *dnsmasq;
	int port, r;

	test_init(&argc, &argv);
	test_add("/resolve/addresses", test_addresses);
	test_add("/resolve/records", test_records);
	test_add("/resolve/reverse", test_reverse);
	test_add("/resolve/connect", test_connect);
	test_add("/resolve/usage", test_usage);
	port = test_port(SOCK_DGRAM);
	server = g_strdup_printf("127.0.0.1:%d", port);
	dnsmasq = dnsmasq_start(port, records);
	r = g_test_run();
	process_stop(dnsmasq);
	g_free(server);
	return r;
}
