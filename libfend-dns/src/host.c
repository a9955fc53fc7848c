/* SPDX-License-Identifier: MIT */
/*
 * The host of a lookup: either its addresses follow from the text, or the text is a name that may
 * be asked for. Nothing else ever gets to a name server.
 *
 * Of IPv4 the forms of inet_aton(3) are understood, "127.1" and "0x7f.1" included, as
 * getaddrinfo(3) does: a program that is to refuse them has to look before it asks.
 */
#include "request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <fend/error.h>

#include <fend-internal/kernel.h>

#include "idn.h"

#define DIGITS "0123456789"

enum {
	LABEL_SIZE_MAX = 63, /* RFC 1035, 2.3.4 */
};

/* Is [::1] there? On systems without IPv6 it is not. Connecting a datagram socket sends nothing. */
static bool
has_loopback6(void)
{
	const struct sockaddr_in6 loopback = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(53),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = fend__kernel->socket(AF_INET6, SOCK_DGRAM, 0);
	int r;

	if (fd < 0)
		return fd != -EAFNOSUPPORT;
	r = fend__kernel->connect(fd, (const struct sockaddr *)&loopback, sizeof(loopback));
	fend__close(fd);
	return r == 0;
}

static void
know(struct request *request, int family, bool wildcard)
{
	struct host_address *known = &request->known[request->n_known++];

	known->family = family;
	if (family == AF_INET)
		known->in.s_addr = htonl(wildcard ? INADDR_ANY : INADDR_LOOPBACK);
	else
		known->in6 = wildcard ? in6addr_any : in6addr_loopback;
}

/*
 * This host's own addresses, in the order that RFC 6724 gives them: ::1 first if it is there, but
 * 0.0.0.0 before ::, which counts as a form of IPv4 (section 2.1).
 */
static int
know_local(struct request *request, int family, bool wildcard)
{
	bool in_first = family == AF_UNSPEC && (wildcard || !has_loopback6());

	if (in_first)
		know(request, AF_INET, wildcard);
	if (family != AF_INET)
		know(request, AF_INET6, wildcard);
	if (family != AF_INET6 && !in_first)
		know(request, AF_INET, wildcard);
	return 0;
}

/* A literal of the other family does not do, unless it is an IPv4 address in the guise of IPv6. */
static int
adapt_family(struct host_address *address, int family)
{
	struct in_addr in;

	if (family == AF_UNSPEC || family == address->family)
		return 0;
	if (family != AF_INET || !IN6_IS_ADDR_V4MAPPED(&address->in6))
		return FEND_EAI_ADDRFAMILY;
	memcpy(&in, &address->in6.s6_addr[12], sizeof(in));
	address->family = AF_INET;
	address->in = in;
	return 0;
}

