/* SPDX-License-Identifier: MIT */
#include "provider-gnutls.h"

/*
 * What is wrong with the peer's certificate? GnuTLS builds and checks the chain, its validity, its
 * use and the name, and finds a set of bits for all of it. It takes a client's certificate of a
 * server unless the purpose is among what it is to check. Its limit counts all certificates sent.
 */
static const struct {
	unsigned bits;
	unsigned fault;
} faults[] = {
	{ GNUTLS_CERT_REVOKED, FEND_TLS_FAULT_REVOKED },
	{ GNUTLS_CERT_SIGNER_NOT_FOUND, FEND_TLS_FAULT_UNKNOWN_ISSUER },
	{ GNUTLS_CERT_SIGNER_NOT_CA, FEND_TLS_FAULT_ISSUER_IS_NO_CA },
	{ GNUTLS_CERT_SIGNATURE_FAILURE, FEND_TLS_FAULT_SIGNATURE },
	{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, FEND_TLS_FAULT_CONSTRAINT },
	{ GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, FEND_TLS_FAULT_EXTENSION },
	{ GNUTLS_CERT_MISSING_OCSP_STATUS | GNUTLS_CERT_INVALID_OCSP_STATUS,
	  FEND_TLS_FAULT_STATUS },
	{ GNUTLS_CERT_INSECURE_ALGORITHM, FEND_TLS_FAULT_WEAK },
	{ GNUTLS_CERT_PURPOSE_MISMATCH, FEND_TLS_FAULT_PURPOSE },
	{ GNUTLS_CERT_NOT_ACTIVATED, FEND_TLS_FAULT_NOT_YET_VALID },
	{ GNUTLS_CERT_EXPIRED, FEND_TLS_FAULT_EXPIRED },
	{ GNUTLS_CERT_UNEXPECTED_OWNER, FEND_TLS_FAULT_NAME },
};

static unsigned
faults_of(unsigned status)
{
	unsigned found = 0;
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		if (status & faults[i].bits)
			found |= faults[i].fault;
		status &= ~faults[i].bits;
	}
	/* INVALID says no more than that there are others */
	if (status & ~(unsigned)GNUTLS_CERT_INVALID || (status && !found))
		found |= FEND_TLS_FAULT_OTHER;
	return found;
}

/*
 * GnuTLS reads the names into a buffer of this size and gives up at the first that does not fit.
 * A host name found before that is one that GnuTLS found too, so it leaves the common name alone.
 */
static bool
has_host_name(gnutls_x509_crt_t certificate)
{
	char name[256];
	size_t size;
	unsigned i;
	int type;

	for (i = 0;; i++) {
		size = sizeof(name);
		type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
		if (type == GNUTLS_SAN_DNSNAME)
			return true;
		if (type < 0)
			return false;
	}
}

static void
examine_times(struct fend__tls_findings *findings, gnutls_x509_crt_t certificate)
{
	time_t activation = gnutls_x509_crt_get_activation_time(certificate);
	time_t expiration = gnutls_x509_crt_get_expiration_time(certificate);

	if (!findings->activation || activation > findings->activation)
		findings->activation = activation;
	if (!findings->expiration || expiration < findings->expiration)
		findings->expiration = expiration;
}

static void
examine(struct fend__tls_findings *findings, const struct fend__gnutls_context *context, unsigned i,
	gnutls_x509_crt_t certificate)
{
	bool self_signed = gnutls_x509_crt_check_issuer(certificate, certificate);
	gnutls_x509_crt_t issuer;

	if (i == 0) {
		findings->self_signed = self_signed;
		findings->has_host = has_host_name(certificate);
	} else if (!self_signed) {
		findings->intermediates++;
	}
	examine_times(findings, certificate);
	if (gnutls_certificate_get_issuer(context->trust, certificate, &issuer,
					  GNUTLS_TL_GET_COPY) < 0)
		return;
	examine_times(findings, issuer);
	gnutls_x509_crt_deinit(issuer);
}

static int
examine_key(struct fend__tls_findings *findings, gnutls_x509_crt_t leaf)
{
	size_t size = sizeof(findings->spki);

	return gnutls_x509_crt_get_key_id(leaf, GNUTLS_KEYID_USE_SHA256, findings->spki, &size);
}

static void
chain_fini(struct fend__gnutls_chain *chain)
{
	while (chain->size)
		gnutls_x509_crt_deinit(chain->certificates[--chain->size]);
}

static int
chain_init(struct fend__gnutls_chain *chain, const gnutls_datum_t *list, unsigned size)
{
	int code;

	chain->size = 0;
	while (chain->size < size && chain->size < FEND__TLS_CHAIN_MAX) {
		gnutls_x509_crt_t *certificate = &chain->certificates[chain->size];

		code = gnutls_x509_crt_init(certificate);
		if (code < 0)
			return code;
		chain->size++;
		code = gnutls_x509_crt_import(*certificate, &list[chain->size - 1],
					      GNUTLS_X509_FMT_DER);
		if (code < 0)
			return code;
	}
	return 0;
}

