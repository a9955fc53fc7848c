/* SPDX-License-Identifier: MIT */
/*
 * Addresses and their text.
 *
 * Parsing is strict: what it accepts has one meaning only, so there are no octal numbers, no short
 * forms of IPv4, no signs and nothing behind the port. Formatting is its inverse: the text of an
 * address with a port or a name parses to an equal address. That is why the backslash and a
 * leading '@' of a path, which would be taken for something else, are escaped as well, and why a
 * zone is written as its number, which does not depend on what interfaces are called today.
 *
 * A socket address is read and written as a copy of its own type, never through the storage.
 */
#include <fend/address.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#define UNIX_PREFIX "unix:"
#define UNIX_HEADER offsetof(struct sockaddr_un, sun_path)
#define UNIX_NAME_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

static void
store(const void *sockaddr, size_t size, struct fend_address *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	memcpy(&ret_address->storage, sockaddr, size);
	ret_address->size = (socklen_t)size;
}

/* How much of a socket address must be there; 0: the family has no fixed size. */
static size_t
size_of_family(sa_family_t family)
{
	switch (family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return 0;
	}
}

/* AF_UNSPEC if the address is too short to be what it says. */
static sa_family_t
family_of(const struct fend_address *address)
{
	sa_family_t family = address->storage.ss_family;

	if (address->size > sizeof(address->storage) || address->size < sizeof(family) ||
	    address->size < size_of_family(family))
		return AF_UNSPEC;
	return family;
}

/* A decimal number of n digits, max at most. */
static int
parse_number(const char *text, size_t n, uint32_t max, uint32_t *ret_number)
{
	uint64_t number = 0;
	size_t i;

	if (n == 0)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		number = number * 10 + (uint64_t)(text[i] - '0');
		if (number > max)
			return -EINVAL;
	}
	*ret_number = (uint32_t)number;
	return 0;
}

static int
parse_port(const char *text, in_port_t *ret_port)
{
	uint32_t port;
	int r = parse_number(text, strlen(text), UINT16_MAX, &port);

	if (r < 0)
		return r;
	*ret_port = htons((uint16_t)port);
	return 0;
}

/* inet_pton(3) on the n bytes at text. */
static int
parse_host(int family, const char *text, size_t n, void *ret_host)
{
	char host[INET6_ADDRSTRLEN];

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	return inet_pton(family, host, ret_host) == 1 ? 0 : -EINVAL;
}

static int
parse_zone(const char *text, size_t n, uint32_t *ret_zone)
{
	char name[IF_NAMESIZE];
	unsigned index;
	int r;

	if (n == 0)
		return -EINVAL;
	if (strspn(text, "0123456789") >= n)
		return parse_number(text, n, UINT32_MAX, ret_zone);
	if (n >= sizeof(name))
		return -ENODEV;
	memcpy(name, text, n);
	name[n] = '\0';
	r = fend__kernel->interface(name, &index);
	if (r < 0)
		return r;
	*ret_zone = index;
	return 0;
}

static int
parse_inet(const char *text, struct fend_address *ret_address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	const char *colon = strchr(text, ':');
	int r;

	if (!colon)
		return -EINVAL;
	r = parse_host(AF_INET, text, (size_t)(colon - text), &in.sin_addr);
	if (r < 0)
		return r;
	r = parse_port(colon + 1, &in.sin_port);
	if (r < 0)
		return r;
	store(&in, sizeof(in), ret_address);
	return 0;
}

static int
parse_inet6(const char *text, struct fend_address *ret_address)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const char *host = text + 1;
	const char *end = strrchr(host, ']');
	const char *host_end;
	int r;

	if (!end || end[1] != ':')
		return -EINVAL;
	host_end = memchr(host, '%', (size_t)(end - host));
	if (!host_end)
		host_end = end;
	r = parse_host(AF_INET6, host, (size_t)(host_end - host), &in6.sin6_addr);
	if (r < 0)
		return r;
	r = parse_port(end + 2, &in6.sin6_port);
	if (r < 0)
		return r;
	if (host_end != end) {
		r = parse_zone(host_end + 1, (size_t)(end - host_end - 1), &in6.sin6_scope_id);
		if (r < 0)
			return r;
	}
	store(&in6, sizeof(in6), ret_address);
	return 0;
}

