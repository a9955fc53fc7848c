/* SPDX-License-Identifier: MIT */
#ifndef FEND_PROXY_H
#define FEND_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include <fend/address.h>

/* So many bytes always suffice to tell what a header says, and whether it is one. */
#define PROXY_MAX 232

struct proxy {
	size_t length; /* of the whole header; of version 2 perhaps more than was looked at */
	bool known;    /* whether it tells who connected */
	struct fend_address peer;
};

/*
 * Read the PROXY header that a connection begins with; data are its first size bytes.
 *   -EAGAIN  all of them belong to the header, and more is needed
 *   -EPROTO  this is no header
 */
int fend__proxy_parse(const void *data, size_t size, struct proxy *ret_proxy);

#endif
