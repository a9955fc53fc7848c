/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_CERTIFICATE_H
#define FEND_TEST_CERTIFICATE_H

/*
 * Certificates made while the test runs, with the openssl command, into test_directory(). All are
 * signed by one CA made on first use. Paths are valid until the program ends.
 */
struct certificate_options {
	const char *common_name; /* NULL: "localhost" */
	const char *san; /* subjectAltName, NULL: "DNS:localhost,IP:127.0.0.1,IP:::1"; "": none */
	int days_from, days_to; /* validity from now; both 0: -1 to 30 */
	const char *usage;      /* extendedKeyUsage, NULL: "serverAuth,clientAuth" */
	int self_signed;        /* not by the CA */
	int rsa;                /* RSA-2048 instead of P-256 */
	const char *password;   /* encrypt the key */
};

struct certificate {
	char *certificate; /* PEM file, leaf only */
	char *key;         /* PEM file */
};

/*
 * options NULL: all defaults. name: a file name; with one that was there before, what was made then
 * is returned.
 */
const struct certificate *certificate_new(const char *name,
					  const struct certificate_options *options);
/* The CA's certificate, and that of another CA which signed nothing. */
const char *certificate_ca(void);
const char *certificate_other_ca(void);

#endif
