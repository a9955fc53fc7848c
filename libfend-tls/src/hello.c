/* SPDX-License-Identifier: MIT */
#include "client-hello.h"
#include "session.h"

#include <errno.h>
#include <string.h>

#include <fend-internal/public.h>
#include <fend-internal/socket.h>
#include <fend/error.h>
#include <fend/io.h>

/*
 * A server that chooses a context by what the client asks for. Providers call back in the middle of
 * their work for this, where nothing can be freed; GnuTLS has chosen the certificate by then, and
 * both the version. So the hello is read here, before a provider gets any of it, the user is asked,
 * and the handshake begins when there is an answer, with a new session of the provider's.
 *
 * What is no hello, or not one of a sane size, is the provider's to refuse. A name that is no host
 * name is none.
 */
#define RECORD_HEAD 5     /* type, version, size (RFC 8446, section 5.1) */
#define HELLO_MAX 0x10000 /* bytes of records; browsers need less than 2 KiB */
#define HANDSHAKE 22
#define CLIENT_HELLO 1

/*
 * Put the content of the handshake records together. 1: it is a whole hello, in message; 0: more is
 * to come; -EPROTO: it is something else, or too large.
 */
static int
assemble(const struct fend__tls_buffer *input, struct fend__tls_buffer *message)
{
	struct fend__tls_reader all = { input->data + input->begin, fend__tls_buffer_size(input) };
	struct fend__tls_reader head;
	size_t type, size;

	while (all.size >= RECORD_HEAD) {
		type = fend__tls_number(&all, 1);
		fend__tls_number(&all, 2);
		size = fend__tls_number(&all, 2);
		if (type != HANDSHAKE || !size)
			return -EPROTO;
		if (size > all.size)
			break;
		if (!fend__tls_buffer_append(message, all.data, size))
			return -ENOMEM;
		fend__tls_take(&all, size);
		head = (struct fend__tls_reader){ message->data, fend__tls_buffer_size(message) };
		if (fend__tls_number(&head, 1) != CLIENT_HELLO)
			return -EPROTO;
		if (head.size >= 3 && fend__tls_number(&head, 3) <= head.size)
			return 1;
	}
	return fend__tls_buffer_size(input) < HELLO_MAX ? 0 : -EPROTO;
}

static int
read_name(struct fend__tls_session *session, const struct fend__tls_buffer *message)
{
	struct fend__tls_reader hello = { message->data + 4, fend__tls_buffer_size(message) - 4 };
	char text[256];
	int r;

	if (!fend__tls_find_name(hello, text, sizeof(text)))
		return 0;
	r = fend__tls_name_init(&session->asked, text);
	if (!r && session->asked.address_size)
		fend__tls_name_fini(&session->asked);
	return r == -ENOMEM ? r : 0;
}

static int
look(struct fend__tls_session *session)
{
	struct fend__tls_buffer message = { 0 };
	int r;

	r = session->foreign ? -EPROTO : assemble(&session->input, &message);
	if (r == 1)
		r = read_name(session, &message);
	else if (r == 0)
		r = -EAGAIN;
	fend__tls_buffer_clear(&message);
	return r;
}

static int
refuse(struct fend__tls_session *session, struct fend__tls_failure *failure)
{
	fend__tls_push_plain_alert(session, FEND__TLS_UNRECOGNIZED_NAME);
	fend__tls_fail(failure, -EPROTO, "client was refused by the name it asked for");
	failure->alert = FEND__TLS_UNRECOGNIZED_NAME;
	return failure->err;
}

static int
no_memory(struct fend__tls_failure *failure)
{
	return fend__tls_fail(failure, -ENOMEM, "%s", fend_strerror(-ENOMEM));
}

int
fend__tls_hello_step(struct fend__tls_session *session, struct fend__tls_failure *failure)
{
	ssize_t n;
	int r;

	if (session->hello == FEND__TLS_REFUSED)
		return refuse(session, failure);
	if (session->hello != FEND__TLS_UNASKED || !session->context->hello)
		return session->hello == FEND__TLS_ASKED ? -EAGAIN : 0;
	do {
		n = fend__tls_fill(session);
		if (n == 0 || (n < 0 && n != -EAGAIN))
			return n == -ENOMEM ? no_memory(failure)
					    : fend__tls_judge_input(session, failure);
		r = look(session);
	} while (n > 0 && r == -EAGAIN);
	if (r == -EAGAIN)
		return r;
	if (r == -ENOMEM)
		return no_memory(failure);
	session->hello = r == -EPROTO ? FEND__TLS_ANSWERED : FEND__TLS_ASKED;
	return r == -EPROTO ? 0 : FEND__TLS_HELLO;
}

/* The session so far has seen nothing of the client. */
static int
change_context(struct fend__tls_session *session, struct fend_tls_context *context)
{
	void *implementation;
	int r;

	r = context->provider->session_new(context->implementation, session, NULL, &implementation);
	if (r < 0)
		return r;
	session->context->provider->session_free(session->implementation);
	session->implementation = implementation;
	fend_tls_context_ref(context);
	fend_tls_context_unref(session->context);
	session->context = context;
	return 0;
}

FEND_PUBLIC int
fend_tls_answer(struct fend_socket *socket, struct fend_tls_context *context)
{
	struct fend__tls_session *session;
	int r;

	r = socket ? fend__tls_session_check(socket, fend__socket_loop(socket), &session) : -EINVAL;
	if (r < 0)
		return r;
	if (session->hello != FEND__TLS_ASKED || session->state != FEND__TLS_HANDSHAKE ||
	    (context && context->mode != FEND_TLS_SERVER))
		return -EINVAL;
	if (context && context != session->context)
		r = change_context(session, context);
	if (r < 0)
		return r;
	session->hello = context ? FEND__TLS_ANSWERED : FEND__TLS_REFUSED;
	fend__tls_name_fini(&session->asked);
	session->untried = true;
	fend__socket_interest(socket, session->holder, FEND_IN);
	return 0;
}
