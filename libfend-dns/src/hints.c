/* SPDX-License-Identifier: MIT */
/*
 * The front of a lookup: what getaddrinfo(3) decides before it asks anybody. Which of several
 * mistakes is told, and what follows from the flags, are as with glibc, except that what glibc
 * reads loosely is an error here: a port is decimal, at most 65535, without sign and blanks, and a
 * hint of NULL is all zeros, as POSIX has it, not AI_V4MAPPED | AI_ADDRCONFIG.
 */
#include "request.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <string.h>

#include <fend/error.h>

#include "idn.h"

enum {
	KNOWN_FLAGS = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_ADDRCONFIG |
		      AI_V4MAPPED | AI_ALL,
};

static bool
is_loopback(const struct sockaddr *address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET) {
		memcpy(&in, address, sizeof(in));
		return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	memcpy(&in6, address, sizeof(in6));
	return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

/*
 * Has this system an address of family beyond the loopback's? getifaddrs(3) does system calls and
 * allocates for itself, but asks nobody but the kernel. If it cannot tell, the answer is yes.
 */
static bool
is_configured(int family)
{
	struct ifaddrs *list, *entry;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return true;
	for (entry = list; entry && !found; entry = entry->ifa_next)
		found = entry->ifa_addr && entry->ifa_addr->sa_family == family &&
			!is_loopback(entry->ifa_addr);
	freeifaddrs(list);
	return found;
}

/* AI_ADDRCONFIG: without an address of a family, addresses of that family are of no use. */
static int
apply_addrconfig(struct request *request)
{
	bool in = is_configured(AF_INET);
	bool in6 = is_configured(AF_INET6);

	if (request->family == AF_UNSPEC && in != in6)
		request->family = in ? AF_INET : AF_INET6;
	if ((request->family == AF_INET && !in) || (request->family == AF_INET6 && !in6))
		return FEND_EAI_NONAME;
	return 0;
}

int
fend__request_read(struct request *request, const char *host, const char *service,
		   const struct addrinfo *hints)
{
	static const struct addrinfo none;
	int r;

	if (!hints)
		hints = &none;
	memset(request, 0, sizeof(*request));
	request->flags = hints->ai_flags;
	request->family = hints->ai_family;
	if (!host && !service)
		return FEND_EAI_NONAME;
	if (hints->ai_flags & ~(KNOWN_FLAGS | fend__idn_flags))
		return FEND_EAI_BADFLAGS;
	if ((hints->ai_flags & AI_CANONNAME) && !host)
		return FEND_EAI_BADFLAGS;
	if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
	    hints->ai_family != AF_INET6)
		return FEND_EAI_FAMILY;
	if (hints->ai_flags & AI_ADDRCONFIG) {
		r = apply_addrconfig(request);
		if (r < 0)
			return r;
	}
	r = fend__kinds_read(request, service, hints);
	return r < 0 ? r : fend__host_read(request, host);
}
