/* SPDX-License-Identifier: MIT */
#ifndef FEND_CARES_H
#define FEND_CARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fend/time.h>

#include "ids.h"
struct config;
struct fend_address;
struct sockets;

/* A c-ares channel. */
struct cares;

struct question;

/* What has become of a question. */
struct answer {
	int err;     /* 0: there is a record at least, maybe of another type; or FEND_EAI_ */
	bool silent; /* nobody has answered in time */
	int rcode;   /* what a server said (RFC 1035, 4.1.1); -1: none, or it is not known */
	const struct fend_address *server; /* that has said it; or NULL */
	const unsigned char *message;      /* size 0: there is none */
	size_t size;
	unsigned age; /* s, of a message that was kept */
};

/*
 * The answer is gone after the call; the question is not touched any more.
 *
 * It comes from within fend__cares_ask(), _process() and _free(), with c-ares on the stack, which
 * does not survive everything a user may do: neither the user nor c-ares may be called from here.
 */
typedef void answer_fn(struct question *question, const struct answer *answer);

/* The caller's memory, until it is answered or the channel is freed. */
struct question {
	answer_fn *fn;

	/* private to cares.c and traffic.c */
	struct cares *cares;
	struct id_entry id; /* of its messages, if it is known */
	int rcode, server;  /* what the last datagram with that id said, and who; or -1 */
};

/*
 * config and sockets must outlive the channel; sockets are opened in sockets. -ENOMEM, or
 * FEND_EAI_SYSTEM if c-ares refuses.
 */
int fend__cares_new(const struct config *config, struct sockets *sockets, struct cares **ret_cares);
/* Questions under way are answered with errors. Returns NULL. */
struct cares *fend__cares_free(struct cares *cares);

/* name is absolute, with a final dot or without; type is that of RFC 1035, of class IN. */
void fend__cares_ask(struct cares *cares, const char *name, int type, struct question *question);
/*
 * Tell that a socket is ready (FEND_IN, ...), or with fd -1 that fend__cares_due() has come. Of the
 * datagrams that wait on a socket only so many are read; it stays ready then.
 */
void fend__cares_process(struct cares *cares, int fd, unsigned events);
/* When to call fend__cares_process() at the latest; FEND_FOREVER: no need. */
fend_time fend__cares_due(const struct cares *cares);

#endif
