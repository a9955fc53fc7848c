/* SPDX-License-Identifier: MIT */
#ifndef FEND_RESOLVER_H
#define FEND_RESOLVER_H

#include <stdbool.h>
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
 * than the system's, to ask in another way, or to do without a loop.
 *
 * It reads resolv.conf(5) and hosts(5) when it is made or first used, and again when they have
 * changed: it looks at them when something is to be looked up, at most once a second, and so at the
 * addresses of this host, where their kinds decide an order. Lookups that run then go on as they
 * began. If a file is there but cannot be read, what was read before counts; a hosts(5) that never
 * was is FEND_EAI_SYSTEM, and tried again by each lookup. Lookups that ask the same at the same time
 * share one question.
 *
 * Questions of the same time go to a server over one socket, from a port that the system has chosen
 * at random. Later ones go over another; if there is only one server, after a second at the latest.
 *
 * A question that was sent comes to its end although nobody waits for it any more: it is asked
 * again as often as it would have been, keeps a descriptor and wakes the loop meanwhile, and its
 * answer may be kept. Freeing the resolver ends that at once.
 */
struct fend_resolver;

struct fend_resolver_options {
	size_t size; /* sizeof(struct fend_resolver_options) */

	/*
	 * Servers to ask instead of those in resolv.conf(5), comma-separated, at most 64:
	 * "192.0.2.1", "127.0.0.1:5353", "2001:db8::1", "[2001:db8::1]:53", with a zone
	 * "[fe80::1%eth0]:53".
	 */
	const char *servers;
	/*
	 * How long to wait for one answer, at first; at most 1 h; 0: as resolv.conf(5) says, 2 s.
	 */
	fend_time try_timeout;
	/* How often to ask each server, 10 at most; 0: as resolv.conf(5) says, 3. */
	int tries;

	const char *resolv_conf; /* the path of another file; NULL: /etc/resolv.conf */
	const char *hosts;       /* NULL: /etc/hosts; "/dev/null": none */
	/*
	 * Begin with another server each time instead of the first, to spread the load. The option
	 * "rotate" of resolv.conf(5) does it as well.
	 */
	bool rotate;
	/*
	 * How long a datagram may be that a server sends (EDNS, RFC 6891): 512 to 4096; 0: 1232;
	 * -1: do without EDNS. Longer answers come over TCP.
	 */
	int edns_size;
	/*
	 * Use answers again as long as their time to live allows, but not longer than this; 0: ask
	 * anew each time, as getaddrinfo(3) does. Of errors nothing is kept.
	 */
	fend_time keep_max;
};

/*
 * Make a resolver on loop, from options (NULL: all defaults) and the system's configuration. loop
 * may be NULL: then nothing happens but in fend_resolver_process() and fend_lookup_wait().
 *   -EINVAL          servers that cannot be read, a time or number out of range; resolv.conf(5) is
 *                    no regular file
 *   -E2BIG           options hold a field this version of fend does not know
 *   -EMFILE -EACCES  resolv.conf(5) exists but cannot be opened: errors of open(2)
 *   -EFBIG           it is longer than 64 MiB
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

/*
 * Forget the answers that are kept (keep_max) and what was known of this host's addresses, and read
 * resolv.conf(5) and hosts(5) again before the next lookup, changed or not.
 */
int fend_resolver_flush(struct fend_resolver *resolver);

/*
 * For a resolver without a loop, to be driven by a loop that is not fend's: the descriptor is
 * readable whenever fend_resolver_process() has something to do, timeouts included. It stays the
 * same and belongs to the resolver.
 *   -EINVAL   the resolver is on a loop of the caller's, which drives it
 *   -ENOTSUP  this system has no such descriptor (epoll)
 *   -EMFILE   and others of fend_loop_fd()
 */
int fend_resolver_fd(struct fend_resolver *resolver);
/*
 * Do what can be done without waiting: callbacks of lookups run in here. They may free everything,
 * the resolver included.
 *   -EINVAL     the resolver is on a loop of the caller's
 *   -EBUSY      it is called in one of these callbacks
 *   -ESHUTDOWN  a callback has freed the resolver
 */
int fend_resolver_process(struct fend_resolver *resolver);

FEND_DEFINE_CLEANUP(fend_resolver)

#ifdef __cplusplus
}
#endif

#endif
