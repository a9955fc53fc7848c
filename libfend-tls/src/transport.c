/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>
#include <fend-internal/log.h>
#include <fend/error.h>

/*
 * The side of a session that faces what is below: pull, push, flush.
 *
 * Pull reads ahead. Providers ask for a record's header and then for its body; what arrives with
 * the bytes asked for waits in the input buffer, which saves system calls, and lives only until the
 * call on the layer ends or the bytes are used up. To copy even a full record from there costs less
 * than a system call for each. The provider never sees the end of file or an error: pull notes it
 * and has "nothing now", and fend__tls_judge_input() decides what it means. So truncation is told
 * the same way with every provider, and no provider ends up in its state after a failed read, in
 * which nothing can be sent any more.
 *
 * Push takes all into the output buffer, and flush sends as many records at a time as there are.
 * The last record of a send goes from where the provider has it, together with those before it, and
 * what did not fit is kept; so the usual send, of one record, copies nothing. Only the lack of
 * memory stops push; the stream then has a hole, and writing is over. Behind close_notify nobody
 * listens: what a provider still answers, such as its own KeyUpdate to that of a peer that goes on
 * sending, is dropped.
 */
#define READ_AHEAD (64 * 1024)
#define READ_AHEAD_EARLY (4 * 1024) /* while a handshake runs: a flight, if it is no long one */

/*
 * What a peer may send that is not data, before it is refused: providers keep a message until it is
 * complete, and its header may announce 16 MiB. A handshake with the longest chain that is accepted
 * needs some 64 KiB; afterwards there are only tickets and key updates.
 */
#define HANDSHAKE_MAX (256 * 1024)
#define FRUITLESS_MAX (1024 * 1024)

/* How often a peer may update its keys: as often as GnuTLS lets it. */
#define REKEYS_MAX 8
#define REKEYS_TIME FEND_SEC(1)

static void
write_failed(struct fend__tls_session *session, int err)
{
	fend__tls_buffer_clear(&session->output);
	if (!session->write_error)
		session->write_error = err;
	if (!session->error.err) {
		session->error.err = err;
		session->error.text = fend_strerror(err);
	}
}

/* How much is to be received beyond what the provider wants. */
static size_t
choose_ahead(const struct fend__tls_session *session)
{
	return session->state == FEND__TLS_OPEN ? READ_AHEAD : READ_AHEAD_EARLY;
}

static ssize_t
receive(struct fend__tls_session *session, void *buffer, size_t size)
{
	struct iovec iov[2] = { { buffer, size }, { NULL, 0 } };
	size_t ahead = choose_ahead(session);
	ssize_t n;

	/* without memory it works as well, with more system calls */
	if (fend__tls_buffer_reserve(&session->input, ahead)) {
		iov[1].iov_base = session->input.data;
		iov[1].iov_len = ahead;
	}
	n = fend_below_recv(session->below, iov, iov[1].iov_len ? 2 : 1, 0);
	if (n == 0)
		session->input_ended = true;
	else if (n < 0 && n != -EAGAIN)
		session->input_error = (int)n;
	session->drained = n < (ssize_t)(size + iov[1].iov_len);
	if (n <= 0)
		return -EAGAIN;
	if ((size_t)n <= size)
		return n;
	session->input.end = (uint32_t)((size_t)n - size);
	return (ssize_t)size;
}

/* A first record is a handshake's or an alert, of a version 3.x (RFC 8446, section 5.1). */
static void
look_at_first(struct fend__tls_session *session, const unsigned char *data, size_t size)
{
	for (; session->heard < 2 && size && !session->foreign; session->heard++, data++, size--)
		session->foreign = session->heard ? *data != 3 : *data != 22 && *data != 21;
}

ssize_t
fend__tls_fill(struct fend__tls_session *session)
{
	struct iovec iov;
	ssize_t n;

	if (!fend__tls_buffer_reserve(&session->input, 1024))
		return -ENOMEM;
	iov.iov_base = session->input.data + session->input.end;
	iov.iov_len = session->input.capacity - session->input.end;
	n = fend_below_recv(session->below, &iov, 1, 0);
	if (n == 0)
		session->input_ended = true;
	else if (n < 0 && n != -EAGAIN)
		session->input_error = (int)n;
	if (n <= 0)
		return n;
	look_at_first(session, iov.iov_base, (size_t)n);
	session->input.end += (uint32_t)n;
	return n;
}

static bool
is_too_much(const struct fend__tls_session *session)
{
	return session->fruitless >
	       (session->state == FEND__TLS_OPEN ? FRUITLESS_MAX : HANDSHAKE_MAX);
}

static int
refuse_more(struct fend__tls_session *session, struct fend__tls_failure *failure)
{
	bool open = session->state == FEND__TLS_OPEN;
	/* in a handshake what OpenSSL says of a message that is longer than it may be */
	int alert = open ? FEND__TLS_UNEXPECTED_MESSAGE : FEND__TLS_ILLEGAL_PARAMETER;

	fend__tls_fail(failure, -EPROTO,
		       open ? "peer sends too much that is no data"
			    : "peer's handshake is too large");
	failure->alert = session->context->provider->alert(session->implementation, alert);
	return failure->err;
}

void
fend__tls_push_plain_alert(struct fend__tls_session *session, int alert)
{
	const unsigned char record[] = { 21, 3, 3, 0, 2, 2, (unsigned char)alert };

	fend__tls_push(session, record, sizeof(record));
}

