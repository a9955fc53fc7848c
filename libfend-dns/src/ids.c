/* SPDX-License-Identifier: MIT */
#include "ids.h"

#include <stddef.h>

void
fend__ids_add(struct ids *ids, struct id_entry *entry, int id)
{
	struct id_entry **bucket = &ids->buckets[id % ID_BUCKETS];

	entry->id = id;
	entry->next = *bucket;
	entry->link = bucket;
	if (entry->next)
		entry->next->link = &entry->next;
	*bucket = entry;
}

void
fend__ids_remove(struct id_entry *entry)
{
	if (entry->id < 0)
		return;
	*entry->link = entry->next;
	if (entry->next)
		entry->next->link = entry->link;
	entry->id = -1;
}

struct id_entry *
fend__ids_find(const struct ids *ids, int id)
{
	struct id_entry *entry = ids->buckets[id % ID_BUCKETS];

	while (entry && entry->id != id)
		entry = entry->next;
	return entry;
}
