/* SPDX-License-Identifier: MIT */
#include "provider-gnutls.h"

#include <errno.h>
#include <string.h>

#include <gnutls/ocsp.h>
#include <gnutls/x509-ext.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * Staples. GnuTLS would look at one by itself, but takes the word of anybody who is trusted for
 * that of the issuer, and does not mind one that says nothing; it would not send one that is old.
 * So it is given a function for what to send, and what comes is looked at here.
 */
static int
tell_staple(gnutls_session_t gnutls, void *data, gnutls_datum_t *ret_staple)
{
	const struct fend__tls_blob *staple = data;

	ret_staple->data = gnutls_malloc(staple->size);
	if (!ret_staple->data)
		return GNUTLS_E_MEMORY_ERROR;
	memcpy(ret_staple->data, staple->data, staple->size);
	ret_staple->size = (unsigned)staple->size;
	return 0;
}

/* NULL: there was no memory, or it is none. */
static gnutls_ocsp_resp_t
import(const void *data, size_t size, int *ret_code)
{
	const gnutls_datum_t der = { (unsigned char *)data, (unsigned)size };
	gnutls_ocsp_resp_t response;

	*ret_code = gnutls_ocsp_resp_init(&response);
	if (*ret_code < 0)
		return NULL;
	*ret_code = gnutls_ocsp_resp_import(response, &der);
	if (*ret_code >= 0 && gnutls_ocsp_resp_get_status(response) != GNUTLS_OCSP_RESP_SUCCESSFUL)
		*ret_code = GNUTLS_E_OCSP_RESPONSE_ERROR;
	if (*ret_code >= 0)
		return response;
	gnutls_ocsp_resp_deinit(response);
	return NULL;
}

/* What it says about a certificate. false: nothing. */
static bool
find_single(gnutls_ocsp_resp_t response, gnutls_x509_crt_t certificate,
	    struct fend__tls_staple *staple)
{
	time_t this_update, next_update;
	unsigned status, i;
	int code;

	for (i = 0;; i++) {
		code = gnutls_ocsp_resp_get_single(response, i, NULL, NULL, NULL, NULL, &status,
						   &this_update, &next_update, NULL, NULL);
		if (code < 0)
			return false;
		if (gnutls_ocsp_resp_check_crt(response, i, certificate) == 0)
			break;
	}
	staple->good = status == GNUTLS_OCSP_CERT_GOOD;
	staple->revoked = status == GNUTLS_OCSP_CERT_REVOKED;
	staple->this_update = this_update;
	staple->next_update = next_update == (time_t)-1 ? 0 : next_update;
	return true;
}

/* 0, or as fend__tls_keep_staple() wants it. */
static int
look_at(const struct fend__tls_blob *given, gnutls_x509_crt_t certificate)
{
	struct fend__tls_staple staple = { 0 };
	gnutls_ocsp_resp_t response;
	bool found;
	int code;

	response = import(given->data, given->size, &code);
	if (!response)
		return code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EBADMSG;
	found = find_single(response, certificate, &staple);
	gnutls_ocsp_resp_deinit(response);
	return found ? 0 : -EKEYREJECTED;
}

int
fend__gnutls_read_staple(struct fend__gnutls_context *context,
			 const struct fend__tls_config *config, size_t i,
			 gnutls_x509_crt_t certificate, struct fend__tls_failure *failure)
{
	const struct fend__tls_blob *given = &config->keys[i].staple;

	if (!given->size)
		return 0;
	if (!context->staples)
		context->staples =
			fend__calloc(config->params.certificates_count, sizeof(*context->staples));
	if (!context->staples)
		return fend__tls_fail(failure, -ENOMEM, "staple: %s", fend_strerror(-ENOMEM));
	context->staples_count = config->params.certificates_count;
	return fend__tls_keep_staple(config, i, look_at(given, certificate), &context->staples[i],
				     failure);
}

