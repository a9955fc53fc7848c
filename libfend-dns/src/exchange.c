/* SPDX-License-Identifier: MIT */
/*
 * Exchanges: what is asked, found by name and type, so that all who ask the same share one, and so
 * that an answer can be used again. Names are compared as in DNS, without regard to case.
 *
 * An asker is in the list of its exchange until it is told or cancels. To tell one is to take it
 * off that list first: it may then be gone, or ask on.
 */
#include "exchange.h"

#include <string.h>
#include <strings.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "request.h"

enum {
	KEPT_MAX = 1024,
};

void
fend__list_init(struct node *list)
{
	list->previous = list->next = list;
}

struct exchange *
fend__list_first(const struct node *list)
{
	return list->next == list ? NULL : fend__container_of(list->next, struct exchange, node);
}

static void
leave_list(struct node *node)
{
	node->previous->next = node->next;
	node->next->previous = node->previous;
}

static void
append(struct node *list, struct node *node)
{
	node->previous = list->previous;
	node->next = list;
	node->previous->next = list->previous = node;
}

void
fend__exchange_move(struct exchange *exchange, struct node *list)
{
	leave_list(&exchange->node);
	append(list, &exchange->node);
}

void
fend__exchanges_init(struct exchanges *exchanges)
{
	fend__list_init(&exchanges->kept);
}

size_t
fend__exchange_hash(const char *name, int type)
{
	return fend__name_hash(name, strlen(name)) + (size_t)type;
}

struct exchange *
fend__exchange_find(struct exchanges *exchanges, size_t hash, const char *name, int type)
{
	struct exchange *exchange = exchanges->buckets[hash % EXCHANGE_BUCKETS];

	for (; exchange; exchange = exchange->next)
		if (exchange->hash == hash && exchange->type == type &&
		    strcasecmp(exchange->name, name) == 0)
			break;
	return exchange;
}

struct exchange *
fend__exchange_new(struct exchanges *exchanges, size_t hash, const char *name, int type,
		   struct node *list)
{
	size_t size = strlen(name) + 1;
	struct exchange **bucket = &exchanges->buckets[hash % EXCHANGE_BUCKETS];
	struct exchange *exchange = fend__calloc(1, sizeof(*exchange) + size);

	if (!exchange)
		return NULL;
	exchange->exchanges = exchanges;
	exchange->hash = hash;
	exchange->type = type;
	exchange->since = -1;
	memcpy(exchange->name, name, size);
	exchange->next = *bucket;
	exchange->link = bucket;
	if (exchange->next)
		exchange->next->link = &exchange->next;
	*bucket = exchange;
	append(list, &exchange->node);
	return exchange;
}

void
fend__exchange_hide(struct exchange *exchange)
{
	if (!exchange->link)
		return;
	*exchange->link = exchange->next;
	if (exchange->next)
		exchange->next->link = exchange->link;
	exchange->link = NULL;
}

void
fend__exchange_free(struct exchange *exchange)
{
	if (exchange->since >= 0)
		exchange->exchanges->n_kept--;
	fend__exchange_hide(exchange);
	leave_list(&exchange->node);
	fend__release(exchange->message);
	fend__release(exchange);
}

void
fend__exchange_join(struct exchange *exchange, struct asker *asker)
{
	asker->exchange = exchange;
	asker->next = exchange->askers;
	asker->link = &exchange->askers;
	if (asker->next)
		asker->next->link = &asker->next;
	exchange->askers = asker;
}

void
fend__asker_cancel(struct asker *asker)
{
	if (!asker->exchange)
		return;
	*asker->link = asker->next;
	if (asker->next)
		asker->next->link = asker->link;
	asker->exchange = NULL;
}

void
fend__exchange_tell(struct exchange *exchange, const struct answer *answer)
{
	struct asker *asker;

	while ((asker = exchange->askers)) {
		fend__asker_cancel(asker);
		asker->fn(asker, answer);
	}
}

void
fend__exchange_disperse(struct exchange *exchange)
{
	while (exchange->askers)
		fend__asker_cancel(exchange->askers);
}

bool
fend__exchange_keep(struct exchange *exchange, const struct answer *answer, fend_time time)
{
	struct exchanges *exchanges = exchange->exchanges;

	exchange->message = fend__calloc(answer->size, 1);
	if (!exchange->message)
		return false;
	memcpy(exchange->message, answer->message, answer->size);
	exchange->size = answer->size;
	exchange->since = fend__kernel->now();
	exchange->until = fend__time_add(exchange->since, time);
	fend__exchange_move(exchange, &exchanges->kept);
	if (++exchanges->n_kept > KEPT_MAX)
		fend__exchange_free(fend__list_first(&exchanges->kept));
	return true;
}

bool
fend__exchange_recall(struct exchange *exchange, struct answer *ret_answer)
{
	fend_time now = fend__kernel->now();

	if (now >= exchange->until) {
		fend__exchange_free(exchange);
		return false;
	}
	*ret_answer = (struct answer){
		.message = exchange->message,
		.size = exchange->size,
		.age = (unsigned)((now - exchange->since) / FEND_SEC(1)),
	};
	return true;
}
