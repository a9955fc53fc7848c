/* SPDX-License-Identifier: MIT */
#include "provider-gnutls.h"

#include <errno.h>
#include <pthread.h>

/*
 * The system's trust: hundreds of certificates, which take tens of milliseconds and some megabytes.
 * They are loaded when the first session needs them, once for all contexts, and go with the last
 * context that has them; for a context that never makes a session, not at all.
 *
 * GnuTLS has nothing smaller than credentials to share. These hold no certificate of our own, and a
 * session has them while it verifies its peer, when its own have been presented or are yet to be.
 */
static struct {
	pthread_mutex_t mutex;
	gnutls_certificate_credentials_t credentials;
	bool trustless;
	unsigned users; /* contexts */
} trust = { .mutex = PTHREAD_MUTEX_INITIALIZER };

#define VERIFY_BITS_MAX (16 * 1024) /* of a key, as GnuTLS has it */

void
fend__gnutls_set_verification(gnutls_certificate_credentials_t credentials, unsigned sent_max)
{
	gnutls_certificate_set_verify_flags(credentials, GNUTLS_VERIFY_DISABLE_CRL_CHECKS);
	gnutls_certificate_set_verify_limits(credentials, VERIFY_BITS_MAX, sent_max);
}

static void
load_system(void)
{
	if (gnutls_certificate_allocate_credentials(&trust.credentials) < 0) {
		trust.credentials = NULL;
		return;
	}
	fend__gnutls_set_verification(trust.credentials, FEND__TLS_CHAIN_MAX);
	trust.trustless = gnutls_certificate_set_x509_system_trust(trust.credentials) <= 0;
}

int
fend__gnutls_trust_load(struct fend__gnutls_context *context)
{
	bool good;

	if (!context->system_trust)
		return 0;
	pthread_mutex_lock(&trust.mutex);
	if (!context->shares_trust) {
		if (!trust.credentials)
			load_system();
		if (trust.credentials) {
			context->trust = trust.credentials;
			context->trustless = trust.trustless;
			context->shares_trust = true;
			trust.users++;
		}
	}
	good = context->shares_trust;
	pthread_mutex_unlock(&trust.mutex);
	return good ? 0 : -ENOMEM;
}

void
fend__gnutls_trust_release(struct fend__gnutls_context *context)
{
	if (!context->shares_trust)
		return;
	pthread_mutex_lock(&trust.mutex);
	if (--trust.users == 0) {
		gnutls_certificate_free_credentials(trust.credentials);
		trust.credentials = NULL;
	}
	pthread_mutex_unlock(&trust.mutex);
}