/* The zone of an IPv6 address (RFC 4007): a number, or for link-local ones an interface's name. */
static int
read_zone(const char *text, const struct in6_addr *address, uint32_t *ret_zone)
{
	unsigned long long zone;

	if (IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_MC_LINKLOCAL(address)) {
		unsigned index;

		if (fend__kernel->interface(text, &index) == 0) {
			*ret_zone = index;
			return 0;
		}
	}
	if (!*text || strlen(text) > 10 || text[strspn(text, DIGITS)])
		return FEND_EAI_NONAME;
	zone = strtoull(text, NULL, 10);
	if (zone > UINT32_MAX)
		return FEND_EAI_NONAME;
	*ret_zone = (uint32_t)zone;
	return 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
parse_ipv4(const char *text, struct host_address *address)
{
	/*
	 * inet_aton(3) alone is content with an address that is followed by a blank and anything.
	 */
	address->family = AF_INET;
	return is_digit(*text) && !text[strspn(text, DIGITS "abcdefABCDEFxX.")] &&
	       inet_aton(text, &address->in);
}

/* The n bytes at text. */
static bool
parse_ipv6(const char *text, size_t n, struct host_address *address)
{
	char copy[INET6_ADDRSTRLEN];

	if (n >= sizeof(copy) || !memchr(text, ':', n))
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	address->family = AF_INET6;
	return inet_pton(AF_INET6, copy, &address->in6) == 1;
}

/* 1: host is no literal. */
static int
read_literal(struct request *request, const char *host)
{
	struct host_address address = { 0 };
	size_t length = strcspn(host, "%");
	int r;

	if (!parse_ipv4(host, &address) && !parse_ipv6(host, length, &address))
		return 1;
	r = adapt_family(&address, fend__request_family(request));
	if (r < 0)
		return r;
	if (host[length]) {
		r = read_zone(host + length + 1, &address.in6, &address.zone);
		if (r < 0)
			return r;
	}
	request->known[request->n_known++] = address;
	return 0;
}

/* Is host this domain or below it? */
static bool
is_in_domain(const char *host, const char *domain)
{
	size_t size = strlen(domain);
	size_t length = strlen(host);

	if (length > 0 && host[length - 1] == '.')
		length--;
	if (length < size || (length > size && host[length - size - 1] != '.'))
		return false;
	return strncasecmp(host + length - size, domain, size) == 0;
}

/* Multiplied, high bits depend on all bytes, so they are folded into the low ones that are used. */
static uint64_t
add_to_hash(uint64_t hash, uint64_t word)
{
	/* Letters differ in these bits from the same in the other case. */
	hash = (hash ^ (word | 0x2020202020202020U)) * 0x9e3779b97f4a7c15U;
	return hash ^ hash >> 32;
}

size_t
fend__name_hash(const char *name, size_t length)
{
	uint64_t hash = 0, word;

	for (; length >= sizeof(word); name += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		hash = add_to_hash(hash, word);
	}
	word = 0;
	memcpy(&word, name, length);
	return (size_t)add_to_hash(hash, word);
}

/* Where the characters end that may be in the label of a host's name. */
static const char *
label_end(const char *text)
{
	static const bool may_be[UCHAR_MAX + 1] = {
		['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
		['-'] = true,         ['_'] = true,
	};

	while (may_be[(unsigned char)*text])
		text++;
	return text;
}

int
fend__host_check(const char *text)
{
	const char *label = text, *end;

	do {
		end = label_end(label);
		if (end - label > LABEL_SIZE_MAX)
			return FEND_EAI_NONAME;
		if (*end & 0x80)
			return FEND_EAI_IDN_ENCODE;
		if (end == label || (*end && *end != '.'))
			return FEND_EAI_NONAME;
		label = end + 1;
	} while (*end && *label);
	/* The final dot of an absolute name does not count. */
	return end - text > HOST_NAME_MAX_DNS ? FEND_EAI_NONAME : 0;
}

static bool
is_ascii(const char *text)
{
	for (; *text; text++)
		if (*text & 0x80)
			return false;
	return true;
}

static int
copy_host(struct request *request, const char *host)
{
	if ((request->flags & AI_IDN) && !is_ascii(host))
		return fend__idn_encode(host, request->host);
	if (strlen(host) >= sizeof(request->host))
		return FEND_EAI_NONAME;
	strcpy(request->host, host);
	return 0;
}

int
fend__host_read(struct request *request, const char *host)
{
	int r;

	if (!host)
		return know_local(request, request->family, request->flags & AI_PASSIVE);
	r = copy_host(request, host);
	if (r < 0)
		return r;
	host = request->host;
	r = read_literal(request, host);
	if (r <= 0)
		return r;
	if (request->flags & AI_NUMERICHOST)
		return FEND_EAI_NONAME;
	r = fend__host_check(host);
	if (r < 0)
		return r;
	/*
	 * Names of Tor say to those who are not meant to hear them where somebody goes: RFC 7686,
	 * 2.
	 */
	if (is_in_domain(host, "onion"))
		return FEND_EAI_NONAME;
	if (!is_in_domain(host, "localhost")) /* RFC 6761, 6.3 */
		return 0;
	return know_local(request, fend__request_family(request), false);
}
