/* SPDX-License-Identifier: MIT */
#include "provider-openssl.h"

#include <errno.h>

#include <openssl/x509v3.h>

/*
 * What is wrong with the peer's certificate? OpenSSL builds and checks the chain, its validity, its
 * use and the name. It is told to go on after each error, so that all of them are found.
 */
static unsigned
fault_of(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_REVOKED:
		return FEND_TLS_FAULT_REVOKED;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return FEND_TLS_FAULT_UNKNOWN_ISSUER;
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
		return FEND_TLS_FAULT_ISSUER_IS_NO_CA;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
	case X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH:
		return FEND_TLS_FAULT_SIGNATURE;
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
	case X509_V_ERR_SUBTREE_MINMAX:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
		return FEND_TLS_FAULT_CONSTRAINT;
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		return FEND_TLS_FAULT_EXTENSION;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return FEND_TLS_FAULT_WEAK;
	case X509_V_ERR_INVALID_PURPOSE:
	case X509_V_ERR_CERT_REJECTED:
		return FEND_TLS_FAULT_PURPOSE;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return FEND_TLS_FAULT_NOT_YET_VALID;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return FEND_TLS_FAULT_EXPIRED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return FEND_TLS_FAULT_NAME;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
	case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
	case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
	case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
	case X509_V_ERR_DIFFERENT_CRL_SCOPE:
	case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
		return FEND_TLS_FAULT_CRL;
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
		return FEND_TLS_FAULT_CHAIN_LENGTH;
	default:
		return FEND_TLS_FAULT_OTHER;
	}
}

/* The error that makes OpenSSL send this alert, after a verification that has failed. */
static int
error_for(int alert)
{
	switch (alert) {
	case FEND__TLS_UNSUPPORTED_CERTIFICATE:
		return X509_V_ERR_INVALID_PURPOSE;
	case FEND__TLS_CERTIFICATE_REVOKED:
		return X509_V_ERR_CERT_REVOKED;
	case FEND__TLS_CERTIFICATE_EXPIRED:
		return X509_V_ERR_CERT_HAS_EXPIRED;
	case FEND__TLS_HANDSHAKE_FAILURE:
		return X509_V_ERR_APPLICATION_VERIFICATION;
	case FEND__TLS_CERTIFICATE_UNKNOWN:
		return X509_V_ERR_EXCLUDED_VIOLATION; /* of which there is nothing to say, as of most */
	case FEND__TLS_UNKNOWN_CA:
		return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
	default:
		return X509_V_ERR_CERT_REJECTED; /* bad_certificate */
	}
}

static struct fend__openssl_session *
session_of(X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

	return SSL_get_app_data(ssl);
}

static int
collect(int good, X509_STORE_CTX *store)
{
	struct fend__tls_findings *findings;
	unsigned fault;
	int error, last;

	if (good)
		return 1;
	findings = session_of(store)->findings;
	error = X509_STORE_CTX_get_error(store);
	fault = fault_of(error);
	/* it asks for a list of the last one's issuer too, who need not be known */
	last = sk_X509_num(X509_STORE_CTX_get0_chain(store)) - 1;
	if (fault == FEND_TLS_FAULT_CRL && X509_STORE_CTX_get_error_depth(store) == last)
		return 1;
	if (fault == FEND_TLS_FAULT_OTHER)
		findings->words = X509_verify_cert_error_string(error);
	findings->faults |= fault;
	return 1;
}

static bool
has_host_name(X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	bool found = false;
	int i;

	for (i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
		found = sk_GENERAL_NAME_value(names, i)->type == GEN_DNS;
	GENERAL_NAMES_free(names);
	return found;
}

static time_t
time_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) ? timegm(&tm) : 0;
}

static void
examine_times(struct fend__tls_findings *findings, X509 *certificate)
{
	time_t activation = time_of(X509_get0_notBefore(certificate));
	time_t expiration = time_of(X509_get0_notAfter(certificate));

	if (!findings->activation || activation > findings->activation)
		findings->activation = activation;
	if (!findings->expiration || expiration < findings->expiration)
		findings->expiration = expiration;
}

