/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <string.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * Pre-shared keys. A context has them or certificates, so that a connection that has been made is
 * always one with a peer that knows the key: nothing falls back to a server that nobody verified,
 * or to a client that nobody knows.
 *
 * A server that does not know an identity goes on with a random key, nobody's, which is wrong for
 * everyone: the handshake then ends as it does for a known identity with the wrong key, whichever
 * way the provider and the version have for that. All keys are looked at, and no comparison ends
 * early, so the time says no more than the alert.
 */
static int
check_one(const struct fend_tls_psk *psk, size_t i, struct fend__tls_failure *failure)
{
	size_t size = psk->identity ? strlen(psk->identity) : 0;

	if (size == 0 || size > FEND__TLS_IDENTITY_MAX)
		return fend__tls_fail(failure, -EINVAL,
				      "psks[%zu].identity: not between 1 and %d bytes", i,
				      FEND__TLS_IDENTITY_MAX);
	if (!psk->key || psk->key_size < FEND__TLS_PSK_MIN || psk->key_size > FEND__TLS_PSK_MAX)
		return fend__tls_fail(failure, -EINVAL,
				      "psks[%zu].key: not between %d and %d bytes", i,
				      FEND__TLS_PSK_MIN, FEND__TLS_PSK_MAX);
	return 0;
}

static int
check_others(const struct fend_tls_params *params, struct fend__tls_failure *failure)
{
	if (!params->psks)
		return fend__tls_fail(failure, -EINVAL, "psks: NULL");
	if (params->mode == FEND_TLS_CLIENT && params->psks_count != 1)
		return fend__tls_fail(failure, -EINVAL, "psks: a client has one");
	if (params->certificates_count)
		return fend__tls_fail(failure, -EINVAL,
				      "certificates: psks are used in their place");
	if (params->cafile || params->capath || params->crlfile || params->pins_count ||
	    params->verify > FEND_TLS_VERIFY_NONE)
		return fend__tls_fail(failure, -EINVAL,
				      "verify: with psks there is no certificate to be verified");
	if (params->ticket_secret)
		return fend__tls_fail(failure, -EINVAL,
				      "ticket_secret: with psks there are no tickets");
	return 0;
}

static int
check_hint(const struct fend_tls_params *params, struct fend__tls_failure *failure)
{
	if (!params->psk_hint)
		return 0;
	if (params->mode != FEND_TLS_SERVER || !params->psks_count)
		return fend__tls_fail(failure, -EINVAL, "psk_hint: is for servers with psks");
	if (strlen(params->psk_hint) > FEND__TLS_IDENTITY_MAX)
		return fend__tls_fail(failure, -EINVAL, "psk_hint: more than %d bytes",
				      FEND__TLS_IDENTITY_MAX);
	return 0;
}

int
fend__tls_psks_check(struct fend_tls_params *params, struct fend__tls_failure *failure)
{
	size_t i;
	int r;

	r = check_hint(params, failure);
	if (r < 0 || !params->psks_count)
		return r;
	r = check_others(params, failure);
	for (i = 0; i < params->psks_count && !r; i++)
		r = check_one(&params->psks[i], i, failure);
	if (r < 0)
		return r;
	params->verify = FEND_TLS_VERIFY_NONE;
	params->flags |= FEND_TLS_NO_TICKETS;
	return 0;
}

int
fend__tls_psks_init(struct fend__tls_psks *psks, const struct fend_tls_params *params,
		    const struct fend__tls_provider *provider, struct fend__tls_failure *failure)
{
	size_t i;

	if (!params->psks_count)
		return 0;
	psks->items = fend__calloc(params->psks_count, sizeof(*psks->items));
	if (params->psk_hint)
		psks->hint = fend__strdup(params->psk_hint);
	if (!psks->items || (params->psk_hint && !psks->hint))
		return fend__tls_fail(failure, -ENOMEM, "psks: %s", fend_strerror(-ENOMEM));
	psks->count = params->psks_count;
	for (i = 0; i < psks->count; i++) {
		strcpy(psks->items[i].identity, params->psks[i].identity);
		memcpy(psks->items[i].key, params->psks[i].key, params->psks[i].key_size);
		psks->items[i].key_size = params->psks[i].key_size;
	}
	psks->nobody.key_size = FEND__TLS_PSK_MAX;
	if (!provider->random(psks->nobody.key, psks->nobody.key_size))
		return fend__tls_fail(failure, -ENOMEM, "psks: no random numbers");
	return 0;
}

void
fend__tls_psks_fini(struct fend__tls_psks *psks)
{
	if (psks->items)
		explicit_bzero(psks->items, psks->count * sizeof(*psks->items));
	psks->items = fend__release(psks->items);
	psks->hint = fend__release(psks->hint);
	explicit_bzero(&psks->nobody, sizeof(psks->nobody));
}

int
fend__tls_psks_algorithms(struct fend__tls_config *config, struct fend__tls_failure *failure)
{
	struct fend__tls_choice left = { .count = 0 };
	bool chacha = false;
	size_t i;

	if (!config->params.psks_count)
		return 0;
	for (i = 0; i < config->ciphers.count; i++) {
		if (config->ciphers.items[i] == FEND__TLS_AES_256_GCM)
			continue;
		chacha |= config->ciphers.items[i] == FEND__TLS_CHACHA20_POLY1305;
		left.items[left.count++] = config->ciphers.items[i];
	}
	if (!left.count || (!chacha && config->params.protocol_max == FEND_TLS_1_2))
		return fend__tls_fail(failure, -EINVAL, "ciphers: none that goes with psks%s",
				      left.count ? " in TLS 1.2" : "");
	if (!chacha)
		config->params.protocol_min = FEND_TLS_1_3;
	config->ciphers = left;
	return 0;
}

/* Both are padded with zeros, of which a name has none. */
static unsigned
differs(const char *a, const char *b)
{
	unsigned different = 0, i;

	for (i = 0; i <= FEND__TLS_IDENTITY_MAX; i++)
		different |= (unsigned char)(a[i] ^ b[i]);
	return different;
}

const struct fend__tls_psk *
fend__tls_find_psk(struct fend__tls_session *session, const void *identity, size_t size)
{
	const struct fend__tls_psks *psks = &session->context->psks;
	char wanted[FEND__TLS_IDENTITY_MAX + 1] = { 0 };
	size_t found = psks->count, i;

	if (size <= FEND__TLS_IDENTITY_MAX && size && !memchr(identity, 0, size))
		memcpy(wanted, identity, size);
	for (i = psks->count; i-- > 0;)
		found = differs(psks->items[i].identity, wanted) ? found : i;
	session->psk = found < psks->count ? &psks->items[found] : &psks->nobody;
	return session->psk;
}

const char *
fend__tls_identity(const struct fend__tls_session *session)
{
	const struct fend_tls_context *context = session->context;

	if (!context->psks.count)
		return NULL;
	return context->mode == FEND_TLS_CLIENT ? context->psks.items->identity
						: session->psk->identity;
}

int
fend__tls_judge_psk(const struct fend__tls_rules *rules, bool used,
		    struct fend__tls_failure *failure)
{
	if (!rules->psk || used)
		return 0;
	fend__tls_fail(failure, -EPROTO, "peer does not use a pre-shared key");
	failure->alert = FEND__TLS_HANDSHAKE_FAILURE;
	return failure->err;
}

int
fend__tls_judge_wrong_psk(struct fend__tls_failure *failure)
{
	return fend__tls_fail(failure, -EKEYREJECTED,
			      "the peer's pre-shared key is unknown or wrong");
}
