/* SPDX-License-Identifier: MIT */
#include "provider-openssl.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>

#include <fend-internal/kernel.h>

/* What can be asked about a session. */
static const char *
group_name(int nid)
{
	switch (nid) {
	case NID_X25519:
		return fend__tls_group_names[FEND__TLS_X25519];
	case NID_X448:
		return fend__tls_group_names[FEND__TLS_X448];
	case NID_X9_62_prime256v1:
		return fend__tls_group_names[FEND__TLS_P256];
	case NID_secp384r1:
		return fend__tls_group_names[FEND__TLS_P384];
	case NID_secp521r1:
		return fend__tls_group_names[FEND__TLS_P521];
	default:
		return NULL;
	}
}

const char *
fend__openssl_get(void *p, enum fend_tls_item item)
{
	struct fend__openssl_session *session = p;

	switch (item) {
	case FEND_TLS_PROTOCOL:
		return fend__openssl_is_tls13(session) ? "TLSv1.3" : "TLSv1.2";
	case FEND_TLS_CIPHER:
		return SSL_CIPHER_standard_name(SSL_get_current_cipher(session->ssl));
	case FEND_TLS_GROUP:
		return group_name((int)SSL_get_negotiated_group(session->ssl));
	case FEND_TLS_ALPN:
		return session->alpn;
	case FEND_TLS_SNI:
		return SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name);
	case FEND_TLS_IDENTITY: /* neutral code knows */
		return NULL;
	case FEND_TLS_PROVIDER:
		return fend__openssl_version();
	}
	return NULL;
}

/* The chain that a server has got lacks the leaf. */
static X509 *
peer_x509(const struct fend__openssl_session *session, unsigned n)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(session->ssl);
	unsigned before = session->context->rules.mode == FEND_TLS_SERVER;

	if (n == 0)
		return SSL_get0_peer_certificate(session->ssl);
	return SSL_session_reused(session->ssl) ? NULL : sk_X509_value(chain, (int)(n - before));
}

int
fend__openssl_peer_certificate(void *p, unsigned n, const void **ret_der, size_t *ret_size)
{
	struct fend__openssl_session *session = p;
	X509 *certificate;
	int size;

	if (n >= FEND__TLS_CHAIN_MAX)
		return -ENOENT;
	if (!session->peer || !session->peer[n].data) {
		certificate = peer_x509(session, n);
		if (!certificate)
			return -ENOENT;
		if (!session->peer)
			session->peer = fend__calloc(FEND__TLS_CHAIN_MAX, sizeof(*session->peer));
		if (!session->peer)
			return -ENOMEM;
		size = i2d_X509(certificate, &session->peer[n].data);
		ERR_clear_error();
		if (size < 0)
			return -ENOMEM;
		session->peer[n].size = (size_t)size;
	}
	*ret_der = session->peer[n].data;
	*ret_size = session->peer[n].size;
	return 0;
}

int
fend__openssl_export(void *p, const char *label, const void *context, size_t context_size,
		     void *ret_key, size_t key_size)
{
	struct fend__openssl_session *session = p;
	int good = SSL_export_keying_material(session->ssl, ret_key, key_size, label, strlen(label),
					      context, context_size, context != NULL);

	ERR_clear_error();
	return good == 1 ? 0 : -ENOTSUP;
}

/* RFC 5929, section 4.1: the hash of the signature, but SHA-256 in place of MD5 and SHA-1. */
ssize_t
fend__openssl_end_point(void *p, unsigned char *ret_data)
{
	struct fend__openssl_session *session = p;
	X509 *certificate = session->context->rules.mode == FEND_TLS_CLIENT
				    ? SSL_get0_peer_certificate(session->ssl)
				    : SSL_get_certificate(session->ssl);
	unsigned size = 0;
	int hash = NID_undef;

	if (certificate)
		X509_get_signature_info(certificate, &hash, NULL, NULL, NULL);
	if (hash == NID_undef)
		return -ENOTSUP;
	if (hash == NID_md5 || hash == NID_sha1)
		hash = NID_sha256;
	if (!X509_digest(certificate, EVP_get_digestbynid(hash), ret_data, &size))
		size = 0;
	ERR_clear_error();
	return size ? (ssize_t)size : -ENOTSUP;
}

bool
fend__openssl_is_bound(void *p)
{
	struct fend__openssl_session *session = p;

	return fend__openssl_is_tls13(session) || SSL_get_extms_support(session->ssl) == 1;
}
