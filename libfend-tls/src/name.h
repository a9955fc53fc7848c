/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_NAME_H
#define FEND_TLS_SRC_NAME_H

#include "provider.h"

/* Bytes of a host name in text. */
#define FEND__TLS_NAME_MAX 253

/*
 * Read what a client demands of the certificate. -EINVAL: text is neither a host name nor an
 * address literal. Free *ret_name with _fini.
 */
int fend__tls_name_init(struct fend__tls_name *ret_name, const char *text);
void fend__tls_name_fini(struct fend__tls_name *name);

#endif
