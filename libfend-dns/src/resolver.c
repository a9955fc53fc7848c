/* SPDX-License-Identifier: MIT */
/*
 * Resolvers: a c-ares channel and what drives it. Each socket of c-ares is a source on the loop,
 * and its next timeout the resolver's one timer. Without a loop, or while somebody waits without
 * running it, the same is done by poll(2) on these sockets (fend__resolver_step()).
 *
 * Every call into c-ares is followed by settle(), which begins what waits and sets the timer. What
 * c-ares answers is kept by the queries until c-ares is off the stack: that is why their answers
 * may come at any time, and why no user code ever runs below a c-ares call.
 *
 * c-ares sends what it is asked at once, over one socket for each server, and what then overflows
 * somebody's buffer is only asked again after seconds. So not more than BURST questions that are
 * not answered yet are begun within WINDOW; the others wait in line, oldest first. A server that
 * does not answer at all thus holds them up by WINDOW each BURST, not by its timeouts.
 */
#include "resolver.h"

#include <errno.h>
#include <netdb.h>

#include <fend/io.h>
#include <fend/timer.h>

#include <fend-internal/deadline.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>

#include "cares.h"
#include "query.h"
#include "sockets.h"

enum {
	BURST = 64,
};

#define WINDOW FEND_MS(100)

struct job {
	struct question question;
	struct fend_resolver *resolver;
	struct query *query; /* NULL: abandoned */
	uint64_t window;     /* it was begun in */
	struct job *next;
	struct job **link; /* what points to it, while it is in running */
};

struct fend_resolver {
	struct fend_loop *loop; /* held; or NULL */
	unsigned holds;         /* queries, and the owner until it frees */
	bool freed;
	struct cares *cares;
	struct sockets sockets;
	struct fend_timer *timer;
	fend_time due; /* when it is set to, with or without a loop */

	struct job *running; /* at c-ares */
	struct job *waiting, **waiting_end;
	uint64_t window;
	unsigned unanswered;   /* of those begun in this window */
	fend_time window_ends; /* FEND_FOREVER: nobody waits for its end */
};

static void
on_answer(struct question *question, int err, const struct host_address *addresses, size_t n,
	  const char *canonical)
{
	struct job *job = fend__container_of(question, struct job, question);
	struct fend_resolver *resolver = job->resolver;
	struct query *query = job->query;

	*job->link = job->next;
	if (job->next)
		job->next->link = job->link;
	if (job->window == resolver->window)
		resolver->unanswered--;
	fend__release(job);
	if (query)
		fend__query_answer(query, err, addresses, n, canonical);
}

static void
begin(struct fend_resolver *resolver, struct job *job)
{
	const struct request *request = &job->query->request;

	job->next = resolver->running;
	if (job->next)
		job->next->link = &job->next;
	job->link = &resolver->running;
	resolver->running = job;
	job->window = resolver->window;
	resolver->unanswered++;
	fend__cares_ask(resolver->cares, request->host, fend__request_family(request),
			&job->question);
}

/* May another job begin? If not, it is set when. */
static bool
window_is_open(struct fend_resolver *resolver)
{
	fend_time now;

	if (resolver->unanswered < BURST)
		return true;
	now = fend__kernel->now();
	if (resolver->window_ends == FEND_FOREVER)
		resolver->window_ends = fend__time_add(now, WINDOW);
	if (now < resolver->window_ends)
		return false;
	resolver->window++;
	resolver->unanswered = 0;
	return true;
}

static void
begin_waiting(struct fend_resolver *resolver)
{
	while (resolver->waiting && window_is_open(resolver)) {
		struct job *job = resolver->waiting;

		resolver->window_ends = FEND_FOREVER;
		resolver->waiting = job->next;
		if (!resolver->waiting)
			resolver->waiting_end = &resolver->waiting;
		if (job->query)
			begin(resolver, job);
		else
			fend__release(job);
	}
}

static fend_time
earlier(fend_time a, fend_time b)
{
	if (a == FEND_FOREVER || b == FEND_FOREVER)
		return a == FEND_FOREVER ? b : a;
	return a < b ? a : b;
}

/* To be called after each call into c-ares. */
static void
settle(struct fend_resolver *resolver)
{
	begin_waiting(resolver);
	resolver->due = earlier(fend__deadline(fend__cares_timeout(resolver->cares)),
				resolver->window_ends);
	if (resolver->due == FEND_FOREVER)
		fend_timer_stop(resolver->timer);
	else
		fend_timer_at(resolver->timer, resolver->due);
}

static void
on_ready(struct fend_io *io, unsigned events, void *data)
{
	struct fend_resolver *resolver = data;

	fend__cares_process(resolver->cares, fend_io_fd(io), events);
	settle(resolver);
}

static void
on_due(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct fend_resolver *resolver = data;

	fend__cares_process(resolver->cares, -1, 0);
	settle(resolver);
}

