/* SPDX-License-Identifier: MIT */
#ifndef FEND_STREAM_H
#define FEND_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <fend/cleanup.h>
#include <fend/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;
struct fend_rate;
struct fend_socket;

/*
 * Buffered reading and writing on a connected socket: TCP, Unix, or with a layer on it, such as
 * TLS; they behave the same.
 *
 * Input is looked at where it lies, and consumed. Output is taken whole, and leaves when the
 * callback that wrote it has returned: many writes are one system call. Both have limits, so that
 * neither a fast nor a slow peer can make memory grow: reading stops while the input limit is
 * reached, and writing beyond the high mark asks the writer to stop until drained.
 *
 * A stream holds no buffer while it is idle.
 */
struct fend_stream;

/*
 * What a stream calls back. Copied, and all may be NULL. Each may free the stream. Called from the
 * loop, never within a call.
 */
struct fend_stream_callbacks {
	/*
	 * There is more input than at the last call, or its end has come (fend_stream_at_end()).
	 * What is not consumed stays, and is offered again together with the next. While it
	 * reaches the input limit nothing more is received.
	 */
	void (*readable)(struct fend_stream *stream, void *data);

	/* Output has fallen to the low mark after it was above the high one. */
	void (*drained)(struct fend_stream *stream, void *data);

	/*
	 * It is over, told once, after everything received was offered. Input not consumed may
	 * still be. It does not wait for a paused stream to resume. The socket stays open until
	 * the stream is freed, which resets the connection if output was lost by the error. err is
	 *   0           both sides have ended in order
	 *   -EBADMSG    TLS was cut short
	 *   -ETIMEDOUT  the idle or write timeout, or the deadline of fend_stream_finish()
	 *   -ENOMEM     there was none to receive into or to keep input in
	 *   -ECONNRESET, -EPIPE, ...  the socket's error
	 */
	void (*closed)(struct fend_stream *stream, int err, void *data);
};

struct fend_stream_options {
	size_t size; /* sizeof(struct fend_stream_options) */
	/* each less than 4 GiB */
	size_t input_max;        /* bytes of input held at most; 0: 64 KiB */
	size_t output_low;       /* 0: 16 KiB */
	size_t output_high;      /* 0: 64 KiB */
	size_t output_max;       /* no write may make output exceed it; 0: 16 MiB */
	fend_time idle_timeout;  /* nothing came and nothing left for so long; 0: none */
	fend_time write_timeout; /* output waits and nothing left for so long; 0: none */
};

/*
 * Make a stream of a connected socket, which is taken on success. A TLS handshake must be over.
 * options may be NULL: all defaults.
 *   -EBUSY   something holds the socket's readiness
 *   -EINVAL  it belongs to another loop; the low mark is above the high one, or that above the
 *            limit; one is too large
 *   -E2BIG   options hold a field this version of fend does not know
 * and the errors of fend_io_new().
 */
int fend_stream_new(struct fend_loop *loop, struct fend_socket *socket,
		    const struct fend_stream_options *options,
		    const struct fend_stream_callbacks *callbacks, void *data,
		    struct fend_stream **ret_stream);

/*
 * Free the stream and its socket; output that has not left is lost (use fend_stream_finish()).
 * NULL does nothing. Returns NULL.
 */
struct fend_stream *fend_stream_free(struct fend_stream *stream);

/*
 * The input, as contiguous memory: *ret_data is valid until the next call on the stream other than
 * a write, and until return from the callback. Returns its size; 0 if there is none, and NULL then.
 */
size_t fend_stream_peek(struct fend_stream *stream, const void **ret_data);
/*
 * Drop the first size bytes of the input.
 *   -EINVAL  there are not so many
 */
int fend_stream_consume(struct fend_stream *stream, size_t size);
/*
 * Have readable called only when size bytes of input are there, or the end. It holds until that was
 * called once. If they are there already, it is called soon. 0: whatever comes.
 *   -EMSGSIZE  more than the input limit
 */
int fend_stream_want(struct fend_stream *stream, size_t size);
/*
 * Has the end come? Then nothing follows the input that is held. Only closed tells whether it ended
 * in order.
 */
bool fend_stream_at_end(const struct fend_stream *stream);
/*
 * Stop and start receiving: what the peer sends waits in the kernel, and the end of it as well.
 * Input that is held is offered again after resume.
 */
void fend_stream_pause(struct fend_stream *stream);
void fend_stream_resume(struct fend_stream *stream);

