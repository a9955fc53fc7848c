/* SPDX-License-Identifier: MIT */
/*
 * Making a certificate with GnuTLS. It is the one place in the examples that names a TLS library:
 * fend uses certificates, it does not make them. A program that has its certificate from elsewhere
 * needs nothing of this.
 */
#include "certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

enum { DAY = 24 * 60 * 60 };

struct certificate {
	char directory[PATH_MAX];
	char path[PATH_MAX + sizeof("/certificate.pem")];
	char key_path[PATH_MAX + sizeof("/key.pem")];
};

static int
set_names(gnutls_x509_crt_t crt)
{
	static const char name[] = "localhost";
	struct in_addr ip4 = { .s_addr = htonl(INADDR_LOOPBACK) };
	struct in6_addr ip6 = IN6ADDR_LOOPBACK_INIT;
	int err = gnutls_x509_crt_set_dn(crt, "CN=localhost,O=fend example", NULL);

	if (err >= 0)
		err = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
							   strlen(name), GNUTLS_FSAN_SET);
	if (err >= 0)
		err = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &ip4,
							   sizeof(ip4), GNUTLS_FSAN_APPEND);
	if (err >= 0)
		err = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &ip6,
							   sizeof(ip6), GNUTLS_FSAN_APPEND);
	return err;
}

static int
set_purpose(gnutls_x509_crt_t crt)
{
	int err = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);

	if (err >= 0)
		err = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (err >= 0)
		err = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	return err;
}

/* It begins a day ago: clocks, a virtual machine's above all, are not always right. */
static int
set_validity(gnutls_x509_crt_t crt)
{
	unsigned char serial[16];
	int err = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

	serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and its first byte not 0 */
	if (err >= 0)
		err = gnutls_x509_crt_set_version(crt, 3);
	if (err >= 0)
		err = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (err >= 0)
		err = gnutls_x509_crt_set_activation_time(crt, time(NULL) - DAY);
	if (err >= 0)
		err = gnutls_x509_crt_set_expiration_time(crt, time(NULL) + DAY);
	return err;
}

static int
make(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	int err = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);

	if (err >= 0)
		err = set_validity(crt);
	if (err >= 0)
		err = set_names(crt);
	if (err >= 0)
		err = set_purpose(crt);
	if (err >= 0)
		err = gnutls_x509_crt_set_key(crt, key);
	if (err >= 0)
		err = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	return err;
}

static int
write_file(const char *path, const gnutls_datum_t *pem)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");
	size_t written;

	if (!stream)
		return -errno;
	written = fwrite(pem->data, 1, pem->size, stream);
	return fclose(stream) != 0 || written < pem->size ? -EIO : 0;
}

static int
write_files(const struct certificate *certificate, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	gnutls_datum_t crt_pem = { 0 }, key_pem = { 0 };
	int err = -ENOMEM;

	if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &crt_pem) >= 0 &&
	    gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &key_pem) >= 0) {
		err = write_file(certificate->path, &crt_pem);
		if (err >= 0)
			err = write_file(certificate->key_path, &key_pem);
	}
	gnutls_free(crt_pem.data);
	gnutls_free(key_pem.data);
	return err;
}

static int
make_files(const struct certificate *certificate, const char **ret_reason)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_x509_privkey_t key = NULL;
	int err = gnutls_x509_crt_init(&crt);

	if (err >= 0)
		err = gnutls_x509_privkey_init(&key);
	if (err >= 0)
		err = make(crt, key);
	if (err < 0) {
		*ret_reason = gnutls_strerror(err);
		err = -EPROTO;
	} else {
		err = write_files(certificate, crt, key);
		*ret_reason = strerror(-err);
	}
	if (key)
		gnutls_x509_privkey_deinit(key);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	return err;
}

int
certificate_new(struct certificate **ret_certificate, const char **ret_reason)
{
	struct certificate *certificate = calloc(1, sizeof(*certificate));
	const char *parent = getenv("TMPDIR");
	int err;

	*ret_reason = "no temporary directory can be made";
	if (!certificate)
		return -ENOMEM;
	snprintf(certificate->directory, sizeof(certificate->directory), "%s/fend-example-XXXXXX",
		 parent && *parent ? parent : "/tmp");
	if (!mkdtemp(certificate->directory)) {
		err = -errno;
		free(certificate);
		return err;
	}
	snprintf(certificate->path, sizeof(certificate->path), "%s/certificate.pem",
		 certificate->directory);
	snprintf(certificate->key_path, sizeof(certificate->key_path), "%s/key.pem",
		 certificate->directory);
	err = make_files(certificate, ret_reason);
	if (err < 0) {
		certificate_free(certificate);
		return err;
	}
	*ret_certificate = certificate;
	return 0;
}

struct certificate *
certificate_free(struct certificate *certificate)
{
	if (!certificate)
		return NULL;
	unlink(certificate->path);
	unlink(certificate->key_path);
	rmdir(certificate->directory);
	free(certificate);
	return NULL;
}

const char *
certificate_path(const struct certificate *certificate)
{
	return certificate->path;
}

const char *
certificate_key_path(const struct certificate *certificate)
{
	return certificate->key_path;
}
