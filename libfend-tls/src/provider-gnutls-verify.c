/* SPDX-License-Identifier: MIT */
#include "provider-gnutls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <gnutls/x509.h>

/*
 * Is the peer's certificate good? GnuTLS builds and checks the chain, its validity, its use and the
 * name. Three things are done beyond what it does by itself:
 *   - Without a host name in subjectAltName it compares the common name. fend does not (RFC 9525,
 *     section 6.3), so such a certificate is refused.
 *   - It takes a client's certificate of a server unless the purpose is among what it is to check.
 *   - Its limit counts all certificates sent; intermediates are counted here.
 *
 * What it finds is a set of bits for the whole chain. A table turns it into one error and one
 * alert, those of the first bit in the table's order, and into a text that names them all.
 */
struct reason {
	unsigned bit;
	int err;
	int alert;
	const char *text;
};

static const struct reason reasons[] = {
	{GNUTLS_CERT_REVOKED, -EKEYREVOKED, FEND__TLS_CERTIFICATE_REVOKED, "is revoked"},
	{GNUTLS_CERT_SIGNER_NOT_FOUND, -EKEYREJECTED, FEND__TLS_UNKNOWN_CA, "issuer is unknown"},
	{GNUTLS_CERT_SIGNER_NOT_CA, -EKEYREJECTED, FEND__TLS_UNKNOWN_CA,
	 "issuer is not an authority"},
	{GNUTLS_CERT_SIGNATURE_FAILURE, -EKEYREJECTED, FEND__TLS_BAD_CERTIFICATE,
	 "signature is wrong"},
	{GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, -EKEYREJECTED, FEND__TLS_BAD_CERTIFICATE,
	 "breaks a constraint of its issuer"},
	{GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, -EKEYREJECTED, FEND__TLS_UNSUPPORTED_CERTIFICATE,
	 "has an unknown critical extension"},
	{GNUTLS_CERT_MISSING_OCSP_STATUS | GNUTLS_CERT_INVALID_OCSP_STATUS, -EKEYREJECTED,
	 FEND__TLS_BAD_CERTIFICATE, "comes without a valid OCSP status"},
	{GNUTLS_CERT_INSECURE_ALGORITHM, -EKEYREJECTED, FEND__TLS_BAD_CERTIFICATE,
	 "has a weak key or signature"},
	{GNUTLS_CERT_PURPOSE_MISMATCH, -EKEYREJECTED, FEND__TLS_UNSUPPORTED_CERTIFICATE,
	 "is not made for this use"},
	{GNUTLS_CERT_NOT_ACTIVATED, -EKEYEXPIRED, FEND__TLS_CERTIFICATE_EXPIRED,
	 "is not valid before"},
	{GNUTLS_CERT_EXPIRED, -EKEYEXPIRED, FEND__TLS_CERTIFICATE_EXPIRED, "expired"},
	{GNUTLS_CERT_UNEXPECTED_OWNER, -EKEYREJECTED, FEND__TLS_BAD_CERTIFICATE,
	 "is not valid for"},
	{~0U, -EKEYREJECTED, FEND__TLS_BAD_CERTIFICATE, "is not acceptable"},
};

/* What is to be known about the peer's chain and those in our trust that issued it. */
struct chain {
	time_t activation; /* the latest */
	time_t expiration; /* the earliest */
	int intermediates;
	bool self_signed; /* the leaf */
	bool has_host;    /* the leaf names a host in subjectAltName */
};

