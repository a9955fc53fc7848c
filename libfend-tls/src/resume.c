/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <string.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

/*
 * A client's side of resumption. What the user keeps is the provider's, behind a seal: a hash of
 * the name and of what the context demands (fingerprint.c), so that a connection is resumed only as
 * what it was.
 */
static bool
seal(const struct fend__tls_session *session, unsigned char ret_seal[FEND__TLS_HASH])
{
	const struct fend_tls_context *context = session->context;
	const char *name = session->name.text ? session->name.text : "";

	return context->provider->hmac(context->fingerprint, sizeof(context->fingerprint), name,
				       strlen(name), ret_seal);
}

FEND_PUBLIC int
fend_tls_session(const struct fend_socket *socket, void **ret_data, size_t *ret_size)
{
	struct fend__tls_session *session = fend__tls_session_of(socket);
	struct fend__tls_blob blob;
	unsigned char *data;
	int r;

	if (!session || session->context->mode != FEND_TLS_CLIENT || !ret_data || !ret_size)
		return -EINVAL;
	if (session->state != FEND__TLS_OPEN)
		return -ENOTCONN;
	if (session->context->flags & FEND_TLS_NO_TICKETS)
		return -ENOENT;
	r = session->context->provider->ticket(session->implementation, &blob);
	if (r < 0)
		return r;
	data = fend__calloc(FEND__TLS_HASH + blob.size, 1);
	if (data)
		memcpy(data + FEND__TLS_HASH, blob.data, blob.size);
	explicit_bzero(blob.data, blob.size);
	fend__release(blob.data);
	if (!data || !seal(session, data)) {
		fend__release(data);
		return -ENOMEM;
	}
	*ret_data = data;
	*ret_size = FEND__TLS_HASH + blob.size;
	return 0;
}

FEND_PUBLIC int
fend_tls_set_session(struct fend_socket *socket, const void *data, size_t size)
{
	struct fend__tls_session *session = fend__tls_session_of(socket);
	unsigned char expected[FEND__TLS_HASH];
	struct fend__tls_blob blob;

	if (!session || session->context->mode != FEND_TLS_CLIENT || !data || !size)
		return -EINVAL;
	if (session->state != FEND__TLS_NEW)
		return -EALREADY;
	if (!seal(session, expected))
		return -ENOMEM;
	if (size <= FEND__TLS_HASH || memcmp(data, expected, FEND__TLS_HASH))
		return -ESTALE;
	blob.data = (unsigned char *)data + FEND__TLS_HASH;
	blob.size = size - FEND__TLS_HASH;
	return session->context->provider->set_ticket(session->implementation, &blob);
}

FEND_PUBLIC bool
fend_tls_is_resumed(const struct fend_socket *socket)
{
	const struct fend__tls_session *session = fend__tls_session_of(socket);

	return session && session->state == FEND__TLS_OPEN &&
	       session->context->provider->is_resumed(session->implementation);
}
