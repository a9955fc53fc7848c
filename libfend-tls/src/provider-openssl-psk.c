/* SPDX-License-Identifier: MIT */
#include "provider-openssl.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

/*
 * Pre-shared keys. The callbacks of TLS 1.2 serve TLS 1.3 as well, where OpenSSL takes the keys for
 * ones with SHA-256. They are told an identity as far as the first zero in it, which is as good as
 * another: what it stands for is one of ours. A key of size 0 would mean that there is none, and be
 * told to the client by another alert.
 */
const char fend__openssl_psk_suites[] = "ECDHE-PSK-CHACHA20-POLY1305";

bool
fend__openssl_random(void *ret_data, size_t size)
{
	return RAND_bytes(ret_data, (int)size) == 1;
}

static unsigned
copy_key(const struct fend__tls_psk *psk, unsigned char *key, unsigned size)
{
	if (psk->key_size > size)
		return 0;
	memcpy(key, psk->key, psk->key_size);
	return (unsigned)psk->key_size;
}

static unsigned
tell_own(SSL *ssl, const char *hint, char *identity, unsigned identity_size, unsigned char *key,
	 unsigned size)
{
	const struct fend__openssl_session *session = SSL_get_app_data(ssl);
	const struct fend__tls_psk *psk = session->context->psks->items;

	if (strlen(psk->identity) >= identity_size)
		return 0;
	strcpy(identity, psk->identity);
	return copy_key(psk, key, size);
}

static unsigned
tell_key(SSL *ssl, const char *identity, unsigned char *key, unsigned size)
{
	const struct fend__openssl_session *session = SSL_get_app_data(ssl);

	return copy_key(fend__tls_find_psk(session->io, identity, strlen(identity)), key, size);
}

bool
fend__openssl_set_psks(struct fend__openssl_context *context, const struct fend__tls_config *config)
{
	context->psks = config->psks;
	if (!config->psks)
		return true;
	if (context->rules.mode == FEND_TLS_CLIENT) {
		SSL_CTX_set_psk_client_callback(context->ctx, tell_own);
		return true;
	}
	SSL_CTX_set_psk_server_callback(context->ctx, tell_key);
	return SSL_CTX_use_psk_identity_hint(context->ctx, config->psks->hint) == 1;
}

bool
fend__openssl_used_psk(const struct fend__openssl_session *session)
{
	if (fend__openssl_is_tls13(session))
		return SSL_session_reused(session->ssl);
	return SSL_CIPHER_get_auth_nid(SSL_get_current_cipher(session->ssl)) == NID_auth_psk;
}

/* A wrong key shows in the binder of TLS 1.3, or in the peer's first protected record. */
bool
fend__openssl_blames_psk(const struct fend__openssl_session *session,
			 const struct fend__openssl_error *error, struct fend__tls_failure *failure)
{
	const struct fend__tls_rules *rules = &session->context->rules;

	if (!rules->psk || SSL_is_init_finished(session->ssl) || error->library != ERR_LIB_SSL)
		return false;
	switch (error->reason) {
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
		return fend__tls_judge_psk(rules, false, failure) < 0;
	case SSL_R_BINDER_DOES_NOT_VERIFY:
	case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
		return fend__tls_judge_wrong_psk(failure) < 0;
	default:
		return false;
	}
}
