/* SPDX-License-Identifier: MIT */
#ifndef FEND_DNS_H
#define FEND_DNS_H

/* All of libfend-dns. */
#include <fend/addrinfo.h>
#include <fend/connect-host.h>
#include <fend/core.h>
#include <fend/lookup.h>
#include <fend/net.h>
#include <fend/query.h>
#include <fend/record.h>
#include <fend/resolver.h>
#include <fend/reverse.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Resolve and wait for it, with a resolver of its own and no loop: for programs that have nothing
 * else to do. Parameters and errors are those of fend_lookup_start() and its callback; the caller
 * frees *ret_addrinfo with fend_addrinfo_free(). [any thread]
 */
int fend_dns_lookup(const char *host, const char *service, const struct addrinfo *hints,
		    fend_time timeout, struct addrinfo **ret_addrinfo);

#ifdef __cplusplus
}
#endif

#endif