/* No provider sees any of it: they would make of it what they like (RFC 8446, section 5). */
static int
refuse_foreign(struct fend__tls_session *session, struct fend__tls_failure *failure)
{
	fend__tls_push_plain_alert(session, FEND__TLS_UNEXPECTED_MESSAGE);
	fend__tls_fail(failure, -EPROTO, "peer does not speak TLS");
	failure->alert = FEND__TLS_UNEXPECTED_MESSAGE;
	return failure->err;
}

ssize_t
fend__tls_pull(struct fend__tls_session *session, void *buffer, size_t size)
{
	ssize_t n;

	if (is_too_much(session) || session->foreign) {
		session->blocked = true;
		return -EAGAIN;
	}
	if (fend__tls_buffer_size(&session->input)) {
		n = (ssize_t)fend__tls_buffer_peek(&session->input, buffer, size);
		fend__tls_buffer_consume(&session->input, (size_t)n);
		session->fruitless += (unsigned)n;
		return n;
	}
	n = session->input_ended || session->input_error ? -EAGAIN : receive(session, buffer, size);
	if (n > 0)
		look_at_first(session, buffer, (size_t)n);
	if (n < 0 || session->foreign) {
		session->blocked = true;
		return -EAGAIN;
	}
	session->fruitless += (unsigned)n;
	return n;
}

int
fend__tls_judge_input(struct fend__tls_session *session, struct fend__tls_failure *failure)
{
	int err = session->input_error;

	if (session->foreign)
		return refuse_foreign(session, failure);
	if (is_too_much(session))
		return refuse_more(session, failure);
	if (err == -ENOMEM || err == -ENOBUFS) {
		session->input_error = 0;
		return fend__tls_fail(failure, err, "%s", fend_strerror(err));
	}
	if (err)
		return fend__tls_fail(failure, err, "%s", fend_strerror(err));
	if (session->input_ended && session->state == FEND__TLS_OPEN)
		return fend__tls_fail(failure, -EBADMSG,
				      "peer closed the connection without close_notify");
	if (session->input_ended)
		return fend__tls_fail(failure, -EBADMSG,
				      "peer closed the connection during the handshake");
	return -EAGAIN;
}

static bool
is_for_now(ssize_t n)
{
	return n == 0 || n == -EAGAIN || n == -ENOMEM || n == -ENOBUFS;
}

/* Send what is held, and data behind it. Returns how much of data need not be kept. */
static size_t
send_with_output(struct fend__tls_session *session, const void *data, size_t size)
{
	struct fend__tls_buffer *output = &session->output;
	size_t held = fend__tls_buffer_size(output), sent;
	struct iovec iov[2] = { { output->data + output->begin, held }, { (void *)data, size } };
	ssize_t n = fend_below_send(session->below, held ? iov : iov + 1, held ? 2 : 1, 0);

	if (is_for_now(n))
		return 0;
	if (n < 0) {
		write_failed(session, (int)n);
		return size;
	}
	sent = (size_t)n;
	fend__tls_buffer_consume(output, sent < held ? sent : held);
	return sent > held ? sent - held : 0;
}

void
fend__tls_push(struct fend__tls_session *session, const void *data, size_t size)
{
	size_t sent;

	if (session->write_error || session->closing)
		return;
	sent = session->last ? send_with_output(session, data, size) : 0;
	if (sent < size &&
	    !fend__tls_buffer_append(&session->output, (const char *)data + sent, size - sent))
		write_failed(session, -ENOMEM);
}

void
fend__tls_rekeyed(struct fend__tls_session *session)
{
	fend_time now = fend__kernel->now();

	if (now - session->rekeyed_since > REKEYS_TIME) {
		session->rekeyed_since = now;
		session->rekeyed = 0;
	}
	session->rekeyed++;
}

bool
fend__tls_rekeys_too_often(const struct fend__tls_session *session)
{
	return session->rekeyed > REKEYS_MAX;
}

/* One write for each line, so that those of several processes do not mix. */
void
fend__tls_log(struct fend__tls_session *session, const char *line)
{
	static struct fend__log_limit limit;
	char *text = fend__printf("%s\n", line);
	ssize_t n = text ? fend__kernel->write(session->context->keylog, text, strlen(text))
			 : -ENOMEM;

	if (n < 0)
		fend__log(&limit, "keylog: secrets were not written: %s", fend_strerror((int)n));
	if (text)
		explicit_bzero(text, strlen(text));
	fend__release(text);
}

int
fend__tls_flush(struct fend__tls_session *session)
{
	struct iovec iov;
	ssize_t n;
	int r;

	while (fend__tls_buffer_size(&session->output)) {
		iov.iov_base = session->output.data + session->output.begin;
		iov.iov_len = fend__tls_buffer_size(&session->output);
		n = fend_below_send(session->below, &iov, 1, 0);
		if (is_for_now(n))
			return -EAGAIN;
		if (n < 0) {
			write_failed(session, (int)n);
			break;
		}
		fend__tls_buffer_consume(&session->output, (size_t)n);
	}
	fend__tls_buffer_trim(&session->output);
	if (session->write_error)
		return session->write_error;
	if (session->closing && !session->finished) {
		session->finished = true;
		r = fend_below_shutdown(session->below, SHUT_WR);
		if (r < 0)
			write_failed(session, r);
		return r;
	}
	return 0;
}
