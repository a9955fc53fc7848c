/* SPDX-License-Identifier: MIT */
#ifndef FEND_SORT_H
#define FEND_SORT_H

#include <stddef.h>

struct fend_resolver;
struct host_address;
struct sources;

/*
 * Bring addresses into the order in which to try them (RFC 6724, section 6). It asks the kernel for
 * the source address of each, which sends nothing, and the resolver for what is known of that.
 * sources: what it said lately; or NULL.
 */
void fend__addresses_sort(struct host_address *addresses, size_t n, struct fend_resolver *resolver,
			  struct sources *sources);

#endif
