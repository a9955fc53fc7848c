/* SPDX-License-Identifier: MIT */
#ifndef FEND_JOB_H
#define FEND_JOB_H

#include <stdbool.h>

#include "channel.h"
#include "request.h"
#include "resolver.h"
#include "search.h"

struct job;

/*
 * 0 and addresses of both families in the order of RFC 6724, which are gone after the call, or a
 * FEND_EAI_ code. c-ares may be on the stack: neither user nor c-ares may be called.
 */
typedef void job_fn(struct job *job, int err, const struct host_address *addresses, size_t n,
		    const char *canonical);

/*
 * There are addresses of one family, while the other is still asked for; fn will be told both. To
 * be used at once or as long as the job goes on; the job may not be ended from here.
 */
struct half;
typedef void job_part_fn(struct job *job, const struct half *half);

/* One family of one name. */
struct half {
	struct asker asker;
	struct job *job;
	int type;
	int err; /* 0: addresses is set */
	struct host_address *addresses;
	unsigned n;
	bool pending;
	bool is_silent, has_message; /* these and rcode are those of the answer */
	signed char rcode;
	const struct fend_address *server; /* that has said so; or NULL */
	char *canonical;                   /* NULL: it is no name of a host, or was not asked for */
};

/* A host's name on its way to its addresses. */
struct job {
	job_fn *fn;
	job_part_fn *part; /* NULL: nobody wants to know */
	const struct request *request;
	struct fend_resolver *resolver;
	struct tenant tenant;
	struct search search;
	char name[HOST_SIZE];  /* what is asked for now */
	struct half halves[2]; /* AAAA, A */
	bool probing;          /* asks for the family that is not wanted: is there such a host? */
	bool is_first;         /* name is the one that was given, and is tried first */
	bool is_decided;       /* err is final, unless a name has addresses */
	int err;               /* of what has been tried; 0: nothing yet */
	char *detail;          /* why, in words; or NULL */
};

/*
 * Start with a zeroed job, whose fn and request are set. fn is called once, maybe before this
 * returns, unless the job is ended before.
 */
void fend__job_start(struct job *job, struct fend_resolver *resolver);
/* Cancel, if it still goes on, and release what it has. */
void fend__job_end(struct job *job);
/* What it waits for, in words; NULL if that is nothing, or there is no memory. */
char *fend__job_describe(const struct job *job);

#endif
