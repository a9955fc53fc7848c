/* SPDX-License-Identifier: MIT */
#include "provider-gnutls.h"

#include <errno.h>
#include <string.h>

#include <gnutls/crypto.h>

#include <fend-internal/kernel.h>

/*
 * Tickets. A server's key is GnuTLS' "master key", of which it makes another one every six hours,
 * and takes tickets of the one before.
 */
bool
fend__gnutls_hmac(const void *key, size_t key_size, const void *data, size_t size,
		  unsigned char ret_hash[FEND__TLS_HASH])
{
	return gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_size, data, size, ret_hash) >= 0;
}

int
fend__gnutls_set_ticket_key(struct fend__gnutls_context *context,
			    const struct fend__tls_config *config)
{
	gnutls_datum_t *key = &context->ticket_key;

	if (config->params.mode == FEND_TLS_CLIENT || config->params.flags & FEND_TLS_NO_TICKETS)
		return 0;
	if (!config->ticket_key_given)
		return gnutls_session_ticket_key_generate(key);
	key->data = gnutls_malloc(FEND__TLS_TICKET_KEY);
	if (!key->data)
		return GNUTLS_E_MEMORY_ERROR;
	key->size = FEND__TLS_TICKET_KEY;
	memcpy(key->data, config->ticket_key, FEND__TLS_TICKET_KEY);
	return 0;
}

bool
fend__gnutls_is_resumed(void *p)
{
	struct fend__gnutls_session *session = p;

	return gnutls_session_is_resumed(session->gnutls);
}

static int
on_ticket(gnutls_session_t gnutls, unsigned type, unsigned when, unsigned incoming,
	  const gnutls_datum_t *message)
{
	struct fend__gnutls_session *session = gnutls_session_get_ptr(gnutls);

	session->ticketed = true;
	return 0;
}

void
fend__gnutls_expect_tickets(struct fend__gnutls_session *session)
{
	gnutls_handshake_set_hook_function(session->gnutls, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET,
					   GNUTLS_HOOK_POST, on_ticket);
}

/*
 * In TLS 1.3 gnutls_session_get_data2() would wait for a ticket, and read what is none; the flag
 * says that it need not. In TLS 1.2 there is no such flag.
 */
int
fend__gnutls_ticket(void *p, struct fend__tls_blob *ret_blob)
{
	struct fend__gnutls_session *session = p;
	struct fend__tls_blob blob;
	gnutls_datum_t data;
	int code;

	if (fend__gnutls_is_tls13(session))
		session->ticketed = gnutls_session_get_flags(session->gnutls) &
				    GNUTLS_SFLAGS_SESSION_TICKET;
	else if (gnutls_session_is_resumed(session->gnutls))
		session->ticketed = true; /* the old one is still good */
	if (!session->ticketed)
		return -ENOENT;
	code = gnutls_session_get_data2(session->gnutls, &data);
	if (code < 0)
		return code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -ENOENT;
	blob.size = data.size;
	blob.data = fend__calloc(blob.size, 1);
	if (blob.data)
		memcpy(blob.data, data.data, blob.size);
	explicit_bzero(data.data, data.size);
	gnutls_free(data.data);
	if (!blob.data)
		return -ENOMEM;
	*ret_blob = blob;
	return 0;
}

int
fend__gnutls_set_ticket(void *p, const struct fend__tls_blob *blob)
{
	struct fend__gnutls_session *session = p;
	int code = gnutls_session_set_data(session->gnutls, blob->data, blob->size);

	return code >= 0 ? 0 : code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -ESTALE;
}
