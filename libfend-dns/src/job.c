/* SPDX-License-Identifier: MIT */
/*
 * Jobs: from a host's name to its addresses.
 *
 * hosts(5) comes first and is asked once, for both families: a name that is there has the addresses
 * that are there, and DNS is not asked to add those of a family that is missing. Then comes DNS,
 * with each name that the search list makes of it in turn, and again both families count as one
 * step: the search ends at the first name that has addresses, be they of the wrong family.
 * Otherwise a lookup of IPv6 for a host with IPv4 alone would go on and find another host's
 * addresses. So where one family is asked for, a name without addresses of it is asked for the
 * other before the next.
 *
 * What is told if nothing is found is as with the C library: the error of the name as it was given
 * if that came first, else that a name without addresses exists, else that a server failed.
 */
#include "job.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include <fend/error.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "config.h"
#include "detail.h"
#include "hosts.h"
#include "message.h"
#include "sort.h"

enum {
	RCODE_SERVFAIL = 2,
};

static void
half_clear(struct half *half)
{
	fend__asker_cancel(&half->asker);
	half->pending = false;
	half->err = 0;
	half->rcode = 0;
	half->addresses = fend__release(half->addresses);
	half->canonical = fend__release(half->canonical);
	half->n = 0;
}

void
fend__job_end(struct job *job)
{
	half_clear(&job->halves[0]);
	half_clear(&job->halves[1]);
	job->detail = fend__release(job->detail);
	fend__resolver_leave(&job->tenant);
}

/* The job, and all else, may be gone afterwards. */
static void
finish(struct job *job, int err, const struct host_address *addresses, size_t n,
       const char *canonical)
{
	fend__resolver_leave(&job->tenant);
	job->fn(job, err, addresses, n, canonical);
}

/* Append those of b, which may have none, to those of a, which has some. */
static int
join(struct half *a, const struct half *b)
{
	struct host_address *grown;

	if (b->n == 0)
		return 0;
	grown = fend__resize(a->addresses, (size_t)a->n + b->n, sizeof(*grown));
	if (!grown)
		return FEND_EAI_MEMORY;
	memcpy(grown + a->n, b->addresses, b->n * sizeof(*grown));
	a->addresses = grown;
	a->n += b->n;
	return 0;
}

static void
finish_found(struct job *job)
{
	struct half *in6 = &job->halves[0], *in = &job->halves[1];
	struct half *first = in->n ? in : in6, *all = in6->n ? in6 : in;
	int err = 0;

	/* Who asks for a host's name is to get one, whatever a server says (CVE-2021-3672). */
	if ((job->request->flags & AI_CANONNAME) && !first->canonical)
		err = FEND_EAI_FAIL;
	else if (all == in6)
		err = join(in6, in);
	if (err == 0)
		fend__addresses_sort(all->addresses, all->n, job->resolver,
				     fend__channel_sources(job->tenant.channel));
	finish(job, err, all->addresses, all->n, first->canonical);
}

/* Of two errors the one that leaves less known. */
static struct half *
worse(struct half *a, struct half *b)
{
	static const int order[] = { FEND_EAI_MEMORY, FEND_EAI_SYSTEM, FEND_EAI_AGAIN,
				     FEND_EAI_FAIL, FEND_EAI_NONAME };
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (a->err == order[i])
			return a;
		if (b->err == order[i])
			return b;
	}
	return a->err ? a : b;
}

/* This is what to tell in the end. */
static void
decide(struct job *job, const struct half *half)
{
	const struct answer answer = {
		.err = half->err,
		.silent = half->is_silent,
		.rcode = half->rcode,
		.server = half->server,
		.size = half->has_message,
	};

	job->err = half->err;
	fend__release(job->detail);
	job->detail = fend__answer_describe(&answer, fend__channel_config(job->tenant.channel),
					    job->name, half->type);
}

static int
rank(int err)
{
	if (err == FEND_EAI_NODATA)
		return 2;
	return err == FEND_EAI_AGAIN;
}

/* Remember why this name has no addresses, in case that no other has. */
static void
consider(struct job *job, const struct half *half)
{
	if (!job->is_decided && (!job->err || rank(half->err) > rank(job->err)))
		decide(job, half);
	job->is_decided |= job->is_first;
}

static void ask_next(struct job *job);
static void ask(struct job *job, int family);

static void
give_up_name(struct job *job, struct half *half)
{
	bool may_go_on = half->err == FEND_EAI_NONAME || half->err == FEND_EAI_NODATA ||
			 half->rcode == RCODE_SERVFAIL; /* it may know the next */

	if (may_go_on)
		consider(job, half);
	else
		decide(job, half);
	if (may_go_on && fend__search_has_next(&job->search))
		ask_next(job);
	else
		finish(job, job->err, NULL, 0, NULL);
}