static int
reject(struct fend__gnutls_session *session, int err, int alert, const char *text)
{
	fend__tls_fail(session->rejected, err, "%s", text);
	session->rejected->alert = alert;
	return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
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
examine_times(struct chain *chain, gnutls_x509_crt_t certificate)
{
	time_t activation = gnutls_x509_crt_get_activation_time(certificate);
	time_t expiration = gnutls_x509_crt_get_expiration_time(certificate);

	if (!chain->activation || activation > chain->activation)
		chain->activation = activation;
	if (!chain->expiration || expiration < chain->expiration)
		chain->expiration = expiration;
}

static void
examine(struct chain *chain, struct fend__gnutls_session *session, unsigned i,
	gnutls_x509_crt_t certificate)
{
	bool self_signed = gnutls_x509_crt_check_issuer(certificate, certificate);
	gnutls_x509_crt_t issuer;

	if (i == 0) {
		chain->self_signed = self_signed;
		chain->has_host = has_host_name(certificate);
	} else if (!self_signed) {
		chain->intermediates++;
	}
	examine_times(chain, certificate);
	if (gnutls_certificate_get_issuer(session->context->credentials, certificate, &issuer, 0) ==
	    0)
		examine_times(chain, issuer);
}

static int
chain_init(struct chain *chain, struct fend__gnutls_session *session, const gnutls_datum_t *list,
	   unsigned size)
{
	gnutls_x509_crt_t certificate;
	unsigned i;
	int code;

	memset(chain, 0, sizeof(*chain));
	for (i = 0; i < size; i++) {
		code = gnutls_x509_crt_init(&certificate);
		if (code < 0)
			return code;
		code = gnutls_x509_crt_import(certificate, &list[i], GNUTLS_X509_FMT_DER);
		if (code >= 0)
			examine(chain, session, i, certificate);
		gnutls_x509_crt_deinit(certificate);
		if (code < 0)
			return code;
	}
	return 0;
}

static void
date(time_t when, char *text, size_t size)
{
	struct tm tm;

	if (!gmtime_r(&when, &tm) || !strftime(text, size, " %Y-%m-%d", &tm))
		snprintf(text, size, " long ago");
}

/* What stands behind the text of a reason: a date, a name, or why nobody is known. */
static void
detail(const struct fend__gnutls_session *session, const struct chain *chain, unsigned bit,
       char *text, size_t size)
{
	*text = '\0';
	if (bit == GNUTLS_CERT_EXPIRED)
		date(chain->expiration, text, size);
	else if (bit == GNUTLS_CERT_NOT_ACTIVATED)
		date(chain->activation, text, size);
	else if (bit == GNUTLS_CERT_UNEXPECTED_OWNER)
		snprintf(text, size, " \"%s\"%s", session->name->text,
			 chain->has_host || session->name->address_size
				 ? ""
				 : ", and names no host in subjectAltName");
	else if (bit == GNUTLS_CERT_SIGNER_NOT_FOUND && session->context->trustless)
		snprintf(text, size, ", as the system trusts nobody");
	else if (bit == GNUTLS_CERT_SIGNER_NOT_FOUND && chain->self_signed)
		snprintf(text, size, " (self-signed)");
}

static int
explain(struct fend__gnutls_session *session, const struct chain *chain, unsigned status)
{
	char text[sizeof(session->rejected->text)], more[320];
	const struct reason *reason, *first = NULL;
	size_t used = 0;

	status &= ~(unsigned)GNUTLS_CERT_INVALID; /* says no more than that there are others */
	for (reason = reasons; !first || status; reason++) {
		if (!(status & reason->bit) && reason->bit != ~0U)
			continue;
		status &= ~reason->bit;
		detail(session, chain, reason->bit, more, sizeof(more));
		if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s%s",
						 first ? "," : "certificate", reason->text, more);
		if (!first)
			first = reason;
	}
	return reject(session, first->err, first->alert, text);
}

static int
check_chain(struct fend__gnutls_session *session, const gnutls_datum_t *list, unsigned size)
{
	const struct fend__tls_name *name = session->name;
	bool client = session->context->mode == FEND_TLS_CLIENT;
	gnutls_typed_vdata_st data[2] = {
		{.type = GNUTLS_DT_KEY_PURPOSE_OID,
		 .data = (unsigned char *)(client ? GNUTLS_KP_TLS_WWW_SERVER
						  : GNUTLS_KP_TLS_WWW_CLIENT)},
	};
	struct chain chain;
	unsigned n = 1, status;
	int code;

	if (!client || (session->context->flags & FEND_TLS_NO_NAME_CHECK))
		name = NULL;
	if (name && name->address_size) {
		data[n++] = (gnutls_typed_vdata_st){.type = GNUTLS_DT_IP_ADDRESS,
						    .data = (unsigned char *)name->address,
						    .size = (unsigned)name->address_size};
	} else if (name) {
		data[n++] = (gnutls_typed_vdata_st){.type = GNUTLS_DT_DNS_HOSTNAME,
						    .data = (unsigned char *)name->text};
	}
	code = gnutls_certificate_verify_peers(session->gnutls, data, n, &status);
	if (code == GNUTLS_E_CONSTRAINT_ERROR)
		return reject(session, -EKEYREJECTED, FEND__TLS_UNKNOWN_CA,
			      "certificate chain is too long");
	if (code >= 0)
		code = chain_init(&chain, session, list, size);
	if (code == GNUTLS_E_MEMORY_ERROR)
		return code;
	if (code < 0)
		return reject(session, -EKEYREJECTED, FEND__TLS_BAD_CERTIFICATE,
			      gnutls_strerror(code));
	if (name && !name->address_size && !chain.has_host)
		status |= GNUTLS_CERT_UNEXPECTED_OWNER;
	if (status)
		return explain(session, &chain, status);
	if (chain.intermediates > session->context->depth)
		return reject(session, -EKEYREJECTED, FEND__TLS_UNKNOWN_CA,
			      "certificate chain is too long");
	return 0;
}

int
fend__gnutls_verify(gnutls_session_t gnutls)
{
	struct fend__gnutls_session *session = gnutls_session_get_ptr(gnutls);
	const gnutls_datum_t *list;
	unsigned size = 0;
	int code;

	list = gnutls_certificate_get_peers(gnutls, &size);
	if (!list || !size) {
		if (session->context->verify == FEND_TLS_VERIFY_OPTIONAL)
			return 0;
		return GNUTLS_E_NO_CERTIFICATE_FOUND;
	}
	code = check_chain(session, list, size);
	if (!code)
		session->verified = true;
	return code;
}
