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
#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "idn.h"

/* What to tell as the canonical name; *ret_decoded, maybe the same, is to be released. */
static int
canonical_name(const struct query *query, const char *found, const char **ret_name,
	       char **ret_decoded)
{
	int flags = query->request.flags;
	int err;

	if (!(flags & AI_CANONNAME))
		return 0;
	*ret_name = found ? found : query->request.host;
	if (!(flags & AI_CANONIDN))
		return 0;
	err = fend__idn_decode(*ret_name, ret_decoded);
	*ret_name = *ret_decoded;
	return err;
}

static void
finish(struct query *query, int err, const struct host_address *addresses, size_t n,
       const char *found)
{
	const char *name = NULL;
	char *decoded = NULL;

	if (err == 0)
		err = canonical_name(query, found, &name, &decoded);
	if (err == 0)
		err = fend__addrinfo_new(&query->request, addresses, n, name, &query->addrinfo);
	fend__release(decoded);
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

static void
on_job(struct job *job, int err, const struct host_address *addresses, size_t n,
       const char *canonical)
{
	struct query *query = fend__container_of(job, struct query, job);

	query->detail = job->detail;
	job->detail = NULL;
	finish(query, err, addresses, n, canonical);
	if (query->ended)
		query->ended(query);
}

void
fend__query_start(struct query *query, struct fend_resolver *resolver)
{
	query->resolver = fend__resolver_hold(resolver);
	if (query->over)
		return;
	query->job.fn = on_job;
	query->job.request = &query->request;
	fend__job_start(&query->job, resolver);
}

void
fend__query_fail(struct query *query, int err)
{
	if (query->over)
		return;
	query->detail = fend__job_describe(&query->job);
	fend__job_end(&query->job);
	query->err = err;
	query->over = true;
}

int
fend__query_wait(struct query *query, fend_time deadline)
{
	int r;

	while (!query->over) {
		r = fend__channel_step(query->job.tenant.channel, deadline);
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
	fend__job_end(&query->job);
	fend_addrinfo_free(query->addrinfo);
	fend__release(query->detail);
	if (query->resolver)
		query->resolver = fend__resolver_drop(query->resolver);
}
