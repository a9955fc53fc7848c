/* SPDX-License-Identifier: MIT */
#include "provider-gnutls.h"

#include <string.h>

#include <gnutls/crypto.h>

/*
 * Pre-shared keys. GnuTLS copies a client's, and asks for a server's with each handshake; it wipes
 * what it was given. An unknown identity is nothing that it hears of: in TLS 1.3 that would be told
 * to the client by another alert.
 */
bool
fend__gnutls_random(void *ret_data, size_t size)
{
	return gnutls_rnd(GNUTLS_RND_KEY, ret_data, size) >= 0;
}

static int
tell_key(gnutls_session_t gnutls, const gnutls_datum_t *identity, gnutls_datum_t *ret_key)
{
	struct fend__gnutls_session *session = gnutls_session_get_ptr(gnutls);
	const struct fend__tls_psk *psk;

	psk = fend__tls_find_psk(session->io, identity->data, identity->size);
	ret_key->data = gnutls_malloc(psk->key_size);
	if (!ret_key->data)
		return -1;
	memcpy(ret_key->data, psk->key, psk->key_size);
	ret_key->size = (unsigned)psk->key_size;
	session->identified = true;
	return 0;
}

static int
set_client(struct fend__gnutls_context *context, const struct fend__tls_psk *psk)
{
	const gnutls_datum_t identity = { (unsigned char *)psk->identity,
					  (unsigned)strlen(psk->identity) };
	const gnutls_datum_t key = { (unsigned char *)psk->key, (unsigned)psk->key_size };
	int code;

	code = gnutls_psk_allocate_client_credentials(&context->psk_client);
	if (code < 0)
		return code;
	return gnutls_psk_set_client_credentials2(context->psk_client, &identity, &key,
						  GNUTLS_PSK_KEY_RAW);
}

int
fend__gnutls_set_psks(struct fend__gnutls_context *context, const struct fend__tls_config *config)
{
	int code;

	if (!config->psks)
		return 0;
	if (context->rules.mode == FEND_TLS_CLIENT)
		return set_client(context, config->psks->items);
	code = gnutls_psk_allocate_server_credentials(&context->psk_server);
	if (code < 0)
		return code;
	gnutls_psk_set_server_credentials_function2(context->psk_server, tell_key);
	if (!config->psks->hint)
		return 0;
	return gnutls_psk_set_server_credentials_hint(context->psk_server, config->psks->hint);
}

void
fend__gnutls_free_psks(struct fend__gnutls_context *context)
{
	if (context->psk_client)
		gnutls_psk_free_client_credentials(context->psk_client);
	if (context->psk_server)
		gnutls_psk_free_server_credentials(context->psk_server);
}

int
fend__gnutls_use_psks(struct fend__gnutls_session *session)
{
	const struct fend__gnutls_context *context = session->context;

	return gnutls_credentials_set(session->gnutls, GNUTLS_CRD_PSK,
				      context->psk_client ? (void *)context->psk_client
							  : (void *)context->psk_server);
}

bool
fend__gnutls_used_psk(const struct fend__gnutls_session *session)
{
	return gnutls_auth_get_type(session->gnutls) == GNUTLS_CRD_PSK;
}

/* A wrong key shows in the binder of TLS 1.3, or in the peer's first protected record. */
bool
fend__gnutls_blames_psk(const struct fend__gnutls_session *session, int code,
			struct fend__tls_failure *failure)
{
	const struct fend__tls_rules *rules = &session->context->rules;

	if (!rules->psk || session->open)
		return false;
	if (code == GNUTLS_E_INSUFFICIENT_CREDENTIALS)
		return fend__tls_judge_psk(rules, false, failure) < 0;
	if (code == GNUTLS_E_DECRYPTION_FAILED ||
	    (code == GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER && session->identified &&
	     fend__gnutls_is_tls13(session)))
		return fend__tls_judge_wrong_psk(failure) < 0;
	return false;
}
