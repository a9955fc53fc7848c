/* SPDX-License-Identifier: MIT */
/*
 * Lists of name servers. c-ares has parsers of its own for them, which forgive in each version
 * something else: ports out of range, an empty list, blanks. Here a list is right or wrong.
 */
#include "servers.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <fend/address.h>

#include <fend-internal/kernel.h>

#define DNS_PORT "53"

/* One address, in brackets if need be, with a port or without. */
int
fend__server_read(const char *text, struct fend_address *ret_server)
{
	struct fend_address address, *server = &address;
	bool bare_ipv6 = *text != '[' && strchr(text, ':');
	char with_port[FEND_ADDRESS_TEXT_MAX];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (fend_address_parse(text, server) < 0) {
		snprintf(with_port, sizeof(with_port),
			 bare_ipv6 ? "[%s]:" DNS_PORT : "%s:" DNS_PORT, text);
		if (fend_address_parse(with_port, server) < 0)
			return -EINVAL;
	}
	switch (server->storage.ss_family) {
	case AF_INET:
		memcpy(&in, &server->storage, sizeof(in));
		if (!in.sin_port)
			return -EINVAL;
		break;
	case AF_INET6:
		memcpy(&in6, &server->storage, sizeof(in6));
		if (!in6.sin6_port)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	*ret_server = address;
	return 0;
}

static size_t
count(const char *list)
{
	size_t n = 1;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

/* text is changed. */
static int
read_list(char *text, struct fend_address *servers)
{
	char *end;
	int r;

	for (;; text = end + 1) {
		end = strchr(text, ',');
		if (end)
			*end = '\0';
		r = fend__server_read(text, servers++);
		if (r < 0 || !end)
			return r;
	}
}

int
fend__servers_read(const char *list, struct fend_address **ret_servers, size_t *ret_n)
{
	size_t n = count(list);
	struct fend_address *servers;
	char *text;
	int r;

	if (n > SERVERS_MAX)
		return -EINVAL;
	servers = fend__calloc(n, sizeof(*servers));
	text = fend__strdup(list);
	r = servers && text ? read_list(text, servers) : -ENOMEM;
	fend__release(text);
	if (r < 0) {
		fend__release(servers);
		return r;
	}
	*ret_servers = servers;
	*ret_n = n;
	return 0;
}

socklen_t
fend__server_alias(const struct fend_address *servers, size_t i, struct sockaddr *ret_alias,
		   socklen_t size)
{
	const struct fend_address *server = &servers[i];
	struct sockaddr_in6 in6;

	if (size < server->size)
		return 0;
	memcpy(ret_alias, &server->storage, server->size);
	if (server->storage.ss_family == AF_INET6) {
		memcpy(&in6, &server->storage, sizeof(in6));
		if (in6.sin6_scope_id) {
			/* 100::/64 leads nowhere (RFC 6666), and is not link-local. */
			in6.sin6_addr = (struct in6_addr){ .s6_addr = { 0x01 } };
			in6.sin6_addr.s6_addr[15] = (uint8_t)i;
			in6.sin6_scope_id = 0;
			memcpy(ret_alias, &in6, sizeof(in6));
		}
	}
	return server->size;
}

size_t
fend__server_find(const struct fend_address *servers, size_t n, const struct sockaddr *alias)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} known;
	struct fend_address a, b;
	size_t i;

	for (i = 0; i < n; i++) {
		socklen_t size = fend__server_alias(servers, i, &known.any, sizeof(known));

		if (known.any.sa_family == alias->sa_family &&
		    fend_address_set(&known.any, size, &a) == 0 &&
		    fend_address_set(alias, size, &b) == 0 && fend_address_equal(&a, &b))
			break;
	}
	return i;
}