int
fend__gnutls_use_staple(const struct fend__gnutls_context *context, size_t i,
			gnutls_certificate_credentials_t credentials, unsigned position,
			struct fend__tls_failure *failure)
{
	int code;

	if (!context->staples || !context->staples[i].size)
		return 0;
	code = gnutls_certificate_set_ocsp_status_request_function2(credentials, position,
								    tell_staple,
								    &context->staples[i]);
	return code >= 0 ? 0
			 : fend__tls_fail(failure, -ENOTSUP, "staple: %s", gnutls_strerror(code));
}

void
fend__gnutls_free_staples(struct fend__gnutls_context *context)
{
	size_t i;

	for (i = 0; i < context->staples_count; i++)
		fend__release(context->staples[i].data);
	fend__release(context->staples);
}

static int
is_demanded(gnutls_x509_crt_t certificate, bool *ret_demanded)
{
	gnutls_x509_tlsfeatures_t features;
	unsigned feature, i;
	int code;

	code = gnutls_x509_tlsfeatures_init(&features);
	if (code < 0)
		return code;
	code = gnutls_x509_crt_get_tlsfeatures(certificate, features, 0, NULL);
	for (i = 0; code >= 0 && !*ret_demanded; i++) {
		if (gnutls_x509_tlsfeatures_get(features, i, &feature) < 0)
			break;
		*ret_demanded = feature == FEND__TLS_STAPLE_FEATURE;
	}
	gnutls_x509_tlsfeatures_deinit(features);
	return code == GNUTLS_E_MEMORY_ERROR ? code : 0;
}

/* By the issuer, or by somebody to whom the issuer has given a certificate for that use. */
static bool
is_signed(gnutls_ocsp_resp_t response, gnutls_x509_crt_t issuer)
{
	const unsigned flags = GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM);
	int algorithm = gnutls_ocsp_resp_get_signature_algorithm(response), code;
	unsigned status = 0;

	if (algorithm <= 0 || !gnutls_sign_is_secure2((gnutls_sign_algorithm_t)algorithm,
						      GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS))
		return false;
	code = gnutls_ocsp_resp_verify_direct(response, issuer, &status, flags);
	return code >= 0 && !status;
}

int
fend__gnutls_check_staple(struct fend__gnutls_session *session,
			  const struct fend__gnutls_chain *chain, struct fend__tls_failure *failure)
{
	gnutls_x509_crt_t leaf = chain->certificates[0], issuer;
	const struct fend__gnutls_context *context = session->context;
	struct fend__tls_staple staple = { 0 };
	gnutls_ocsp_resp_t response;
	bool trusted = false;
	gnutls_datum_t der;
	int code;

	code = is_demanded(leaf, &staple.demanded);
	if (code < 0)
		return code;
	staple.sent = gnutls_ocsp_status_request_get2(session->gnutls, 0, &der) >= 0;
	if (staple.sent) {
		response = import(der.data, der.size, &code);
		if (code == GNUTLS_E_MEMORY_ERROR)
			return code;
		issuer = fend__gnutls_find_issuer(context, chain, leaf, &trusted);
		staple.valid = response && issuer && find_single(response, leaf, &staple) &&
			       is_signed(response, issuer);
		if (response)
			gnutls_ocsp_resp_deinit(response);
		if (trusted)
			gnutls_x509_crt_deinit(issuer);
	}
	if (fend__tls_judge_staple(&staple, &context->rules, failure) < 0)
		return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
	return 0;
}

int
fend__gnutls_staple(void *p, const void **ret_der, size_t *ret_size)
{
	struct fend__gnutls_session *session = p;
	gnutls_datum_t der;

	if (gnutls_session_is_resumed(session->gnutls) ||
	    gnutls_ocsp_status_request_get2(session->gnutls, 0, &der) < 0)
		return -ENOENT;
	*ret_der = der.data;
	*ret_size = der.size;
	return 0;
}
