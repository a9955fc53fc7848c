/* SPDX-License-Identifier: MIT */
#ifndef FEND_QUERY_PRIVATE_H
#define FEND_QUERY_PRIVATE_H

#include <stdbool.h>

#include "job.h"
#include "request.h"

/* A lookup without its public side: what fend_lookup and the blocking lookup have in common. */
struct query {
	struct request request;
	struct fend_resolver *resolver; /* held; NULL: none was needed */
	struct job job;

	/*
	 * Told when it is over. c-ares may be on the stack: neither user nor c-ares may be called.
	 */
	void (*ended)(struct query *query);
	bool over;
	int err;
	struct addrinfo *addrinfo;
	char *detail; /* more about err, or NULL */
};

/* Read the arguments into zeroed memory. If they decide the outcome, the query is over then. */
void fend__query_init(struct query *query, const char *host, const char *service,
		      const struct addrinfo *hints);
/* Go on with resolver. ended, if set, is told, maybe before this returns. */
void fend__query_start(struct query *query, struct fend_resolver *resolver);
/* Wait without the loop. 0: it is over; -ETIMEDOUT: deadline has come before; or -errno. */
int fend__query_wait(struct query *query, fend_time deadline);
/* Make it be over, if it is not yet, without telling ended. */
void fend__query_fail(struct query *query, int err);
/* Free what it has. */
void fend__query_fini(struct query *query);

#endif
