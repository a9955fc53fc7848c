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
} providers[] = {{"gnutls", &fend__tls_gnutls}, {"openssl", &fend__tls_openssl}};

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

static void
add(const char *path, const struct variant *with, test_fn *fn)
{
	static const char *const ways[] = {"", "/dribbled", "/stalled"};
	static GPtrArray *all; /* kept reachable, so that leak checkers do not count them */
	size_t i, j;

	if (!all)
		all = g_ptr_array_new();
	for (i = 0; i < G_N_ELEMENTS(providers); i++) {
		for (j = 0; j < G_N_ELEMENTS(providers); j++) {
			struct cross *data = g_new(struct cross, 1);
			char *name = g_strdup_printf("%s/%s-%s%s%s%s", path, providers[i].name,
						     providers[j].name, version_text(with->version),
						     with->rsa ? "/rsa" : "",
						     ways[with->way]);

			*data = (struct cross){providers[i].provider, providers[j].provider, *with};
			g_ptr_array_add(all, data);
			test_add_set(name, set, data, fn);
			g_free(name);
		}
	}
}

void
variant_add(const char *path, test_fn *fn)
{
	add(path, &(struct variant){0}, fn);
}

static void
add_versions_and_keys(const char *path, enum variant_way way, test_fn *fn)
{
	static const enum fend_tls_version versions[] = {FEND_TLS_1_2, FEND_TLS_1_3};
	size_t i, rsa;

	for (i = 0; i < G_N_ELEMENTS(versions); i++)
		for (rsa = 0; rsa <= 1; rsa++)
			add(path, &(struct variant){versions[i], rsa, way}, fn);
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
