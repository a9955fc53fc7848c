/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>
#include <fend-internal/socket.h>
#include <fend/error.h>

/*
 * TLS as a layer of a socket. Between the user above and the descriptor below stands the
 * provider, which turns plaintext into records and back; three buffers stand around it:
 *
 *	user <- plain <- provider <- input  <- below
 *	user ----------> provider -> output -> below
 *
 * Each of them exists only while it holds something. plain is filled by MSG_PEEK alone.
 *
 * No new record is made while output is left over. That bounds the output to a batch and the
 * provider's own messages, and is how a full socket reaches the user as -EAGAIN.
 *
 * An error of receiving is final for both directions; one of sending ends only sending, since what
 * has arrived before may tell more: an alert, for instance, that says why the peer is gone. It then
 * takes the place of the other as the connection's error.
 */
#define PEEK_MAX (16 * 1024) /* as much as fits into a record */

int
fend__tls_session_fail(struct fend__tls_session *session, const struct fend__tls_failure *failure)
{
	assert(!session->read_error);
	session->read_error = failure->err;
	session->error.err = failure->err;
	session->error.alert = failure->alert;
	session->error.from_peer = failure->from_peer;
	session->error.faults = failure->faults;
	session->error_text = fend__strdup(failure->text);
	session->error.text = session->error_text ? session->error_text
						  : fend_strerror(failure->err);
	fend__tls_flush(session);
	if (!session->write_error)
		session->write_error = failure->err;
	return failure->err;
}

int
fend__tls_close(struct fend__tls_session *session)
{
	int r;

	if (session->write_error)
		return session->write_error;
	if (!session->closing) {
		session->context->provider->close_notify(session->implementation);
		session->closing = true;
	}
	r = fend__tls_flush(session);
	return r == -EAGAIN ? 0 : r;
}

/* -ENOTCONN and -EAGAIN before there is anything to move; what comes after has its own rules. */
static int
check_open(const struct fend__tls_session *session)
{
	if (session->state == FEND__TLS_NEW)
		return -ENOTCONN;
	return session->state == FEND__TLS_HANDSHAKE ? -EAGAIN : 0;
}

/* Could a read return plaintext without asking below? */
static bool
holds_input(const struct fend__tls_session *session)
{
	/* the part of a hello is no use before the rest, and the descriptor tells of that */
	bool waits = session->context->hello && session->hello == FEND__TLS_UNASKED;

	return (fend__tls_buffer_size(&session->input) && !waits) || session->untried ||
	       session->context->provider->pending(session->implementation);
}

/* One step of recv: from the plain buffer or from the provider. */
static ssize_t
read_some(struct fend__tls_session *session, void *buffer, size_t size)
{
	size_t n = fend__tls_buffer_peek(&session->plain, buffer, size);

	if (!n)
		return fend__tls_read(session, buffer, size);
	fend__tls_buffer_consume(&session->plain, n);
	fend__tls_buffer_trim(&session->plain);
	session->drained = true;
	return (ssize_t)n;
}

/*
 * Fill iov as far as it goes without a system call that is likely to be in vain: once there is
 * something to return, and below gave less than was asked for, it is not asked again.
 */
static ssize_t
read_iov(struct fend__tls_session *session, const struct iovec *iov, int n)
{
	ssize_t done = 0, r;
	size_t offset;
	int i;

	session->drained = false;
	for (i = 0; i < n; i++) {
		for (offset = 0; offset < iov[i].iov_len; offset += (size_t)r) {
			if (done && session->drained && !holds_input(session))
				return done;
			r = read_some(session, (char *)iov[i].iov_base + offset,
				      iov[i].iov_len - offset);
			if (r <= 0)
				return done ? done : r;
			done += r;
		}
	}
	return done;
}

static size_t
iov_size(const struct iovec *iov, int n)
{
	size_t size = 0;
	int i;

	for (i = 0; i < n; i++)
		size += iov[i].iov_len;
	return size;
}

static ssize_t
peek_iov(struct fend__tls_session *session, const struct iovec *iov, int n)
{
	struct fend__tls_buffer *plain = &session->plain, rest;
	size_t wanted = iov_size(iov, n), done = 0, held;
	ssize_t r = 0;
	int i;

	if (wanted > PEEK_MAX)
		wanted = PEEK_MAX;
	while ((held = fend__tls_buffer_size(plain)) < wanted) {
		/* that there is no more can be told without memory */
		r = session->read_error;
		if (r < 0 || session->ended)
			break;
		if (!fend__tls_buffer_reserve(plain, PEEK_MAX - held)) {
			r = -ENOMEM;
			break;
		}
		r = fend__tls_read(session, plain->data + plain->end, PEEK_MAX - held);
		if (r <= 0)
			break;
		plain->end += (uint32_t)r;
	}
	rest = *plain;
	for (i = 0; i < n; i++) {
		held = fend__tls_buffer_peek(&rest, iov[i].iov_base, iov[i].iov_len);
		fend__tls_buffer_consume(&rest, held);
		done += held;
	}
	fend__tls_buffer_trim(plain);
	return done ? (ssize_t)done : r;
}

