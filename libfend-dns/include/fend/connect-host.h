/* SPDX-License-Identifier: MIT */
#ifndef FEND_CONNECT_HOST_H
#define FEND_CONNECT_HOST_H

#include <fend/connect.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo; /* <netdb.h> */
struct fend_loop;
struct fend_resolver;

/*
 * Connect to a host by its name: a race as in <fend/connect.h>, which is fed with the host's
 * addresses as they are found (RFC 8305, Happy Eyeballs). IPv6 and IPv4 addresses are asked for at
 * the same time. Should those of IPv4 be there first, IPv6 gets 50 ms more before the race begins
 * without it; an answer that there are none ends that wait, and addresses that come later still
 * join. Of each family no more than 32 are tried. One timeout, that of the options, is over all of
 * it.
 *
 * host: a name or an address as for fend_lookup_start(); or "unix:/path" and "unix:@name", as
 * fend_address_parse() reads them, for which service is not used and may be NULL. service: a port
 * or a name of services(5). The connect is used, and freed at any time, like every other, but
 * fend_connect_add(), _last() and _set_feeder() are not for the caller.
 *
 * hints (<netdb.h>): as for fend_lookup_start(), as far as they say what to connect to: ai_family,
 * AF_UNSPEC or the one family to try, and of ai_flags AI_ADDRCONFIG, AI_IDN, AI_NUMERICHOST and
 * AI_NUMERICSERV. NULL is a hint of all zeros. The connection is one of TCP, so ai_socktype and
 * ai_protocol may say just that. For Unix names hints are not used.
 *
 * fn is told the errors of fend_connect_fn and, if there was no address to try, why:
 *   FEND_EAI_...    those of fend_lookup_fn
 *   -EINVAL -ENAMETOOLONG -ENOMEM  the Unix name cannot be read; no memory for an address
 * When both families fail, what may be different another time (FEND_EAI_AGAIN and the like) is told
 * rather than that there are no such addresses. Mistakes in host, service and hints are told by fn
 * as well: FEND_EAI_BADFLAGS for other flags, FEND_EAI_SOCKTYPE for what is not TCP.
 *
 * Returns the errors of fend_connect_new(), -EINVAL if host is NULL or service is where it is
 * needed, and, when the loop's resolver is made, those of fend_resolver_new().
 */
int fend_connect_host(struct fend_loop *loop, const char *host, const char *service,
		      const struct addrinfo *hints, const struct fend_connect_options *options,
		      fend_connect_fn *fn, void *data, struct fend_connect **ret_connect);

/*
 * The same with this resolver, on its loop. If the resolver is freed meanwhile, the race makes do
 * with the addresses it has, until the timeout.
 */
int fend_resolver_connect(struct fend_resolver *resolver, const char *host, const char *service,
			  const struct addrinfo *hints, const struct fend_connect_options *options,
			  fend_connect_fn *fn, void *data, struct fend_connect **ret_connect);

#ifdef __cplusplus
}
#endif

#endif
