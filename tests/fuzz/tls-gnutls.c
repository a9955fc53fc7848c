/* SPDX-License-Identifier: MIT */
#include <gnutls/gnutls.h>

#include "provider-gnutls.h"
#include "session.h"
#include "tls-scene.h"

/* There is no way in: GnuTLS asks the system. */
void
scene_fix_randomness(void)
{
}

void
scene_rekey(struct fend_socket *socket, bool ask_for_more)
{
	struct fend__tls_session *session = fend__tls_session_of(socket);
	struct fend__gnutls_session *own = session->implementation;

	if (fend__gnutls_is_tls13(own))
		gnutls_session_key_update(own->gnutls, ask_for_more ? GNUTLS_KU_PEER : 0);
}
