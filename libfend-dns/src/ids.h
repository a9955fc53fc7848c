/* SPDX-License-Identifier: MIT */
#ifndef FEND_IDS_H
#define FEND_IDS_H

enum {
	ID_BUCKETS = 256,
};

struct id_entry {
	int id; /* -1: in no table */
	struct id_entry *next, **link;
};

/* What is found by the id of a DNS message. */
struct ids {
	struct id_entry *buckets[ID_BUCKETS];
};

void fend__ids_add(struct ids *ids, struct id_entry *entry, int id);
void fend__ids_remove(struct id_entry *entry);
/* NULL: there is none. */
struct id_entry *fend__ids_find(const struct ids *ids, int id);

#endif
