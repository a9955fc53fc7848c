/* SPDX-License-Identifier: MIT */
/*
 * Lookups on a loop. When its query is over, a lookup queues its task, and that calls the user: so
 * the user is never called by the function that started it, and never from below c-ares. Two more
 * places call the user, both instead of the task: the deadline's timer, and fend_lookup_wait().
 *
 * The deadline is the lookup's own. c-ares gives up after so many tries, which is another matter,
 * and has been known to forget a question.
 */
#include <fend/lookup.h>

#include <errno.h>

#include <fend/resolver.h>
#include <fend/task.h>
#include <fend/timer.h>

#include <fend-internal/deadline.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>

#include "query.h"

/* Up to 1032 bytes glibc's malloc has freed blocks at hand: it matters where there are many. */
struct fend_lookup {
	struct query query;
	struct fend_loop *loop; /* held */
	fend_lookup_fn *fn;
	void *data;
	struct fend_task task;
	struct fend_timer *timer; /* NULL: no deadline, or it was over at once */
	fend_time deadline;
	bool told;
};

static bool
is_inert(const struct fend_lookup *lookup)
{
	return lookup->query.resolver && fend__resolver_is_freed(lookup->query.resolver);
}

/* The lookup, and all else, may be gone afterwards. */
static void
tell(struct fend_lookup *lookup)
{
	lookup->told = true;
	lookup->fn(lookup, lookup->query.err, lookup->query.addrinfo, lookup->data);
}

static void
on_task(struct fend_task *task, void *data)
{
	struct fend_lookup *lookup = data;

	if (!is_inert(lookup))
		tell(lookup);
}

static void
on_deadline(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct fend_lookup *lookup = data;

	if (is_inert(lookup))
		return;
	fend__query_fail(&lookup->query, -ETIMEDOUT);
	tell(lookup);
}

static void
on_ended(struct query *query)
{
	struct fend_lookup *lookup = fend__container_of(query, struct fend_lookup, query);

	fend_timer_stop(lookup->timer);
	fend_task_defer(lookup->loop, &lookup->task);
}

/* Ask the resolver, the loop's own if none is given, about what the arguments leave open. */
static int
ask(struct fend_lookup *lookup, struct fend_resolver *resolver)
{
	int r;

	if (!resolver) {
		r = fend__resolver_default(lookup->loop, &resolver);
		if (r < 0)
			return r;
	}
	if (lookup->deadline != FEND_FOREVER) {
		r = fend_timer_new(lookup->loop, on_deadline, lookup, &lookup->timer);
		if (r < 0)
			return r;
		fend_timer_at(lookup->timer, lookup->deadline);
	}
	fend__query_start(&lookup->query, resolver);
	return 0;
}

static int
start(struct fend_loop *loop, struct fend_resolver *resolver, const char *host, const char *service,
      const struct addrinfo *hints, fend_time timeout, fend_lookup_fn *fn, void *data,
      struct fend_lookup **ret_lookup)
{
	struct fend_lookup *lookup;
	int r = 0;

	if (!fn || !ret_lookup || !fend__timeout_valid(timeout))
		return -EINVAL;
	lookup = fend__calloc(1, sizeof(*lookup));
	if (!lookup)
		return -ENOMEM;
	lookup->loop = fend__loop_hold(loop);
	lookup->fn = fn;
	lookup->data = data;
	lookup->deadline = fend__deadline(timeout);
	lookup->task = (struct fend_task){ .fn = on_task, .data = lookup };
	lookup->query.ended = on_ended;
	fend__query_init(&lookup->query, host, service, hints);
	if (lookup->query.over) {
		if (resolver)
			fend__query_start(&lookup->query, resolver);
		on_ended(&lookup->query);
	} else {
		r = ask(lookup, resolver);
	}
	if (r < 0) {
		fend_lookup_free(lookup);
		return r;
	}
	*ret_lookup = lookup;
	return 0;
}

FEND_PUBLIC int
fend_lookup_start(struct fend_loop *loop, const char *host, const char *service,
		  const struct addrinfo *hints, fend_time timeout, fend_lookup_fn *fn, void *data,
		  struct fend_lookup **ret_lookup)
{
	int r = fend__loop_check(loop);

	if (r < 0)
		return r;
	return start(loop, NULL, host, service, hints, timeout, fn, data, ret_lookup);
}

FEND_PUBLIC int
fend_resolver_lookup(struct fend_resolver *resolver, const char *host, const char *service,
		     const struct addrinfo *hints, fend_time timeout, fend_lookup_fn *fn,
		     void *data, struct fend_lookup **ret_lookup)
{
	struct fend_loop *loop;
	int r;

	if (!resolver)
		return -EINVAL;
	loop = fend__resolver_loop(resolver);
	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	return start(loop, resolver, host, service, hints, timeout, fn, data, ret_lookup);
}

/* Until the query is over or one of the two deadlines has come: the lookup's own is an outcome. */
static int
wait_for_outcome(struct fend_lookup *lookup, fend_time deadline)
{
	struct query *query = &lookup->query;
	bool own = lookup->deadline != FEND_FOREVER &&
		   (deadline == FEND_FOREVER || lookup->deadline <= deadline);
	int r = fend__query_wait(query, own ? lookup->deadline : deadline);

	if (r == -ETIMEDOUT && own) {
		fend_timer_stop(lookup->timer);
		fend__query_fail(query, -ETIMEDOUT);
		r = 0;
	}
	return r;
}

FEND_PUBLIC int
fend_lookup_wait(struct fend_lookup *lookup, fend_time timeout)
{
	int r;

	if (!lookup || !fend__timeout_valid(timeout))
		return -EINVAL;
	r = fend__loop_check(lookup->loop);
	if (r < 0)
		return r;
	if (lookup->told)
		return 0;
	if (is_inert(lookup))
		return -ESHUTDOWN;
	r = wait_for_outcome(lookup, fend__deadline(timeout));
	if (r < 0)
		return r;
	fend_task_cancel(lookup->loop, &lookup->task);
	tell(lookup);
	return 0;
}

FEND_PUBLIC struct addrinfo *
fend_lookup_take(struct fend_lookup *lookup)
{
	struct addrinfo *addrinfo;

	if (!lookup || !lookup->told)
		return NULL;
	addrinfo = lookup->query.addrinfo;
	lookup->query.addrinfo = NULL;
	return addrinfo;
}

FEND_PUBLIC const char *
fend_lookup_detail(const struct fend_lookup *lookup)
{
	return lookup && lookup->told ? lookup->query.detail : NULL;
}

FEND_PUBLIC struct fend_lookup *
fend_lookup_free(struct fend_lookup *lookup)
{
	if (!lookup)
		return NULL;
	fend_timer_free(lookup->timer);
	fend_task_cancel(lookup->loop, &lookup->task);
	fend__query_fini(&lookup->query);
	fend__loop_drop(lookup->loop);
	return fend__release(lookup);
}
