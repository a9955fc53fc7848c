/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include <gnutls/gnutls.h>

#include "tls.h"

static gnutls_certificate_credentials_t credentials;
static gnutls_priority_t priority;
static gnutls_datum_t ticket_key;

void
raw_init(const char *certificate, const char *key)
{
	if (gnutls_certificate_allocate_credentials(&credentials) < 0 ||
	    gnutls_certificate_set_x509_key_file(credentials, certificate, key,
						 GNUTLS_X509_FMT_PEM) < 0 ||
	    gnutls_priority_init(&priority,
				 "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-GROUP-ALL:"
				 "+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
				 "%SERVER_PRECEDENCE",
				 NULL) < 0 ||
	    gnutls_session_ticket_key_generate(&ticket_key) < 0)
		abort();
}

void *
raw_new(int fd)
{
	gnutls_session_t session;

	if (gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0 ||
	    gnutls_priority_set(session, priority) < 0 ||
	    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials) < 0 ||
	    gnutls_session_ticket_enable_server(session, &ticket_key) < 0)
		abort();
	gnutls_transport_set_int(session, fd);
	return session;
}

void
raw_free(void *session)
{
	gnutls_bye(session, GNUTLS_SHUT_WR);
	gnutls_deinit(session);
}

static int
result(ssize_t n)
{
	if (n >= 0)
		return (int)n;
	return gnutls_error_is_fatal((int)n) ? -EPROTO : -EAGAIN;
}

int
raw_handshake(void *session)
{
	return result(gnutls_handshake(session));
}

int
raw_read(void *session, void *data, int size)
{
	return result(gnutls_record_recv(session, data, (size_t)size));
}

/* After GNUTLS_E_AGAIN the same data must be given again, which it is: all writes are alike. */
int
raw_write(void *session, const void *data, int size)
{
	return result(gnutls_record_send(session, data, (size_t)size));
}

const char *
raw_version(void)
{
	return gnutls_check_version(NULL);
}
