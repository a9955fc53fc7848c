/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_CERTIFICATES_H
#define FEND_TLS_SRC_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>

#include "provider.h"

/*
 * Which of a server's certificates it presents to whom. certificates.c has the rules; a provider
 * says what there is, and loads each set as it needs it.
 */

/* Of each key type at most one: numbers in fend_tls_params.certificates. */
struct fend__tls_set {
	struct fend__tls_member {
		size_t certificate;
		int type;
	} * members;
	size_t count;
};

struct fend__tls_certificates {
	struct fend__tls_set *sets; /* [0]: for whoever asks for no name that there is */
	size_t count;
	struct fend__tls_presented {
		char *name; /* in lower case; may begin with "*." */
		size_t set;
	} * names;
	size_t names_count;
};

/* A certificate, with a key of this type, a number of the provider's own. 0 or -ENOMEM. */
int fend__tls_certificates_add(struct fend__tls_certificates *certificates, size_t certificate,
			       int type);
/* A DNS name of its subjectAltName, after it was added itself. 0 or -ENOMEM. */
int fend__tls_certificates_add_name(struct fend__tls_certificates *certificates, size_t certificate,
				    int type, const void *name, size_t size);
/*
 * All of the count that there are were added. -EINVAL, with the failure filled in, if one of them
 * would never be presented.
 */
int fend__tls_certificates_finish(struct fend__tls_certificates *certificates, size_t count,
				  struct fend__tls_failure *failure);
/* The number of the set for a client that asks for this name, or for none. */
size_t fend__tls_certificates_find(const struct fend__tls_certificates *certificates,
				   const char *name);
void fend__tls_certificates_fini(struct fend__tls_certificates *certificates);

#endif
