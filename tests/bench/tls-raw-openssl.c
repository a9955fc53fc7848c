/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>

#include <openssl/ssl.h>

#include "tls.h"

static SSL_CTX *context;

/*
 * What libfend-tls sets, too: one ticket, without a cache, and no buffers while idle. To send is
 * write(2) here, which raises SIGPIPE when the peer has left.
 */
void
raw_init(const char *certificate, const char *key)
{
	signal(SIGPIPE, SIG_IGN);
	context = SSL_CTX_new(TLS_server_method());
	if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) ||
	    !SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") ||
	    !SSL_CTX_set_num_tickets(context, 1) ||
	    SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		abort();
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
}

void *
raw_new(int fd)
{
	SSL *ssl = SSL_new(context);

	if (!ssl || !SSL_set_fd(ssl, fd))
		abort();
	SSL_set_accept_state(ssl);
	return ssl;
}

void
raw_free(void *session)
{
	SSL_shutdown(session);
	SSL_free(session);
}

static int
result(void *session, int n)
{
	int error;

	if (n > 0)
		return n;
	error = SSL_get_error(session, n);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	return error == SSL_ERROR_ZERO_RETURN ? 0 : -EPROTO;
}

int
raw_handshake(void *session)
{
	return result(session, SSL_do_handshake(session));
}

int
raw_read(void *session, void *data, int size)
{
	return result(session, SSL_read(session, data, size));
}

int
raw_write(void *session, const void *data, int size)
{
	return result(session, SSL_write(session, data, size));
}

const char *
raw_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}
