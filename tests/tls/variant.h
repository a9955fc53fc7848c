/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_TLS_VARIANT_H
#define FEND_TEST_TLS_VARIANT_H

#include <fend/tls.h>

#include "fend-test.h"

/* How the bytes come and go: layers under TLS of both sides (layers.h) see to it. */
enum variant_way {
	DIRECT,   /* as they do over the loopback interface */
	DRIBBLED, /* a byte at a time */
	STALLED,  /* every other time nothing is moved, so that more of them gather */
};

/*
 * A case of tests/tls runs in variants. With the library as it is built there is one,
 * variant-one.c. Where both providers are installed, the same tests are linked with both of them in
 * one program, variant-all.c, and run with each provider as client and as server.
 *
 * What the functions of link.h give a case to work with depends on the variant: the parameters'
 * version and certificate, and the way that bytes move. A case that sets one of these itself has it
 * its way.
 */
struct variant {
	enum fend_tls_version version; /* the only one, or DEFAULT: both */
	bool rsa;                      /* the server's certificate, else P-256 */
	enum variant_way way;
	const char *program; /* whom fend talks to, in tests of interop.h */
};

extern struct variant variant;

/* Each provider with each. */
void variant_add(const char *path, test_fn *fn);
/* Also in each version. */
void variant_add_versions(const char *path, test_fn *fn);
/* Also in each version, with each kind of certificate. */
void variant_add_all(const char *path, test_fn *fn);
/* Also each way: not for cases that count calls, or write to the descriptor what TLS is to read. */
void variant_add_ways(const char *path, test_fn *fn);
/* Each way, for cases that see to versions and certificates, or certificates, themselves. */
void variant_add_each_way(const char *path, test_fn *fn);
void variant_add_versions_each_way(const char *path, test_fn *fn);

/* With fend on one side only: each provider. */
void variant_add_single(const char *path, test_fn *fn);
/* Also with each of these programs, which end with NULL; version DEFAULT: in each of them. */
void variant_add_programs(const char *path, const char *const *programs,
			  enum fend_tls_version version, test_fn *fn);

#endif
