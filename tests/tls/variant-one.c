/* SPDX-License-Identifier: MIT */
#include "variant.h"

struct variant variant;

static void
set(const void *data)
{
	variant = *(const struct variant *)data;
}

void
variant_add(const char *path, test_fn *fn)
{
	static const struct variant plain;

	test_add_set(path, set, &plain, fn);
}

void
variant_add_all(const char *path, test_fn *fn)
{
	variant_add(path, fn);
}

void
variant_add_ways(const char *path, test_fn *fn)
{
	static const struct variant dribbled = {.way = DRIBBLED}, stalled = {.way = STALLED};
	char *name = g_strconcat(path, "/dribbled", NULL);

	variant_add(path, fn);
	test_add_set(name, set, &dribbled, fn);
	g_free(name);
	name = g_strconcat(path, "/stalled", NULL);
	test_add_set(name, set, &stalled, fn);
	g_free(name);
}