bool
fend__resolver_is_idle(const struct fend_resolver *resolver)
{
	return resolver->sockets.n == 0 && resolver->due == FEND_FOREVER;
}

int
fend__resolver_step(struct fend_resolver *resolver, fend_time deadline)
{
	unsigned events;
	int fd, r;

	r = fend__sockets_poll(&resolver->sockets,
			       fend__remaining(earlier(deadline, resolver->due)));
	if (r < 0 && r != -EINTR)
		return r;
	while (fend__sockets_next(&resolver->sockets, &fd, &events))
		fend__cares_process(resolver->cares, fd, events);
	if (fend__remaining(resolver->due) == 0)
		fend__cares_process(resolver->cares, -1, 0);
	settle(resolver);
	return 0;
}

int
fend__resolver_ask(struct fend_resolver *resolver, struct query *query)
{
	struct job *job = fend__calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->question.fn = on_answer;
	job->question.want_canonical = query->request.flags & AI_CANONNAME;
	job->resolver = resolver;
	job->query = query;
	query->job = job;
	*resolver->waiting_end = job;
	resolver->waiting_end = &job->next;
	settle(resolver);
	return 0;
}

void
fend__resolver_abandon(struct job *job)
{
	job->query = NULL;
}

struct fend_resolver *
fend__resolver_hold(struct fend_resolver *resolver)
{
	resolver->holds++;
	return resolver;
}

struct fend_resolver *
fend__resolver_drop(struct fend_resolver *resolver)
{
	if (--resolver->holds == 0)
		fend__release(resolver);
	return NULL;
}

bool
fend__resolver_is_freed(const struct fend_resolver *resolver)
{
	return resolver->freed;
}

struct fend_loop *
fend__resolver_loop(const struct fend_resolver *resolver)
{
	return resolver->loop;
}

static void
forget_queries(struct job *job)
{
	for (; job; job = job->next) {
		if (job->query)
			job->query->job = NULL;
		job->query = NULL;
	}
}

static void
release_jobs(struct job *job)
{
	while (job) {
		struct job *next = job->next;

		fend__release(job);
		job = next;
	}
}

FEND_PUBLIC struct fend_resolver *
fend_resolver_free(struct fend_resolver *resolver)
{
	if (!resolver)
		return NULL;
	resolver->freed = true;
	forget_queries(resolver->running);
	forget_queries(resolver->waiting);
	/* It answers what is running now, except what it may have lost. */
	fend__cares_free(resolver->cares);
	release_jobs(resolver->running);
	release_jobs(resolver->waiting);
	fend__sockets_fini(&resolver->sockets);
	fend_timer_free(resolver->timer);
	if (resolver->loop)
		fend__loop_drop(resolver->loop);
	return fend__resolver_drop(resolver);
}

int
fend__resolver_open(struct fend_loop *loop, const struct fend_resolver_options *options,
		    struct fend_resolver **ret_resolver)
{
	struct fend_resolver *resolver;
	int r;

	resolver = fend__calloc(1, sizeof(*resolver));
	if (!resolver)
		return -ENOMEM;
	resolver->holds = 1;
	resolver->due = resolver->window_ends = FEND_FOREVER;
	resolver->waiting_end = &resolver->waiting;
	resolver->sockets = (struct sockets){ .loop = loop, .fn = on_ready, .data = resolver };
	if (loop) {
		resolver->loop = fend__loop_hold(loop);
		r = fend_timer_new(loop, on_due, resolver, &resolver->timer);
		if (r < 0)
			goto fail;
	}
	r = fend__cares_new(options, &resolver->sockets, &resolver->cares);
	if (r < 0)
		goto fail;
	*ret_resolver = resolver;
	return 0;
fail:
	fend_resolver_free(resolver);
	return r;
}

FEND_PUBLIC int
fend_resolver_new(struct fend_loop *loop, const struct fend_resolver_options *options,
		  struct fend_resolver **ret_resolver)
{
	struct fend_resolver_options given = { 0 };
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (!ret_resolver)
		return -EINVAL;
	r = fend__options_copy(&given, sizeof(given), options);
	if (r < 0)
		return r;
	return fend__resolver_open(loop, &given, ret_resolver);
}

static void
free_default(void *resolver)
{
	fend_resolver_free(resolver);
}

int
fend__resolver_default(struct fend_loop *loop, struct fend_resolver **ret_resolver)
{
	static const struct fend_resolver_options defaults;
	static const char key;
	struct fend_resolver *resolver = fend__loop_attached(loop, &key);
	int r;

	if (!resolver) {
		r = fend__resolver_open(loop, &defaults, &resolver);
		if (r < 0)
			return r;
		r = fend__loop_attach(loop, &key, resolver, free_default);
		if (r < 0) {
			fend_resolver_free(resolver);
			return r;
		}
	}
	*ret_resolver = resolver;
	return 0;
}
