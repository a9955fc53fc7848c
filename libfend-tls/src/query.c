/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <string.h>

#include <fend-internal/public.h>

/* What can be asked about a connection once its handshake has succeeded. */
#define EXPORT_MAX 4096
#define EXPORTER_SIZE 32 /* RFC 9266, section 4.2 */
#define END_POINT_MAX 64

FEND_PUBLIC const struct fend_tls_error *
fend_tls_error(const struct fend_socket *socket)
{
	const struct fend__tls_session *session = fend__tls_session_of(socket);

	return session ? &session->error : NULL;
}

FEND_PUBLIC const char *
fend_tls_get(const struct fend_socket *socket, enum fend_tls_item item)
{
	const struct fend__tls_session *session = fend__tls_session_of(socket);

	if (item == FEND_TLS_PROVIDER)
		return session ? session->context->provider->version()
			       : fend__tls_provider(FEND_TLS_CLIENT)->version();
	if (!session || session->state != FEND__TLS_OPEN)
		return NULL;
	if (item == FEND_TLS_IDENTITY)
		return fend__tls_identity(session);
	if (item == FEND_TLS_SNI && session->context->mode == FEND_TLS_CLIENT)
		return session->name.address_size ? NULL : session->name.text;
	return session->context->provider->get(session->implementation, item);
}

static int
find(const struct fend_socket *socket, const struct fend__tls_session **ret_session)
{
	const struct fend__tls_session *session = fend__tls_session_of(socket);

	if (!session)
		return -EINVAL;
	if (session->state != FEND__TLS_OPEN)
		return -ENOTCONN;
	*ret_session = session;
	return 0;
}

FEND_PUBLIC int
fend_tls_peer_certificate(const struct fend_socket *socket, unsigned n, const void **ret_der,
			  size_t *ret_size)
{
	const struct fend__tls_session *session;
	int r;

	if (!ret_der || !ret_size)
		return -EINVAL;
	r = find(socket, &session);
	return r < 0 ? r
		     : session->context->provider->peer_certificate(session->implementation, n,
								    ret_der, ret_size);
}

FEND_PUBLIC int
fend_tls_export(const struct fend_socket *socket, const char *label, const void *context,
		size_t context_size, void *ret_key, size_t key_size)
{
	const struct fend__tls_session *session;
	int r;

	if (!label || !*label || !ret_key || !key_size || key_size > EXPORT_MAX ||
	    context_size > EXPORT_MAX || (context_size && !context))
		return -EINVAL;
	r = find(socket, &session);
	return r < 0 ? r
		     : session->context->provider->export(session->implementation, label, context,
							  context_size, ret_key, key_size);
}

static ssize_t
bind_end_point(const struct fend__tls_session *session, void *ret_data, size_t size)
{
	unsigned char data[END_POINT_MAX];
	ssize_t n = session->context->provider->end_point(session->implementation, data);

	if (n < 0)
		return n;
	if ((size_t)n > size)
		return -ENOBUFS;
	memcpy(ret_data, data, (size_t)n);
	return n;
}

FEND_PUBLIC ssize_t
fend_tls_binding(const struct fend_socket *socket, enum fend_tls_binding binding, void *ret_data,
		 size_t size)
{
	const struct fend__tls_session *session;
	int r;

	if (!ret_data || (unsigned)binding > FEND_TLS_BINDING_END_POINT)
		return -EINVAL;
	r = find(socket, &session);
	if (r < 0)
		return r;
	if (binding == FEND_TLS_BINDING_END_POINT)
		return bind_end_point(session, ret_data, size);
	if (!session->context->provider->is_bound(session->implementation))
		return -ENOTSUP;
	if (size < EXPORTER_SIZE)
		return -ENOBUFS;
	r = fend_tls_export(socket, "EXPORTER-Channel-Binding", "", 0, ret_data, EXPORTER_SIZE);
	return r < 0 ? r : EXPORTER_SIZE;
}
