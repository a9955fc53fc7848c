/* SPDX-License-Identifier: MIT */
#include "provider-openssl.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * Staples. OpenSSL asks for one and hands it over, at the end of the server's first flight, when
 * the certificate has been verified. The signature is verified against the issuer alone, which that
 * has found: OpenSSL by itself would go through the whole store once more.
 */

/* NULL: there was no memory, or it is none, or not only one. */
static OCSP_BASICRESP *
import(const unsigned char *data, long size)
{
	const unsigned char *end = data + size;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &data, size);
	OCSP_BASICRESP *basic = NULL;

	if (response && data == end &&
	    OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(response);
	OCSP_RESPONSE_free(response);
	return basic;
}

/* By the issuer's name and the serial number. */
static bool
is_about(const OCSP_CERTID *id, X509 *certificate)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	ASN1_OCTET_STRING *name;
	ASN1_INTEGER *serial;
	ASN1_OBJECT *algorithm;
	const EVP_MD *digest;
	unsigned size = 0;

	if (!OCSP_id_get0_info(&name, &algorithm, NULL, &serial, (OCSP_CERTID *)id) ||
	    ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)))
		return false;
	digest = EVP_get_digestbyobj(algorithm);
	return digest && X509_NAME_digest(X509_get_issuer_name(certificate), digest, hash, &size) &&
	       (int)size == ASN1_STRING_length(name) &&
	       !memcmp(hash, ASN1_STRING_get0_data(name), size);
}

static int64_t
time_of(const ASN1_GENERALIZEDTIME *time)
{
	struct tm tm;

	return time && ASN1_TIME_to_tm(time, &tm) ? timegm(&tm) : 0;
}

/* What it says about a certificate. false: nothing. */
static bool
find_single(OCSP_BASICRESP *basic, X509 *certificate, struct fend__tls_staple *staple)
{
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
	OCSP_SINGLERESP *single;
	int i, status;

	for (i = 0; i < OCSP_resp_count(basic); i++) {
		single = OCSP_resp_get0(basic, i);
		if (!is_about(OCSP_SINGLERESP_get0_id(single), certificate))
			continue;
		status = OCSP_single_get0_status(single, NULL, NULL, &this_update, &next_update);
		staple->good = status == V_OCSP_CERTSTATUS_GOOD;
		staple->revoked = status == V_OCSP_CERTSTATUS_REVOKED;
		staple->this_update = time_of(this_update);
		staple->next_update = time_of(next_update);
		return true;
	}
	return false;
}

static int
send_staple(SSL *ssl, void *data)
{
	const struct fend__openssl_context *context = data;
	X509 *certificate = SSL_get_certificate(ssl);
	const struct fend__openssl_staple *staple;
	unsigned char *copy;
	size_t i;

	for (i = 0; i < context->staples_count; i++) {
		staple = &context->staples[i];
		if (!staple->response.size || !certificate ||
		    X509_cmp(staple->certificate, certificate))
			continue;
		copy = OPENSSL_memdup(staple->response.data, staple->response.size);
		if (!copy)
			return SSL_TLSEXT_ERR_ALERT_FATAL;
		SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple->response.size);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static bool
has_feature(X509 *certificate, long feature)
{
	TLS_FEATURE *features = X509_get_ext_d2i(certificate, NID_tlsfeature, NULL, NULL);
	bool found = false;
	int i;

	for (i = 0; !found && i < sk_ASN1_INTEGER_num(features); i++)
		found = ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == feature;
	TLS_FEATURE_free(features);
	return found;
}

bool
fend__openssl_keeps_features(X509 *certificate, X509 *issuer)
{
	TLS_FEATURE *features;
	int critical, i;
	bool kept;

	/* an error that stays in the queue would be taken for one of the handshake */
	ERR_set_mark();
	features = X509_get_ext_d2i(issuer, NID_tlsfeature, &critical, NULL);
	kept = features || critical == -1; /* -1: there is none */
	for (i = 0; kept && i < sk_ASN1_INTEGER_num(features); i++)
		kept = has_feature(certificate,
				   ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)));
	TLS_FEATURE_free(features);
	ERR_pop_to_mark();
	return kept;
}

/*
 * Is the hash good enough for a certificate? That of RSASSA-PSS is told elsewhere, and may be
 * SHA-1; GnuTLS takes none of these.
 */
static bool
is_strong(const OCSP_BASICRESP *basic)
{
	const ASN1_OBJECT *algorithm;
	int hash, key;

	X509_ALGOR_get0(&algorithm, NULL, NULL, OCSP_resp_get0_tbs_sigalg(basic));
	return OBJ_find_sigid_algs(OBJ_obj2nid(algorithm), &hash, &key) && hash != NID_sha1 &&
	       hash != NID_md5 && hash != NID_md5_sha1 && key != NID_rsassaPss;
}

