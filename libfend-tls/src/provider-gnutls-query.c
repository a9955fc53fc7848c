/* SPDX-License-Identifier: MIT */
#include "provider-gnutls.h"

#include <errno.h>
#include <string.h>

/* What can be asked about a session. */
static const char *
group_name(gnutls_group_t group)
{
	switch (group) {
	case GNUTLS_GROUP_X25519:
		return fend__tls_group_names[FEND__TLS_X25519];
	case GNUTLS_GROUP_X448:
		return fend__tls_group_names[FEND__TLS_X448];
	case GNUTLS_GROUP_SECP256R1:
		return fend__tls_group_names[FEND__TLS_P256];
	case GNUTLS_GROUP_SECP384R1:
		return fend__tls_group_names[FEND__TLS_P384];
	case GNUTLS_GROUP_SECP521R1:
		return fend__tls_group_names[FEND__TLS_P521];
	default:
		return NULL;
	}
}

const char *
fend__gnutls_get(void *p, enum fend_tls_item item)
{
	struct fend__gnutls_session *session = p;

	switch (item) {
	case FEND_TLS_PROTOCOL:
		return fend__gnutls_is_tls13(session) ? "TLSv1.3" : "TLSv1.2";
	case FEND_TLS_CIPHER:
		return gnutls_ciphersuite_get(session->gnutls);
	case FEND_TLS_GROUP:
		return group_name(gnutls_group_get(session->gnutls));
	case FEND_TLS_ALPN:
		return session->alpn;
	case FEND_TLS_SNI:
		return session->sni;
	case FEND_TLS_IDENTITY: /* neutral code knows */
		return NULL;
	case FEND_TLS_PROVIDER:
		return fend__gnutls_version();
	}
	return NULL;
}

int
fend__gnutls_peer_certificate(void *p, unsigned n, const void **ret_der, size_t *ret_size)
{
	struct fend__gnutls_session *session = p;
	const gnutls_datum_t *list;
	unsigned size = 0;

	list = gnutls_certificate_get_peers(session->gnutls, &size);
	if (!list || n >= size || (n && gnutls_session_is_resumed(session->gnutls)))
		return -ENOENT;
	*ret_der = list[n].data;
	*ret_size = list[n].size;
	return 0;
}

int
fend__gnutls_export(void *p, const char *label, const void *context, size_t context_size,
		    void *ret_key, size_t key_size)
{
	struct fend__gnutls_session *session = p;
	int code;

	code = gnutls_prf_rfc5705(session->gnutls, strlen(label), label, context_size, context,
				  key_size, ret_key);
	return code >= 0 ? 0 : code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -ENOTSUP;
}

ssize_t
fend__gnutls_end_point(void *p, unsigned char *ret_data)
{
	struct fend__gnutls_session *session = p;
	gnutls_datum_t data = { NULL, 0 };
	ssize_t size;
	int code;

	code = gnutls_session_channel_binding(session->gnutls, GNUTLS_CB_TLS_SERVER_END_POINT,
					      &data);
	if (code < 0)
		return code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -ENOTSUP;
	memcpy(ret_data, data.data, data.size);
	size = (ssize_t)data.size;
	gnutls_free(data.data);
	return size;
}

bool
fend__gnutls_is_bound(void *p)
{
	struct fend__gnutls_session *session = p;

	return fend__gnutls_is_tls13(session) ||
	       gnutls_session_get_flags(session->gnutls) & GNUTLS_SFLAGS_EXT_MASTER_SECRET;
}
