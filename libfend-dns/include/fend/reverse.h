/* SPDX-License-Identifier: MIT */
#ifndef FEND_REVERSE_H
#define FEND_REVERSE_H

#include <fend/address.h>
#include <fend/cleanup.h>
#include <fend/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;
struct fend_resolver;

/* An address being turned into a name. */
struct fend_reverse;

/*
 * err is 0, and then host and service are texts that belong to the reverse lookup, valid until
 * fend_reverse_free(). Otherwise they are NULL and err is
 *   FEND_EAI_BADFLAGS  unknown flags
 *   FEND_EAI_FAMILY    an address that is neither AF_INET nor AF_INET6
 *   FEND_EAI_NONAME    with NI_NAMEREQD: the address has no name
 *   FEND_EAI_AGAIN     no server could tell now
 *   FEND_EAI_SYSTEM    hosts(5) or services(5) cannot be read
 *   FEND_EAI_MEMORY    no memory
 *   -ETIMEDOUT         its own timeout has passed
 */
typedef void fend_reverse_fn(struct fend_reverse *reverse, int err, const char *host,
			     const char *service, void *data);

/*
 * Find names for an address and its port as getnameinfo(3) does, without waiting, on the loop's own
 * resolver. fn is called exactly once unless the reverse lookup, its resolver or the loop is freed
 * before: from the loop, never before this function returns.
 *
 * The name of an address comes from hosts(5), else from DNS (PTR). An address that has none, or
 * none that a host can have, comes as text, with its zone if it has one: as the interface's name if
 * it is link-local, else as a number. What a server says is not proof: whoever owns an address
 * decides what name it gives. flags are those of <netdb.h>:
 *   NI_NUMERICHOST  the address as text; nobody is asked
 *   NI_NUMERICSERV  the port as a number; services(5) is not read
 *   NI_NAMEREQD     no name is an error
 *   NI_NOFQDN       without the domain if it is that of this host, as hosts(5) and hostname(7) tell
 *   NI_DGRAM        the port is one of UDP, not of TCP
 *
 *   -EINVAL  address, fn or ret_reverse NULL, a timeout that is none
 * and at the first use of the loop's resolver those of fend_resolver_new().
 */
int fend_reverse_start(struct fend_loop *loop, const struct fend_address *address, int flags,
		       fend_time timeout, fend_reverse_fn *fn, void *data,
		       struct fend_reverse **ret_reverse);

/* The same with this resolver. */
int fend_resolver_reverse(struct fend_resolver *resolver, const struct fend_address *address,
			  int flags, fend_time timeout, fend_reverse_fn *fn, void *data,
			  struct fend_reverse **ret_reverse);

/* As fend_lookup_detail(). */
const char *fend_reverse_detail(const struct fend_reverse *reverse);

/*
 * Cancel if it still runs, and free. After it returns fn is not called. NULL does nothing. Returns
 * NULL.
 */
struct fend_reverse *fend_reverse_free(struct fend_reverse *reverse);

FEND_DEFINE_CLEANUP(fend_reverse)

#ifdef __cplusplus
}
#endif

#endif
