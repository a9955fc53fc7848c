/* SPDX-License-Identifier: MIT */
/*
 * Lists of struct addrinfo. A list is one block: an array of entries, each with its socket address
 * beside it, and behind them the canonical name. So there is one allocation to fail, one to free.
 *
 * As with getaddrinfo(3), addresses come in the order given, and for each address one entry for
 * every kind of socket.
 */
#include <fend/addrinfo.h>

#include <netdb.h>
#include <stdint.h>
#include <string.h>

#include <fend/error.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "request.h"

struct entry {
	struct addrinfo info;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address;
};

static bool
is_mapping(const struct request *request)
{
	return request->family == AF_INET6 && (request->flags & AI_V4MAPPED);
}

int
fend__request_family(const struct request *request)
{
	return is_mapping(request) ? AF_UNSPEC : request->family;
}

static size_t
count_family(const struct host_address *addresses, size_t n, int family)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < n; i++)
		count += addresses[i].family == family;
	return count;
}

/*
 * Which family of addresses answers the request; AF_UNSPEC is both. IPv4 addresses are mapped to
 * IPv6 if there are no others, or with AI_ALL together with these (RFC 3493, 6.1).
 */
static int
wanted_family(const struct request *request, const struct host_address *addresses, size_t n)
{
	if (!is_mapping(request))
		return request->family;
	if (request->flags & AI_ALL)
		return AF_UNSPEC;
	return count_family(addresses, n, AF_INET6) > 0 ? AF_INET6 : AF_INET;
}

static struct in6_addr
map(struct in_addr in)
{
	struct in6_addr in6 = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(&in6.s6_addr[12], &in, sizeof(in));
	return in6;
}

static void
fill_address(struct entry *entry, const struct host_address *address, bool mapping, in_port_t port)
{
	if (address->family == AF_INET && !mapping) {
		entry->address.in.sin_family = AF_INET;
		entry->address.in.sin_port = port;
		entry->address.in.sin_addr = address->in;
		entry->info.ai_addrlen = sizeof(entry->address.in);
	} else {
		entry->address.in6.sin6_family = AF_INET6;
		entry->address.in6.sin6_port = port;
		entry->address.in6.sin6_addr = address->family == AF_INET ? map(address->in)
									  : address->in6;
		entry->address.in6.sin6_scope_id = address->zone;
		entry->info.ai_addrlen = sizeof(entry->address.in6);
	}
	entry->info.ai_family = entry->address.any.sa_family;
	entry->info.ai_addr = &entry->address.any;
}

static void
fill(struct entry *entry, const struct request *request, const struct host_address *address,
     const struct socket_kind *kind)
{
	fill_address(entry, address, is_mapping(request), kind->port);
	entry->info.ai_flags = request->flags;
	entry->info.ai_socktype = kind->socktype;
	entry->info.ai_protocol = kind->protocol;
}

int
fend__addrinfo_new(const struct request *request, const struct host_address *addresses, size_t n,
		   const char *canonical, struct addrinfo **ret_addrinfo)
{
	int family = wanted_family(request, addresses, n);
	size_t name_size = canonical ? strlen(canonical) + 1 : 0;
	size_t n_entries, i, k, e = 0;
	struct entry *entries;

	n_entries = family == AF_UNSPEC ? n : count_family(addresses, n, family);
	n_entries *= request->n_kinds;
	if (n_entries == 0)
		return FEND_EAI_NODATA;
	entries = fend__calloc(1, n_entries * sizeof(*entries) + name_size);
	if (!entries)
		return FEND_EAI_MEMORY;
	for (i = 0; i < n; i++) {
		if (family != AF_UNSPEC && addresses[i].family != family)
			continue;
		for (k = 0; k < request->n_kinds; k++)
			fill(&entries[e++], request, &addresses[i], &request->kinds[k]);
	}
	for (e = 1; e < n_entries; e++)
		entries[e - 1].info.ai_next = &entries[e].info;
	if (canonical) {
		entries[0].info.ai_canonname = (char *)&entries[n_entries];
		memcpy(&entries[n_entries], canonical, name_size);
	}
	*ret_addrinfo = &entries[0].info;
	return 0;
}

FEND_PUBLIC void
fend_addrinfo_free(struct addrinfo *list)
{
	fend__release(list);
}
