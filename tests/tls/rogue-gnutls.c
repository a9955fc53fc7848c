/* SPDX-License-Identifier: MIT */
#include "rogue.h"

#include <provider-gnutls.h>

void
rogue_gnutls_update_keys(void *implementation, bool both)
{
	struct fend__gnutls_session *session = implementation;

	gnutls_session_key_update(session->gnutls, both ? GNUTLS_KU_PEER : 0);
}

void
rogue_gnutls_send_tickets(void *implementation)
{
	struct fend__gnutls_session *session = implementation;

	gnutls_session_ticket_send(session->gnutls, 10, 0);
}

void
rogue_gnutls_renegotiate(void *implementation)
{
	struct fend__gnutls_session *session = implementation;

	gnutls_handshake(session->gnutls);
}
