/* SPDX-License-Identifier: MIT */
/*
 * The front of a lookup: what getaddrinfo(3) decides before it asks anybody. Which of several
 * mistakes is told, and what follows from the flags, are as with glibc, except that what glibc
 * reads loosely is an error here: a port is decimal, at most 65535, without sign and blanks, and a
 * hint of NULL is all zeros, as POSIX has it, not AI_V4MAPPED | AI_ADDRCONFIG.
 */
#include "request.h"

#include <netdb.h>
#include <string.h>

#include <fend/error.h>

#include "idn.h"
#include "interfaces.h"

enum {
	KNOWN_FLAGS = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_ADDRCONFIG |
		      AI_V4MAPPED | AI_ALL,
};

static bool
is_loopback(const struct host_address *address)
{
	if (address->family == AF_INET)
		return ntohl(address->in.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&address->in6);
}

/* Is there an address of family beyond the loopback's? */
static bool
is_configured(const struct interfaces *interfaces, int family)
{
	size_t i;

	for (i = 0; i < interfaces->n; i++) {
		const struct host_address *address = &interfaces->addresses[i].address;

		if (address->family == family && !is_loopback(address))
			return true;
	}
	return false;
}

/*
 * AI_ADDRCONFIG: without an address of a family, addresses of that family are of no use. If the
 * kernel cannot tell which there are, all may be.
 */
static int
apply_addrconfig(struct request *request)
{
	struct interfaces interfaces;
	bool in, in6;

	if (fend__interfaces_read(&interfaces) < 0)
		return 0;
	in = is_configured(&interfaces, AF_INET);
	in6 = is_configured(&interfaces, AF_INET6);
	fend__interfaces_clear(&interfaces);
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
