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
 * "Would block" is the word of what is below, never the provider's: a provider says it too after
 * a record that carried no data, such as a session ticket, while the next one is at hand. So it is
 * called again until pull had nothing in that call, but not for ever: after some turns the session
 * counts as untried, which makes it readable again in the next iteration.
 *
 * No new record is made while output is left over. That bounds the output to a batch and the
 * provider's own messages, and is how a full socket reaches the user as -EAGAIN.
 *
 * A batch is what the kernel can make one segment of, to be cut up as late as possible: 64 KiB with
 * its headers. Four full records are some bytes more, which would be a segment of their own, and
 * that costs more than the system call that they save.
 *
 * An error of receiving is final for both directions; one of sending ends only sending, since what
 * has arrived before may tell more: an alert, for instance, that says why the peer is gone. It then
 * takes the place of the other as the connection's error.
 */
#define RECORD_MAX (16 * 1024)      /* RFC 8446, section 5.1 */
#define RECORD_OVERHEAD 128         /* more than header, nonce, type and tag of any AEAD */
#define BATCH_MAX (64 * 1024 - 512) /* plaintext that is sent below at a time, if all fits in it */
#define BATCH_FULL (3 * RECORD_MAX) /* and if not */
#define SEND_MAX (256 * 1024)       /* plaintext per send, and then others have their turn */
#define PEEK_MAX RECORD_MAX

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

static ssize_t
read_blocked(struct fend__tls_session *session)
{
	struct fend__tls_failure failure;
	int r;

	r = fend__tls_judge_input(session, &failure);
	if (r == -EAGAIN || r == -ENOMEM || r == -ENOBUFS)
		return r;
	if (r == -EBADMSG && (session->context->flags & FEND_TLS_ALLOW_TRUNCATION)) {
		session->ended = true;
		return 0;
	}
	return fend__tls_session_fail(session, &failure);
}

static int
refuse_rekeying(struct fend__tls_session *session)
{
	struct fend__tls_failure failure;

	fend__tls_fail(&failure, -EPROTO, "peer updates its keys too often");
	failure.alert = session->context->provider->alert(session->implementation,
							  FEND__TLS_UNEXPECTED_MESSAGE);
	return fend__tls_session_fail(session, &failure);
}

ssize_t
fend__tls_read(struct fend__tls_session *session, void *buffer, size_t size)
{
	struct fend__tls_failure failure;
	unsigned turn;
	ssize_t n;

	if (session->ended)
		return 0;
	if (session->read_error)
		return session->read_error;
	session->untried = false;
	for (turn = 0; turn < FEND__TLS_TURNS; turn++) {
		session->blocked = false;
		n = session->context->provider->read(session->implementation, buffer, size,
						     &failure);
		if (n == -EAGAIN && fend__tls_rekeys_too_often(session))
			return refuse_rekeying(session);
		if (n == 0)
			session->ended = true;
		else if (n > 0)
			session->fruitless = 0;
		if (n >= 0)
			return n;
		if (n != -EAGAIN)
			return fend__tls_session_fail(session, &failure);
		if (session->blocked)
			return read_blocked(session);
	}
	session->untried = true;
	return -EAGAIN;
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

/* Plaintext that fits into one, as far as is known. */
static size_t
record_size(const struct fend__tls_session *session)
{
	return session->record ? session->record : RECORD_MAX;
}

/*
 * Push one record. Which is the last shows in how much fits into one, and that in the first that
 * takes less than it was given: the peer may have asked for small ones (RFC 8449).
 */
static ssize_t
write_record(struct fend__tls_session *session, const unsigned char *data, size_t size,
	     struct fend__tls_failure *failure)
{
	size_t most = record_size(session);
	ssize_t n;

	session->last = size <= most;
	n = session->context->provider->write(session->implementation, data, size, failure);
	session->last = false;
	if (n > 0 && (size_t)n < size && (size_t)n < most)
		session->record = (unsigned)n;
	return n;
}

/*
 * Push iov as records. Small pieces are put together first: a record each would cost the peer more
 * than the copy costs us.
 */
static int
write_iov(struct fend__tls_session *session, const struct iovec *iov, int n, size_t total)
{
	struct fend__tls_buffer together = { 0 };
	struct fend__tls_failure failure;
	const unsigned char *data;
	size_t offset;
	ssize_t r = 0;
	int i;

	if (n > 1) {
		if (!fend__tls_buffer_reserve(&together, total))
			return -ENOMEM;
		for (i = 0; i < n && together.end < total; i++)
			fend__tls_buffer_append(&together, iov[i].iov_base,
						iov[i].iov_len < total - together.end
							? iov[i].iov_len
							: total - together.end);
	}
	data = n > 1 ? together.data : iov[0].iov_base;
	for (offset = 0; offset < total; offset += (size_t)r) {
		r = write_record(session, data + offset, total - offset, &failure);
		if (r <= 0)
			break;
	}
	fend__tls_buffer_clear(&together);
	return r < 0 ? fend__tls_session_fail(session, &failure) : 0;
}

/* 0: taken and sent; -EAGAIN: taken, and something is left over; else not taken. */
static int
send_batch(struct fend__tls_session *session, const struct iovec *iov, int n, size_t total)
{
	size_t records = total / record_size(session) + 2;
	int r;

	/* all the memory that it takes first, so that no record is made in vain */
	if (!fend__tls_buffer_reserve(&session->output, total + records * RECORD_OVERHEAD))
		return -ENOMEM;
	r = write_iov(session, iov, n, total);
	return r ? r : fend__tls_flush(session);
}

static size_t
batch_size(size_t left)
{
	return left <= BATCH_MAX ? left : BATCH_FULL;
}

/*
 * As many batches as below takes whole. An error after the first is left to the next call: one that
 * lasts is kept.
 */
static ssize_t
send_batches(struct fend__tls_session *session, const unsigned char *data, size_t total)
{
	struct iovec part;
	size_t done;
	int r = 0;

	for (done = 0; !r && done < total; done += part.iov_len) {
		part.iov_base = (void *)(data + done);
		part.iov_len = batch_size(total - done);
		r = send_batch(session, &part, 1, part.iov_len);
		if (r < 0 && r != -EAGAIN)
			return done ? (ssize_t)done : r;
	}
	return (ssize_t)done;
}

static ssize_t
layer_send(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct fend__tls_session *session = layer;
	size_t total = iov_size(iov, n);
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
	if (n == 1)
		return send_batches(session, iov->iov_base, total < SEND_MAX ? total : SEND_MAX);
	total = batch_size(total);
	r = total ? send_batch(session, iov, n, total) : 0;
	return r < 0 && r != -EAGAIN ? r : (ssize_t)total;
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
