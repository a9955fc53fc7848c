/* SPDX-License-Identifier: MIT */
/*
 * A query: arguments in, an error or a list out, and in between, unless the arguments decide it
 * alone, a job at a resolver.
 *
 * It is over once and stays so. Its outcome can come from the arguments, from the job, or from its
 * owner, who gives up when the deadline has come; then the job goes on without it.
 */
#include "query.h"

#include <errno.h>
#include <netdb.h>

#include <fend/addrinfo.h>
#include <fend/error.h>

#include <fend-internal/deadline.h>

static const char *
canonical_name(const struct query *query, const char *found)
{
	if (!(query->request.flags & AI_CANONNAME))
		return NULL;
	return found ? found : query->request.host;
}

static void
finish(struct query *query, int err, const struct host_address *addresses, size_t n,
       const char *canonical)
{
	if (err == 0)
		err = fend__addrinfo_new(&query->request, addresses, n,
					 canonical_name(query, canonical), &query->addrinfo);
	query->err = err;
	query->over = true;
}

void
fend__query_init(struct query *query, const char *host, const char *service,
		 const struct addrinfo *hints)
{
	struct request *request = &query->request;
	int err = fend__request_read(request, host, service, hints);

	if (err < 0 || request->n_known > 0)
		finish(query, err, request->known, request->n_known, NULL);
}

int
fend__query_start(struct query *query, struct fend_resolver *resolver)
{
	query->resolver = fend__resolver_hold(resolver);
	return query->over ? 0 : fend__resolver_ask(resolver, query);
}

void
fend__query_answer(struct query *query, int err, const struct host_address *addresses, size_t n,
		   const char *canonical)
{
	query->job = NULL;
	finish(query, err, addresses, n, canonical);
	if (query->ended)
		query->ended(query);
}

static void
abandon(struct query *query)
{
	if (query->job)
		fend__resolver_abandon(query->job);
	query->job = NULL;
}

void
fend__query_fail(struct query *query, int err)
{
	abandon(query);
	query->err = err;
	query->over = true;
}

int
fend__query_wait(struct query *query, fend_time deadline)
{
	int r;

	while (!query->over) {
		/* c-ares waits for nothing, and has lost the question. */
		if (fend__resolver_is_idle(query->resolver)) {
			fend__query_fail(query, FEND_EAI_AGAIN);
			break;
		}
		r = fend__resolver_step(query->resolver, deadline);
		if (r < 0)
			return r;
		if (!query->over && fend__remaining(deadline) == 0)
			return -ETIMEDOUT;
	}
	return 0;
}

void
fend__query_fini(struct query *query)
{
	abandon(query);
	fend_addrinfo_free(query->addrinfo);
	if (query->resolver)
		query->resolver = fend__resolver_drop(query->resolver);
}
