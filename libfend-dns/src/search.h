/* SPDX-License-Identifier: MIT */
#ifndef FEND_SEARCH_H
#define FEND_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"

struct config;

/* The names that a name may stand for, one after the other. */
struct search {
	const char *name;
	const char *domain; /* the next of the search list */
	size_t n_left;      /* such domains */
	bool as_is_first, as_is_last;
};

/* name and config must stay as long as the search does. */
void fend__search_begin(struct search *search, const struct config *config, const char *name);
/* Will _next give another? Never if the name ends in a dot and was given. */
bool fend__search_has_next(const struct search *search);
/* Without a final dot. What would be too long for a name is passed over. */
bool fend__search_next(struct search *search, char ret_name[HOST_SIZE]);

#endif
