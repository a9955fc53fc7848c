/* SPDX-License-Identifier: MIT */
/*
 * The PROXY protocol, versions 1 and 2, as HAProxy's doc/proxy-protocol.txt specifies it: a pure
 * function from the first bytes of a connection to who has connected.
 *
 * Version 1 is a line of at most 107 bytes with its CRLF. It is read strictly: single spaces,
 * addresses as inet_pton(3) takes them, ports in decimal without leading zeros. Of an UNKNOWN line
 * everything up to the CRLF is ignored.
 *
 * Version 2 is 16 bytes, then addresses of at most 216, then extensions (TLVs), up to 65535 bytes
 * in all. Extensions are not looked at: the length tells the caller how many bytes to skip.
 *
 * Bytes are refused as soon as no header can begin with them, so that whoever speaks another
 * protocol need not wait for a timeout.
 */
#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#define V1_MAX 107
#define V1_START "PROXY "

#define V2_START "\r\n\r\n\0\r\nQUIT\n"
#define V2_START_SIZE (sizeof(V2_START) - 1)
#define V2_FIXED 16
#define V2_UNIX_PATH 108

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21 };

_Static_assert(PROXY_MAX >= V2_FIXED + 2 * V2_UNIX_PATH && PROXY_MAX >= V1_MAX, "PROXY_MAX");

/* The next word of a line, up to a space or the end; NULL if there is none, or none that fits. */
static const char *
word(const char **at, const char *end, char *buffer, size_t size)
{
	const char *from = *at;
	const char *space = memchr(from, ' ', (size_t)(end - from));
	const char *to = space ? space : end;
	size_t length = (size_t)(to - from);

	if (length == 0 || length >= size || memchr(from, '\0', length))
		return NULL;
	memcpy(buffer, from, length);
	buffer[length] = '\0';
	*at = space ? space + 1 : end;
	return buffer;
}

/* A port in decimal, or -1. */
static long
port(const char *text)
{
	long value = 0;
	const char *digit;

	if (!text || (text[0] == '0' && text[1]))
		return -1;
	for (digit = text; *digit; digit++) {
		if (*digit < '0' || *digit > '9' || value > UINT16_MAX)
			return -1;
		value = value * 10 + (*digit - '0');
	}
	return value <= UINT16_MAX ? value : -1;
}

static void
set_inet(struct fend_address *address, const void *host, uint16_t network_port)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&address->storage;

	sin->sin_family = AF_INET;
	memcpy(&sin->sin_addr, host, sizeof(sin->sin_addr));
	sin->sin_port = network_port;
	address->size = sizeof(*sin);
}

static void
set_inet6(struct fend_address *address, const void *host, uint16_t network_port)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&address->storage;

	sin6->sin6_family = AF_INET6;
	memcpy(&sin6->sin6_addr, host, sizeof(sin6->sin6_addr));
	sin6->sin6_port = network_port;
	address->size = sizeof(*sin6);
}

/* What follows "PROXY TCP4 " or "PROXY TCP6 ": source, destination, and their ports. */
static int
parse_v1_addresses(const char *at, const char *end, int family, struct proxy *proxy)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr source, destination;
	long source_port;

	if (!word(&at, end, text, sizeof(text)) || inet_pton(family, text, &source) != 1 ||
	    !word(&at, end, text, sizeof(text)) || inet_pton(family, text, &destination) != 1)
		return -EPROTO;
	source_port = port(word(&at, end, text, sizeof(text)));
	/* Nothing may follow the last word, not even a space. */
	if (source_port < 0 || port(word(&at, end, text, sizeof(text))) < 0 || at != end ||
	    end[-1] == ' ')
		return -EPROTO;
	proxy->known = true;
	if (family == AF_INET)
		set_inet(&proxy->peer, &source, htons((uint16_t)source_port));
	else
		set_inet6(&proxy->peer, &source, htons((uint16_t)source_port));
	return 0;
}

