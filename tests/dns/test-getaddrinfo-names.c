/* SPDX-License-Identifier: MIT */
/*
 * Names beside glibc's getaddrinfo(3), in one namespace, with the same hosts(5), resolv.conf(5) and
 * name server: each combination of name, hints and service must give the same list in the same
 * order, or the same error. First without any address but loopback's, then with one of each family.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "oracle.h"

static const char hosts_file[] = "# a comment\n"
				 "127.0.0.1 localhost\n"
				 "::1 localhost ip6-localhost\n"
				 "192.0.2.20 hosted.test hosted-alias # with a comment\n"
				 "2001:db8::20 hosted.test hosted-alias\n"
				 "192.0.2.21 covered.test\n"
				 "2001:db8::21\tsixhost.test\tsixhost\n"
				 "192.0.2.22 multi.test\n"
				 "192.0.2.23 other.test multi.test\n"
				 "not-an-address broken.test\n"
				 "192.0.2.25\n"
				 "2001:db8::26 dotted.test.\n";

static const char resolv_conf[] = "nameserver 127.0.0.1\n"
				  "search corp.test lab.test\n";

static const char *const records[] = {
	"--no-round-robin",
	"--host-record=dual.test,192.0.2.1,2001:db8::1",
	"--host-record=four.test,192.0.2.4",
	"--host-record=six.test,2001:db8::6",
	"--host-record=several.test,192.0.2.11,2001:db8::11",
	"--host-record=several.test,192.0.2.12,2001:db8::12",
	"--host-record=under_score.test,192.0.2.31",
	"--host-record=covered.test,192.0.2.99,2001:db8::99",
	"--host-record=hosted.test,192.0.2.98",
	"--cname=alias.test,dual.test",
	"--cname=alias2.test,alias.test",
	"--cname=alias3.test,alias2.test",
	"--cname=dangling.test,nosuch.test",
	"--txt-record=texty.test,hello",
	"--txt-record=texty.corp.test,hello",
	"--host-record=texty.lab.test,192.0.2.40",
	"--host-record=printer.corp.test,192.0.2.30,2001:db8::30",
	"--host-record=scanner.lab.test,192.0.2.41",
	"--host-record=split.corp.test,2001:db8::42",
	"--host-record=split.lab.test,192.0.2.42",
	"--host-record=a.b.corp.test,192.0.2.43",
	"--host-record=four.test.corp.test,2001:db8::44",
	"--host-record=far.test,198.18.0.1,2001:db8::45",
	"--cname=alias4.test,four.test",
	"--host-record=private.test,10.1.2.3,fd00::1",
	"--host-record=tunnel.test,10.1.2.3,2002:c000:201::1",
	"--host-record=near.test,198.51.100.1",
	"--host-record=near.test,192.0.2.129",
	"--host-record=near.test,192.0.2.201",
	"--host-record=near.test,198.51.100.2",
	"--local=/printer/",
	"--local=/scanner/",
	"--local=/split/",
	"--local=/texty/",
	"--local=/b/",
	NULL,
};

/* clang-format off */
static const char *const hosts[] = {
	"dual.test", "DUAL.Test", "dual.test.", "four.test", "six.test", "several.test",
	"under_score.test", "alias.test", "alias3.test", "dangling.test", "texty.test",
	"nosuch.test", "nosuch.test.", "hosted.test", "HOSTED.test", "hosted.test.", "hosted-alias",
	"covered.test", "sixhost.test", "sixhost", "multi.test", "other.test", "broken.test",
	"dotted.test", "printer", "printer.", "scanner", "split", "texty", "a.b", "nosuch",
	"localhost", "localhost.", "ip6-localhost", "LOCALHOST", "refused.example", "far.test",
	"private.test", "tunnel.test", "alias4.test", "test", ".", "..", "no.onion",
	"a..b", "-dash.test", "sp ace.test", "st*r.test",
	"x12345678901234567890123456789012345678901234567890123456789012.test",
	"x123456789012345678901234567890123456789012345678901234567890123.test",
#define FIFTY "aaaaaaaaabbbbbbbbbcccccccccdddddddddeeeeeeeeefffff."
	FIFTY FIFTY FIFTY FIFTY "test", FIFTY FIFTY FIFTY FIFTY FIFTY "test",
	FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "test",
};
/* clang-format on */

static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };

static const int flag_sets[] = {
	0,
	AI_PASSIVE,
	AI_CANONNAME,
	AI_ADDRCONFIG,
	AI_V4MAPPED,
	AI_V4MAPPED | AI_ALL,
	AI_V4MAPPED | AI_ADDRCONFIG | AI_CANONNAME,
	AI_NUMERICHOST,
};

static const struct {
	const char *service;
	int socktype;
} ends[] = {
	{ NULL, 0 },
	{ "80", SOCK_STREAM },
	{ "domain", 0 },
	{ "nosuch", SOCK_STREAM },
};

static int
is_one_of(const char *host, const char *const *names)
{
	for (; *names; names++)
		if (!g_ascii_strcasecmp(host, *names))
			return 1;
	return 0;
}

