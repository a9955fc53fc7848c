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
static int
read_server(const char *text, struct fend_address *server)
{
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
		return in.sin_port ? 0 : -EINVAL;
	case AF_INET6:
		/* c-ares has no place for a zone where it takes addresses. */
		memcpy(&in6, &server->storage, sizeof(in6));
		return in6.sin6_port && !in6.sin6_scope_id ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
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
		r = read_server(text, servers++);
		if (r < 0 || !end)
			return r;
	}
}

int
fend__servers_read(const char *list, struct fend_address **ret_servers, size_t *ret_n)
{
	size_t n = count(list);
	struct fend_address *servers = fend__calloc(n, sizeof(*servers));
	char *text = fend__strdup(list);
	int r = servers && text ? read_list(text, servers) : -ENOMEM;

	fend__release(text);
	if (r < 0) {
		fend__release(servers);
		return r;
	}
	*ret_servers = servers;
	*ret_n = n;
	return 0;
}
