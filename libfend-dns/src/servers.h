/* SPDX-License-Identifier: MIT */
#ifndef FEND_SERVERS_H
#define FEND_SERVERS_H

#include <stddef.h>
#include <sys/socket.h>

struct fend_address;

enum {
	SERVERS_MAX = 64,
};

/* One server: "192.0.2.1", "127.0.0.1:5353", "2001:db8::1", "[fe80::1%eth0]:53". -EINVAL. */
int fend__server_read(const char *text, struct fend_address *ret_server);

/*
 * Read a list of name servers, as in fend_resolver_options, into addresses of IPv4 and IPv6, to be
 * released. -EINVAL, -ENOMEM.
 */
int fend__servers_read(const char *list, struct fend_address **ret_servers, size_t *ret_n);

/*
 * The address that c-ares knows servers[i] by: its own, except that one with a zone, for which
 * c-ares has no place, gets another. Its size; 0: size is too small.
 */
socklen_t fend__server_alias(const struct fend_address *servers, size_t i,
			     struct sockaddr *ret_alias, socklen_t size);
/* The server that is known by an alias; n: none. */
size_t fend__server_find(const struct fend_address *servers, size_t n,
			 const struct sockaddr *alias);

#endif
