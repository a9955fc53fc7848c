/* SPDX-License-Identifier: MIT */
#include "context.h"

#include <errno.h>
#include <string.h>

/*
 * Ciphers and groups have names of fend's own, and only those are there that are good: a list that
 * a user gives can neither weaken a connection nor mean something else with another provider. A
 * cipher stands for all suites with it, of TLS 1.2 (with ECDHE and either kind of certificate) and
 * of TLS 1.3: GnuTLS cannot choose single suites.
 */
static const char ciphers_default[] = "AES-256-GCM:CHACHA20-POLY1305:AES-128-GCM";
static const char groups_default[] = "X25519:P-256:P-384";

const char *const fend__tls_cipher_names[FEND__TLS_CIPHERS] = {
	[FEND__TLS_AES_128_GCM] = "AES-128-GCM",
	[FEND__TLS_AES_256_GCM] = "AES-256-GCM",
	[FEND__TLS_CHACHA20_POLY1305] = "CHACHA20-POLY1305",
};

/* clang-format off */
const char *const fend__tls_group_names[FEND__TLS_GROUPS] = {
	[FEND__TLS_X25519] = "X25519",
	[FEND__TLS_X448] = "X448",
	[FEND__TLS_P256] = "P-256",
	[FEND__TLS_P384] = "P-384",
	[FEND__TLS_P521] = "P-521",
};
/* clang-format on */

static int
find(const char *const *names, size_t n, const char *name, size_t size)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(names[i]) == size && !memcmp(names[i], name, size))
			return (int)i;
	return -EINVAL;
}

static int
choose(struct fend__tls_choice *choice, const char *list, const char *const *names, size_t n,
       const char *what, struct fend__tls_failure *failure)
{
	const char *name = list;
	size_t size;
	int item;

	for (;; name += size + 1) {
		size = strcspn(name, ":");
		item = find(names, n, name, size);
		if (item < 0)
			return fend__tls_fail(failure, -EINVAL, "%s: \"%.*s\" is unknown", what,
					      (int)(size < 64 ? size : 64), name);
		if (memchr(choice->items, item, choice->count))
			return fend__tls_fail(failure, -EINVAL, "%s: \"%s\" is there twice", what,
					      names[item]);
		choice->items[choice->count++] = (unsigned char)item;
		if (!name[size])
			return 0;
	}
}

int
fend__tls_algorithms(struct fend__tls_config *config, struct fend__tls_failure *failure)
{
	const char *ciphers = config->params.ciphers, *groups = config->params.groups;
	int r;

	r = choose(&config->ciphers, ciphers ? ciphers : ciphers_default, fend__tls_cipher_names,
		   FEND__TLS_CIPHERS, "ciphers", failure);
	if (!r)
		r = choose(&config->groups, groups ? groups : groups_default, fend__tls_group_names,
			   FEND__TLS_GROUPS, "groups", failure);
	return r;
}
