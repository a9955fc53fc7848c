/* SPDX-License-Identifier: MIT */
/*
 * hosts(5), read once into tables and then asked by name. Files with a hundred thousand lines are
 * about, and a lookup is not to read one from end to end.
 *
 * A line is "address canonical-name alias..."; what cannot be read as such is passed over. A name's
 * lines are chained in the order of the file. Names are compared as in DNS, without regard to case
 * and to a final dot. Reverse lookups are rare and walk through the lines.
 */
#include "hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <fend-internal/kernel.h>

#include "files.h"

/* An address with one of its names. */
struct entry {
	const char *name, *canonical;
	size_t hash;
	struct host_address address;
	struct entry *next; /* in the same bucket */
};

struct hosts {
	char *text;
	struct entry *entries;
	size_t n, size;
	struct entry **buckets;
	size_t n_buckets;
};

static size_t
name_length(const char *name)
{
	size_t length = strlen(name);

	return length > 1 && name[length - 1] == '.' ? length - 1 : length;
}

static bool
same_name(const char *a, const char *b)
{
	size_t length = name_length(a);

	return length == name_length(b) && strncasecmp(a, b, length) == 0;
}

static int
add(struct hosts *hosts, const struct entry *entry)
{
	size_t size = hosts->size ? 2 * hosts->size : 16;
	struct entry *grown;

	if (hosts->n == hosts->size) {
		grown = fend__resize(hosts->entries, size, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		hosts->entries = grown;
		hosts->size = size;
	}
	hosts->entries[hosts->n++] = *entry;
	return 0;
}

static bool
read_address(const char *text, struct host_address *address)
{
	if (inet_pton(AF_INET, text, &address->in) == 1)
		address->family = AF_INET;
	else if (inet_pton(AF_INET6, text, &address->in6) == 1)
		address->family = AF_INET6;
	else
		return false;
	return true;
}

static int
read_line(struct hosts *hosts, char *line)
{
	struct entry entry = { 0 };
	char *word = fend__text_word(&line);
	int r = 0;

	if (!word || !read_address(word, &entry.address))
		return 0;
	while (r == 0 && (word = fend__text_word(&line))) {
		if (!entry.canonical)
			entry.canonical = word;
		entry.name = word;
		entry.hash = fend__name_hash(word, name_length(word));
		r = add(hosts, &entry);
	}
	return r;
}

static int
make_buckets(struct hosts *hosts)
{
	size_t i;

	hosts->n_buckets = hosts->n + 1;
	hosts->buckets = fend__calloc(hosts->n_buckets, sizeof(struct entry *));
	if (!hosts->buckets)
		return -ENOMEM;
	/* Backwards, so that each chain is in the order of the file. */
	for (i = hosts->n; i-- > 0;) {
		struct entry **bucket = &hosts->buckets[hosts->entries[i].hash % hosts->n_buckets];

		hosts->entries[i].next = *bucket;
		*bucket = &hosts->entries[i];
	}
	return 0;
}

int
fend__hosts_new(char *text, struct hosts **ret_hosts)
{
	struct hosts *hosts = fend__calloc(1, sizeof(*hosts));
	char *rest = text;
	int r = 0;

	if (!hosts) {
		fend__release(text);
		return -ENOMEM;
	}
	hosts->text = text;
	while (r == 0 && rest)
		r = read_line(hosts, fend__text_line(&rest, "#"));
	if (r == 0)
		r = make_buckets(hosts);
	if (r < 0) {
		fend__hosts_free(hosts);
		return r;
	}
	*ret_hosts = hosts;
	return 0;
}

struct hosts *
fend__hosts_free(struct hosts *hosts)
{
	if (!hosts)
		return NULL;
	fend__release(hosts->buckets);
	fend__release(hosts->entries);
	fend__release(hosts->text);
	return fend__release(hosts);
}

static const struct entry *
next_match(const struct entry *entry, const char *name)
{
	while (entry && !same_name(entry->name, name))
		entry = entry->next;
	return entry;
}

int
fend__hosts_find(const struct hosts *hosts, const char *name, struct host_address **ret_addresses,
		 size_t *ret_n, const char **ret_canonical)
{
	size_t hash = fend__name_hash(name, name_length(name));
	const struct entry *first = next_match(hosts->buckets[hash % hosts->n_buckets], name);
	const struct entry *entry;
	struct host_address *addresses;
	size_t n = 0;

	if (!first)
		return 0;
	for (entry = first; entry; entry = next_match(entry->next, name))
		n++;
	addresses = fend__calloc(n, sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	for (n = 0, entry = first; entry; entry = next_match(entry->next, name))
		addresses[n++] = entry->address;
	*ret_addresses = addresses;
	*ret_n = n;
	*ret_canonical = first->canonical;
	return 1;
}

const char *
fend__hosts_name(const struct hosts *hosts, const struct host_address *address)
{
	size_t size = address->family == AF_INET ? sizeof(address->in) : sizeof(address->in6);
	size_t i;

	for (i = 0; i < hosts->n; i++) {
		const struct host_address *other = &hosts->entries[i].address;

		if (other->family == address->family &&
		    memcmp(&other->in6, &address->in6, size) == 0)
			return hosts->entries[i].canonical;
	}
	return NULL;
}
