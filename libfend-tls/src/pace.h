/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_PACE_H
#define FEND_TLS_SRC_PACE_H

#include <stdbool.h>

#include <fend/core.h>

/* How much of each iteration of a loop may go into handshakes. pace.c has the model. */
struct fend__tls_pace;

/* Embedded in an operation that takes turns; in no queue as long as it is zeroed or has run. */
struct fend__tls_turn {
	struct fend_link link;
	void (*run)(struct fend__tls_turn *turn); /* may free everything */
};

/* The one of the loop, made when it is first asked for. -ENOMEM. */
int fend__tls_pace_of(struct fend_loop *loop, struct fend__tls_pace **ret_pace);

/*
 * May this one go on now? If not it was queued, and run will be called in one of the next
 * iterations, unless it is taken out of the queue or the loop is freed before.
 */
bool fend__tls_pace_admits(struct fend__tls_pace *pace, struct fend__tls_turn *turn);
/* It went on, for so long. */
void fend__tls_pace_spend(struct fend__tls_pace *pace, fend_time time);

bool fend__tls_turn_is_queued(const struct fend__tls_turn *turn);
void fend__tls_turn_drop(struct fend__tls_turn *turn);

#endif
