/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_PROVIDER_OPENSSL_H
#define FEND_TLS_SRC_PROVIDER_OPENSSL_H

#include <pthread.h>

#include <openssl/ssl.h>

#include "certificates.h"
#include "provider.h"

/* What the tickets of an hour are protected with. */
struct fend__openssl_keys {
	bool there;
	unsigned char name[16]; /* 8 bytes for the hour, 8 derived */
	unsigned char cipher[FEND__TLS_HASH], mac[FEND__TLS_HASH];
};

/* SSL_CTX_set_security_callback() */
typedef int fend__openssl_security_fn(const SSL *ssl, const SSL_CTX *ctx, int operation, int bits,
				      int nid, void *other, void *data);

struct fend__openssl_pair {
	X509 *leaf;
	STACK_OF(X509) *chain; /* what follows it */
	EVP_PKEY *key;
};

/* What a context is to OpenSSL: -context.c makes it, sessions use it. */
struct fend__openssl_context {
	SSL_CTX *ctx;
	BIO_METHOD *method;                  /* of the sessions' BIOs */
	fend__openssl_security_fn *security; /* OpenSSL's own */
	struct fend__tls_rules rules;
	const struct fend__tls_psks *psks; /* or NULL */
	STACK_OF(X509_CRL) *crls;
	struct fend__tls_certificates certificates;
	struct fend__openssl_pair *pairs;
	size_t pairs_count;
	struct fend__openssl_staple *staples; /* one for each certificate; NULL: there are none */
	size_t staples_count;
	unsigned char ticket_key[FEND__TLS_TICKET_KEY]; /* of a server with tickets */
	pthread_mutex_t keys_mutex;                     /* of the next */
	struct fend__openssl_keys keys;
	unsigned char *alpn; /* as on the wire: each with its size before it */
	unsigned alpn_size;
	bool system_trust; /* wanted */
	bool shares_trust; /* has it */
};

struct fend__openssl_staple {
	X509 *certificate;
	struct fend__tls_blob response; /* empty: none */
};

struct fend__openssl_session {
	SSL *ssl;
	struct fend__openssl_context *context;
	struct fend__tls_session *io;
	const struct fend__tls_name *name;
	bool verified;                       /* the peer's certificate was checked and is good */
	struct fend__tls_failure *rejected;  /* why it is not; for the length of a handshake call */
	struct fend__tls_findings *findings; /* for the length of a verification */
	int alert;                           /* the last one sent, or -1 */
	bool renegotiation;                  /* the peer asked for it */
	bool encrypts;                       /* what it sends, or is about to */
	bool poisoned;                       /* pull is to give nonsense */
	bool identity_cut;                   /* the client's has a zero in it */
	SSL_SESSION *ticket;                 /* of a client: the newest */
	char *alpn;                          /* a copy, since OpenSSL does not terminate it */
	/* FEND__TLS_CHAIN_MAX of them, in DER form, each made when asked for; or NULL */
	struct fend__tls_blob *peer;
};

/* How a session's bytes go to neutral code and come from there; the BIO's data is the session. */
BIO_METHOD *fend__openssl_method_new(void);

int fend__openssl_context_new(const struct fend__tls_config *config,
			      struct fend__tls_failure *failure, void **ret_context);
void fend__openssl_context_free(void *p);

/*
 * Trust what a context is to trust; certificates and keys that it presents. Both return 0, or
 * -errno with the failure filled in.
 */
int fend__openssl_set_trust(struct fend__openssl_context *context,
			    const struct fend__tls_config *config,
			    struct fend__tls_failure *failure);
int fend__openssl_set_certificates(struct fend__openssl_context *context,
				   const struct fend__tls_config *config,
				   struct fend__tls_failure *failure);
/*
 * OpenSSL calls this before it settles on a certificate (SSL_CTX_set_cert_cb()): those for the name
 * that the client asks for.
 */
int fend__openssl_choose_certificates(SSL *ssl, void *data);
void fend__openssl_pairs_free(struct fend__openssl_context *context);
/* Load the system's trust if it is wanted and was not loaded yet. [any thread] 0 or -ENOMEM. */
int fend__openssl_trust_load(struct fend__openssl_context *context);
void fend__openssl_trust_release(struct fend__openssl_context *context);

/*
 * Staples: ask for one, or send them; what goes with certificate number i, 0, or -errno with the
 * failure filled in.
 */
void fend__openssl_use_staples(struct fend__openssl_context *context);
int fend__openssl_set_staple(struct fend__openssl_context *context,
			     const struct fend__tls_config *config, size_t i, X509 *certificate,
			     struct fend__tls_failure *failure);
void fend__openssl_free_staples(struct fend__openssl_context *context);
int fend__openssl_staple(void *p, const void **ret_der, size_t *ret_size);
/* Does a certificate want what its issuer's wants of all below (RFC 7633, section 4.2.2)? */
bool fend__openssl_keeps_features(X509 *certificate, X509 *issuer);

/* SSL_CTX_set_keylog_callback() */
void fend__openssl_log(const SSL *ssl, const char *line);

/* OpenSSL calls this to verify a chain (SSL_CTX_set_cert_verify_callback()). */
int fend__openssl_verify(X509_STORE_CTX *store, void *data);

/* The oldest error in OpenSSL's queue, of TLS if there is one of it; the queue is emptied. */
struct fend__openssl_error {
	int library, reason;
	const char *text;
};
struct fend__openssl_error fend__openssl_error(void);

/* Fill in a failure of the kind "what: why", or -ENOMEM if that is the cause; returns its err. */
int fend__openssl_fail(struct fend__tls_failure *failure, int err, const char *what);

const char *fend__openssl_version(void);
bool fend__openssl_is_tls13(const struct fend__openssl_session *session);

/* Entries of the provider's table. */
const char *fend__openssl_get(void *p, enum fend_tls_item item);
int fend__openssl_peer_certificate(void *p, unsigned n, const void **ret_der, size_t *ret_size);
int fend__openssl_export(void *p, const char *label, const void *context, size_t context_size,
			 void *ret_key, size_t key_size);
ssize_t fend__openssl_end_point(void *p, unsigned char *ret_data);
bool fend__openssl_is_bound(void *session);
bool fend__openssl_hmac(const void *key, size_t key_size, const void *data, size_t size,
			unsigned char ret_hash[FEND__TLS_HASH]);
bool fend__openssl_is_resumed(void *session);
int fend__openssl_ticket(void *p, struct fend__tls_blob *ret_blob);
int fend__openssl_set_ticket(void *p, const struct fend__tls_blob *blob);

/*
 * Pre-shared keys: of a context, as above. Was the key used? Does this error mean that the peer has
 * another, or none? The failure is filled in then. What a client sends in TLS 1.2, before its key is
 * asked for.
 */
bool fend__openssl_set_psks(struct fend__openssl_context *context,
			    const struct fend__tls_config *config);
bool fend__openssl_used_psk(const struct fend__openssl_session *session);
bool fend__openssl_blames_psk(const struct fend__openssl_session *session,
			      const struct fend__openssl_error *error,
			      struct fend__tls_failure *failure);
void fend__openssl_note_key_exchange(struct fend__openssl_session *session,
				     const unsigned char *message, size_t size);
bool fend__openssl_random(void *ret_data, size_t size);
extern const char fend__openssl_psk_suites[]; /* of TLS 1.2 */

/* How a context gives or keeps tickets. false: it failed, and the error is in the queue. */
bool fend__openssl_set_resumption(struct fend__openssl_context *context,
				  const struct fend__tls_config *config);

#endif
