/* SPDX-License-Identifier: MIT */
#ifndef FEND_CARES_H
#define FEND_CARES_H

#include <stdbool.h>
#include <stddef.h>

#include <fend/time.h>

struct fend_resolver_options;
struct host_address;
struct sockets;

/* A c-ares channel. */
struct cares;

struct question;

/*
 * The answer to a question: err 0 and the addresses in the order of RFC 6724, or a FEND_EAI_ code.
 * canonical is NULL unless it was asked for. Addresses and text are gone after the call; the
 * question is not touched any more.
 *
 * It comes from within fend__cares_ask(), _process() and _free(), with c-ares on the stack, which
 * does not survive everything a user may do: neither the user nor c-ares may be called from here.
 */
typedef void answer_fn(struct question *question, int err, const struct host_address *addresses,
		       size_t n, const char *canonical);

/* The caller's memory, until it is answered. */
struct question {
	answer_fn *fn;
	bool want_canonical;
};

/*
 * Sockets are opened in sockets, which must outlive the channel. Errors as of fend_resolver_new().
 */
int fend__cares_new(const struct fend_resolver_options *options, struct sockets *sockets,
		    struct cares **ret_cares);
/* Questions under way are answered with errors. Returns NULL. */
struct cares *fend__cares_free(struct cares *cares);

void fend__cares_ask(struct cares *cares, const char *name, int family, struct question *question);
/*
 * Tell that a socket is ready (FEND_IN, ...), or with fd -1 that fend__cares_timeout() has passed.
 */
void fend__cares_process(struct cares *cares, int fd, unsigned events);
/* After what time to call fend__cares_process() at the latest; FEND_FOREVER: no need. */
fend_time fend__cares_timeout(const struct cares *cares);

#endif
