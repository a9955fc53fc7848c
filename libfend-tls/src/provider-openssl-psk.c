/* SPDX-License-Identifier: MIT */
#include "provider-openssl.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

/*
 * Pre-shared keys. The callbacks of TLS 1.2 serve TLS 1.3 as well, where OpenSSL takes the keys for
 * ones with SHA-256. They are told an identity as far as the first zero in it, as if it ended there;
 * so the whole of it is looked for one before, where the message comes in in TLS 1.2, and in TLS 1.3
 * by a callback that is to find a session for it, and finds none. A key of size 0 would mean that
 * there is none, and be told to the client by another alert.
 */
#define MESSAGE_HEAD 4 /* of a handshake message: its type and size */

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

static int
note_identity(SSL *ssl, const unsigned char *identity, size_t size, SSL_SESSION **ret_session)
{
	struct fend__openssl_session *session = SSL_get_app_data(ssl);

	session->identity_cut = memchr(identity, 0, size);
	*ret_session = NULL;
	return 1;
}

/* RFC 4279, section 2: the identity comes first, with its size before it. */
void
fend__openssl_note_key_exchange(struct fend__openssl_session *session, const unsigned char *message,
				size_t size)
{
	size_t length;

	if (!session->context->psks || size < MESSAGE_HEAD + 2)
		return;
	message += MESSAGE_HEAD;
	size -= MESSAGE_HEAD + 2;
	length = (size_t)message[0] << 8 | message[1];
	session->identity_cut = memchr(message + 2, 0, length < size ? length : size);
}

static unsigned
tell_key(SSL *ssl, const char *identity, unsigned char *key, unsigned size)
{
	const struct fend__openssl_session *session = SSL_get_app_data(ssl);
	size_t length = session->identity_cut ? 0 : strlen(identity); /* none is called nothing */

	return copy_key(fend__tls_find_psk(session->io, identity, length), key, size);
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
	SSL_CTX_set_psk_find_session_callback(context->ctx, note_identity);
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
