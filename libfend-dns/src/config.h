/* SPDX-License-Identifier: MIT */
#ifndef FEND_CONFIG_H
#define FEND_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <fend/address.h>
#include <fend/time.h>

struct fend_resolver_options;

/* Whom to ask and how: the options of a resolver and what resolv.conf(5) says where they do not. */
struct config {
	struct fend_address *servers; /* one at least */
	size_t n_servers;
	char *search; /* n_search texts, one after the other, each with its NUL */
	size_t n_search;
	unsigned ndots;
	fend_time try_timeout;
	int tries;
	int edns_size; /* 0: without EDNS */
	bool rotate;
	bool use_tcp;
	bool no_tld_query; /* never ask for a name without a dot as it is */
};

/*
 * text is the content of resolv.conf(5), which is changed. -EINVAL for servers in the options that
 * cannot be read, -ENOMEM.
 */
int fend__config_new(const struct fend_resolver_options *options, char *text,
		     struct config **ret_config);
struct config *fend__config_free(struct config *config); /* returns NULL */

#endif
