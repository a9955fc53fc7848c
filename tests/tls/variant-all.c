/* SPDX-License-Identifier: MIT */
#include "variant.h"

#include <provider.h>

/* Takes the place of provider.c: who is to work for a mode is the running case's to say. */
struct cross {
	const struct fend__tls_provider *client, *server;
	struct variant variant;
};

static const struct {
	const char *name;
	const struct fend__tls_provider *provider;
} providers[] = { { "gnutls", &fend__tls_gnutls }, { "openssl", &fend__tls_openssl } };

struct variant variant;
static struct cross cross;

const struct fend__tls_provider *
fend__tls_provider(enum fend_tls_mode mode)
{
	return mode == FEND_TLS_CLIENT ? cross.client : cross.server;
}

static void
set(const void *data)
{
	cross = *(const struct cross *)data;
	variant = cross.variant;
}

static const char *
version_text(enum fend_tls_version version)
{
	return version == FEND_TLS_1_2 ? "/1.2" : version == FEND_TLS_1_3 ? "/1.3" : "";
}

/* name is freed. */
static void
add_case(char *name, size_t client, size_t server, const struct variant *with, test_fn *fn)
{
	static GPtrArray *all; /* kept reachable, so that leak checkers do not count them */
	struct cross *data = g_new(struct cross, 1);

	if (!all)
		all = g_ptr_array_new();
	*data = (struct cross){ providers[client].provider, providers[server].provider, *with };
	g_ptr_array_add(all, data);
	test_add_set(name, set, data, fn);
	g_free(name);
}

static void
add(const char *path, const struct variant *with, test_fn *fn)
{
	static const char *const ways[] = { "", "/dribbled", "/stalled" };
	size_t i, j;

	for (i = 0; i < G_N_ELEMENTS(providers); i++)
		for (j = 0; j < G_N_ELEMENTS(providers); j++)
			add_case(g_strdup_printf("%s/%s-%s%s%s%s", path, providers[i].name,
						 providers[j].name, version_text(with->version),
						 with->rsa ? "/rsa" : "", ways[with->way]),
				 i, j, with, fn);
}

void
variant_add(const char *path, test_fn *fn)
{
	add(path, &(struct variant){ 0 }, fn);
}

static void
add_versions_and_keys(const char *path, enum variant_way way, test_fn *fn)
{
	static const enum fend_tls_version versions[] = { FEND_TLS_1_2, FEND_TLS_1_3 };
	size_t i, rsa;

	for (i = 0; i < G_N_ELEMENTS(versions); i++)
		for (rsa = 0; rsa <= 1; rsa++)
			add(path, &(struct variant){ versions[i], rsa, way }, fn);
}

void
variant_add_versions(const char *path, test_fn *fn)
{
	add(path, &(struct variant){ .version = FEND_TLS_1_2 }, fn);
	add(path, &(struct variant){ .version = FEND_TLS_1_3 }, fn);
}

void
variant_add_all(const char *path, test_fn *fn)
{
	add_versions_and_keys(path, DIRECT, fn);
}

void
variant_add_ways(const char *path, test_fn *fn)
{
	add_versions_and_keys(path, DIRECT, fn);
	add_versions_and_keys(path, DRIBBLED, fn);
	add_versions_and_keys(path, STALLED, fn);
}

void
variant_add_each_way(const char *path, test_fn *fn)
{
	add(path, &(struct variant){ .way = DIRECT }, fn);
	add(path, &(struct variant){ .way = DRIBBLED }, fn);
	add(path, &(struct variant){ .way = STALLED }, fn);
}

void
variant_add_versions_each_way(const char *path, test_fn *fn)
{
	static const enum variant_way ways[] = { DIRECT, DRIBBLED, STALLED };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(ways); i++) {
		add(path, &(struct variant){ .version = FEND_TLS_1_2, .way = ways[i] }, fn);
		add(path, &(struct variant){ .version = FEND_TLS_1_3, .way = ways[i] }, fn);
	}
}

static void
add_single(const char *path, const struct variant *with, test_fn *fn)
{
	const char *program = with->program ? with->program : "";
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(providers); i++)
		add_case(g_strdup_printf("%s/%s%s%s%s", path, providers[i].name,
					 with->program ? "/" : "", program,
					 version_text(with->version)),
			 i, i, with, fn);
}

void
variant_add_single(const char *path, test_fn *fn)
{
	add_single(path, &(struct variant){ 0 }, fn);
}

void
variant_add_programs(const char *path, const char *const *programs, enum fend_tls_version version,
		     test_fn *fn)
{
	struct variant with = { 0 };

	for (; *programs; programs++) {
		with.program = *programs;
		with.version = FEND_TLS_1_2;
		if (version != FEND_TLS_1_3)
			add_single(path, &with, fn);
		with.version = FEND_TLS_1_3;
		if (version != FEND_TLS_1_2)
			add_single(path, &with, fn);
	}
}
