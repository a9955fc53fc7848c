/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <string.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>
#include <fend/error.h>

/*
 * Staples: OCSP responses that come with a certificate. Providers find out who has signed one and
 * what it says; what follows from it is decided here. It is looked at after the certificate was
 * found good, since that is when OpenSSL has got it, and its faults stand alone.
 *
 * RFC 6066, section 8, has one alert for all that can be wrong with it.
 */
#define CLOCK_ERROR 300        /* seconds by which two clocks may differ */
#define CURRENT (24 * 60 * 60) /* for so long, if there is no next update */

static bool
is_current(const struct fend__tls_staple *staple)
{
	int64_t now = fend__kernel->date();
	int64_t until = staple->next_update ? staple->next_update : staple->this_update + CURRENT;

	return staple->this_update <= now + CLOCK_ERROR && until >= now - CLOCK_ERROR;
}

static unsigned
faults_of(const struct fend__tls_staple *staple, const struct fend__tls_rules *rules)
{
	bool required = staple->demanded || rules->flags & FEND_TLS_REQUIRE_STAPLE;

	if (!staple->sent)
		return required ? FEND_TLS_FAULT_STAPLE_MISSING : 0;
	if (!staple->valid)
		return FEND_TLS_FAULT_STATUS;
	if (staple->revoked) /* which does not pass */
		return FEND_TLS_FAULT_REVOKED;
	if (!is_current(staple))
		return FEND_TLS_FAULT_STAPLE_EXPIRED;
	return staple->good ? 0 : FEND_TLS_FAULT_STATUS;
}

int
fend__tls_judge_staple(const struct fend__tls_staple *staple, const struct fend__tls_rules *rules,
		       struct fend__tls_failure *failure)
{
	const struct fend__tls_findings findings = { 0 };
	unsigned faults = faults_of(staple, rules);

	if (!faults)
		return 0;
	fend__tls_explain(faults, &findings, NULL, failure);
	failure->alert = FEND__TLS_BAD_STATUS_RESPONSE;
	return failure->err;
}

int
fend__tls_keep_staple(const struct fend__tls_config *config, size_t i, int found,
		      struct fend__tls_blob *ret_staple, struct fend__tls_failure *failure)
{
	const struct fend_tls_keypair *pair = &config->params.certificates[i];
	const struct fend__tls_blob *given = &config->keys[i].staple;
	unsigned char *data;

	if (found == -EBADMSG)
		return fend__tls_fail(failure, found,
				      "certificates[%zu].staple: %s: no OCSP response in DER form",
				      i, pair->staple);
	if (found == -EKEYREJECTED)
		return fend__tls_fail(failure, found,
				      "certificates[%zu].staple: %s is not about %s", i,
				      pair->staple, pair->certificate);
	data = found ? NULL : fend__calloc(given->size, 1);
	if (!data)
		return fend__tls_fail(failure, -ENOMEM, "certificates[%zu].staple: %s", i,
				      fend_strerror(-ENOMEM));
	memcpy(data, given->data, given->size);
	*ret_staple = (struct fend__tls_blob){ data, given->size };
	return 0;
}

FEND_PUBLIC int
fend_tls_staple(const struct fend_socket *socket, const void **ret_der, size_t *ret_size)
{
	struct fend__tls_session *session = fend__tls_session_of(socket);

	if (!session || session->context->mode != FEND_TLS_CLIENT || !ret_der || !ret_size)
		return -EINVAL;
	if (session->state != FEND__TLS_OPEN)
		return -ENOTCONN;
	return session->context->provider->staple(session->implementation, ret_der, ret_size);
}
