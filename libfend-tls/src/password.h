/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_PASSWORD_H
#define FEND_TLS_SRC_PASSWORD_H

#include "provider.h"

/*
 * What a key is encrypted with: given with the key, or else to be asked for. A provider calls this
 * once it knows that the key is encrypted, and at most once for a key. Returns 0 and the text,
 * which is NULL if there is none, or -errno with the failure filled in. Afterwards call _fini,
 * which wipes it.
 */
struct fend__tls_password {
	const char *text;
	char *buffer; /* of what was asked for */
};

int fend__tls_password_init(struct fend__tls_password *ret_password,
			    const struct fend__tls_config *config, size_t i,
			    struct fend__tls_failure *failure);
void fend__tls_password_fini(struct fend__tls_password *password);

/* The key cannot be read, because of why, or of the password. Returns -EBADMSG. */
int fend__tls_password_fail(const struct fend__tls_config *config, size_t i, bool encrypted,
			    const char *why, struct fend__tls_failure *failure);

#endif
