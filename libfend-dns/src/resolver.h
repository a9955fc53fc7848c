/* SPDX-License-Identifier: MIT */
#ifndef FEND_RESOLVER_PRIVATE_H
#define FEND_RESOLVER_PRIVATE_H

#include <stdbool.h>

#include <fend/resolver.h>

struct channel;
struct hosts;
struct interfaces;

/*
 * loop may be NULL: then there is none, and only steps of its channel make progress. strings in the
 * options are copied. Errors as of fend_resolver_new().
 */
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
 * Who uses a resolver's channel: the caller's memory, zeroed, from _enter to _leave. The channel is
 * that of the time of _enter, also if the configuration changes. When the resolver is freed it is
 * closed, so that nobody is told any more.
 */
struct tenant {
	struct channel *channel; /* NULL: not entered */
	struct tenant *next, **link;
};

void fend__resolver_enter(struct fend_resolver *resolver, struct tenant *tenant);
/* It may have left before, and the resolver may be freed. */
void fend__resolver_leave(struct tenant *tenant);

/* hosts(5) as it is now. It is gone after the next call. Errors of reading a file. */
int fend__resolver_hosts(struct fend_resolver *resolver, const struct hosts **ret_hosts);
/* That it cannot be read, in words; NULL if there is no memory. */
char *fend__resolver_describe_hosts(const struct fend_resolver *resolver, int error);
/* The addresses of this host, as far as they are known. They are gone after the next call. */
const struct interfaces *fend__resolver_interfaces(struct fend_resolver *resolver);

#endif
