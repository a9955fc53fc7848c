/* SPDX-License-Identifier: MIT */
/*
 * Destination address selection, RFC 6724 section 6, with the default policy table of section 2.1.
 * Left out is rule 7, about tunnels: of the kinds of interface that there are nobody has a list,
 * and those that the policy table knows by their addresses come last anyway. Rule 9 counts for IPv4
 * within a network only: beyond it a common prefix says nothing about distance.
 *
 * Only so many addresses are looked at, since each may cost system calls and whoever answers for
 * a name may answer with thousands. The others follow in the order in which they came.
 */
#include "sort.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "interfaces.h"
#include "request.h"
#include "resolver.h"
#include "sources.h"

enum {
	SORTED_MAX = 64,
	SCOPE_LINK = 2,
	SCOPE_SITE = 5,
	SCOPE_GLOBAL = 14,
	PREFIX_MAX = 64, /* longer ones are of one network, whose size is not known here */
};

static const struct policy {
	struct in6_addr prefix;
	unsigned length;
	int precedence, label;
} policies[] = {
	{ { .s6_addr = { [15] = 1 } }, 128, 50, 0 },
	{ { .s6_addr = { [10] = 0xff, 0xff } }, 96, 35, 4 },
	{ { .s6_addr = { 0 } }, 96, 1, 3 },
	{ { .s6_addr = { 0x20, 0x01 } }, 32, 5, 5 },
	{ { .s6_addr = { 0x20, 0x02 } }, 16, 30, 2 },
	{ { .s6_addr = { 0x3f, 0xfe } }, 16, 1, 12 },
	{ { .s6_addr = { 0xfe, 0xc0 } }, 10, 1, 11 },
	{ { .s6_addr = { 0xfc } }, 7, 3, 13 },
	{ { .s6_addr = { 0 } }, 0, 40, 1 }, /* matches all */
};

/* Of an address as a destination, with the source it would be reached from. */
struct rank {
	struct host_address address;
	bool usable;     /* rule 1 */
	bool in_scope;   /* 2 */
	bool deprecated; /* 3 */
	bool home;       /* 4 */
	bool same_label; /* 5 */
	int precedence;  /* 6 */
	int scope;       /* 8 */
	unsigned common; /* 9 */
};

static struct in6_addr
as_ipv6(const struct host_address *address)
{
	struct in6_addr in6 = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (address->family == AF_INET6)
		return address->in6;
	memcpy(&in6.s6_addr[12], &address->in, sizeof(address->in));
	return in6;
}

/* How many leading bits are the same. */
static unsigned
common_bits(const struct in6_addr *a, const struct in6_addr *b)
{
	unsigned n = 0;

	while (n < 128 && !((a->s6_addr[n / 8] ^ b->s6_addr[n / 8]) & (0x80 >> n % 8)))
		n++;
	return n;
}

static const struct policy *
find_policy(const struct in6_addr *in6)
{
	const struct policy *policy = policies;

	while (common_bits(&policy->prefix, in6) < policy->length)
		policy++;
	return policy;
}

/* Sections 3.1 and 3.2. */
static int
scope_of(const struct host_address *address)
{
	const uint8_t *bytes = address->in6.s6_addr;

	if (address->family == AF_INET) {
		uint32_t in = ntohl(address->in.s_addr);

		return in >> 24 == 127 || in >> 16 == 0xa9fe ? SCOPE_LINK : SCOPE_GLOBAL;
	}
	if (IN6_IS_ADDR_MULTICAST(&address->in6))
		return bytes[1] & 0xf;
	if (IN6_IS_ADDR_LINKLOCAL(&address->in6) || IN6_IS_ADDR_LOOPBACK(&address->in6))
		return SCOPE_LINK;
	return IN6_IS_ADDR_SITELOCAL(&address->in6) ? SCOPE_SITE : SCOPE_GLOBAL;
}

/* Rule 9: how near the address is to its source. */
static unsigned
common_prefix(const struct in6_addr *in6, const struct in6_addr *source, int family,
	      const struct own_address *own)
{
	unsigned common = common_bits(in6, source);

	if (family == AF_INET)
		return own && common >= 96 + own->prefix ? common : 0;
	return common < PREFIX_MAX ? common : PREFIX_MAX;
}

static struct rank
rank(const struct host_address *address, const struct interfaces *interfaces,
     struct sources *sources)
{
	struct in6_addr in6 = as_ipv6(address), source6;
	const struct policy *policy = find_policy(&in6);
	struct host_address source = { 0 };
	const struct own_address *own;
	struct rank rank = {
		.address = *address,
		.precedence = policy->precedence,
		.scope = scope_of(address),
	};

	rank.usable = fend__source_find(sources, address, &source);
	if (!rank.usable)
		return rank;
	own = fend__interfaces_find(interfaces, &source);
	rank.deprecated = own && own->deprecated;
	rank.home = own && own->home;
	source6 = as_ipv6(&source);
	rank.in_scope = scope_of(&source) == rank.scope;
	rank.same_label = find_policy(&source6)->label == policy->label;
	rank.common = common_prefix(&in6, &source6, address->family, own);
	return rank;
}

static bool
is_before(const struct rank *a, const struct rank *b)
{
	if (a->usable != b->usable)
		return a->usable;
	if (a->in_scope != b->in_scope)
		return a->in_scope;
	if (a->deprecated != b->deprecated)
		return b->deprecated;
	if (a->home != b->home)
		return a->home;
	if (a->same_label != b->same_label)
		return a->same_label;
	if (a->precedence != b->precedence)
		return a->precedence > b->precedence;
	if (a->scope != b->scope)
		return a->scope < b->scope;
	return a->address.family == b->address.family && a->common > b->common;
}

void
fend__addresses_sort(struct host_address *addresses, size_t n, struct fend_resolver *resolver,
		     struct sources *sources)
{
	struct rank ranks[SORTED_MAX], next;
	const struct interfaces *interfaces;
	size_t i, k;

	if (n < 2)
		return;
	if (n > SORTED_MAX)
		n = SORTED_MAX;
	interfaces = fend__resolver_interfaces(resolver);
	for (i = 0; i < n; i++) {
		next = rank(&addresses[i], interfaces, sources);
		for (k = i; k > 0 && is_before(&next, &ranks[k - 1]); k--)
			ranks[k] = ranks[k - 1];
		ranks[k] = next;
	}
	for (i = 0; i < n; i++)
		addresses[i] = ranks[i].address;
}
