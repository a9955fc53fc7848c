/* SPDX-License-Identifier: MIT */
#ifndef FEND_RESOLVER_PRIVATE_H
#define FEND_RESOLVER_PRIVATE_H

#include <stdbool.h>

#include <fend/resolver.h>

struct query;

/*
 * A question under way at a resolver. It is made for a query but may outlive it: what c-ares has
 * begun cannot be taken back, only ignored.
 */
struct job;

/* loop may be NULL: then only fend__resolver_step() makes progress. */
int fend__resolver_open(struct fend_loop *loop, const struct fend_resolver_options *options,
			struct fend_resolver **ret_resolver);
/* The loop's own resolver, made on first use. */
int fend__resolver_default(struct fend_loop *loop, struct fend_resolver **ret_resolver);

/* A hold keeps the memory, so that a freed resolver can still be asked whether it is. */
struct fend_resolver *fend__resolver_hold(struct fend_resolver *resolver);
struct fend_resolver *fend__resolver_drop(struct fend_resolver *resolver); /* returns NULL */
bool fend__resolver_is_freed(const struct fend_resolver *resolver);
struct fend_loop *fend__resolver_loop(const struct fend_resolver *resolver);

/*
 * Ask on behalf of query, which has a request with a host. fend__query_answer() is called once,
 * maybe before this returns, unless the job is abandoned. -ENOMEM.
 */
int fend__resolver_ask(struct fend_resolver *resolver, struct query *query);
void fend__resolver_abandon(struct job *job);

/* Wait until something can be done or deadline has come, and do it. 0 or -errno. */
int fend__resolver_step(struct fend_resolver *resolver, fend_time deadline);
/* Is there nothing that it waits for? */
bool fend__resolver_is_idle(const struct fend_resolver *resolver);

#endif
