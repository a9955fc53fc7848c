/* SPDX-License-Identifier: MIT */
#ifndef FEND_RATE_PRIVATE_H
#define FEND_RATE_PRIVATE_H

#include <stddef.h>

#include <fend/rate.h>
#include <fend/task.h>

/*
 * Something that a rate limits, such as one direction of a stream. It is zeroed at first, and has
 * no limit as long as rate is NULL.
 */
struct rate_user {
	struct fend_rate *rate;
	struct fend_link link; /* in the rate's users */

	struct fend_rate *waits_for; /* the rate, or one of its groups; NULL: it does not wait */
	struct fend_link waiting;    /* in what that one lets wait */

	struct fend_rate *creditor; /* who granted the credit when the waiting was over */
	uint64_t credit;

	/* It waits no more. Called from the loop; may not call back to the user of fend. */
	void (*resume)(struct rate_user *user);
};

/* rate may be NULL; leave does nothing to one that has none. */
void fend__rate_join(struct fend_rate *rate, struct rate_user *user);
void fend__rate_leave(struct rate_user *user);
/* How many of size bytes may pass now? 0: none, and resume will be called. */
size_t fend__rate_allow(struct rate_user *user, size_t size);
/* So many did, which were allowed. */
void fend__rate_spend(struct rate_user *user, size_t size);

struct fend_loop *fend__rate_loop(const struct fend_rate *rate);

#endif
