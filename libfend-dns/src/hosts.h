/* SPDX-License-Identifier: MIT */
#ifndef FEND_HOSTS_H
#define FEND_HOSTS_H

#include <stddef.h>

#include "request.h"

/* The content of hosts(5). */
struct hosts;

/* text is taken, also if this fails. -ENOMEM. */
int fend__hosts_new(char *text, struct hosts **ret_hosts);
struct hosts *fend__hosts_free(struct hosts *hosts); /* returns NULL */

/*
 * The addresses of a name, of both families, in the order of the file. 1, and *ret_addresses is to
 * be released and *ret_canonical, the first name on the first of its lines, belongs to hosts; 0 if
 * no line has that name; -ENOMEM.
 */
int fend__hosts_find(const struct hosts *hosts, const char *name,
		     struct host_address **ret_addresses, size_t *ret_n,
		     const char **ret_canonical);

/*
 * The names of an address: the first on the first of its lines; NULL if no line has that address.
 * The text belongs to hosts.
 */
const char *fend__hosts_name(const struct hosts *hosts, const struct host_address *address);

#endif
