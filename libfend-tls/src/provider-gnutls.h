/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_PROVIDER_GNUTLS_H
#define FEND_TLS_SRC_PROVIDER_GNUTLS_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "certificates.h"
#include "provider.h"

/* What a context is to GnuTLS: -context.c makes it, sessions use it. */
struct fend__gnutls_context {
	gnutls_certificate_credentials_t credentials; /* with the first set of certificates */
	gnutls_certificate_credentials_t *others;     /* with each of the other sets */
	struct fend__tls_certificates certificates;
	gnutls_psk_client_credentials_t psk_client; /* or NULL */
	gnutls_psk_server_credentials_t psk_server; /* or NULL */
	gnutls_priority_t priority;
	struct fend__tls_rules rules;
	gnutls_datum_t ticket_key; /* of a server; empty: no tickets */
	gnutls_x509_crl_t *crls;
	unsigned crls_count;
	struct fend__tls_blob *staples; /* one for each certificate; NULL: there are none */
	size_t staples_count;
	gnutls_datum_t *alpn;
	unsigned alpn_count;

	/* with whom to trust: the same, or those that all have who trust the system */
	gnutls_certificate_credentials_t trust;
	bool system_trust; /* to be loaded at first use */
	bool shares_trust; /* it was */
	bool trustless;    /* and there was nobody */
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
	bool identified;                    /* a client has said which pre-shared key it has */
	bool ticketed;                      /* the server has sent a ticket */
	unsigned char last[7];              /* bytes that were pulled before it was */
};

int fend__gnutls_context_new(const struct fend__tls_config *config,
			     struct fend__tls_failure *failure, void **ret_context);
void fend__gnutls_context_free(void *p);
/* Load the system's trust if it is wanted and was not loaded yet. [any thread] 0 or -ENOMEM. */
int fend__gnutls_trust_load(struct fend__gnutls_context *context);
void fend__gnutls_trust_release(struct fend__gnutls_context *context);
/*
 * How GnuTLS verifies with credentials, be they a context's or the system's: so many certificates
 * of the peer at most, and without lists and staples, which are looked at by ourselves.
 */
void fend__gnutls_set_verification(gnutls_certificate_credentials_t credentials, unsigned sent_max);

/* A chain that was sent, or the beginning of one that is too long. */
struct fend__gnutls_chain {
	gnutls_x509_crt_t certificates[FEND__TLS_CHAIN_MAX];
	unsigned size;
};

/* Read the lists of what was revoked; 0, or -errno with the failure filled in. */
int fend__gnutls_set_crls(struct fend__gnutls_context *context,
			  const struct fend__tls_config *config, struct fend__tls_failure *failure);
/* What the lists say about a chain, as faults. */
unsigned fend__gnutls_check_crls(const struct fend__gnutls_context *context,
				 const struct fend__gnutls_chain *chain);

/*
 * The issuer of a certificate: one who is trusted, which is to be released, or one of those sent;
 * or NULL.
 */
gnutls_x509_crt_t fend__gnutls_find_issuer(const struct fend__gnutls_context *context,
					   const struct fend__gnutls_chain *chain,
					   gnutls_x509_crt_t certificate, bool *ret_trusted);

/*
 * Staples. What a server sends with its certificate number i, which has a position in credentials:
 * 0, or -errno with the failure filled in. Is the peer's acceptable? The same, or a code of GnuTLS
 * without a failure.
 */
int fend__gnutls_read_staple(struct fend__gnutls_context *context,
			     const struct fend__tls_config *config, size_t i,
			     gnutls_x509_crt_t certificate, struct fend__tls_failure *failure);
int fend__gnutls_use_staple(const struct fend__gnutls_context *context, size_t i,
			    gnutls_certificate_credentials_t credentials, unsigned position,
			    struct fend__tls_failure *failure);
void fend__gnutls_free_staples(struct fend__gnutls_context *context);
int fend__gnutls_check_staple(struct fend__gnutls_session *session,
			      const struct fend__gnutls_chain *chain,
			      struct fend__tls_failure *failure);
int fend__gnutls_staple(void *p, const void **ret_der, size_t *ret_size);

/*
 * GnuTLS calls this in the middle of a handshake (gnutls_session_set_verify_function()). 0, or a
 * code of GnuTLS after *session->rejected was filled in, with the alert to send.
 */
int fend__gnutls_verify(gnutls_session_t gnutls);

const char *fend__gnutls_version(void);
bool fend__gnutls_is_tls13(const struct fend__gnutls_session *session);

/* Entries of the provider's table. */
const char *fend__gnutls_get(void *p, enum fend_tls_item item);
int fend__gnutls_peer_certificate(void *p, unsigned n, const void **ret_der, size_t *ret_size);
int fend__gnutls_export(void *p, const char *label, const void *context, size_t context_size,
			void *ret_key, size_t key_size);
ssize_t fend__gnutls_end_point(void *p, unsigned char *ret_data);
bool fend__gnutls_is_bound(void *session);
bool fend__gnutls_hmac(const void *key, size_t key_size, const void *data, size_t size,
		       unsigned char ret_hash[FEND__TLS_HASH]);
bool fend__gnutls_is_resumed(void *session);
int fend__gnutls_ticket(void *p, struct fend__tls_blob *ret_blob);
int fend__gnutls_set_ticket(void *p, const struct fend__tls_blob *blob);

/* Pre-shared keys: of a context, 0, or a code of GnuTLS; of a session; was the key used? */
int fend__gnutls_set_psks(struct fend__gnutls_context *context,
			  const struct fend__tls_config *config);
void fend__gnutls_free_psks(struct fend__gnutls_context *context);
int fend__gnutls_use_psks(struct fend__gnutls_session *session);
bool fend__gnutls_used_psk(const struct fend__gnutls_session *session);
/* Does this code mean that the peer has another key, or none? The failure is filled in then. */
bool fend__gnutls_blames_psk(const struct fend__gnutls_session *session, int code,
			     struct fend__tls_failure *failure);
bool fend__gnutls_random(void *ret_data, size_t size);

/* Note the tickets that a client gets. */
void fend__gnutls_expect_tickets(struct fend__gnutls_session *session);

/* A server's key for its tickets, given or random. 0, or a code of GnuTLS. */
int fend__gnutls_set_ticket_key(struct fend__gnutls_context *context,
				const struct fend__tls_config *config);

#endif
