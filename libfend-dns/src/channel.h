/* SPDX-License-Identifier: MIT */
#ifndef FEND_CHANNEL_H
#define FEND_CHANNEL_H

#include <stdbool.h>

#include <fend/time.h>

#include "cares.h"

struct config;
struct exchange;
struct fend_loop;
struct sources;

/* Name servers, and what they are being asked. */
struct channel;

/*
 * Somebody who wants to know the records of one type of one name: the caller's memory, until it is
 * told or has cancelled. Several who want to know the same share one question.
 */
struct asker {
	/*
	 * Told once. The answer is gone after the call, the asker may be as well. c-ares may be on
	 * the stack: neither the user nor c-ares may be called, but the channel may be asked more.
	 */
	void (*fn)(struct asker *asker, const struct answer *answer);

	/* private to channel.c */
	struct exchange *exchange; /* NULL: asks nothing */
	struct asker *next, **link;
};

/*
 * config is taken, also if this fails. keep_max: answers are kept as long as they say, but not
 * longer than this. loop NULL: only _step makes progress. -ENOMEM, errors of fend__cares_new().
 */
int fend__channel_new(struct fend_loop *loop, struct config *config, fend_time keep_max,
		      struct channel **ret_channel);
struct channel *fend__channel_hold(struct channel *channel);
/* The last drop frees it, as soon as c-ares is not on the stack any more. Returns NULL. */
struct channel *fend__channel_drop(struct channel *channel);
/* Ask nobody any more and tell nobody anything. To be called before the loop is gone. */
void fend__channel_close(struct channel *channel);
const struct config *fend__channel_config(const struct channel *channel);

/* asker is told, maybe before this returns. -ENOMEM; -ESHUTDOWN after _close. */
int fend__channel_ask(struct channel *channel, const char *name, int type, struct asker *asker);
void fend__asker_cancel(struct asker *asker);
/* What the kernel said about those whose addresses came over it. */
struct sources *fend__channel_sources(struct channel *channel);
/* Forget the answers that were kept. */
void fend__channel_flush(struct channel *channel);

/* Wait until something can be done or deadline has come, and do it. 0 or -errno. */
int fend__channel_step(struct channel *channel, fend_time deadline);

#endif
