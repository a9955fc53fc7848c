/* SPDX-License-Identifier: MIT */
#include "operation.h"

#include <errno.h>
#include <string.h>

#include <fend-internal/public.h>
#include <fend/error.h>
#include <fend/io.h>

/*
 * The handshake as an operation. A client begins as soon as the socket can be written to, a server
 * when something arrives. Whatever way it fails, the session keeps the reason: recv and send return
 * it from then on. What the peer has to say comes before what the socket says: a flight that
 * cannot be sent any more ends the handshake only once nothing is left to read, since that may be
 * the alert that explains it.
 *
 * It ends when the last flight has left: whoever is told that it succeeded may free the socket, and
 * that has one try only.
 */
static int
advance(struct fend__tls_session *session, struct fend__tls_failure *failure)
{
	unsigned i;
	int r;

	session->untried = false;
	for (i = 0; i < FEND__TLS_TURNS; i++) {
		session->blocked = false;
		r = session->context->provider->handshake(session->implementation, failure);
		if (r != -EAGAIN)
			return r;
		if (session->blocked)
			return fend__tls_judge_input(session, failure);
	}
	session->untried = true;
	return -EAGAIN;
}

/* Providers look for it where they can choose the alert; not if the connection was resumed. */
static int
check_alpn(struct fend__tls_session *session, struct fend__tls_failure *failure)
{
	const struct fend_tls_context *context = session->context;
	const struct fend__tls_rules rules = { .mode = context->mode, .alpn = context->alpn };
	bool agreed = context->provider->get(session->implementation, FEND_TLS_ALPN);
	int r = fend__tls_judge_alpn(&rules, agreed, failure);

	if (r < 0)
		failure->alert = context->provider->alert(session->implementation, failure->alert);
	return r;
}

/*
 * In TLS 1.3 the client has the last word, and after it a server has only tickets to send. A client
 * that did not wait for them may have said all that it has to say.
 */
static bool
is_over(const struct fend__tls_session *session)
{
	const struct fend_tls_context *context = session->context;

	return context->mode == FEND_TLS_SERVER &&
	       !strcmp(context->provider->get(session->implementation, FEND_TLS_PROTOCOL),
		       "TLSv1.3");
}

static int
negotiate(struct fend__tls_session *session, struct fend__tls_failure *failure)
{
	int r;

	r = fend__tls_hello_step(session, failure);
	if (!r)
		r = advance(session, failure);
	if (!r)
		r = check_alpn(session, failure);
	session->agreed = !r;
	return r;
}

/* Take a turn, and send what came of it. */
static int
turn(struct fend__tls_session *session, struct fend__tls_failure *failure)
{
	int r = session->agreed ? 0 : negotiate(session, failure), sent;

	sent = fend__tls_flush(session);
	if (!sent || (r && r != -EAGAIN) || (!r && is_over(session)))
		return r;
	if (sent == -EAGAIN)
		return sent;
	return fend__tls_fail(failure, sent, "%s", fend_strerror(sent));
}

/* The last flight cannot leave, or not in time: err, unless the peer has said why. */
static int
hear_reason(struct fend__tls_session *session, int err, struct fend__tls_failure *failure)
{
	unsigned char dropped[4096];
	unsigned i;
	ssize_t n;

	for (i = 0; i < FEND__TLS_TURNS; i++) {
		session->blocked = false;
		n = session->context->provider->read(session->implementation, dropped,
						     sizeof(dropped), failure);
		if (n < 0 && n != -EAGAIN)
			return (int)n;
		if (n == 0 || session->blocked)
			break;
	}
	return err;
}

static int
step(struct fend__tls_session *session, int err, unsigned *interest)
{
	struct fend__tls_failure failure;
	int r;

	if (err)
		r = fend__tls_fail(&failure, err, "%s",
				   err == -ETIMEDOUT ? "handshake not done in time"
						     : fend_strerror(err));
	else
		r = turn(session, &failure);
	if (session->agreed && r < 0 && r != -EAGAIN)
		r = hear_reason(session, r, &failure);
	*interest = session->agreed ? FEND_OUT : FEND_IN;
	if (session->hello == FEND__TLS_ASKED)
		*interest = 0;
	if (r == -EAGAIN || r == FEND__TLS_HELLO)
		return r;
	session->state = r ? FEND__TLS_FAILED : FEND__TLS_OPEN;
	session->fruitless = 0;
	return r ? fend__tls_session_fail(session, &failure) : 0;
}

FEND_PUBLIC int
fend_tls_handshake(struct fend_socket *socket, struct fend_loop *loop, fend_time timeout,
		   fend_tls_fn *fn, void *data)
{
	const struct fend__tls_request request = { socket, loop, timeout, fn, data, .paced = true };
	struct fend__tls_session *session;
	bool client;
	int r;

	r = fend__tls_session_check(socket, loop, &session);
	if (r < 0)
		return r;
	if (session->state != FEND__TLS_NEW)
		return -EALREADY;
	client = session->context->mode == FEND_TLS_CLIENT;
	session->state = FEND__TLS_HANDSHAKE;
	r = fend__tls_operation_start(&request, session, step,
				      client ? FEND_IN | FEND_OUT : FEND_IN);
	if (r < 0)
		session->state = FEND__TLS_NEW;
	return r;
}
