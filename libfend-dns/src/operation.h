/* SPDX-License-Identifier: MIT */
#ifndef FEND_OPERATION_H
#define FEND_OPERATION_H

#include <stdbool.h>

#include <fend/task.h>
#include <fend/time.h>

#include "channel.h"
#include "resolver.h"

/*
 * What reverse lookups and record queries have in common: a question to a resolver that the user is
 * told the outcome of, from the loop and once, unless it is freed or its resolver is.
 */
struct operation {
	/* Set by the owner. */
	/*
	 * The answer to what was asked. It asks again, or says that this is the end. c-ares may be
	 * on the stack: neither user nor c-ares may be called.
	 */
	void (*on_answer)(struct operation *operation, const struct answer *answer);
	/* Call the user. The operation, and all else, may be gone afterwards. */
	void (*tell)(struct operation *operation);

	bool told;
	int err;
	char *detail; /* more about err, or NULL */

	/* private to operation.c */
	struct fend_loop *loop;         /* held */
	struct fend_resolver *resolver; /* held */
	struct tenant tenant;
	struct asker asker;
	struct fend_task task;
	struct fend_timer *timer; /* NULL: no deadline */
	const char *name;         /* of what is asked for now; the owner's */
	int type;
};

/*
 * Begin, with zeroed memory in which on_answer and tell are set: on the loop of resolver, or on
 * loop with its own resolver if resolver is NULL. If it fails, fend__operation_fini() is to be
 * called.
 *   -EINVAL  a timeout that is none; errors of fend__loop_check() and fend_resolver_new()
 */
int fend__operation_begin(struct operation *operation, struct fend_loop *loop,
			  struct fend_resolver *resolver, fend_time timeout);

/*
 * Ask for the records of a type of a name, which must stay until the answer comes, maybe before
 * this returns.
 */
void fend__operation_ask(struct operation *operation, const char *name, int type);

/* It is over: the user is told soon. */
void fend__operation_end(struct operation *operation, int err);

/* More about the error that was told, or NULL. */
const char *fend__operation_detail(const struct operation *operation);

/* Cancel if it still runs, and release what it has. */
void fend__operation_fini(struct operation *operation);

#endif
