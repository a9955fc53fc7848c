/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_TLS_ZOO_H
#define FEND_TEST_TLS_ZOO_H

#include <stddef.h>

#include "certificate.h"

/*
 * Certificates of all kinds, made with the openssl command when they are first asked for. Each has
 * a name of its own, which is the name of its files in the test directory.
 */
struct animal {
	const char *name;
	const char *issuer;     /* name of another, or NULL: the CA of certificate.h */
	const char *subject;    /* NULL: "/CN=good.example.com" */
	const char *san;        /* subjectAltName, NULL: "DNS:good.example.com"; "": none */
	const char *key;        /* for "openssl req -newkey", NULL: a P-256 key */
	const char *digest;     /* NULL: "-sha256" */
	const char *extensions; /* NULL: those of a server's certificate; ZOO_AUTHORITY: of a CA */
	const char *others;     /* names of what is sent after it, between spaces */
	int days_from, days_to; /* validity from now, both 0: now to in 30 days */
	int bad_signature;      /* one bit is not what was signed */
	int self_signed;
};

/* A list of some 8 KiB. */
#define ZOO_NAME "DNS:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com,"
#define ZOO_NAMES_4 ZOO_NAME ZOO_NAME ZOO_NAME ZOO_NAME
#define ZOO_NAMES_16 ZOO_NAMES_4 ZOO_NAMES_4 ZOO_NAMES_4 ZOO_NAMES_4
#define ZOO_NAMES_64 ZOO_NAMES_16 ZOO_NAMES_16 ZOO_NAMES_16 ZOO_NAMES_16
#define ZOO_MANY_NAMES ZOO_NAMES_64 ZOO_NAMES_64 "DNS:good.example.com"

#define ZOO_P256 "ec -pkeyopt ec_paramgen_curve:P-256"
#define ZOO_LEAF "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\n"
#define ZOO_AUTHORITY "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n"

/* The chain and the key of an animal. The "!" of "!.evil" in subject or san becomes a NUL. */
const struct certificate *zoo_certificate(const struct animal *animal);
/* One that others name; it is made now. */
void zoo_make(const struct animal *animal);
/* Path of its certificate alone, as long as the program runs. */
const char *zoo_path(const char *name);
/*
 * What comes to a client: a certificate, the name that is asked for (NULL: "good.example.com"), and
 * what the client says to it.
 */
struct visitor {
	struct animal animal;
	const char *asked;
	int err;
	unsigned faults; /* of enum fend_tls_fault */
};

extern const struct visitor zoo_visitors[];
extern const size_t zoo_visitors_count;
/* Make the authorities that stand between them and the CA. */
void zoo_open(void);

/*
 * Run "openssl ..." with the words of line; "@name" is the file of this name in test_directory(),
 * and "~" a space in a word.
 */
void zoo_openssl(const char *line);

/*
 * A list by issuer, which revokes revoked (NULL: nothing) and is valid until then, in words for
 * "openssl ca". Returns its PEM form.
 */
char *zoo_list(const char *issuer, const char *revoked, const char *days);
#define ZOO_MONTH "-crldays 30"

#endif