static void
examine_sent(struct fend__tls_findings *findings, STACK_OF(X509) *sent)
{
	int i;

	findings->sent = (unsigned)sk_X509_num(sent);
	for (i = 0; i < sk_X509_num(sent); i++) {
		X509 *certificate = sk_X509_value(sent, i);
		bool self_signed = X509_self_signed(certificate, 0) == 1;

		if (i == 0) {
			findings->self_signed = self_signed;
			findings->has_host = has_host_name(certificate);
		} else if (!self_signed) {
			findings->intermediates++;
		}
	}
}

/* Was last, where the chain ends, issued by one of those sent, which may not issue any? */
static bool
has_false_issuer(X509 *last, STACK_OF(X509) *sent)
{
	X509 *other;
	int i;

	for (i = 0; i < sk_X509_num(sent); i++) {
		other = sk_X509_value(sent, i);
		if (X509_cmp(other, last) && !X509_check_ca(other) &&
		    !X509_NAME_cmp(X509_get_subject_name(other), X509_get_issuer_name(last)) &&
		    X509_verify(last, X509_get0_pubkey(other)) == 1)
			return true;
	}
	return false;
}

/* To OpenSSL an issuer that may not issue does not come into question, so it sees none at all. */
static void
examine_chain(struct fend__tls_findings *findings, STACK_OF(X509) *chain, STACK_OF(X509) *sent)
{
	int n = sk_X509_num(chain), i;

	for (i = 0; i < n; i++)
		examine_times(findings, sk_X509_value(chain, i));
	for (i = 0; i + 1 < n; i++)
		if (!fend__openssl_keeps_features(sk_X509_value(chain, i),
						  sk_X509_value(chain, i + 1)))
			findings->faults |= FEND_TLS_FAULT_CONSTRAINT;
	if (n > 0 && findings->faults & FEND_TLS_FAULT_UNKNOWN_ISSUER &&
	    has_false_issuer(sk_X509_value(chain, n - 1), sent)) {
		findings->faults &= ~(unsigned)FEND_TLS_FAULT_UNKNOWN_ISSUER;
		findings->faults |= FEND_TLS_FAULT_ISSUER_IS_NO_CA;
	}
}

static int
examine_key(struct fend__tls_findings *findings, X509 *leaf)
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der), good;

	good = size > 0 && EVP_Digest(der, (size_t)size, findings->spki, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	return good ? 0 : -ENOMEM;
}

static int
examine(struct fend__openssl_session *session, struct fend__tls_findings *findings,
	X509_STORE_CTX *store)
{
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);

	if (session->context->rules.pins_count &&
	    examine_key(findings, X509_STORE_CTX_get0_cert(store)) < 0)
		return -ENOMEM;
	if (!fend__tls_verifies(&session->context->rules))
		return 0;
	examine_sent(findings, sent);
	if (findings->sent > FEND__TLS_CHAIN_MAX)
		return 0;
	session->findings = findings;
	X509_STORE_CTX_set0_crls(store, session->context->crls);
	X509_STORE_CTX_set_verify_cb(store, collect);
	if (X509_verify_cert(store) <= 0 && !findings->faults) {
		if (X509_STORE_CTX_get_error(store) == X509_V_ERR_OUT_OF_MEM)
			return -ENOMEM;
		findings->faults = FEND_TLS_FAULT_OTHER;
	}
	session->findings = NULL;
	examine_chain(findings, X509_STORE_CTX_get0_chain(store), sent);
	return 0;
}

int
fend__openssl_verify(X509_STORE_CTX *store, void *data)
{
	struct fend__openssl_session *session = session_of(store);
	const struct fend__tls_rules *rules = &session->context->rules;
	const struct fend__tls_name *name = fend__tls_demanded(rules, session->name);
	struct fend__tls_findings findings = { 0 };
	const unsigned char *alpn;
	unsigned alpn_size;

	SSL_get0_alpn_selected(session->ssl, &alpn, &alpn_size);
	if (rules->mode == FEND_TLS_CLIENT &&
	    fend__tls_judge_alpn(rules, alpn_size, session->rejected) < 0) {
		X509_STORE_CTX_set_error(store, error_for(session->rejected->alert));
		return 0;
	}
	if (!fend__tls_looks(rules))
		return 1;
	if (examine(session, &findings, store) < 0)
		return -1;
	if (fend__tls_judge(&findings, rules, name, session->rejected) < 0) {
		X509_STORE_CTX_set_error(store, error_for(session->rejected->alert));
		return 0;
	}
	session->verified = true;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}