/* Does it say that the host has no address of the family, or that it is to be mapped? */
static int
is_without_family(const char *ours)
{
	return oracle_is(ours, FEND_EAI_NODATA) || g_str_has_prefix(ours, "::ffff:");
}

static int
is_hosted(const struct ask *ask, const char *ours, const char *theirs)
{
	static const char *const names[] = { "hosted.test", "covered.test", "sixhost.test",
					     "sixhost",     "multi.test",   "other.test",
					     NULL };

	return is_one_of(ask->host, names) && is_without_family(ours);
}

static int
is_dotted(const struct ask *ask, const char *ours, const char *theirs)
{
	static const char *const names[] = { "hosted.test.", "dotted.test", NULL };

	return is_one_of(ask->host, names) &&
	       (strstr(ours, "2001:db8::2") || strstr(ours, "192.0.2.20") ||
		is_without_family(ours));
}

static int
is_localhost(const struct ask *ask, const char *ours, const char *theirs)
{
	static const char *const names[] = { "localhost.", "LOCALHOST", NULL };

	if (!is_one_of(ask->host, names) || !strcmp(ask->host, "localhost"))
		return 0;
	return (strstr(ours, "127.0.0.1") || strstr(ours, "::1%")) &&
	       (oracle_is(theirs, FEND_EAI_AGAIN) || strstr(theirs, "name localhost"));
}

/* Of what fend says each entry once, and of what glibc says some twice, or 127.0.0.1 as well. */
static int
is_double(const struct ask *ask, const char *ours, const char *theirs)
{
	static const char *const names[] = { "localhost", "ip6-localhost", NULL };

	return is_one_of(ask->host, names) && strstr(theirs, "127.0.0.1") &&
	       (strlen(theirs) > strlen(ours) || oracle_is(ours, FEND_EAI_NODATA));
}

/* With AI_ALL glibc even has a list of two hosts, split.corp.test and split.lab.test. */
static int
is_other_family(const struct ask *ask, const char *ours, const char *theirs)
{
	static const char *const names[] = { "split", "four.test", "a.b", NULL };

	return is_one_of(ask->host, names) &&
	       (is_without_family(ours) || (strstr(theirs, ours) && !strstr(ours, "192.0.2")));
}

static int
is_alias(const struct ask *ask, const char *ours, const char *theirs)
{
	static const char *const names[] = { "dangling.test", "alias4.test", NULL };

	return is_one_of(ask->host, names) && oracle_is(ours, FEND_EAI_NODATA) &&
	       oracle_is(theirs, FEND_EAI_NONAME);
}

static int
is_refused(const struct ask *ask, const char *ours, const char *theirs)
{
	static const char *const names[] = { "refused.example", "nosuch", NULL };

	return is_one_of(ask->host, names) && oracle_is(ours, FEND_EAI_AGAIN) &&
	       oracle_is(theirs, FEND_EAI_NONAME);
}

static int
is_policy(const struct ask *ask, const char *ours, const char *theirs)
{
	static const char *const names[] = { "private.test", "tunnel.test", NULL };

	if (!is_one_of(ask->host, names) || strlen(ours) != strlen(theirs))
		return 0;
	return g_str_has_prefix(ours, "10.1.2.3") || g_str_has_prefix(ours, "::ffff:10.1.2.3");
}

static int
is_root(const struct ask *ask, const char *ours, const char *theirs)
{
	return !strcmp(ask->host, ".") && oracle_is(ours, FEND_EAI_NONAME);
}

static int
is_onion(const struct ask *ask, const char *ours, const char *theirs)
{
	return !strcmp(ask->host, "no.onion") && oracle_is(ours, FEND_EAI_NONAME);
}

static struct excuse excuses[] = {
	{ "A name in hosts(5) is not asked for in DNS", is_hosted, 0 },
	{ "A final dot is not part of a name", is_dotted, 0 },
	{ "localhost is not looked up", is_localhost, 0 },
	{ "The line \"::1 localhost\" is not one for 127.0.0.1", is_double, 0 },
	{ "The search ends at the first name that has addresses", is_other_family, 0 },
	{ "An alias is a name without data", is_alias, 0 },
	{ "A refusal is a temporary failure, whatever is asked for", is_refused, 0 },
	{ "The policy table is that of RFC 6724", is_policy, 0 },
	{ "The root is no host", is_root, 0 },
	{ ".onion is not asked for", is_onion, 0 },
};

/* Every combination with one name. */
static void
compare_name(const char *host)
{
	size_t family, flags, end;

	for (family = 0; family < G_N_ELEMENTS(families); family++) {
		for (flags = 0; flags < G_N_ELEMENTS(flag_sets); flags++) {
			for (end = 0; end < G_N_ELEMENTS(ends); end++) {
				const struct ask ask = {
					.host = host,
					.service = ends[end].service,
					.hints = {
						.ai_family = families[family],
						.ai_flags = flag_sets[flags],
						.ai_socktype = ends[end].socktype,
					},
				};

				oracle_compare(&ask, excuses, G_N_ELEMENTS(excuses));
			}
		}
	}
}

