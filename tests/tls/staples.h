/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_TLS_STAPLES_H
#define FEND_TEST_TLS_STAPLES_H

#include <fend/tls.h>

#include "zoo.h"

/* An OCSP response, made with the openssl command when it is first asked for. */
struct staple {
	const char *name;            /* of its file */
	const struct animal *about;  /* a leaf */
	const struct animal *signer; /* NULL: who has issued that */
	char state;                  /* 'V'alid, 'R'evoked, else unknown */
	const char *options;         /* for "openssl ocsp", NULL: "-ndays 7" */
};

/* Path of the response, as long as the program runs. */
const char *staple_path(const struct staple *staple);
/* A leaf's keys with a staple, or without. */
struct fend_tls_keypair staple_keypair(const struct animal *leaf, const struct staple *staple);

/* Leaves for "localhost", the second with the wish to be stapled; and who may sign for them. */
extern const struct animal staple_leaf, staple_wanted, staple_below, staple_delegate;

#endif
