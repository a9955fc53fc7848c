/* SPDX-License-Identifier: MIT */
#ifndef FEND_INTERNAL_LIST_H
#define FEND_INTERNAL_LIST_H

#include <stdbool.h>

#include <fend/task.h>

/*
 * A circular doubly linked list with a head. struct fend_link is public only because tasks, which
 * sit in such lists, are the caller's memory.
 *
 * To call back for each entry while callbacks add and remove entries: list_take() them into
 * another head, then move one at a time back into the list before calling for it. What is removed
 * meanwhile is not met, nor is what is added.
 */
static inline void
list_init(struct fend_link *list)
{
	list->next = list->prev = list;
}

static inline bool
list_is_empty(const struct fend_link *list)
{
	return list->next == list;
}

static inline void
list_insert_after(struct fend_link *before, struct fend_link *entry)
{
	entry->prev = before;
	entry->next = before->next;
	before->next->prev = entry;
	before->next = entry;
}

static inline void
list_append(struct fend_link *list, struct fend_link *entry)
{
	list_insert_after(list->prev, entry);
}

/* An entry that was removed points to itself, so that removing it once more does nothing. */
static inline void
list_remove(struct fend_link *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	list_init(entry);
}

/* Move all entries of from to the empty list to. */
static inline void
list_take(struct fend_link *to, struct fend_link *from)
{
	if (list_is_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

#endif
