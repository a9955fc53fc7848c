/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>

#include <fend-internal/kernel.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>
#include <fend-internal/socket.h>
#include <fend/error.h>

/* How TLS comes onto a socket. */
static int
check_name(const struct fend_tls_context *context, const char *name)
{
	bool optional;

	if (context->mode == FEND_TLS_SERVER)
		return name ? -EINVAL : 0;
	optional = context->verify == FEND_TLS_VERIFY_NONE ||
		   (context->flags & FEND_TLS_NO_NAME_CHECK);
	return name || optional ? 0 : -EINVAL;
}

static int
session_new(struct fend_tls_context *context, const char *name,
	    struct fend__tls_session **ret_session)
{
	struct fend__tls_session *session;
	int r = 0;

	session = fend__calloc(1, sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->context = fend_tls_context_ref(context);
	session->error.alert = -1;
	session->error.text = fend_strerror(0);
	if (name)
		r = fend__tls_name_init(&session->name, name);
	if (!r)
		r = context->provider->session_new(context->implementation, session,
						   name ? &session->name : NULL,
						   &session->implementation);
	if (r < 0) {
		fend__tls_session_free(session);
		return r;
	}
	*ret_session = session;
	return 0;
}

FEND_PUBLIC int
fend_tls_wrap(struct fend_socket *socket, struct fend_tls_context *context, const char *name)
{
	struct fend__tls_session *session;
	struct fend_loop *loop;
	int r;

	if (!socket || !context)
		return -EINVAL;
	loop = fend__socket_loop(socket);
	r = loop ? fend__loop_check(loop) : 0;
	if (!r)
		r = check_name(context, name);
	if (r < 0)
		return r;
	if (fend__tls_session_of(socket))
		return -EALREADY;
	r = session_new(context, name, &session);
	if (r < 0)
		return r;
	r = fend_socket_push_layer(socket, &fend__tls_layer, session);
	if (r < 0) {
		fend__tls_session_free(session);
		return r;
	}
	fend__socket_layer(socket, &fend__tls_layer, &session->below);
	return 0;
}
