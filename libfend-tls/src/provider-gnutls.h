/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_PROVIDER_GNUTLS_H
#define FEND_TLS_SRC_PROVIDER_GNUTLS_H

#include <pthread.h>

#include <gnutls/gnutls.h>

#include "provider.h"

/* What a context is to GnuTLS: -context.c makes it, sessions use it. */
struct fend__gnutls_context {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	struct fend__tls_rules rules;
	gnutls_datum_t *alpn;
	unsigned alpn_count;

	bool system_trust; /* to be loaded at first use */
	bool loaded;
	bool trustless; /* nothing was found to load */
	pthread_mutex_t loading;
};

struct fend__gnutls_session {
	gnutls_session_t gnutls;
	struct fend__gnutls_context *context;
	struct fend__tls_session *io;
	const struct fend__tls_name *name;
	bool verified;                      /* the peer's certificate was checked and is good */
	struct fend__tls_failure *rejected; /* why it is not; for the length of a handshake call */
	char *alpn, *sni;                   /* copies of what GnuTLS leaves unterminated */
	bool open;                          /* the handshake is done */
	unsigned char last[7];              /* bytes that were pulled before it was */
};

int fend__gnutls_context_new(const struct fend__tls_config *config,
			     struct fend__tls_failure *failure, void **ret_context);
void fend__gnutls_context_free(void *context);
/* Load the system's trust if it is wanted and was not loaded yet. [any thread] */
void fend__gnutls_context_load(struct fend__gnutls_context *context);

/*
 * GnuTLS calls this in the middle of a handshake (gnutls_session_set_verify_function()). 0, or a
 * code of GnuTLS after *session->rejected was filled in, with the alert to send.
 */
int fend__gnutls_verify(gnutls_session_t gnutls);

#endif
