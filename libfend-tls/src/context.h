/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_CONTEXT_H
#define FEND_TLS_SRC_CONTEXT_H

#include <stdatomic.h>

#include "provider.h"

struct fend_tls_context {
	atomic_uint references;
	const struct fend__tls_provider *provider;
	void *implementation; /* the provider's context */
	enum fend_tls_mode mode;
	enum fend_tls_verify verify; /* never DEFAULT */
	unsigned flags;
	bool alpn; /* there must be an application protocol */
	struct fend_tls_pin *pins;
	struct fend__tls_psks psks;
	int keylog;               /* a descriptor, or -1 */
	fend_tls_hello_fn *hello; /* of a server, or NULL */
	void *hello_data;
	unsigned char fingerprint[FEND__TLS_HASH];
};

/* Check parameters and fill in the defaults. -EINVAL, with the failure filled in. */
int fend__tls_params_check(struct fend_tls_params *params, struct fend__tls_failure *failure);

/*
 * Read the files that the parameters name, except what is in capath. _fini wipes what was read. On
 * failure nothing is to be finished.
 */
int fend__tls_config_init(struct fend__tls_config *ret_config, const struct fend_tls_params *params,
			  struct fend__tls_failure *failure);
void fend__tls_config_fini(struct fend__tls_config *config);

/*
 * Fill in the fingerprint and, of a server with a ticket_secret, the ticket key. -ENOMEM, with the
 * failure filled in.
 */
int fend__tls_fingerprint(struct fend__tls_config *config,
			  const struct fend__tls_provider *provider,
			  struct fend__tls_failure *failure);

/*
 * Pre-shared keys: check the parameters, and fill in what follows from them; copy them, which _fini
 * wipes and releases; leave out what they cannot be used with. 0, or -errno with the failure filled
 * in.
 */
int fend__tls_psks_check(struct fend_tls_params *params, struct fend__tls_failure *failure);
int fend__tls_psks_init(struct fend__tls_psks *psks, const struct fend_tls_params *params,
			const struct fend__tls_provider *provider,
			struct fend__tls_failure *failure);
void fend__tls_psks_fini(struct fend__tls_psks *psks);
int fend__tls_psks_algorithms(struct fend__tls_config *config, struct fend__tls_failure *failure);

/* Find the ciphers and groups that the parameters name. -EINVAL, with the failure filled in. */
int fend__tls_algorithms(struct fend__tls_config *config, struct fend__tls_failure *failure);

#endif
