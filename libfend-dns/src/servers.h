/* SPDX-License-Identifier: MIT */
#ifndef FEND_SERVERS_H
#define FEND_SERVERS_H

#include <stddef.h>

struct fend_address;

/*
 * Read a list of name servers, as in fend_resolver_options, into addresses of IPv4 and IPv6, to be
 * released. -EINVAL, -ENOMEM.
 */
int fend__servers_read(const char *list, struct fend_address **ret_servers, size_t *ret_n);

#endif
