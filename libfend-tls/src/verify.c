/* SPDX-License-Identifier: MIT */
#include "provider.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * What is made of the faults of a certificate. Providers find them; which error and which alert
 * comes of them is decided here, so that it is the same with each. Of several faults the first in
 * the table decides, and the text names them all. The alerts are those of RFC 8446, section 6.2:
 * bad_certificate is for what is wrong in itself, certificate_unknown for what has no other; that a
 * name does not match is bad_certificate with everybody.
 *
 * Two rules are fend's own, since providers have none of the kind or differ in it:
 *   - A certificate without a host name in subjectAltName has no name at all: some providers then
 *     compare the common name (RFC 9525, section 6.3, has done away with that).
 *   - The depth counts the intermediates that were sent, needed or not. A chain that is longer than
 *     the longest that could be good is not looked at.
 */
struct reason {
	unsigned fault;
	int err;
	int alert;
	const char *text;
};

static const struct reason reasons[] = {
	{ FEND_TLS_FAULT_REVOKED, -EKEYREVOKED, FEND__TLS_CERTIFICATE_REVOKED, "is revoked" },
	{ FEND_TLS_FAULT_UNKNOWN_ISSUER, -EKEYREJECTED, FEND__TLS_UNKNOWN_CA, "issuer is unknown" },
	{ FEND_TLS_FAULT_ISSUER_IS_NO_CA, -EKEYREJECTED, FEND__TLS_UNKNOWN_CA,
	  "issuer is not an authority" },
	{ FEND_TLS_FAULT_SIGNATURE, -EKEYREJECTED, FEND__TLS_BAD_CERTIFICATE,
	  "signature is wrong" },
	{ FEND_TLS_FAULT_CONSTRAINT, -EKEYREJECTED, FEND__TLS_BAD_CERTIFICATE,
	  "breaks a constraint of its issuer" },
	{ FEND_TLS_FAULT_EXTENSION, -EKEYREJECTED, FEND__TLS_UNSUPPORTED_CERTIFICATE,
	  "has an unknown critical extension" },
	{ FEND_TLS_FAULT_STATUS, -EKEYREJECTED, FEND__TLS_BAD_STATUS_RESPONSE,
	  "comes with an OCSP response that is not valid" },
	{ FEND_TLS_FAULT_STAPLE_MISSING, -EKEYREJECTED, FEND__TLS_BAD_STATUS_RESPONSE,
	  "comes without an OCSP response" },
	{ FEND_TLS_FAULT_STAPLE_EXPIRED, -EKEYREJECTED, FEND__TLS_BAD_STATUS_RESPONSE,
	  "comes with an OCSP response that is not current" },
	{ FEND_TLS_FAULT_WEAK, -EKEYREJECTED, FEND__TLS_BAD_CERTIFICATE,
	  "has a weak key or signature" },
	{ FEND_TLS_FAULT_PURPOSE, -EKEYREJECTED, FEND__TLS_UNSUPPORTED_CERTIFICATE,
	  "is not made for this use" },
	{ FEND_TLS_FAULT_NOT_YET_VALID, -EKEYEXPIRED, FEND__TLS_CERTIFICATE_EXPIRED,
	  "is not valid before" },
	{ FEND_TLS_FAULT_EXPIRED, -EKEYEXPIRED, FEND__TLS_CERTIFICATE_EXPIRED, "expired" },
	{ FEND_TLS_FAULT_NAME, -EKEYREJECTED, FEND__TLS_BAD_CERTIFICATE, "is not valid for" },
	{ FEND_TLS_FAULT_CHAIN_LENGTH, -EKEYREJECTED, FEND__TLS_UNKNOWN_CA, "chain is too long" },
	{ FEND_TLS_FAULT_PIN, -EKEYREJECTED, FEND__TLS_CERTIFICATE_UNKNOWN,
	  "has a key that is none of those expected" },
	{ FEND_TLS_FAULT_CRL, -EKEYREJECTED, FEND__TLS_CERTIFICATE_UNKNOWN,
	  "comes without a valid list of what its issuer has revoked" },
	{ FEND_TLS_FAULT_OTHER, -EKEYREJECTED, FEND__TLS_CERTIFICATE_UNKNOWN, "is not acceptable" },
};

static void
date(time_t when, char *text, size_t size)
{
	struct tm tm;

	if (!gmtime_r(&when, &tm) || !strftime(text, size, " %Y-%m-%d", &tm))
		snprintf(text, size, " long ago");
}

