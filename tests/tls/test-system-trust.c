/* SPDX-License-Identifier: MIT */
/* Whoever trusts the system makes of a staple what everybody makes of it. */
#include "link.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <openssl/x509.h>

#include "staples.h"

/*
 * The system of this program trusts the CA of the tests, whichever provider asks: these stand
 * before the providers' functions.
 */
const char *
X509_get_default_cert_file(void)
{
	return certificate_ca();
}

int
gnutls_certificate_set_x509_system_trust(gnutls_certificate_credentials_t credentials)
{
	return gnutls_certificate_set_x509_trust_file(credentials, certificate_ca(),
						      GNUTLS_X509_FMT_PEM);
}

/* Where those that are trusted are kept in PKCS #11, nothing but a copy is safe with threads. */
int
gnutls_certificate_get_issuer(gnutls_certificate_credentials_t credentials,
			      gnutls_x509_crt_t certificate, gnutls_x509_crt_t *ret_issuer,
			      unsigned flags)
{
	int (*real)(gnutls_certificate_credentials_t, gnutls_x509_crt_t, gnutls_x509_crt_t *,
		    unsigned);

	g_assert_cmphex(flags, ==, GNUTLS_TL_GET_COPY);
	*(void **)&real = dlsym(RTLD_NEXT, "gnutls_certificate_get_issuer");
	return real(credentials, certificate, ret_issuer, flags);
}

static const struct staple good = { "good", &staple_leaf, .state = 'V' };
static const struct staple good_wanted = { "good-wanted", &staple_wanted, .state = 'V' };

static void
verdict(struct test *test, const struct animal *leaf, const struct staple *staple, int error,
	unsigned faults)
{
	const struct fend_tls_keypair pair = staple_keypair(leaf, staple);
	struct fend_tls_params client = client_params(), server = server_params();
	struct link link;

	client.cafile = NULL;
	server.certificates = &pair;
	link_init(&link, test);
	link_wrap(&link, &client, &server, NULL);
	link_handshake(&link);
	test_error(link.client.err, error);
	g_assert_cmphex(fend_tls_error(link.client.socket)->faults, ==, faults);
	if (error)
		g_assert_cmpint(fend_tls_error(link.server.socket)->alert, ==, 113);
	else
		link_exchange(&link);
	link_fini(&link);
}

static void
test_staples(struct test *test)
{
	static const struct staple revoked = { "revoked", &staple_leaf, .state = 'R' };
	static const struct staple unknown = { "unknown", &staple_leaf, .state = '?' };
	static const struct staple itself = { "by-itself", &staple_leaf, &staple_leaf, 'V' };

	verdict(test, &staple_leaf, NULL, 0, 0);
	verdict(test, &staple_leaf, &good, 0, 0);
	verdict(test, &staple_wanted, &good_wanted, 0, 0);
	verdict(test, &staple_wanted, NULL, -EKEYREJECTED, FEND_TLS_FAULT_STAPLE_MISSING);
	verdict(test, &staple_leaf, &revoked, -EKEYREVOKED, FEND_TLS_FAULT_REVOKED);
	verdict(test, &staple_leaf, &unknown, -EKEYREJECTED, FEND_TLS_FAULT_STATUS);
	verdict(test, &staple_leaf, &itself, -EKEYREJECTED, FEND_TLS_FAULT_STATUS);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_versions("/system-trust/staples", test_staples);
	return g_test_run();
}
