/* SPDX-License-Identifier: MIT */
/*
 * The search list of resolv.conf(5): a name with at least ndots dots is tried as it is first, any
 * other last, and one that ends in a dot as it is and no other way.
 */
#include "search.h"

#include <stdio.h>
#include <string.h>

#include "config.h"

static unsigned
count_dots(const char *name)
{
	unsigned n = 0;

	for (; (name = strchr(name, '.')); name++)
		n++;
	return n;
}

void
fend__search_begin(struct search *search, const struct config *config, const char *name)
{
	size_t length = strlen(name);
	unsigned dots = count_dots(name);

	*search = (struct search){ .name = name, .domain = config->search };
	if (length > 0 && name[length - 1] == '.') {
		search->as_is_first = true;
		return;
	}
	search->n_left = config->n_search;
	search->as_is_first = dots >= config->ndots;
	search->as_is_last = !search->as_is_first && (dots > 0 || !config->no_tld_query);
}

/* A domain that makes a name too long, and at the end the name itself if it was tried already. */
static bool
is_usable(const struct search *search)
{
	size_t length = strlen(search->domain);

	return strcmp(search->domain, ".") == 0
		       ? search->as_is_last
		       : strlen(search->name) + 1 + length <= HOST_NAME_MAX_DNS;
}

static void
pass_over(struct search *search)
{
	while (search->n_left > 0 && !is_usable(search)) {
		search->domain += strlen(search->domain) + 1;
		search->n_left--;
	}
}

bool
fend__search_has_next(const struct search *search)
{
	struct search copy = *search;

	pass_over(&copy);
	return copy.as_is_first || copy.n_left > 0 || copy.as_is_last;
}

static void
copy_without_dot(char ret_name[HOST_SIZE], const char *name)
{
	size_t length = strlen(name);

	if (length > 1 && name[length - 1] == '.')
		length--;
	memcpy(ret_name, name, length);
	ret_name[length] = '\0';
}

bool
fend__search_next(struct search *search, char ret_name[HOST_SIZE])
{
	if (search->as_is_first) {
		search->as_is_first = false;
		copy_without_dot(ret_name, search->name);
		return true;
	}
	pass_over(search);
	if (search->n_left > 0 && strcmp(search->domain, ".") != 0) {
		char name[HOST_SIZE];

		snprintf(name, sizeof(name), "%s.%s", search->name, search->domain);
		copy_without_dot(ret_name, name);
		search->domain += strlen(search->domain) + 1;
		search->n_left--;
		return true;
	}
	if (search->n_left > 0) {
		/* The root on the list is the name as it is, in this place instead of the last. */
		search->domain += strlen(search->domain) + 1;
		search->n_left--;
	} else if (!search->as_is_last) {
		return false;
	}
	search->as_is_last = false;
	copy_without_dot(ret_name, search->name);
	return true;
}
