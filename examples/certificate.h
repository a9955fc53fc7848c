/* SPDX-License-Identifier: MIT */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include <fend/cleanup.h>

/*
 * A fresh key and a self-signed certificate for localhost, 127.0.0.1 and ::1, valid for a day, as
 * PEM files in a temporary directory that only this user can read.
 */
struct certificate;

/* On failure *ret_reason is a constant, one line. */
int certificate_new(struct certificate **ret_certificate, const char **ret_reason);

/* Removes the files. NULL does nothing. Returns NULL. */
struct certificate *certificate_free(struct certificate *certificate);

const char *certificate_path(const struct certificate *certificate);
const char *certificate_key_path(const struct certificate *certificate);

FEND_DEFINE_CLEANUP(certificate)

#endif