static void
compare_all(void)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(hosts); i++)
		compare_name(hosts[i]);
}

/* Write into the file that lies over /etc/resolv.conf. */
static void
configure(const char *text)
{
	int fd = open("/etc/resolv.conf", O_WRONLY | O_TRUNC | O_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
	close(fd);
}

static void
test_without_addresses(struct test *test)
{
	configure(resolv_conf);
	compare_all();
}

static void
test_ndots(struct test *test)
{
	static const char *const names[] = { "printer",   "a.b",   "four.test", "nosuch",
					     "dual.test", "texty", "split",     "dual.test." };
	static const char *const texts[] = {
		"nameserver 127.0.0.1\nsearch corp.test lab.test\noptions ndots:2\n",
		"nameserver 127.0.0.1\nsearch corp.test lab.test\noptions ndots:0\n",
		"nameserver 127.0.0.1\nsearch lab.test . corp.test\n",
		"nameserver 127.0.0.1\ndomain corp.test\n",
		"nameserver 127.0.0.1\noptions no-tld-query\nsearch corp.test\ndomain lab.test\n",
		" nameserver 127.0.0.9\nnameserver\t127.0.0.1\n;search a.test\nsearch\tlab.test",
	};
	size_t text, i;

	for (text = 0; text < G_N_ELEMENTS(texts); text++) {
		configure(texts[text]);
		for (i = 0; i < G_N_ELEMENTS(names); i++)
			compare_name(names[i]);
	}
}

static void
test_with_ipv4(struct test *test)
{
	configure(resolv_conf);
	loopback_add_ipv4("192.0.2.200");
	compare_all();
}

static void
test_with_both(struct test *test)
{
	loopback_add_ipv6("2001:db8::200", 64);
	compare_all();
}

/* ip(8) can say of an address what ioctl(2) cannot. */
static void
ip(const char *arguments)
{
	char *command = g_strdup_printf("ip %s", arguments);
	int status = -1;

	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, &status, NULL));
	g_assert_cmpint(status, ==, 0);
	g_free(command);
}

/* What fend says first of a name is this; glibc says so as well. */
static void
expect_first(const char *host, const char *address)
{
	const struct ask ask = { .host = host, .hints = { .ai_socktype = SOCK_STREAM } };
	struct addrinfo *list;
	char *text;

	oracle_compare(&ask, excuses, G_N_ELEMENTS(excuses));
	test_ok(fend_dns_lookup(host, NULL, &ask.hints, FEND_SEC(20), &list));
	text = list_describe(list);
	if (!g_str_has_prefix(text, address))
		g_error("%s comes before %s", text, address);
	fend_addrinfo_free(list);
	g_free(text);
}

/* RFC 6724, section 6: rule 3, 4, and of 9 what is said of IPv4. */
static void
test_kinds_of_addresses(struct test *test)
{
	configure(resolv_conf);
	ip("-4 address replace 192.0.2.200/24 dev lo");
	ip("-6 address replace 2001:db8::200/64 dev lo nodad");
	ip("-4 route add 10.0.0.0/8 dev lo");
	ip("-6 route add fd00::/8 dev lo");
	expect_first("dual.test", "2001:db8::1");
	expect_first("near.test", "192.0.2.201");

	ip("-6 address change 2001:db8::200/64 dev lo preferred_lft 0");
	expect_first("dual.test", "192.0.2.1");
	ip("-6 address change 2001:db8::200/64 dev lo preferred_lft forever");
	expect_first("dual.test", "2001:db8::1");

	ip("-4 address add 10.0.0.1/8 dev lo preferred_lft 0");
	expect_first("private.test", "fd00::1");
	ip("-4 address del 10.0.0.1/8 dev lo");

	ip("-6 address del 2001:db8::200/64 dev lo");
	ip("-6 address add 2001:db8::200/64 dev lo home nodad");
	expect_first("private.test", "fd00::1");
}

static void
test_excuses(struct test *test)
{
	oracle_check_excuses(excuses, G_N_ELEMENTS(excuses));
	g_assert_cmpint(oracle_count(), >, 1000);
}

int
main(int argc, char **argv)
{
	struct process *dnsmasq;
	int r;

	test_init(&argc, &argv);
	if (namespace_enter(hosts_file, resolv_conf, "files dns", 1))
		return 0;
	test_add("/getaddrinfo-names/without-addresses", test_without_addresses);
	test_add("/getaddrinfo-names/search-lists", test_ndots);
	test_add("/getaddrinfo-names/with-an-address", test_with_ipv4);
	test_add("/getaddrinfo-names/with-addresses-of-both-families", test_with_both);
	test_add("/getaddrinfo-names/deprecated-home-and-near-addresses", test_kinds_of_addresses);
	test_add("/getaddrinfo-names/every-excuse-is-needed", test_excuses);
	dnsmasq = dnsmasq_start(53, records);
	r = g_test_run();
	process_stop(dnsmasq);
	return r;
}