static void
on_all(struct job *job)
{
	struct half *in6 = &job->halves[0], *in = &job->halves[1], *wanted;
	int family = fend__request_family(job->request);
	bool has_addresses = in6->n + in->n > 0;

	if (has_addresses && !job->probing) {
		finish_found(job);
		return;
	}
	if (family == AF_UNSPEC) {
		give_up_name(job, worse(in6, in));
		return;
	}
	wanted = family == AF_INET ? in : in6;
	if (has_addresses) {
		/* This host is the one, and it has no address of the family wanted. */
		decide(job, wanted);
		finish(job, job->err, NULL, 0, NULL);
	} else if (!job->probing && wanted->err == FEND_EAI_NODATA &&
		   fend__search_has_next(&job->search)) {
		job->probing = true;
		ask(job, family == AF_INET ? AF_INET6 : AF_INET);
	} else {
		give_up_name(job, wanted);
	}
}

static int
read_answer(struct half *half, const struct answer *answer)
{
	struct message_addresses found;
	int err = answer->err;

	if (err == 0)
		err = fend__message_addresses(answer->message, answer->size, half->job->name,
					      half->type, &found);
	if (err < 0)
		return err;
	if ((half->job->request->flags & AI_CANONNAME) && fend__host_check(found.canonical) == 0) {
		half->canonical = fend__strdup(found.canonical);
		if (!half->canonical) {
			fend__release(found.addresses);
			return FEND_EAI_MEMORY;
		}
	}
	half->addresses = found.addresses;
	half->n = (unsigned)found.n; /* as many as fit into a message */
	return 0;
}

static void
on_answer(struct asker *asker, const struct answer *answer)
{
	struct half *half = fend__container_of(asker, struct half, asker);
	struct job *job = half->job;

	half->pending = false;
	half->is_silent = answer->silent;
	half->has_message = answer->size > 0;
	half->rcode = (signed char)answer->rcode;
	half->server = answer->server;
	half->err = read_answer(half, answer);
	if (!job->halves[0].pending && !job->halves[1].pending)
		on_all(job);
	else if (half->n > 0 && job->part)
		job->part(job, half);
}

/*
 * Ask for one family or both. The last question that is asked may be answered at once, and that may
 * be the end.
 */
static void
ask(struct job *job, int family)
{
	static const int families[] = { AF_INET6, AF_INET };
	bool wanted[2];
	int i, r = 0;

	for (i = 0; i < 2; i++)
		job->halves[i].pending = wanted[i] = family == AF_UNSPEC || family == families[i];
	for (i = 0; i < 2 && r == 0; i++)
		if (wanted[i])
			r = fend__channel_ask(job->tenant.channel, job->name, job->halves[i].type,
					      &job->halves[i].asker);
	if (r < 0) {
		half_clear(&job->halves[0]);
		half_clear(&job->halves[1]);
		finish(job, r == -ENOMEM ? FEND_EAI_MEMORY : FEND_EAI_SYSTEM, NULL, 0, NULL);
	}
}

static void
ask_next(struct job *job)
{
	static const int types[] = { RECORD_AAAA, RECORD_A };
	int i;

	job->is_first = job->search.as_is_first;
	fend__search_next(&job->search, job->name);
	for (i = 0; i < 2; i++) {
		half_clear(&job->halves[i]);
		job->halves[i].job = job;
		job->halves[i].type = types[i];
		job->halves[i].asker.fn = on_answer;
	}
	job->probing = false;
	ask(job, fend__request_family(job->request));
}

/* 1: hosts(5) does not know the name. */
static int
look_into_hosts(struct job *job)
{
	struct host_address *addresses = NULL;
	const struct hosts *hosts;
	const char *canonical;
	size_t n;
	int r;

	r = fend__resolver_hosts(job->resolver, &hosts);
	if (r == 0)
		r = fend__hosts_find(hosts, job->request->host, &addresses, &n, &canonical);
	if (r == 0)
		return 1;
	if (r < 0) {
		job->detail = fend__resolver_describe_hosts(job->resolver, r);
		finish(job, r == -ENOMEM ? FEND_EAI_MEMORY : FEND_EAI_SYSTEM, NULL, 0, NULL);
		return 0;
	}
	fend__addresses_sort(addresses, n, job->resolver, NULL);
	finish(job, 0, addresses, n, canonical);
	fend__release(addresses);
	return 0;
}

void
fend__job_start(struct job *job, struct fend_resolver *resolver)
{
	job->resolver = resolver;
	if (look_into_hosts(job) == 0)
		return;
	fend__resolver_enter(resolver, &job->tenant);
	fend__search_begin(&job->search, fend__channel_config(job->tenant.channel),
			   job->request->host);
	if (fend__search_has_next(&job->search))
		ask_next(job);
	else
		finish(job, FEND_EAI_NONAME, NULL, 0, NULL);
}

char *
fend__job_describe(const struct job *job)
{
	int i = job->halves[0].pending ? 0 : 1;

	if (!job->tenant.channel || !job->halves[i].pending)
		return NULL;
	return fend__silence_describe(fend__channel_config(job->tenant.channel), job->name,
				      job->halves[i].type);
}
