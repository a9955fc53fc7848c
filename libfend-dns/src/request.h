/* SPDX-License-Identifier: MIT */
#ifndef FEND_REQUEST_H
#define FEND_REQUEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addrinfo;

/* A host's address before it is combined with ports and kinds of socket. */
struct host_address {
	int family;
	uint32_t zone; /* IPv6 scope id */
	union {
		struct in_addr in;
		struct in6_addr in6;
	};
};

/* A kind of socket that the caller can make for an address. */
struct socket_kind {
	short socktype;
	in_port_t port; /* in network order */
	int protocol;
};

enum {
	HOST_NAME_MAX_DNS = 253, /* RFC 1035, 2.3.4, as text without the final dot */
	HOST_SIZE = HOST_NAME_MAX_DNS + 2,
	SOCKET_KINDS_MAX = 6,
};

/* What is asked for: the arguments of a lookup, checked and taken apart. */
struct request {
	int flags;  /* AI_ */
	int family; /* of the result; AF_UNSPEC: any */
	struct socket_kind kinds[SOCKET_KINDS_MAX];
	size_t n_kinds;
	char host[HOST_SIZE]; /* "": none was given */

	/* The addresses, if they follow from the text alone; none: ask hosts(5) and DNS. */
	struct host_address known[2];
	size_t n_known;
};

/*
 * hints.c: read the arguments of a lookup. 0 or a FEND_EAI_ code. It blocks at most for a look into
 * /etc/services.
 */
int fend__request_read(struct request *request, const char *host, const char *service,
		       const struct addrinfo *hints);

/*
 * host.c: fill in the request's host, and its addresses if they are known. 0 or a FEND_EAI_ code.
 */
int fend__host_read(struct request *request, const char *host);
/* Of a name, without regard to case. */
size_t fend__name_hash(const char *name, size_t length);
/* Is text a host name, in ASCII, that may go to DNS and come from it? 0 or a FEND_EAI_ code. */
int fend__host_check(const char *text);

/* kinds.c: fill in the kinds of socket. 0 or a FEND_EAI_ code. */
int fend__kinds_read(struct request *request, const char *service, const struct addrinfo *hints);

/* Of which family to ask for addresses: both, if one is to be mapped to the other. */
int fend__request_family(const struct request *request);

/*
 * addrinfo.c: the list that answers the request with these addresses, in their order. canonical
 * may be NULL. 0 or a FEND_EAI_ code; FEND_EAI_NODATA if no address is of the family asked for.
 */
int fend__addrinfo_new(const struct request *request, const struct host_address *addresses,
		       size_t n, const char *canonical, struct addrinfo **ret_addrinfo);

#endif