/*
 * Append to the output, all or nothing; the bytes are copied.
 *   0          taken
 *   1          taken, and the output is above the high mark now: stop until drained
 *   -ENOBUFS   it would exceed output_max; nothing was taken
 *   -EPIPE     fend_stream_finish() was called
 *   -ENOTCONN  the stream is closed, or is about to be
 */
int fend_stream_write(struct fend_stream *stream, const void *data, size_t size);
int fend_stream_writev(struct fend_stream *stream, const struct iovec *iov, int n);
/*
 * Append size bytes of a file, from offset, to the output: they leave in their turn, and are read
 * only then, so they take no memory and do not count for output_max, but for the marks. Reading may
 * wait for the disk. fd is taken on success, and closed when all has left or nothing more can.
 *   0, 1      as fend_stream_write()
 *   -ESPIPE   fd is neither a regular file nor a block device
 *   -EINVAL   offset + size is more than a file can have
 * -EPIPE, -ENOTCONN as above, and -EBADF, -ENOMEM. If it cannot be read to the end, what the peer
 * got must not pass for the whole: the stream is reset as by fend_stream_abort(), with -ENODATA if
 * the file has become shorter, and else with the error of pread(2).
 */
int fend_stream_sendfile(struct fend_stream *stream, int fd, uint64_t offset, uint64_t size);
/* Bytes of output that have not left, those of files included; SIZE_MAX if it cannot say more. */
size_t fend_stream_pending(const struct fend_stream *stream);

/*
 * End in order: send the output, shut down writing, wait for the peer's end, then closed. What
 * still comes in is offered as before, so somebody has to consume it. After timeout closed comes
 * with
 * -ETIMEDOUT; calling again sets another.
 *   -ENOTCONN  the stream is closed, or is about to be
 */
int fend_stream_finish(struct fend_stream *stream, fend_time timeout);
/*
 * End now, with a reset (RST) where the protocol has one; output is lost. closed comes with err,
 * and nothing else before it.
 */
void fend_stream_abort(struct fend_stream *stream, int err);

/*
 * From now on have all input of one stream written to another of the same loop, or to itself,
 * instead of being offered; what is held already comes first. Two pipes, one each way, make a
 * proxy.
 *
 * Nothing is received while the other's output is above its high mark, until that has drained: what
 * is held on the way is bounded by the marks of both. pause and resume work as before, and so do
 * writes from elsewhere, drained and closed.
 *
 * The end of input becomes the end of output, as by fend_stream_finish() without a timeout, and
 * ends the pipe. An error ends both streams: when the one is about to be closed, the other is
 * aborted with the same err, so that its peer does not take what it got for the whole. Freeing
 * either stream ends the pipe, as does to NULL; the input is then offered again.
 *   -EBUSY     from has a pipe already, or to is at the end of one
 *   -EINVAL    they are on different loops
 *   -EPIPE     fend_stream_finish() was called for to
 *   -ENOTCONN  one is closed, or is about to be
 *   -ENOMEM
 */
int fend_stream_pipe(struct fend_stream *from, struct fend_stream *to);

/*
 * Take the socket out of the stream, which is freed by this: to push a layer after STARTTLS, or to
 * go on without a stream.
 *   -EBUSY  there is input that was not consumed, which the layer would never see, or output that
 *           has not left
 */
int fend_stream_release(struct fend_stream *stream, struct fend_socket **ret_socket);

/*
 * Limit how fast is received and sent (<fend/rate.h>); NULL: not at all. A rate is borrowed and may
 * be freed before the stream, which then has no limit. What waits for a rate does so in the kernel
 * and in the output, and does not stop the idle and write timeouts.
 * -EINVAL: a rate is of another loop. -ENOMEM
 */
int fend_stream_set_rate(struct fend_stream *stream, struct fend_rate *receive,
			 struct fend_rate *send);

/* The socket, which stays the stream's: for names, options, and TLS. */
struct fend_socket *fend_stream_socket(const struct fend_stream *stream);

/* What has gone through a stream. */
struct fend_stream_stats {
	size_t size;             /* sizeof(struct fend_stream_stats), set by the caller */
	uint64_t received, sent; /* bytes */
	uint64_t paused;         /* times the input limit was reached */
	uint64_t risen;          /* times output rose above the high mark */
};

/*
 * Fill in as much of *ret_stats as its size says. Fields that this version does not know become 0.
 *   -EINVAL  ret_stats->size is not set
 */
int fend_stream_stats(const struct fend_stream *stream, struct fend_stream_stats *ret_stats);

FEND_DEFINE_CLEANUP(fend_stream)

#ifdef __cplusplus
}
#endif

#endif
