/* SPDX-License-Identifier: MIT */
#ifndef FEND_EXCHANGE_H
#define FEND_EXCHANGE_H

#include <stdbool.h>

#include <fend/time.h>

#include "cares.h"
#include "channel.h"

/* A list of exchanges, by the nodes in them. */
struct node {
	struct node *previous, *next;
};

enum {
	EXCHANGE_BUCKETS = 1024,
};

/* Where exchanges are found by their questions. */
struct exchanges {
	struct exchange *buckets[EXCHANGE_BUCKETS];
	struct node kept; /* oldest first */
	unsigned n_kept;
};

/* A question, its answer, and who wants to know it. */
struct exchange {
	struct node node; /* in one list at a time */
	struct exchanges *exchanges;
	struct exchange *next, **link; /* in its bucket; link NULL: in none, it is not found */
	size_t hash;
	struct asker *askers;

	fend_time since; /* that it is kept; -1: it is not */
	unsigned char *message;
	size_t size;

	/* for channel.c */
	struct question question;
	struct channel *channel;
	fend_time until; /* running: it is lost then; kept: it is old then */
	unsigned window; /* it was begun in */
	bool repeated;

	int type;
	char name[];
};

void fend__list_init(struct node *list);
/* The oldest; NULL: the list is empty. */
struct exchange *fend__list_first(const struct node *list);
/* Move to the end of another list, or of the same. */
void fend__exchange_move(struct exchange *exchange, struct node *list);

void fend__exchanges_init(struct exchanges *exchanges);
size_t fend__exchange_hash(const char *name, int type);
/* hash is that of name and type. */
struct exchange *fend__exchange_find(struct exchanges *exchanges, size_t hash, const char *name,
				     int type);
/* A new one at the end of list, which is found from now on. NULL: there is no memory. */
struct exchange *fend__exchange_new(struct exchanges *exchanges, size_t hash, const char *name,
				    int type, struct node *list);
void fend__exchange_free(struct exchange *exchange);
/* It is not found any more. */
void fend__exchange_hide(struct exchange *exchange);

void fend__exchange_join(struct exchange *exchange, struct asker *asker);
/* Tell all askers. Those that join meanwhile must have been joined to another exchange. */
void fend__exchange_tell(struct exchange *exchange, const struct answer *answer);
/* Let them go without. */
void fend__exchange_disperse(struct exchange *exchange);

/* Keep the answer for some time, among a limited number. If there is no memory it is not. */
bool fend__exchange_keep(struct exchange *exchange, const struct answer *answer, fend_time time);
/* The answer that is kept, if it is not too old; then it is freed. */
bool fend__exchange_recall(struct exchange *exchange, struct answer *ret_answer);

#endif
