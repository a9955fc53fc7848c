/* SPDX-License-Identifier: MIT */
#ifndef FEND_RATE_H
#define FEND_RATE_H

#include <stddef.h>
#include <stdint.h>

#include <fend/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;

/*
 * A limit on how many bytes pass in a second: a bucket that fills with time, up to a burst, and out
 * of which they are taken. Streams of one loop are limited by it, one or many of them, each
 * direction by itself: fend_stream_set_rate(). Those that share one take turns in the order in
 * which they began to wait, so that none is starved.
 *
 * A rate may belong to a group, another rate, which all that passes counts for as well: so each
 * stream has a limit of its own, and all of them together have one.
 *
 * Time is that of the loop, fend_loop_now(). Who has to wait does so for a hundredth of a second of
 * the limit at least, so that bytes do not pass one by one.
 */
struct fend_rate;

struct fend_rate_options {
	size_t size;               /* sizeof(struct fend_rate_options) */
	uint64_t bytes_per_second; /* 0: no limit */
	uint64_t burst;            /* bytes, from the start; 0: those of a tenth of a second */
	struct fend_rate *group;   /* NULL: none; borrowed, and may be freed before this */
};

/* Neither a rate nor a burst may be more: 10 GB. */
#define FEND_RATE_MAX UINT64_C(10000000000)

/*
 * Make a rate. options may be NULL: no limit yet.
 *   -EINVAL  more than FEND_RATE_MAX; the group is of another loop
 *   -E2BIG   options hold a field this version of fend does not know
 */
int fend_rate_new(struct fend_loop *loop, const struct fend_rate_options *options,
		  struct fend_rate **ret_rate);

/* What it limits goes on without it. NULL does nothing. Returns NULL. */
struct fend_rate *fend_rate_free(struct fend_rate *rate);

/*
 * Change the limit, from now on; as in the options.
 *   -EINVAL  more than FEND_RATE_MAX
 */
int fend_rate_set(struct fend_rate *rate, uint64_t bytes_per_second, uint64_t burst);

/* What has gone through a rate. */
struct fend_rate_stats {
	size_t size;    /* sizeof(struct fend_rate_stats), set by the caller */
	uint64_t bytes; /* that passed */
	uint64_t waits; /* times one had to wait for it */
};

/*
 * Fill in as much of *ret_stats as its size says. Fields that this version does not know become 0.
 *   -EINVAL  ret_stats->size is not set
 */
int fend_rate_stats(const struct fend_rate *rate, struct fend_rate_stats *ret_stats);

FEND_DEFINE_CLEANUP(fend_rate)

#ifdef __cplusplus
}
#endif

#endif