static ssize_t
layer_recv(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct fend__tls_session *session = layer;
	ssize_t r;

	r = check_open(session);
	if (r < 0)
		return r;
	if (session->deaf)
		return 0;
	r = flags & MSG_PEEK ? peek_iov(session, iov, n) : read_iov(session, iov, n);
	fend__tls_buffer_trim(&session->input);
	return r;
}

static ssize_t
layer_send(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct fend__tls_session *session = layer;
	int r;

	r = check_open(session);
	if (r < 0)
		return r;
	if (session->write_error)
		return session->write_error;
	if (session->closing)
		return -EPIPE;
	r = fend__tls_flush(session);
	if (r < 0)
		return r;
	return fend__tls_write(session, iov, n, iov_size(iov, n));
}

static int
layer_shutdown(void *layer, struct fend_below *below, int how)
{
	struct fend__tls_session *session = layer;
	int r;

	r = check_open(session);
	if (r < 0)
		return r == -EAGAIN ? -ENOTCONN : r;
	if (how != SHUT_WR)
		session->deaf = true;
	return how != SHUT_RD ? fend__tls_close(session) : 0;
}

static void
layer_ready(void *layer, struct fend_below *below, unsigned events)
{
	struct fend__tls_session *session = layer;

	if (events & (FEND_OUT | FEND_ERR | FEND_HUP))
		fend__tls_flush(session);
}

static unsigned
layer_wants(void *layer, unsigned interest)
{
	const struct fend__tls_session *session = layer;
	unsigned wanted = 0;

	if (fend__tls_buffer_size(&session->output))
		wanted |= FEND_OUT;
	switch (session->state) {
	case FEND__TLS_NEW:
		break;
	case FEND__TLS_HANDSHAKE:
		wanted |= interest;
		break;
	case FEND__TLS_OPEN:
	case FEND__TLS_FAILED:
		wanted |= interest & FEND_OUT;
		if (!session->ended && (!session->deaf || session->ending) && !session->read_error)
			wanted |= interest & FEND_IN;
		break;
	}
	return wanted;
}

static unsigned
layer_pending(void *layer)
{
	const struct fend__tls_session *session = layer;
	unsigned pending = 0;

	if (session->state == FEND__TLS_NEW)
		return 0;
	if (session->ended || session->read_error || holds_input(session))
		pending |= FEND_IN;
	else if (!session->ending && (session->deaf || fend__tls_buffer_size(&session->plain)))
		pending |= FEND_IN;
	if (!fend__tls_buffer_size(&session->output) || session->write_error)
		pending |= FEND_OUT;
	return pending;
}

struct fend__tls_session *
fend__tls_session_free(struct fend__tls_session *session)
{
	if (session->implementation)
		session->context->provider->session_free(session->implementation);
	session->context = fend_tls_context_unref(session->context);
	fend__tls_name_fini(&session->name);
	fend__tls_name_fini(&session->asked);
	fend__tls_buffer_clear(&session->input);
	fend__tls_buffer_clear(&session->output);
	fend__tls_buffer_clear(&session->plain);
	fend__release(session->error_text);
	return fend__release(session);
}

/*
 * A descriptor that is closed with something unread resets the connection, which may destroy what
 * the peer has yet to read. A client that only sends has never read its tickets.
 */
static void
drop_unread(struct fend__tls_session *session)
{
	unsigned char dropped[4096];
	struct iovec iov = { dropped, sizeof(dropped) };

	if (session->context->mode == FEND_TLS_CLIENT && !session->ended && !session->read_error)
		fend_below_recv(session->below, &iov, 1, 0);
}

/*
 * One try at what is left to be said. In a child of fork(2), whose parent has the connection, below
 * refuses to send.
 */
static void
layer_free(void *layer, struct fend_below *below)
{
	struct fend__tls_session *session = layer;

	if (session->state == FEND__TLS_OPEN && !session->write_error && !session->closing)
		session->context->provider->close_notify(session->implementation);
	fend__tls_flush(session);
	if (session->state == FEND__TLS_OPEN)
		drop_unread(session);
	fend__tls_session_free(session);
}

const struct fend_layer_ops fend__tls_layer = {
	.size = sizeof(struct fend_layer_ops),
	.name = "tls",
	.recv = layer_recv,
	.send = layer_send,
	.shutdown = layer_shutdown,
	.ready = layer_ready,
	.wants = layer_wants,
	.pending = layer_pending,
	.free = layer_free,
};

int
fend__tls_session_check(const struct fend_socket *socket, const struct fend_loop *loop,
			struct fend__tls_session **ret_session)
{
	struct fend__tls_session *session;
	const struct fend_loop *own;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	session = fend__tls_session_of(socket);
	if (!session)
		return -EINVAL;
	own = fend__socket_loop(socket);
	r = own ? fend__loop_check(own) : 0;
	if (r < 0)
		return r;
	*ret_session = session;
	return 0;
}

struct fend__tls_session *
fend__tls_session_of(const struct fend_socket *socket)
{
	return socket ? fend__socket_layer(socket, &fend__tls_layer, NULL) : NULL;
}
