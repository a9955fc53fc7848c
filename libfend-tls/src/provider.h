/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_PROVIDER_H
#define FEND_TLS_SRC_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <fend/tls.h>

/*
 * What a TLS library must do for fend: one table, implemented by one provider-*.c family of files
 * each. A provider knows protocol, certificates and keys. It sees no socket, no timer, no user
 * callback and no file that neutral code can read for it; buffers, deadlines, the end of the
 * connection, name rules and the first error are neutral code's.
 *
 * Its bytes go through fend__tls_pull() and fend__tls_push(). Push takes every byte and never
 * blocks, so a provider never has a half-sent record; several have bugs in that state. Pull gives
 * bytes or says that there are none now; end of file and socket errors look the same to the
 * provider and are judged by neutral code, which saw them.
 */
struct fend__tls_session; /* neutral code's side of a connection */

/* Why something failed, made on the caller's stack. */
struct fend__tls_failure {
	int err;         /* -errno */
	int alert;       /* sent or received, or -1 */
	bool from_peer;  /* the alert was received */
	unsigned faults; /* of enum fend_tls_fault */
	char text[512];  /* one line */
};

/* Fill in a failure without an alert or faults; returns err. A text that is too long is cut. */
int fend__tls_fail(struct fend__tls_failure *failure, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The name of RFC 8446, section 6, such as "bad_certificate"; "unknown" if there is none. */
const char *fend__tls_alert_name(int alert);

/* The content of a file. */
struct fend__tls_blob {
	unsigned char *data;
	size_t size;
};

/* A regular file, and not an empty one; config.c has the rules. 0 or -errno. _fini wipes it. */
int fend__tls_read_file(const char *path, struct fend__tls_blob *ret_blob);
void fend__tls_blob_fini(struct fend__tls_blob *blob);

/*
 * Let trust have each file of a directory that may hold certificates: it returns how many it took,
 * 0 if it holds something else, or -ENOMEM. 0, or -errno with the failure filled in.
 */
typedef int fend__tls_trust_fn(const struct fend__tls_blob *blob, void *data);
int fend__tls_trust_directory(const char *path, fend__tls_trust_fn *trust, void *data,
			      struct fend__tls_failure *failure);

/* Whom a client wants to talk to. */
struct fend__tls_name {
	char *text;                /* host name without trailing dot, or address literal; or NULL */
	unsigned char address[16]; /* of a literal, in network byte order */
	size_t address_size;       /* 4, 16, or 0: text is a host name */
};

struct fend__tls_keys {
	struct fend__tls_blob certificate, key; /* PEM */
	struct fend__tls_blob staple;           /* DER; or empty */
};

#define FEND__TLS_IDENTITY_MAX 128 /* RFC 4279, section 5.3, and what GnuTLS takes */
#define FEND__TLS_PSK_MIN 16
#define FEND__TLS_PSK_MAX 64

/* A pre-shared key. */
struct fend__tls_psk {
	char identity[FEND__TLS_IDENTITY_MAX + 1]; /* filled up with zeros */
	unsigned char key[FEND__TLS_PSK_MAX];
	size_t key_size;
};

/* Those of a context; it lives until nothing of the provider's is left of that. */
struct fend__tls_psks {
	struct fend__tls_psk *items;
	size_t count;
	struct fend__tls_psk nobody; /* a random key in place of one that is unknown */
	char *hint;                  /* or NULL */
};

/* Ciphers for records and groups for the key exchange; the order is that of their tables. */
enum fend__tls_cipher {
	FEND__TLS_AES_128_GCM,
	FEND__TLS_AES_256_GCM,
	FEND__TLS_CHACHA20_POLY1305,
	FEND__TLS_CIPHERS,
};

enum fend__tls_group {
	FEND__TLS_X25519,
	FEND__TLS_X448,
	FEND__TLS_P256,
	FEND__TLS_P384,
	FEND__TLS_P521,
	FEND__TLS_GROUPS,
};

/* Some of them, most wanted first, none twice. */
struct fend__tls_choice {
	unsigned char items[8];
	size_t count;
};

extern const char *const fend__tls_cipher_names[FEND__TLS_CIPHERS];
extern const char *const fend__tls_group_names[FEND__TLS_GROUPS];

/*
 * The longest chain, the leaf and a root included, that is read from a file or verified. GnuTLS
 * 3.7 sorts a chain in an array of this size, and does not check for it.
 */
#define FEND__TLS_CHAIN_MAX 16

#define FEND__TLS_HASH 32                   /* of SHA-256 */
#define FEND__TLS_TICKET_KEY 64             /* as GnuTLS has it */
#define FEND__TLS_TICKET_SECONDS (2 * 3600) /* how long one is good */

/* What a context is made of: checked, defaults filled in, files read. */
struct fend__tls_config {
	struct fend_tls_params params;
	struct fend__tls_blob cafile, crlfile; /* empty: none given */
	struct fend__tls_keys *keys;           /* params.certificates_count of them */
	bool system_trust;                     /* the system's certificates are to be trusted */
	struct fend__tls_choice ciphers, groups;
	const struct fend__tls_psks *psks;         /* NULL: certificates are used */
	unsigned char fingerprint[FEND__TLS_HASH]; /* of what is demanded of the peer */
	/* what tickets are protected with; only if tickets are wanted and a secret was given */
	unsigned char ticket_key[FEND__TLS_TICKET_KEY];
	bool ticket_key_given;
};

/* What a context demands of the peer's certificate. */
struct fend__tls_rules {
	enum fend_tls_mode mode;
	enum fend_tls_verify verify;
	unsigned flags; /* of enum fend_tls_flag */
	int depth;
	const struct fend_tls_pin *pins; /* of the neutral context */
	size_t pins_count;
	enum fend_tls_version protocol_min, protocol_max;
	bool alpn; /* there must be an application protocol */
	bool psk;  /* there are pre-shared keys, and no certificates */
	bool crls; /* are to be heeded */
	bool logs; /* secrets go to fend__tls_log() */
};

static inline struct fend__tls_rules
fend__tls_rules_of(const struct fend_tls_params *params)
{
	return (struct fend__tls_rules){
		.mode = params->mode,
		.verify = params->verify,
		.flags = params->flags,
		.depth = params->depth,
		.pins = params->pins,
		.pins_count = params->pins_count,
		.protocol_min = params->protocol_min,
		.protocol_max = params->protocol_max,
		.alpn = params->alpn_count && !(params->flags & FEND_TLS_ALPN_OPTIONAL),
		.psk = params->psks_count > 0,
		.crls = params->crlfile != NULL,
		.logs = params->keylog != NULL,
	};
}

/* What a provider has found out about the peer's certificate. */
struct fend__tls_findings {
	unsigned faults;   /* of enum fend_tls_fault; neutral code adds those of its own rules */
	unsigned sent;     /* certificates */
	int intermediates; /* of those: neither the leaf nor signed by themselves */
	time_t activation; /* the latest of the chain, the issuers in our trust included */
	time_t expiration; /* the earliest */
	unsigned char spki[32]; /* SHA-256 of the leaf's public key; only if there are pins */
	bool self_signed;       /* the leaf */
	bool has_host;          /* the leaf names a host in subjectAltName */
	bool trustless;         /* there is nobody to trust */
	const char *words;      /* the provider's, for FEND_TLS_FAULT_OTHER; or NULL */
};

/* Must the peer's certificate be looked at, and must it have an issuer and a name? */
static inline bool
fend__tls_looks(const struct fend__tls_rules *rules)
{
	return rules->verify != FEND_TLS_VERIFY_NONE || rules->pins_count ||
	       (rules->psk && rules->mode == FEND_TLS_CLIENT);
}

static inline bool
fend__tls_verifies(const struct fend__tls_rules *rules)
{
	return rules->verify != FEND_TLS_VERIFY_NONE;
}

/* Must a staple be looked at? */
static inline bool
fend__tls_wants_staple(const struct fend__tls_rules *rules)
{
	return fend__tls_verifies(rules) && rules->mode == FEND_TLS_CLIENT;
}

/*
 * Is the certificate acceptable? 0, or -errno with the failure filled in, its alert included. name
 * is what is demanded, or NULL.
 */
int fend__tls_judge(const struct fend__tls_findings *findings, const struct fend__tls_rules *rules,
		    const struct fend__tls_name *name, struct fend__tls_failure *failure);
/* The same if no certificate was sent. */
int fend__tls_judge_none(const struct fend__tls_rules *rules, bool tls13,
			 struct fend__tls_failure *failure);

/* What a provider has found in a staple. */
struct fend__tls_staple {
	bool demanded; /* the certificate wants one (RFC 7633) */
	bool sent;
	bool valid; /* a response about the certificate, from who may say so */
	bool good, revoked;
	int64_t this_update, next_update; /* seconds since 1970; the latter may be 0 */
};

/* The same for the staple of a certificate that is acceptable. */
int fend__tls_judge_staple(const struct fend__tls_staple *staple,
			   const struct fend__tls_rules *rules, struct fend__tls_failure *failure);
/*
 * A copy of the staple for certificate number i, about which the provider has found: 0, it is one;
 * -EBADMSG, it is none; -EKEYREJECTED, it is about something else; -ENOMEM. 0, or -errno with the
 * failure filled in.
 */
int fend__tls_keep_staple(const struct fend__tls_config *config, size_t i, int found,
			  struct fend__tls_blob *ret_staple, struct fend__tls_failure *failure);
/* The failure for faults of which there is at least one; returns its err. */
int fend__tls_explain(unsigned faults, const struct fend__tls_findings *findings,
		      const struct fend__tls_name *name, struct fend__tls_failure *failure);
#define FEND__TLS_STAPLE_FEATURE 5 /* of RFC 7633: the number of the extension */

/*
 * "No protocol in common" includes a peer that has none at all, which a provider may let pass. The
 * alert is no_application_protocol from a server alone (RFC 7301, section 3.2).
 */
int fend__tls_judge_alpn(const struct fend__tls_rules *rules, bool agreed,
			 struct fend__tls_failure *failure);
/* May a provider go on with this hello, the body of the message? 0 or -EPROTO, as above. */
int fend__tls_judge_hello(const struct fend__tls_rules *rules, const void *body, size_t size,
			  struct fend__tls_failure *failure);
/*
 * Was a pre-shared key used, if there is one? 0, or -errno with the failure filled in, its alert
 * included. And if the peer's is a wrong one; the alert is then the provider's.
 */
int fend__tls_judge_psk(const struct fend__tls_rules *rules, bool used,
			struct fend__tls_failure *failure);
int fend__tls_judge_wrong_psk(struct fend__tls_failure *failure);
/* The name that the certificate must have, or NULL. */
const struct fend__tls_name *fend__tls_demanded(const struct fend__tls_rules *rules,
						const struct fend__tls_name *name);

/*
 * A context is immutable and serves sessions of several threads at once. Functions that take a
 * failure fill it in exactly when they return an error other than -EAGAIN.
 */
struct fend__tls_provider {
	/* "gnutls 3.7.9"; a constant */
	const char *(*version)(void);

	/* HMAC with SHA-256; false: no memory */
	bool (*hmac)(const void *key, size_t key_size, const void *data, size_t size,
		     unsigned char ret_hash[FEND__TLS_HASH]);

	bool (*random)(void *ret_data, size_t size); /* for keys; false: there are none */

	int (*context_new)(const struct fend__tls_config *config, struct fend__tls_failure *failure,
			   void **ret_context);
	void (*context_free)(void *context);

	/* io is for pull and push; name lives as long as the session, and is NULL on a server. */
	int (*session_new)(void *context, struct fend__tls_session *io,
			   const struct fend__tls_name *name, void **ret_session);
	void (*session_free)(void *session); /* sends nothing */

	/*
	 * Go on with the handshake: 0 when it is done, and the peer's certificate was found good if
	 * that is required; -EAGAIN to be called again, at once unless pull had nothing; else it
	 * failed, and an alert was pushed.
	 */
	int (*handshake)(void *session, struct fend__tls_failure *failure);

	/* Plaintext of a record: bytes, 0 for close_notify and nothing else, else as handshake. */
	ssize_t (*read)(void *session, void *buffer, size_t size,
			struct fend__tls_failure *failure);

	/* Push one record: the bytes that went into it, never -EAGAIN. */
	ssize_t (*write)(void *session, const void *data, size_t size,
			 struct fend__tls_failure *failure);

	/* Is there plaintext that read would return without pulling? */
	bool (*pending)(void *session);

	void (*close_notify)(void *session); /* push it */

	/*
	 * Push a fatal alert, this one if the provider lets itself be told which, and return the
	 * one it was. Nothing is called afterwards.
	 */
	int (*alert)(void *session, int alert);

	const char *(*get)(void *session, enum fend_tls_item item); /* as fend_tls_get() */

	/* As the functions of these names, after the handshake. */
	int (*peer_certificate)(void *session, unsigned n, const void **ret_der, size_t *ret_size);
	int (*staple)(void *session, const void **ret_der, size_t *ret_size);
	int (*export)(void *session, const char *label, const void *context, size_t context_size,
		      void *ret_key, size_t key_size);
	/* tls-server-end-point: its size, at most 64, or -errno */
	ssize_t (*end_point)(void *session, unsigned char *ret_data);
	bool (*is_resumed)(void *session);
	/* What resumes the connection, to be released; -ENOENT: nothing yet. Before it: use it. */
	int (*ticket)(void *session, struct fend__tls_blob *ret_blob);
	int (*set_ticket)(void *session, const struct fend__tls_blob *blob);
	/* Is the master secret bound to the handshake (RFC 7627)? Always so in TLS 1.3. */
	bool (*is_bound)(void *session);
};

extern const struct fend__tls_provider fend__tls_gnutls, fend__tls_openssl;

/* The provider of this build. A test that has both in one program chooses for each mode. */
const struct fend__tls_provider *fend__tls_provider(enum fend_tls_mode mode);

/* Bytes received, at most size, or -EAGAIN: none now. */
ssize_t fend__tls_pull(struct fend__tls_session *session, void *buffer, size_t size);
/* Push a fatal alert as long as nothing is encrypted. */
void fend__tls_push_plain_alert(struct fend__tls_session *session, int alert);
/* The peer has updated its keys; from a provider that does not limit how often it may. */
void fend__tls_rekeyed(struct fend__tls_session *session);
/*
 * A server's key for what a client says that it is: its own, or nobody's. Never NULL; nothing about
 * the time that it takes depends on which.
 */
const struct fend__tls_psk *fend__tls_find_psk(struct fend__tls_session *session,
					       const void *identity, size_t size);
/* A line for the log of keys. */
void fend__tls_log(struct fend__tls_session *session, const char *line);
/* Send these bytes. */
void fend__tls_push(struct fend__tls_session *session, const void *data, size_t size);

/* Alerts that fend chooses itself (RFC 8446, section 6). */
enum {
	FEND__TLS_CLOSE_NOTIFY = 0,
	FEND__TLS_UNEXPECTED_MESSAGE = 10,
	FEND__TLS_HANDSHAKE_FAILURE = 40,
	FEND__TLS_BAD_CERTIFICATE = 42,
	FEND__TLS_UNSUPPORTED_CERTIFICATE = 43,
	FEND__TLS_CERTIFICATE_REVOKED = 44,
	FEND__TLS_CERTIFICATE_EXPIRED = 45,
	FEND__TLS_CERTIFICATE_UNKNOWN = 46,
	FEND__TLS_ILLEGAL_PARAMETER = 47,
	FEND__TLS_UNKNOWN_CA = 48,
	FEND__TLS_PROTOCOL_VERSION = 70,
	FEND__TLS_UNRECOGNIZED_NAME = 112,
	FEND__TLS_BAD_STATUS_RESPONSE = 113,
	FEND__TLS_CERTIFICATE_REQUIRED = 116,
	FEND__TLS_NO_APPLICATION_PROTOCOL = 120,
};

#endif
