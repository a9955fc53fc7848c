/* SPDX-License-Identifier: MIT */
#ifndef FEND_FUZZ_TLS_SCENE_H
#define FEND_FUZZ_TLS_SCENE_H

#include <fend/tls.h>

#include "fuzz.h"

/*
 * What a client and a server are given to talk with, made once, at the start, with a key that no
 * input knows.
 */
enum {
	PLAIN,  /* the server's certificate is verified */
	MUTUAL, /* the client's as well; a protocol has to be agreed on */
	RELAXED, /* truncation allowed, a protocol optional, no tickets; a context is chosen at once */
	PINNED, /* the client goes by the key alone; a certificate is optional, as is a context */
	SCENES,
};
#define VERSIONS 3 /* both, 1.2, 1.3 */

struct scene {
	struct fend_tls_context *client, *server;
	struct fend_tls_context *chosen; /* by whoever is asked by the server */
	bool truncation;                 /* is allowed */
	void *session;                   /* resumes a connection; NULL: there are no tickets */
	size_t session_size;
};

/* hello is called by the servers of RELAXED and PINNED. */
const struct scene *scene_get(unsigned version, unsigned kind, fend_tls_hello_fn *hello);

/* Of each provider: update the keys of a connection, without a word to fend; choose no random. */
void scene_rekey(struct fend_socket *socket, bool ask_for_more);
void scene_fix_randomness(void);

#endif
