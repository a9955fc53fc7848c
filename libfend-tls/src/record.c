/* SPDX-License-Identifier: MIT */
/*
 * Records: one that is received becomes plaintext, plaintext becomes the records that are sent.
 *
 * "Would block" is the word of what is below, never the provider's: a provider says it too after
 * a record that carried no data, such as a session ticket, while the next one is at hand. So it is
 * called again until pull had nothing in that call, but not for ever: after some turns the session
 * counts as untried, which makes it readable again in the next iteration.
 *
 * What is sent goes in batches. A batch is what the kernel can make one segment of, to be cut up as
 * late as possible: 64 KiB with its headers. Four full records are some bytes more, which would be a
 * segment of their own, and that costs more than the system call that they save.
 */
#include <errno.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "session.h"

#define RECORD_MAX (16 * 1024)      /* RFC 8446, section 5.1 */
#define RECORD_OVERHEAD 128         /* more than header, nonce, type and tag of any AEAD */
#define BATCH_MAX (64 * 1024 - 512) /* plaintext that is sent below at a time, if all fits in it */
#define BATCH_FULL (3 * RECORD_MAX) /* and if not */
#define SEND_MAX (256 * 1024)       /* plaintext per send, and then others have their turn */

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

ssize_t
fend__tls_write(struct fend__tls_session *session, const struct iovec *iov, int n, size_t total)
{
	int r;

	if (n == 1)
		return send_batches(session, iov->iov_base, total < SEND_MAX ? total : SEND_MAX);
	total = batch_size(total);
	r = total ? send_batch(session, iov, n, total) : 0;
	return r < 0 && r != -EAGAIN ? r : (ssize_t)total;
}
