/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_PROVIDER_H
#define FEND_TLS_SRC_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

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
	int err;        /* -errno */
	int alert;      /* sent or received, or -1 */
	bool from_peer; /* the alert was received */
	char text[512]; /* one line */
};

/* Fill in a failure without an alert; returns err. A text that is too long is cut. */
int fend__tls_fail(struct fend__tls_failure *failure, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The name of RFC 8446, section 6, such as "bad_certificate"; "unknown" if there is none. */
const char *fend__tls_alert_name(int alert);

/* The content of a file. */
struct fend__tls_blob {
	unsigned char *data;
	size_t size;
};

/* Whom a client wants to talk to. */
struct fend__tls_name {
	char *text;                /* host name without trailing dot, or address literal; or NULL */
	unsigned char address[16]; /* of a literal, in network byte order */
	size_t address_size;       /* 4, 16, or 0: text is a host name */
};

struct fend__tls_keys {
	struct fend__tls_blob certificate, key; /* PEM */
	const char *password;                   /* or NULL */
};

/* What a context is made of: checked, defaults filled in, files read. */
struct fend__tls_config {
	struct fend_tls_params params;
	struct fend__tls_blob cafile; /* empty: none given */
	struct fend__tls_keys *keys;  /* params.certificates_count of them */
	bool system_trust;            /* the system's certificates are to be trusted */
};

/*
 * A context is immutable and serves sessions of several threads at once. Functions that take a
 * failure fill it in exactly when they return an error other than -EAGAIN.
 */
struct fend__tls_provider {
	/* "gnutls 3.7.9"; a constant */
	const char *(*version)(void);

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

	void (*close_notify)(void *session);                        /* push it */
	void (*alert)(void *session, int alert);                    /* push a fatal one */
	const char *(*get)(void *session, enum fend_tls_item item); /* as fend_tls_get() */
};

/* The provider of this build. */
extern const struct fend__tls_provider *const fend__tls_provider;
extern const struct fend__tls_provider fend__tls_gnutls;

/* Bytes received, at most size, or -EAGAIN: none now. */
ssize_t fend__tls_pull(struct fend__tls_session *session, void *buffer, size_t size);
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
	FEND__TLS_UNKNOWN_CA = 48,
	FEND__TLS_CERTIFICATE_REQUIRED = 116,
	FEND__TLS_NO_APPLICATION_PROTOCOL = 120,
};

#endif
