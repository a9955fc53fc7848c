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
variant_add_versions(const char *path, test_fn *fn)
{
	variant_add(path, fn);
}

void
variant_add_all(const char *path, test_fn *fn)
{
	variant_add(path, fn);
}

void
variant_add_ways(const char *path, test_fn *fn)
{
	static const struct variant dribbled = { .way = DRIBBLED }, stalled = { .way = STALLED };
	char *name = g_strconcat(path, "/dribbled", NULL);

	variant_add(path, fn);
	test_add_set(name, set, &dribbled, fn);
	g_free(name);
	name = g_strconcat(path, "/stalled", NULL);
	test_add_set(name, set, &stalled, fn);
	g_free(name);
}

void
variant_add_each_way(const char *path, test_fn *fn)
{
	variant_add_ways(path, fn);
}

void
variant_add_versions_each_way(const char *path, test_fn *fn)
{
	variant_add_ways(path, fn);
}

void
variant_add_single(const char *path, test_fn *fn)
{
	variant_add(path, fn);
}

static void
add_program(const char *path, const char *program, enum fend_tls_version version, test_fn *fn)
{
	static GPtrArray *all; /* kept reachable, so that leak checkers do not count them */
	struct variant *with = g_new(struct variant, 1);
	char *name =
		g_strdup_printf("%s/%s/%s", path, program, version == FEND_TLS_1_2 ? "1.2" : "1.3");

	if (!all)
		all = g_ptr_array_new();
	*with = (struct variant){ .version = version, .program = program };
	g_ptr_array_add(all, with);
	test_add_set(name, set, with, fn);
	g_free(name);
}

void
variant_add_programs(const char *path, const char *const *programs, enum fend_tls_version version,
		     test_fn *fn)
{
	for (; *programs; programs++) {
		if (version != FEND_TLS_1_3)
			add_program(path, *programs, FEND_TLS_1_2, fn);
		if (version != FEND_TLS_1_2)
			add_program(path, *programs, FEND_TLS_1_3, fn);
	}
}
