/* SPDX-License-Identifier: MIT */
#include "rogue.h"

#include <provider-openssl.h>

void
rogue_openssl_update_keys(void *implementation, bool both)
{
	struct fend__openssl_session *session = implementation;

	SSL_key_update(session->ssl,
		       both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
	SSL_do_handshake(session->ssl);
}

void
rogue_openssl_send_tickets(void *implementation)
{
	struct fend__openssl_session *session = implementation;
	int i;

	for (i = 0; i < 10; i++)
		SSL_new_session_ticket(session->ssl);
	SSL_do_handshake(session->ssl);
}

void
rogue_openssl_renegotiate(void *implementation)
{
	struct fend__openssl_session *session = implementation;

	SSL_clear_options(session->ssl, SSL_OP_NO_RENEGOTIATION);
	SSL_renegotiate(session->ssl);
	SSL_do_handshake(session->ssl);
}