static int
hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -EINVAL;
}

/* The next byte of a Unix name, which may be escaped. Moves *text past it. */
static int
parse_byte(const char **text)
{
	const char *at = *text;
	int high, low;

	if (*at != '\\') {
		*text = at + 1;
		return (unsigned char)*at;
	}
	if (at[1] != 'x')
		return -EINVAL;
	high = hex_digit(at[2]);
	low = high < 0 ? high : hex_digit(at[3]);
	if (low < 0)
		return low;
	*text = at + 4;
	return high << 4 | low;
}

static int
parse_unix(const char *text, struct fend_address *ret_address)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	bool abstract = *text == '@';
	size_t max = abstract ? UNIX_NAME_MAX : UNIX_NAME_MAX - 1;
	size_t n = 0;

	if (abstract) {
		n = 1;
		text++;
	}
	if (!*text)
		return -EINVAL;
	while (*text) {
		int byte = parse_byte(&text);

		if (byte < 0)
			return byte;
		if (byte == '\0' && !abstract)
			return -EINVAL;
		if (n == max)
			return -ENAMETOOLONG;
		un.sun_path[n++] = (char)byte;
	}
	/* A path ends with a NUL; every byte of an abstract name counts. */
	store(&un, UNIX_HEADER + n + !abstract, ret_address);
	return 0;
}

FEND_PUBLIC int
fend_address_parse(const char *text, struct fend_address *ret_address)
{
	if (!text || !ret_address)
		return -EINVAL;
	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return parse_unix(text + strlen(UNIX_PREFIX), ret_address);
	return *text == '[' ? parse_inet6(text, ret_address) : parse_inet(text, ret_address);
}

FEND_PUBLIC int
fend_address_set(const struct sockaddr *sockaddr, socklen_t size, struct fend_address *ret_address)
{
	sa_family_t family;
	size_t fixed;

	if (!sockaddr || !ret_address || size > sizeof(ret_address->storage) ||
	    size < sizeof(family))
		return -EINVAL;
	memcpy(&family, &sockaddr->sa_family, sizeof(family));
	fixed = size_of_family(family);
	if (size < fixed)
		return -EINVAL;
	store(sockaddr, fixed ? fixed : size, ret_address);
	return 0;
}

/*
 * The name in a Unix address: a path without the NUL that may follow it, an abstract name with the
 * NUL that it begins with, or nothing. Returns its length.
 */
static size_t
unix_name(const struct fend_address *address, const char **ret_name)
{
	const char *name = (const char *)&address->storage + UNIX_HEADER;
	size_t n = address->size > UNIX_HEADER ? address->size - UNIX_HEADER : 0;

	/* getsockname(2) adds a NUL to a path that fills sun_path. */
	if (n > UNIX_NAME_MAX)
		n = UNIX_NAME_MAX;
	*ret_name = name;
	return n == 0 || name[0] == '\0' ? n : strnlen(name, n);
}

static int
format_unix(const struct fend_address *address, char *text, size_t size)
{
	char buffer[sizeof(UNIX_PREFIX) + 4 * UNIX_NAME_MAX] = UNIX_PREFIX;
	char *end = buffer + strlen(UNIX_PREFIX);
	const char *name;
	size_t n = unix_name(address, &name);
	size_t i = 0;

	if (n > 0 && name[0] == '\0') {
		*end++ = '@';
		i = 1;
	}
	for (; i < n; i++) {
		unsigned char byte = (unsigned char)name[i];

		if (byte < ' ' || byte > '~' || byte == '\\' || (byte == '@' && i == 0))
			end += sprintf(end, "\\x%02x", byte);
		else
			*end++ = (char)byte;
	}
	*end = '\0';
	n = (size_t)(end - buffer);
	if (n >= size)
		return -ENOBUFS;
	memcpy(text, buffer, n + 1);
	return (int)n;
}

