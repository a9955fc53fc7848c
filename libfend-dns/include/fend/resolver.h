/* SPDX-License-Identifier: MIT */
#ifndef FEND_RESOLVER_H
#define FEND_RESOLVER_H

#include <stddef.h>

#include <fend/cleanup.h>
#include <fend/lookup.h>
#include <fend/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;

/*
 * What asks name servers on behalf of lookups. A program needs none of its own: fend_lookup_start()
 * uses the loop's, made at the first lookup and freed with the loop. Make one to ask other servers
 * than the system's.
 */
struct fend_resolver;

struct fend_resolver_options {
	size_t size; /* sizeof(struct fend_resolver_options) */

	/*
	 * Servers to ask instead of those in /etc/resolv.conf, comma-separated: "192.0.2.1",
	 * "127.0.0.1:5353", "2001:db8::1", "[2001:db8::1]:53". No zones.
	 */
	const char *servers;
	fend_time try_timeout; /* how long to wait for one answer, at first; at most 1 h; 0: 2 s */
	int tries;             /* how often to ask each server, 10 at most; 0: 3 */
};

/*
 * Make a resolver on loop, from options (NULL: all defaults) and the system's configuration
 * (resolv.conf(5), hosts(5)) as it is at this moment.
 *   -EINVAL          servers that cannot be read, a time or number out of range
 *   -EMFILE -EACCES  resolv.conf(5) exists but cannot be opened: errors of open(2)
 *   FEND_EAI_SYSTEM  c-ares refuses for another reason
 */
int fend_resolver_new(struct fend_loop *loop, const struct fend_resolver_options *options,
		      struct fend_resolver **ret_resolver);

/*
 * Free a resolver. Its running lookups never call back; they stay to be freed. NULL does nothing.
 * Returns NULL.
 */
struct fend_resolver *fend_resolver_free(struct fend_resolver *resolver);

/* As fend_lookup_start(), with this resolver. */
int fend_resolver_lookup(struct fend_resolver *resolver, const char *host, const char *service,
			 const struct addrinfo *hints, fend_time timeout, fend_lookup_fn *fn,
			 void *data, struct fend_lookup **ret_lookup);

FEND_DEFINE_CLEANUP(fend_resolver)

#ifdef __cplusplus
}
#endif

#endif
