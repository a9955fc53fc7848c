/* SPDX-License-Identifier: MIT */
/*
 * The front of a lookup beside glibc's getaddrinfo(3): what needs no name server must come out the
 * same, the list with its order as well as the error. The cases are products of tables.
 *
 * The program runs in a mount namespace of its own, where names come from files of the test alone,
 * so that neither of the two asks anybody.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "oracle.h"

struct kind {
	int socktype, protocol;
};

/* clang-format off */
static const char *const hosts[] = {
	NULL, "", "127.0.0.1", "127.1", "1", "0", "0x7f.1", "0177.0.0.1", "255.255.255.255",
	"4294967295", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4 x", "::", "::1", "2001:DB8::1",
	"::ffff:192.0.2.1", "::192.0.2.1", "fe80::1%lo", "fe80::1%1", "fe80::1%", "fe80::1%nothere",
	"fe80::1%4294967295", "fe80::1%4294967296", "ff02::1%lo", "2001:db8::1%lo", "2001:db8::1%1",
	"::1%", "1.2.3.4%lo", "[::1]", ":::", "12345::", "a b", "a..b", ".", "localhost",
};
/* clang-format on */

static const char *const services[] = {
	NULL,     "",     "0",    "80",   "0080",   "65535", "65536", "http", "www",
	"domain", "tftp", "amqp", "HTTP", "nosuch", "80x",   " 80",   "+80",
};

static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX };

static const struct kind kinds[] = {
	{ 0, 0 },
	{ SOCK_STREAM, 0 },
	{ SOCK_DGRAM, 0 },
	{ SOCK_RAW, 0 },
	{ SOCK_SEQPACKET, 0 },
	{ SOCK_DCCP, 0 },
	{ SOCK_RDM, 0 },
	{ 0, IPPROTO_TCP },
	{ 0, IPPROTO_UDP },
	{ 0, IPPROTO_UDPLITE },
	{ 0, IPPROTO_SCTP },
	{ 0, IPPROTO_ICMP },
	{ SOCK_STREAM, IPPROTO_TCP },
	{ SOCK_STREAM, IPPROTO_UDP },
	{ SOCK_STREAM, IPPROTO_SCTP },
	{ SOCK_RAW, IPPROTO_ICMP },
};

static const int flag_sets[] = {
	0,
	AI_PASSIVE,
	AI_CANONNAME,
	AI_NUMERICHOST,
	AI_NUMERICSERV,
	AI_ADDRCONFIG,
	AI_V4MAPPED,
	AI_ALL,
	AI_V4MAPPED | AI_ALL,
	AI_V4MAPPED | AI_ADDRCONFIG,
	AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
	AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL,
	AI_IDN,
	AI_IDN | AI_CANONIDN | AI_CANONNAME,
	1 << 20,
};

static int
is_loose_number(const struct ask *ask, const char *ours, const char *theirs)
{
	const char *service = ask->service;

	return service && (*service == ' ' || *service == '+' || !strcmp(service, "65536")) &&
	       (oracle_is(ours, FEND_EAI_SERVICE) || oracle_is(ours, FEND_EAI_NONAME));
}

static int
is_mapped_localhost(const struct ask *ask, const char *ours, const char *theirs)
{
	return ask->host && !strcmp(ask->host, "localhost") && strstr(ours, "127.0.0.1") &&
	       (ask->hints.ai_family == AF_INET || (ask->hints.ai_flags & AI_ALL));
}

static int
is_idn(const struct ask *ask, const char *ours, const char *theirs)
{
	return (ask->hints.ai_flags & AI_IDN) && oracle_is(ours, FEND_EAI_BADFLAGS);
}

/* The last is one of builds without libidn2. */
static struct excuse excuses[] = {
	{ "Ports are decimal and at most 65535", is_loose_number, 0 },
	{ "The line \"::1 localhost\" is not one for 127.0.0.1", is_mapped_localhost, 0 },
	{ "AI_IDN needs libidn2", is_idn, 0 },
};

static size_t
n_excuses(void)
{
	return G_N_ELEMENTS(excuses) - (size_t)has_idn();
}

/* host and service with each family and set of flags. */
static void
compare_hints(const char *host, const char *service, const struct kind *kind)
{
	size_t family, flags;

	for (family = 0; family < G_N_ELEMENTS(families); family++) {
		for (flags = 0; flags < G_N_ELEMENTS(flag_sets); flags++) {
			const struct ask ask = {
				.host = host,
				.service = service,
				.hints = {
					.ai_family = families[family],
					.ai_flags = flag_sets[flags],
					.ai_socktype = kind->socktype,
					.ai_protocol = kind->protocol,
				},
			};

			oracle_compare(&ask, excuses, n_excuses());
		}
	}
}

static void
test_hosts(struct test *test)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(hosts); i++) {
		compare_hints(hosts[i], NULL, &kinds[0]);
		compare_hints(hosts[i], "80", &kinds[1]);
		compare_hints(hosts[i], "nosuch", &kinds[0]);
	}
}

static void
test_services(struct test *test)
{
	size_t i, k;

	for (i = 0; i < G_N_ELEMENTS(services); i++) {
		for (k = 0; k < G_N_ELEMENTS(kinds); k++) {
			compare_hints(NULL, services[i], &kinds[k]);
			compare_hints("2001:db8::1", services[i], &kinds[k]);
		}
	}
}

static void
test_excuses(struct test *test)
{
	oracle_check_excuses(excuses, n_excuses());
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	if (namespace_enter("127.0.0.1 localhost\n::1 localhost\n", "", "files", 0))
		return 0;
	test_add("/getaddrinfo/hosts-as-glibc", test_hosts);
	test_add("/getaddrinfo/services-and-kinds-as-glibc", test_services);
	test_add("/getaddrinfo/every-excuse-is-needed", test_excuses);
	return g_test_run();
}