static int
verify_peers(struct fend__gnutls_session *session, const struct fend__tls_name *name,
	     unsigned *ret_status)
{
	const struct fend__gnutls_context *context = session->context;
	bool client = context->rules.mode == FEND_TLS_CLIENT;
	gnutls_typed_vdata_st data[2] = {
		{ .type = GNUTLS_DT_KEY_PURPOSE_OID,
		  .data = (unsigned char *)(client ? GNUTLS_KP_TLS_WWW_SERVER
						   : GNUTLS_KP_TLS_WWW_CLIENT) },
	};
	unsigned n = 1;
	int code;

	if (name && name->address_size) {
		data[n++] = (gnutls_typed_vdata_st){
			.type = GNUTLS_DT_IP_ADDRESS,
			.data = (unsigned char *)name->address,
			.size = (unsigned)name->address_size,
		};
	} else if (name) {
		data[n++] = (gnutls_typed_vdata_st){
			.type = GNUTLS_DT_DNS_HOSTNAME,
			.data = (unsigned char *)name->text,
		};
	}
	if (!context->shares_trust)
		return gnutls_certificate_verify_peers(session->gnutls, data, n, ret_status);
	gnutls_credentials_set(session->gnutls, GNUTLS_CRD_CERTIFICATE, context->trust);
	code = gnutls_certificate_verify_peers(session->gnutls, data, n, ret_status);
	gnutls_credentials_set(session->gnutls, GNUTLS_CRD_CERTIFICATE, context->credentials);
	return code;
}

static int
examine_all(struct fend__tls_findings *findings, struct fend__gnutls_session *session,
	    const struct fend__tls_name *name, const struct fend__gnutls_chain *chain)
{
	const struct fend__gnutls_context *context = session->context;
	unsigned status = 0, i;
	int code;

	if (context->rules.pins_count) {
		code = examine_key(findings, chain->certificates[0]);
		if (code < 0)
			return code;
	}
	if (!fend__tls_verifies(&context->rules))
		return 0;
	code = verify_peers(session, name, &status);
	findings->faults = faults_of(status);
	for (i = 0; i < chain->size; i++)
		examine(findings, context, i, chain->certificates[i]);
	if (context->rules.crls)
		findings->faults |= fend__gnutls_check_crls(context, chain);
	return code;
}

static int
check_chain(struct fend__gnutls_session *session, const gnutls_datum_t *list, unsigned size)
{
	const struct fend__tls_rules *rules = &session->context->rules;
	const struct fend__tls_name *name = fend__tls_demanded(rules, session->name);
	struct fend__tls_findings findings = {
		.sent = size,
		.trustless = session->context->trustless,
	};
	struct fend__gnutls_chain chain;
	int code;

	code = chain_init(&chain, list, size);
	if (code >= 0)
		code = examine_all(&findings, session, name, &chain);
	if (code < 0 && code != GNUTLS_E_MEMORY_ERROR) {
		findings.faults |= FEND_TLS_FAULT_OTHER;
		findings.words = gnutls_strerror(code);
	}
	if (code != GNUTLS_E_MEMORY_ERROR) {
		code = 0;
		if (fend__tls_judge(&findings, rules, name, session->rejected) < 0)
			code = GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
		else if (fend__tls_wants_staple(rules))
			code = fend__gnutls_check_staple(session, &chain, session->rejected);
	}
	chain_fini(&chain);
	return code;
}

int
fend__gnutls_verify(gnutls_session_t gnutls)
{
	struct fend__gnutls_session *session = gnutls_session_get_ptr(gnutls);
	const gnutls_datum_t *list;
	gnutls_datum_t alpn;
	unsigned size = 0;
	int code;

	if (session->context->rules.mode == FEND_TLS_CLIENT &&
	    fend__tls_judge_alpn(&session->context->rules,
				 gnutls_alpn_get_selected_protocol(gnutls, &alpn) >= 0,
				 session->rejected) < 0)
		return GNUTLS_E_NO_APPLICATION_PROTOCOL;
	if (!fend__tls_looks(&session->context->rules))
		return 0;
	list = gnutls_certificate_get_peers(gnutls, &size);
	if (!list || !size) {
		if (session->context->rules.verify == FEND_TLS_VERIFY_OPTIONAL)
			return 0;
		return GNUTLS_E_NO_CERTIFICATE_FOUND;
	}
	code = check_chain(session, list, size);
	if (!code)
		session->verified = true;
	return code;
}
