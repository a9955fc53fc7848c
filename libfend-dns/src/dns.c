/* SPDX-License-Identifier: MIT */
/* The blocking lookup: a query on a resolver of its own, which nothing but this call drives. */
#include <fend/dns.h>

#include <errno.h>

#include <fend-internal/deadline.h>
#include <fend-internal/public.h>

#include "query.h"

static int
resolve(struct query *query, fend_time deadline)
{
	static const struct fend_resolver_options defaults;
	struct fend_resolver *resolver;
	int r;

	r = fend__resolver_open(NULL, &defaults, &resolver);
	if (r < 0)
		return r;
	fend__query_start(query, resolver);
	r = fend__query_wait(query, deadline);
	fend_resolver_free(resolver);
	return r;
}

FEND_PUBLIC int
fend_dns_lookup(const char *host, const char *service, const struct addrinfo *hints,
		fend_time timeout, struct addrinfo **ret_addrinfo)
{
	struct query query = { 0 };
	int r = 0;

	if (!ret_addrinfo || !fend__timeout_valid(timeout))
		return -EINVAL;
	fend__query_init(&query, host, service, hints);
	if (!query.over)
		r = resolve(&query, fend__deadline(timeout));
	if (r == 0)
		r = query.err;
	if (r == 0) {
		*ret_addrinfo = query.addrinfo;
		query.addrinfo = NULL;
	}
	fend__query_fini(&query);
	return r;
}