/* By the issuer, or by somebody to whom the issuer has given a certificate for that use. */
static bool
is_signed(OCSP_BASICRESP *basic, X509 *issuer)
{
	STACK_OF(X509) *issuers = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	bool good = false;

	if (store && issuers && X509_STORE_add_cert(store, issuer) &&
	    sk_X509_push(issuers, issuer)) {
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
		X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(store), 2);
		good = is_strong(basic) && OCSP_basic_verify(basic, issuers, store, 0) == 1;
	}
	sk_X509_free(issuers);
	X509_STORE_free(store);
	return good;
}

static void
examine(SSL *ssl, struct fend__tls_staple *staple)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	X509 *leaf = sk_X509_value(chain, 0), *issuer = sk_X509_value(chain, 1);
	const unsigned char *der = NULL;
	OCSP_BASICRESP *basic;
	long size;

	if (!leaf)
		return;
	if (!issuer && X509_self_signed(leaf, 0) == 1)
		issuer = leaf;
	staple->demanded = has_feature(leaf, FEND__TLS_STAPLE_FEATURE);
	size = SSL_get_tlsext_status_ocsp_resp(ssl, &der);
	staple->sent = der && size > 0;
	if (!staple->sent)
		return;
	basic = import(der, size);
	staple->valid = basic && issuer && find_single(basic, leaf, staple) &&
			is_signed(basic, issuer);
	OCSP_BASICRESP_free(basic);
}

/* 1: go on; 0: refuse the server, with an alert of OpenSSL's choice. */
static int
judge_staple(SSL *ssl, void *data)
{
	struct fend__openssl_session *session = SSL_get_app_data(ssl);
	const struct fend__tls_rules *rules = &session->context->rules;
	struct fend__tls_staple staple = { 0 };

	if (!fend__tls_wants_staple(rules) || SSL_session_reused(ssl))
		return 1;
	examine(ssl, &staple);
	ERR_clear_error();
	return fend__tls_judge_staple(&staple, rules, session->rejected) < 0 ? 0 : 1;
}

void
fend__openssl_use_staples(struct fend__openssl_context *context)
{
	if (context->rules.mode == FEND_TLS_SERVER) {
		SSL_CTX_set_tlsext_status_cb(context->ctx, send_staple);
		SSL_CTX_set_tlsext_status_arg(context->ctx, context);
		return;
	}
	SSL_CTX_set_tlsext_status_type(context->ctx, TLSEXT_STATUSTYPE_ocsp);
	SSL_CTX_set_tlsext_status_cb(context->ctx, judge_staple);
}

/* 0, or as fend__tls_keep_staple() wants it. */
static int
look_at(const struct fend__tls_blob *given, X509 *certificate)
{
	OCSP_BASICRESP *basic = import(given->data, (long)given->size);
	struct fend__tls_staple staple = { 0 };
	bool found;

	if (!basic)
		return fend__openssl_error().reason == ERR_R_MALLOC_FAILURE ? -ENOMEM : -EBADMSG;
	found = find_single(basic, certificate, &staple);
	OCSP_BASICRESP_free(basic);
	return found ? 0 : -EKEYREJECTED;
}

int
fend__openssl_set_staple(struct fend__openssl_context *context,
			 const struct fend__tls_config *config, size_t i, X509 *certificate,
			 struct fend__tls_failure *failure)
{
	const struct fend__tls_blob *given = &config->keys[i].staple;
	int r;

	if (!given->size)
		return 0;
	if (!context->staples)
		context->staples =
			fend__calloc(config->params.certificates_count, sizeof(*context->staples));
	if (!context->staples)
		return fend__tls_fail(failure, -ENOMEM, "staple: %s", fend_strerror(-ENOMEM));
	context->staples_count = config->params.certificates_count;
	r = fend__tls_keep_staple(config, i, look_at(given, certificate),
				  &context->staples[i].response, failure);
	if (r < 0)
		return r;
	X509_up_ref(certificate);
	context->staples[i].certificate = certificate;
	return 0;
}

void
fend__openssl_free_staples(struct fend__openssl_context *context)
{
	size_t i;

	for (i = 0; i < context->staples_count; i++) {
		X509_free(context->staples[i].certificate);
		fend__release(context->staples[i].response.data);
	}
	fend__release(context->staples);
}

int
fend__openssl_staple(void *p, const void **ret_der, size_t *ret_size)
{
	struct fend__openssl_session *session = p;
	const unsigned char *der = NULL;
	long size = SSL_get_tlsext_status_ocsp_resp(session->ssl, &der);

	if (SSL_session_reused(session->ssl) || !der || size <= 0)
		return -ENOENT;
	*ret_der = der;
	*ret_size = (size_t)size;
	return 0;
}