static int
parse_v1(const char *data, size_t size, struct proxy *proxy)
{
	const char *at = data + sizeof(V1_START) - 1;
	size_t limit = size < V1_MAX ? size : V1_MAX;
	const char *end = memchr(data, '\r', limit);
	char protocol[8];
	const char *lf = memchr(data, '\n', limit);

	if (lf && (!end || lf != end + 1))
		return -EPROTO;
	if (end && end + 1 < data + limit && !lf)
		return -EPROTO;
	if (!lf)
		return size < V1_MAX ? -EAGAIN : -EPROTO;
	proxy->length = (size_t)(lf + 1 - data);
	if (!word(&at, end, protocol, sizeof(protocol)))
		return -EPROTO;
	if (strcmp(protocol, "UNKNOWN") == 0)
		return 0;
	if (strcmp(protocol, "TCP4") == 0)
		return parse_v1_addresses(at, end, AF_INET, proxy);
	if (strcmp(protocol, "TCP6") == 0)
		return parse_v1_addresses(at, end, AF_INET6, proxy);
	return -EPROTO;
}

/* A path ends at its NUL; an abstract name, which begins with one, before the NULs that fill it. */
static void
set_unix(struct fend_address *address, const unsigned char *path)
{
	struct sockaddr_un *sun = (struct sockaddr_un *)&address->storage;
	size_t size = V2_UNIX_PATH;

	if (path[0])
		size = strnlen((const char *)path, V2_UNIX_PATH);
	while (size > 0 && !path[size - 1])
		size--;
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, path, size);
	address->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
	if (path[0] && size < sizeof(sun->sun_path))
		address->size++;
}

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) >= V2_UNIX_PATH ||
		       sizeof(struct sockaddr_storage) >=
			       offsetof(struct sockaddr_un, sun_path) + V2_UNIX_PATH,
	       "a Unix address of the protocol fits");

/* The peer's address, of a header that has all its addresses. */
static void
set_peer(const unsigned char *data, struct proxy *proxy)
{
	const unsigned char *addresses = data + V2_FIXED;
	uint16_t source_port;

	proxy->known = true;
	switch (data[13] >> 4) {
	case 1:
		memcpy(&source_port, addresses + 8, sizeof(source_port));
		set_inet(&proxy->peer, addresses, source_port);
		break;
	case 2:
		memcpy(&source_port, addresses + 32, sizeof(source_port));
		set_inet6(&proxy->peer, addresses, source_port);
		break;
	default:
		set_unix(&proxy->peer, addresses);
		break;
	}
}

static int
parse_v2(const unsigned char *data, size_t size, struct proxy *proxy)
{
	static const size_t addresses[] = { 0, 12, 36, 2 * V2_UNIX_PATH };
	unsigned family, transport;
	size_t rest;

	if (size > 12 && data[12] != V2_LOCAL && data[12] != V2_PROXY)
		return -EPROTO;
	if (size < V2_FIXED)
		return -EAGAIN;
	rest = (size_t)data[14] << 8 | data[15];
	proxy->length = V2_FIXED + rest;
	if (data[12] == V2_LOCAL)
		return 0;
	family = data[13] >> 4;
	transport = data[13] & 15;
	if (family >= sizeof(addresses) / sizeof(addresses[0]) || transport > 2 ||
	    rest < addresses[family])
		return -EPROTO;
	if (family == 0 || transport == 0)
		return 0;
	if (size < V2_FIXED + addresses[family])
		return -EAGAIN;
	set_peer(data, proxy);
	return 0;
}

/* Could bytes that begin with data begin with start? */
static bool
begins(const void *data, size_t size, const char *start, size_t start_size)
{
	return memcmp(data, start, size < start_size ? size : start_size) == 0;
}

int
fend__proxy_parse(const void *data, size_t size, struct proxy *ret_proxy)
{
	struct proxy proxy = { 0 };
	int r;

	if (size == 0)
		return -EAGAIN;
	if (begins(data, size, V1_START, sizeof(V1_START) - 1))
		r = size < sizeof(V1_START) ? -EAGAIN : parse_v1(data, size, &proxy);
	else if (begins(data, size, V2_START, V2_START_SIZE))
		r = size < V2_START_SIZE ? -EAGAIN : parse_v2(data, size, &proxy);
	else
		r = -EPROTO;
	if (r >= 0)
		*ret_proxy = proxy;
	return r;
}
