/* SPDX-License-Identifier: MIT */
#ifndef FEND_QUERY_H
#define FEND_QUERY_H

#include <fend/cleanup.h>
#include <fend/record.h>
#include <fend/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;
struct fend_resolver;

/* One question to DNS, for records of any type. */
struct fend_query;

/*
 * err is 0 if there is at least one record of the type asked for: those are in answer, together
 * with the aliases (CNAME) that led to them. answer is also there with an error, if a server has
 * given one, and else NULL; it belongs to the query and is valid until fend_query_free() unless
 * fend_query_take() takes it away.
 *   FEND_EAI_NONAME  the name does not exist
 *   FEND_EAI_NODATA  it exists, but not with that type
 *   FEND_EAI_AGAIN   no server could tell now
 *   FEND_EAI_FAIL    a server answered, but not usefully
 *   FEND_EAI_MEMORY  no memory
 *   -ETIMEDOUT       the query's own timeout has passed
 */
typedef void fend_query_fn(struct fend_query *query, int err, const struct fend_answer *answer,
			   void *data);

/*
 * Ask for the records of a name, on the loop's own resolver. name is text as <fend/record.h>
 * describes it, absolute whether it ends in a dot or not: neither the search list nor hosts(5)
 * takes part. type: FEND_RECORD_, or another number of the IANA's registry. fn is called exactly
 * once unless the query, its resolver or the loop is freed before: from the loop, never before this
 * function returns. Mistakes in the name are told by fn: FEND_EAI_NONAME, FEND_EAI_OVERFLOW, and
 * FEND_EAI_IDN_ENCODE for what is not printable ASCII, which cannot be asked for. With c-ares 1.22
 * or later that is so of all but letters, digits, '*', '-', '/' and '_'. c-ares 1.31.0 to
 * 1.33.0 cannot ask for the root: FEND_EAI_MEMORY.
 *   -EINVAL  name, fn or ret_query NULL, no such type, a timeout that is none
 * and at the first use of the loop's resolver those of fend_resolver_new().
 */
int fend_query_start(struct fend_loop *loop, const char *name, int type, fend_time timeout,
		     fend_query_fn *fn, void *data, struct fend_query **ret_query);

/* The same with this resolver. */
int fend_resolver_query(struct fend_resolver *resolver, const char *name, int type,
			fend_time timeout, fend_query_fn *fn, void *data,
			struct fend_query **ret_query);

/*
 * Take the answer away: the caller frees it with fend_answer_free(). NULL if there is none, if fn
 * has not been called yet, or if it was taken.
 */
struct fend_answer *fend_query_take(struct fend_query *query);

/* As fend_lookup_detail(). */
const char *fend_query_detail(const struct fend_query *query);

/*
 * Cancel if it still runs, and free. After it returns fn is not called. NULL does nothing. Returns
 * NULL.
 */
struct fend_query *fend_query_free(struct fend_query *query);

FEND_DEFINE_CLEANUP(fend_query)

#ifdef __cplusplus
}
#endif

#endif
