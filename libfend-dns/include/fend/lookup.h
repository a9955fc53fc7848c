/* SPDX-License-Identifier: MIT */
#ifndef FEND_LOOKUP_H
#define FEND_LOOKUP_H

#include <fend/addrinfo.h>
#include <fend/cleanup.h>
#include <fend/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;

/* One name being resolved. */
struct fend_lookup;

/*
 * err is 0, and then addrinfo is the list, which the lookup owns: it is valid until
 * fend_lookup_free() unless fend_lookup_take() takes it away. Otherwise addrinfo is NULL and err a
 * FEND_EAI_ code or
 *   -ETIMEDOUT  the lookup's own timeout has passed
 */
typedef void fend_lookup_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo,
			    void *data);

/*
 * Start to resolve host and service as getaddrinfo(3) does, without waiting, on the loop's own
 * resolver. fn is called exactly once unless the lookup, its resolver or the loop is freed before:
 * from the loop, or within fend_lookup_wait(), never before this function returns. The handle stays
 * until fend_lookup_free(), which fn may call.
 *
 * host and service: not both NULL. host NULL is the loopback addresses, or with AI_PASSIVE the
 * wildcard ones. service is decimal or a name of services(5). hints: ai_flags, ai_family,
 * ai_socktype and ai_protocol count; NULL is a hint of all zeros, so that there is one entry per
 * address and kind of socket. Understood are AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST,
 * AI_NUMERICSERV, AI_ADDRCONFIG, AI_V4MAPPED and AI_ALL; other flags are FEND_EAI_BADFLAGS.
 *
 * host may be an address: IPv4, also in the short forms of inet_aton(3), or IPv6, also with a zone.
 * Names come from hosts(5) and then DNS, by way of c-ares, ordered by RFC 6724; neither nsswitch
 * modules nor threads take part, and nothing blocks but reading small files (hosts(5), services(5),
 * resolv.conf(5)). A name in hosts(5) has the addresses that are there, of whatever family, and no
 * others. The search list is gone through once for both families. localhost and what ends in
 * .localhost is the loopback address without asking (RFC 6761), and what ends in .onion is not
 * asked for (RFC 7686). docs/getaddrinfo.md tells where this differs from the C library's.
 *
 * A name beyond ASCII needs AI_IDN, and is then UTF-8 in every locale; with AI_CANONIDN the
 * canonical name is as well. Otherwise it is FEND_EAI_IDN_ENCODE. Both flags need a <netdb.h> that
 * has them, which musl's does not, and a fend that was built with libidn2; without that they are
 * FEND_EAI_BADFLAGS.
 *
 * Mistakes that need no name server (FEND_EAI_BADFLAGS, _SERVICE, ...) are told by the callback as
 * well, so there is one place to handle them.
 *   -EINVAL  fn or ret_lookup NULL, a timeout that is none
 * and at the first lookup those of fend_resolver_new().
 */
int fend_lookup_start(struct fend_loop *loop, const char *host, const char *service,
		      const struct addrinfo *hints, fend_time timeout, fend_lookup_fn *fn,
		      void *data, struct fend_lookup **ret_lookup);

/*
 * Wait for the lookup, blocking this thread, without running the loop: nobody is called back but
 * this lookup's fn, before this returns (fn may free the lookup). Other lookups that end meanwhile
 * are told by the loop as usual.
 *   0           it has ended, now or earlier, whatever the outcome
 *   -ETIMEDOUT  timeout has passed and it still runs
 *   -ESHUTDOWN  its resolver was freed before fn was called
 *   -errno      the kernel refused to wait; nothing is lost
 */
int fend_lookup_wait(struct fend_lookup *lookup, fend_time timeout);

/*
 * Take the result away: the caller frees it with fend_addrinfo_free(). NULL if there is none, if fn
 * has not been called yet, or if it was taken.
 */
struct addrinfo *fend_lookup_take(struct fend_lookup *lookup);

/*
 * Once fn was called with an error: one line for people that says more than fend_strerror(), such
 * as what was asked of which server and what it said ("NXDOMAIN from 192.0.2.1:53 for name.test
 * AAAA"). It belongs to the lookup. NULL if there is nothing to add; nothing is promised about the
 * text.
 */
const char *fend_lookup_detail(const struct fend_lookup *lookup);

/*
 * Cancel if it still runs, and free. After it returns fn is not called. NULL does nothing. Returns
 * NULL.
 */
struct fend_lookup *fend_lookup_free(struct fend_lookup *lookup);

FEND_DEFINE_CLEANUP(fend_lookup)

#ifdef __cplusplus
}
#endif

#endif
