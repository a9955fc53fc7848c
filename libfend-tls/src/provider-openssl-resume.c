/* SPDX-License-Identifier: MIT */
#include "provider-openssl.h"

#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <fend-internal/kernel.h>

/*
 * Tickets. OpenSSL encrypts and times them, with a key that is told to it: another one every hour,
 * derived from that of the context. The name of a key says of which hour it is, and that it is of
 * this context. How long a ticket is good is inside it, so an old name is nothing to be refused.
 *
 * To derive keys costs as much as a fiftieth of a handshake, so the context keeps those that it
 * has encrypted with.
 */
#define KEY_SECONDS 3600
#define IV_SIZE 16

bool
fend__openssl_hmac(const void *key, size_t key_size, const void *data, size_t size,
		   unsigned char ret_hash[FEND__TLS_HASH])
{
	return HMAC(EVP_sha256(), key, (int)key_size, data, size, ret_hash, NULL) != NULL;
}

static bool
derive(const struct fend__openssl_context *context, const unsigned char *hour,
       struct fend__openssl_keys *keys)
{
	unsigned char data[9], hash[FEND__TLS_HASH], *results[] = { hash, keys->cipher, keys->mac };
	size_t i;

	memcpy(data, hour, 8);
	for (i = 0; i < 3; i++) {
		data[8] = (unsigned char)i;
		if (!fend__openssl_hmac(context->ticket_key, sizeof(context->ticket_key), data,
					sizeof(data), results[i]))
			return false;
	}
	memcpy(keys->name, hour, 8);
	memcpy(keys->name + 8, hash, 8);
	return true;
}

/* The keys of that hour. keep: for the next time; not what a peer may have made up. */
static bool
find_keys(struct fend__openssl_context *context, const unsigned char *hour, bool keep,
	  struct fend__openssl_keys *keys)
{
	pthread_mutex_lock(&context->keys_mutex);
	*keys = context->keys;
	pthread_mutex_unlock(&context->keys_mutex);
	if (keys->there && !memcmp(keys->name, hour, 8))
		return true;
	keys->there = derive(context, hour, keys);
	if (!keys->there || !keep)
		return keys->there;
	pthread_mutex_lock(&context->keys_mutex);
	context->keys = *keys;
	pthread_mutex_unlock(&context->keys_mutex);
	return true;
}

static bool
set_keys(const struct fend__openssl_keys *keys, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
	 EVP_MAC_CTX *mac, int encrypt)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)keys->mac,
						  sizeof(keys->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, keys->cipher, iv, encrypt) == 1 &&
	       EVP_MAC_CTX_set_params(mac, params) == 1;
}

/*
 * SSL_CTX_set_tlsext_ticket_key_evp_cb(): 1 with keys set, 0 if a ticket is of somebody else, 2
 * with keys set if the client is to get another one: in TLS 1.3, where one should be used once.
 */
static int
tell_keys(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	  EVP_MAC_CTX *mac, int encrypt)
{
	const struct fend__openssl_session *session = SSL_get_app_data(ssl);
	unsigned char hour[8];
	struct fend__openssl_keys keys;
	unsigned long number;
	int i, result;

	if (encrypt) {
		number = (unsigned long)SSL_SESSION_get_time(SSL_get_session(ssl)) / KEY_SECONDS;
		for (i = 7; i >= 0; i--, number >>= 8)
			hour[i] = (unsigned char)number;
	} else {
		memcpy(hour, name, sizeof(hour));
	}
	if (!find_keys(session->context, hour, encrypt, &keys))
		return -1;
	if (encrypt && RAND_bytes(iv, IV_SIZE) != 1)
		return -1;
	if (!encrypt && CRYPTO_memcmp(keys.name, name, sizeof(keys.name)))
		result = 0;
	else
		result = set_keys(&keys, iv, cipher, mac, encrypt) ? 1 : -1;
	if (!encrypt && result == 1 && fend__openssl_is_tls13(session))
		result = 2;
	if (encrypt)
		memcpy(name, keys.name, sizeof(keys.name));
	OPENSSL_cleanse(&keys, sizeof(keys));
	return result;
}

static int
keep(SSL *ssl, SSL_SESSION *ticket)
{
	struct fend__openssl_session *session = SSL_get_app_data(ssl);

	if (!SSL_SESSION_has_ticket(ticket))
		return 0;
	SSL_SESSION_free(session->ticket);
	session->ticket = ticket;
	return 1;
}

bool
fend__openssl_set_resumption(struct fend__openssl_context *context,
			     const struct fend__tls_config *config)
{
	SSL_CTX *ctx = context->ctx;

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	if (config->params.flags & FEND_TLS_NO_TICKETS) {
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		return true;
	}
	SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_timeout(ctx, FEND__TLS_TICKET_SECONDS);
	if (context->rules.mode == FEND_TLS_CLIENT) {
		SSL_CTX_set_session_cache_mode(ctx,
					       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx, keep);
		return true;
	}
	memcpy(context->ticket_key, config->ticket_key, sizeof(context->ticket_key));
	if (!config->ticket_key_given &&
	    RAND_bytes(context->ticket_key, sizeof(context->ticket_key)) != 1)
		return false;
	return SSL_CTX_set_num_tickets(ctx, 1) &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, tell_keys) &&
	       SSL_CTX_set_session_id_context(ctx, config->fingerprint,
					      sizeof(config->fingerprint));
}

bool
fend__openssl_is_resumed(void *p)
{
	struct fend__openssl_session *session = p;

	/* to OpenSSL a pre-shared key is a session as well */
	return SSL_session_reused(session->ssl) && !session->context->rules.psk;
}

int
fend__openssl_ticket(void *p, struct fend__tls_blob *ret_blob)
{
	struct fend__openssl_session *session = p;
	struct fend__tls_blob blob = { 0 };
	unsigned char *end;
	int size;

	/* of TLS 1.2 the old one is still good */
	if (!session->ticket && SSL_session_reused(session->ssl) &&
	    !fend__openssl_is_tls13(session))
		session->ticket = SSL_get1_session(session->ssl);
	if (!session->ticket)
		return -ENOENT;
	size = i2d_SSL_SESSION(session->ticket, NULL);
	if (size > 0)
		blob.data = fend__calloc((size_t)size, 1);
	if (!blob.data)
		return -ENOMEM;
	end = blob.data;
	blob.size = (size_t)i2d_SSL_SESSION(session->ticket, &end);
	*ret_blob = blob;
	return 0;
}

int
fend__openssl_set_ticket(void *p, const struct fend__tls_blob *blob)
{
	struct fend__openssl_session *session = p;
	const unsigned char *data = blob->data;
	SSL_SESSION *ticket = d2i_SSL_SESSION(NULL, &data, (long)blob->size);
	bool good = ticket && SSL_set_session(session->ssl, ticket) == 1;

	SSL_SESSION_free(ticket);
	ERR_clear_error();
	return good ? 0 : -ESTALE;
}