/* What stands behind the text of a reason: a date, a name, or why nobody is known. */
static void
detail(unsigned fault, const struct fend__tls_findings *findings, const struct fend__tls_name *name,
       char *text, size_t size)
{
	*text = '\0';
	switch (fault) {
	case FEND_TLS_FAULT_EXPIRED:
		date(findings->expiration, text, size);
		break;
	case FEND_TLS_FAULT_NOT_YET_VALID:
		date(findings->activation, text, size);
		break;
	case FEND_TLS_FAULT_NAME:
		snprintf(text, size, " \"%s\"%s", name->text,
			 findings->has_host || name->address_size
				 ? ""
				 : ", and names no host in subjectAltName");
		break;
	case FEND_TLS_FAULT_UNKNOWN_ISSUER:
		if (findings->trustless)
			snprintf(text, size, ", as the system trusts nobody");
		else if (findings->self_signed)
			snprintf(text, size, " (self-signed)");
		break;
	case FEND_TLS_FAULT_OTHER:
		if (findings->words)
			snprintf(text, size, ": %s", findings->words);
		break;
	}
}

int
fend__tls_explain(unsigned faults, const struct fend__tls_findings *findings,
		  const struct fend__tls_name *name, struct fend__tls_failure *failure)
{
	char text[sizeof(failure->text)], more[320];
	const struct reason *first = NULL;
	size_t used = 0, i;

	for (i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (!(faults & reasons[i].fault))
			continue;
		detail(reasons[i].fault, findings, name, more, sizeof(more));
		if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s%s",
						 first ? "," : "certificate", reasons[i].text,
						 more);
		if (!first)
			first = &reasons[i];
	}
	fend__tls_fail(failure, first->err, "%s", text);
	failure->alert = first->alert;
	failure->faults = faults;
	return failure->err;
}

static bool
is_pinned(const unsigned char *spki, const struct fend__tls_rules *rules)
{
	size_t i;

	for (i = 0; i < rules->pins_count; i++)
		if (!memcmp(rules->pins[i].sha256, spki, sizeof(rules->pins[i].sha256)))
			return true;
	return !rules->pins_count;
}

int
fend__tls_judge(const struct fend__tls_findings *findings, const struct fend__tls_rules *rules,
		const struct fend__tls_name *name, struct fend__tls_failure *failure)
{
	unsigned faults = findings->faults;

	if (rules->psk)
		return fend__tls_judge_psk(rules, false, failure);
	if (!is_pinned(findings->spki, rules))
		faults |= FEND_TLS_FAULT_PIN;
	/* who may not issue at all also breaks rules of what he may issue, which the provider picks */
	if (faults & FEND_TLS_FAULT_ISSUER_IS_NO_CA)
		faults &= ~(unsigned)(FEND_TLS_FAULT_CONSTRAINT | FEND_TLS_FAULT_PURPOSE);
	if (findings->sent > (unsigned)rules->depth + 2)
		faults = FEND_TLS_FAULT_CHAIN_LENGTH;
	else if (name && !name->address_size && !findings->has_host)
		faults |= FEND_TLS_FAULT_NAME;
	if (!faults && fend__tls_verifies(rules) && findings->intermediates > rules->depth)
		faults = FEND_TLS_FAULT_CHAIN_LENGTH;
	return faults ? fend__tls_explain(faults, findings, name, failure) : 0;
}

int
fend__tls_judge_none(const struct fend__tls_rules *rules, bool tls13,
		     struct fend__tls_failure *failure)
{
	if (rules->verify != FEND_TLS_VERIFY_REQUIRE && !rules->pins_count)
		return 0;
	fend__tls_fail(failure, -EKEYREJECTED, "peer sent no certificate");
	failure->alert = tls13 ? FEND__TLS_CERTIFICATE_REQUIRED : FEND__TLS_HANDSHAKE_FAILURE;
	failure->faults = FEND_TLS_FAULT_MISSING;
	return failure->err;
}

const struct fend__tls_name *
fend__tls_demanded(const struct fend__tls_rules *rules, const struct fend__tls_name *name)
{
	bool checked = rules->mode == FEND_TLS_CLIENT && fend__tls_verifies(rules) &&
		       !(rules->flags & FEND_TLS_NO_NAME_CHECK);

	return checked && name && name->text ? name : NULL;
}