static int
format_inet(const struct fend_address *address, char *text, size_t size)
{
	char host[INET_ADDRSTRLEN];
	struct sockaddr_in in;

	memcpy(&in, &address->storage, sizeof(in));
	inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
	return snprintf(text, size, "%s:%u", host, ntohs(in.sin_port));
}

static int
format_inet6(const struct fend_address *address, char *text, size_t size)
{
	char host[INET6_ADDRSTRLEN];
	char zone[sizeof("%4294967295")] = "";
	struct sockaddr_in6 in6;

	memcpy(&in6, &address->storage, sizeof(in6));
	inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
	if (in6.sin6_scope_id)
		snprintf(zone, sizeof(zone), "%%%u", (unsigned)in6.sin6_scope_id);
	return snprintf(text, size, "[%s%s]:%u", host, zone, ntohs(in6.sin6_port));
}

FEND_PUBLIC int
fend_address_format(const struct fend_address *address, char *text, size_t size)
{
	int n;

	if (!address || !text)
		return -EINVAL;
	switch (family_of(address)) {
	case AF_INET:
		n = format_inet(address, text, size);
		break;
	case AF_INET6:
		n = format_inet6(address, text, size);
		break;
	case AF_UNIX:
		return format_unix(address, text, size);
	default:
		return -EAFNOSUPPORT;
	}
	return (size_t)n < size ? n : -ENOBUFS;
}

static int
order(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
inet_compare(const struct fend_address *a, const struct fend_address *b)
{
	struct sockaddr_in x, y;
	int r;

	memcpy(&x, &a->storage, sizeof(x));
	memcpy(&y, &b->storage, sizeof(y));
	r = order(ntohl(x.sin_addr.s_addr), ntohl(y.sin_addr.s_addr));
	return r ? r : order(ntohs(x.sin_port), ntohs(y.sin_port));
}

static int
inet6_compare(const struct fend_address *a, const struct fend_address *b)
{
	struct sockaddr_in6 x, y;
	int r;

	memcpy(&x, &a->storage, sizeof(x));
	memcpy(&y, &b->storage, sizeof(y));
	r = memcmp(&x.sin6_addr, &y.sin6_addr, sizeof(x.sin6_addr));
	if (!r)
		r = order(x.sin6_scope_id, y.sin6_scope_id);
	return r ? r : order(ntohs(x.sin6_port), ntohs(y.sin6_port));
}

static int
bytes_compare(const void *a, size_t a_size, const void *b, size_t b_size)
{
	int r = memcmp(a, b, a_size < b_size ? a_size : b_size);

	return r ? r : (a_size > b_size) - (a_size < b_size);
}

static int
unix_compare(const struct fend_address *a, const struct fend_address *b)
{
	const char *x, *y;
	size_t x_size = unix_name(a, &x), y_size = unix_name(b, &y);

	return bytes_compare(x, x_size, y, y_size);
}

/* How much of an address that nothing is known about can be compared. */
static size_t
raw_size(const struct fend_address *address)
{
	return address->size < sizeof(address->storage) ? address->size : sizeof(address->storage);
}

FEND_PUBLIC int
fend_address_compare(const struct fend_address *a, const struct fend_address *b)
{
	sa_family_t family;

	if (!a || !b)
		return !!a - !!b;
	family = family_of(a);
	if (family != family_of(b))
		return order(family, family_of(b));
	switch (family) {
	case AF_INET:
		return inet_compare(a, b);
	case AF_INET6:
		return inet6_compare(a, b);
	case AF_UNIX:
		return unix_compare(a, b);
	default:
		return bytes_compare(&a->storage, raw_size(a), &b->storage, raw_size(b));
	}
}

FEND_PUBLIC bool
fend_address_equal(const struct fend_address *a, const struct fend_address *b)
{
	return a && b && fend_address_compare(a, b) == 0;
}
