/* SPDX-License-Identifier: MIT */
#include "provider-gnutls.h"

#include <errno.h>

/*
 * Lists of what was revoked. GnuTLS heeds those that it has, but does not mind when one is missing,
 * and does not look at their signatures. So they are kept away from it and looked at here: each
 * certificate of the chain, up to somebody who is trusted, needs a valid list of its issuer.
 */
int
fend__gnutls_set_crls(struct fend__gnutls_context *context, const struct fend__tls_config *config,
		      struct fend__tls_failure *failure)
{
	const gnutls_datum_t pem = { config->crlfile.data, (unsigned)config->crlfile.size };
	int code;

	if (!pem.size)
		return 0;
	code = gnutls_x509_crl_list_import2(&context->crls, &context->crls_count, &pem,
					    GNUTLS_X509_FMT_PEM, 0);
	if (code >= 0 && context->crls_count)
		return 0;
	return fend__tls_fail(failure, code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EBADMSG,
			      "crlfile: %s: no list in PEM form", config->params.crlfile);
}

gnutls_x509_crt_t
fend__gnutls_find_issuer(const struct fend__gnutls_context *context,
			 const struct fend__gnutls_chain *chain, gnutls_x509_crt_t certificate,
			 bool *ret_trusted)
{
	gnutls_x509_crt_t issuer;
	unsigned i;

	/* a copy, since whom the system trusts may be kept in PKCS #11, and added when asked for */
	*ret_trusted = gnutls_certificate_get_issuer(context->trust, certificate, &issuer,
						     GNUTLS_TL_GET_COPY) == 0;
	if (*ret_trusted)
		return issuer;
	for (i = 0; i < chain->size; i++)
		if (chain->certificates[i] != certificate &&
		    gnutls_x509_crt_check_issuer(certificate, chain->certificates[i]))
			return chain->certificates[i];
	return NULL;
}

static unsigned
look_up(const struct fend__gnutls_context *context, gnutls_x509_crt_t certificate,
	gnutls_x509_crt_t issuer)
{
	unsigned i, status;

	for (i = 0; i < context->crls_count; i++) {
		gnutls_x509_crl_t crl = context->crls[i];

		if (!gnutls_x509_crl_check_issuer(crl, issuer) ||
		    gnutls_x509_crl_verify(crl, &issuer, 1, 0, &status) < 0 || status)
			continue;
		return gnutls_x509_crt_check_revocation(certificate, &crl, 1)
			       ? FEND_TLS_FAULT_REVOKED
			       : 0;
	}
	return FEND_TLS_FAULT_CRL;
}

unsigned
fend__gnutls_check_crls(const struct fend__gnutls_context *context,
			const struct fend__gnutls_chain *chain)
{
	gnutls_x509_crt_t certificate = chain->certificates[0], issuer;
	bool trusted = false, ends = false;
	unsigned faults = 0, i;

	for (i = 0; i < chain->size && !ends; i++) {
		issuer = fend__gnutls_find_issuer(context, chain, certificate, &trusted);
		ends = !issuer || gnutls_x509_crt_equals(issuer, certificate);
		if (!ends)
			faults |= look_up(context, certificate, issuer);
		if (trusted) {
			gnutls_x509_crt_deinit(issuer);
			break;
		}
		certificate = issuer;
	}
	return faults;
}
