/* SPDX-License-Identifier: MIT */
#include "certificates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

#include "name.h"

/*
 * A server may have certificates for several names, and for each name several with keys of
 * different types. To a client that asks for a name it presents those that have it in
 * subjectAltName; if there are none, those that have a wildcard for it in place of the first label;
 * else the first ones. Where two have the same type of key the first is meant. Which of the types
 * it is to be the provider settles with the client.
 *
 * Providers have rules of their own: OpenSSL keeps one certificate for each type, and GnuTLS
 * compares names in its own way. So the sets are made here, before the first handshake, and a
 * provider only gets to see the one that is to be used.
 */
static int
set_add(struct fend__tls_set *set, size_t certificate, int type)
{
	struct fend__tls_member *members;
	size_t i;

	for (i = 0; i < set->count; i++)
		if (set->members[i].type == type)
			return 0;
	members = fend__resize(set->members, set->count + 1, sizeof(*members));
	if (!members)
		return -ENOMEM;
	set->members = members;
	members[set->count++] = (struct fend__tls_member){ certificate, type };
	return 0;
}

static bool
set_has(const struct fend__tls_set *set, size_t certificate)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (set->members[i].certificate == certificate)
			return true;
	return false;
}

static bool
sets_are_equal(const struct fend__tls_set *a, const struct fend__tls_set *b)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		if (!set_has(b, a->members[i].certificate))
			return false;
	return a->count == b->count;
}

static int
set_new(struct fend__tls_certificates *certificates)
{
	struct fend__tls_set *sets;

	sets = fend__resize(certificates->sets, certificates->count + 1, sizeof(*sets));
	if (!sets)
		return -ENOMEM;
	certificates->sets = sets;
	sets[certificates->count++] = (struct fend__tls_set){ 0 };
	return 0;
}

int
fend__tls_certificates_add(struct fend__tls_certificates *certificates, size_t certificate,
			   int type)
{
	int r = certificates->count ? 0 : set_new(certificates);

	return r < 0 ? r : set_add(&certificates->sets[0], certificate, type);
}

static void
make_lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static int
name_new(struct fend__tls_certificates *certificates, const char *name)
{
	struct fend__tls_presented *names;
	int r;

	names = fend__resize(certificates->names, certificates->names_count + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	certificates->names = names;
	r = set_new(certificates);
	if (r < 0)
		return r;
	names += certificates->names_count;
	names->name = fend__strdup(name);
	names->set = certificates->count - 1;
	if (!names->name)
		return -ENOMEM;
	certificates->names_count++;
	return 0;
}

int
fend__tls_certificates_add_name(struct fend__tls_certificates *certificates, size_t certificate,
				int type, const void *name, size_t size)
{
	char text[FEND__TLS_NAME_MAX + 1];
	size_t i;
	int r = 0;

	if (!size || size >= sizeof(text) || memchr(name, 0, size))
		return 0;
	memcpy(text, name, size);
	text[size] = '\0';
	make_lower(text);
	for (i = 0; i < certificates->names_count; i++)
		if (!strcmp(certificates->names[i].name, text))
			break;
	if (i == certificates->names_count)
		r = name_new(certificates, text);
	return r < 0 ? r
		     : set_add(&certificates->sets[certificates->names[i].set], certificate, type);
}

/* Names that stand for the same certificates share a set. */
static void
merge(struct fend__tls_certificates *certificates)
{
	struct fend__tls_set *sets = certificates->sets;
	size_t count = 1, i, j, k;

	for (i = 1; i < certificates->count; i++) {
		for (j = 0; j < count && !sets_are_equal(&sets[i], &sets[j]); j++)
			;
		for (k = 0; k < certificates->names_count; k++)
			if (certificates->names[k].set == i)
				certificates->names[k].set = j;
		if (j < count)
			fend__release(sets[i].members);
		else
			sets[count++] = sets[i];
	}
	certificates->count = count;
}

static int
compare(const void *a, const void *b)
{
	const struct fend__tls_presented *one = a, *other = b;

	return strcmp(one->name, other->name);
}

int
fend__tls_certificates_finish(struct fend__tls_certificates *certificates, size_t count,
			      struct fend__tls_failure *failure)
{
	size_t i, j;

	if (!count)
		return 0;
	merge(certificates);
	if (certificates->names_count)
		qsort(certificates->names, certificates->names_count, sizeof(*certificates->names),
		      compare);
	for (i = 0; i < count; i++) {
		for (j = 0; j < certificates->count; j++)
			if (set_has(&certificates->sets[j], i))
				break;
		if (j == certificates->count)
			return fend__tls_fail(failure, -EINVAL,
					      "certificates[%zu]: a second one with such a key for "
					      "the same names",
					      i);
	}
	return 0;
}

static const struct fend__tls_presented *
find(const struct fend__tls_certificates *certificates, char *name)
{
	const struct fend__tls_presented wanted = { .name = name };

	return bsearch(&wanted, certificates->names, certificates->names_count, sizeof(wanted),
		       compare);
}

size_t
fend__tls_certificates_find(const struct fend__tls_certificates *certificates, const char *name)
{
	const struct fend__tls_presented *found;
	char text[FEND__TLS_NAME_MAX + 1], *dot;
	size_t size = name ? strlen(name) : 0;

	if (!size || size >= sizeof(text) || !certificates->names_count)
		return 0;
	memcpy(text, name, size + 1);
	make_lower(text);
	found = find(certificates, text);
	dot = strchr(text, '.');
	if (!found && dot && dot > text) {
		dot[-1] = '*';
		found = find(certificates, dot - 1);
	}
	return found ? found->set : 0;
}

void
fend__tls_certificates_fini(struct fend__tls_certificates *certificates)
{
	size_t i;

	for (i = 0; i < certificates->count; i++)
		fend__release(certificates->sets[i].members);
	for (i = 0; i < certificates->names_count; i++)
		fend__release(certificates->names[i].name);
	fend__release(certificates->sets);
	fend__release(certificates->names);
	*certificates = (struct fend__tls_certificates){ 0 };
}
