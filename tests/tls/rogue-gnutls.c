/* SPDX-License-Identifier: MIT */
#include "rogue.h"

#include <glib.h>

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

int
rogue_gnutls_introduce(int fd, const struct rogue_client *client)
{
	const gnutls_datum_t identity = { (void *)client->identity,
					  (unsigned)client->identity_size };
	const gnutls_datum_t key = { (void *)client->key, (unsigned)client->key_size };
	char *priority =
		g_strdup_printf("NORMAL:-KX-ALL:+ECDHE-PSK:-VERS-ALL:+VERS-TLS1.%u", client->minor);
	gnutls_psk_client_credentials_t credentials;
	gnutls_session_t session;
	int r, alert = 0;

	gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	gnutls_psk_allocate_client_credentials(&credentials);
	gnutls_psk_set_client_credentials2(credentials, &identity, &key, GNUTLS_PSK_KEY_RAW);
	gnutls_credentials_set(session, GNUTLS_CRD_PSK, credentials);
	g_assert_cmpint(gnutls_priority_set_direct(session, priority, NULL), ==, 0);
	gnutls_transport_set_int(session, fd);
	do {
		client->wait(client->data);
		r = gnutls_handshake(session);
	} while (r == GNUTLS_E_AGAIN);
	if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
		alert = gnutls_alert_get(session);
	else
		g_assert_cmpint(r, ==, 0);
	gnutls_deinit(session);
	gnutls_psk_free_client_credentials(credentials);
	g_free(priority);
	return alert;
}
