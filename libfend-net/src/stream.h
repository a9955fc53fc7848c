/* SPDX-License-Identifier: MIT */
#ifndef FEND_STREAM_PRIVATE_H
#define FEND_STREAM_PRIVATE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include <fend/stream.h>

#include "socket.h"
#include "stream-buffer.h"
#include "stream-pool.h"

/* Off the path of each message: out of line, and seldom come by. */
#define fend__cold __attribute__((noinline, cold))

/* What few streams have, and none lets go of before it is freed. */
struct stream_extras {
	struct stream_clock *clock;              /* NULL: nothing has a timeout */
	struct stream_rates *rates;              /* NULL: no limit */
	struct fend_stream *pipe_to, *pipe_from; /* the other ends of its pipes, or NULL */
	struct stream_file *files; /* the last of them, whose next is the first: stream-file.c */
	uint32_t limited, risen; /* times the input limit was reached, and the high mark exceeded */
};

/* Thousands of them are idle: what they have in common is in their kind. */
struct fend_stream {
	struct fend__holder holder; /* ops: those of the kind; err: why it failed */
	struct fend_socket *socket; /* NULL: freed, but still run or queued */
	void *data;
	struct stream_buffer *input, *output;
	struct stream_extras *extras; /* NULL: none */
	struct fend_stream *next;     /* in the pool's queue */
	uint64_t received, sent;
	uint32_t want;

	bool running : 1;   /* fend__stream_run() is on the stack */
	bool queued : 1;    /* there is something to do that no event will tell of */
	bool fresh : 1;     /* input is to be offered, once as much is there as is wanted */
	bool end_fresh : 1; /* the end is to be offered */
	bool timed : 1;     /* there is a clock */
	/* What is all false while bytes just come and leave. */
	union {
		struct {
			bool paused : 1;      /* by the user */
			bool full : 1;        /* the input limit is reached */
			bool at_end : 1;      /* nothing will be received any more */
			bool blocked : 1;     /* nothing can leave until FEND_OUT */
			bool above : 1;       /* output was above the high mark; drained is due */
			bool filed : 1;       /* there are files */
			bool rated : 1;       /* there are rates */
			bool slow_input : 1;  /* nothing is received until its rate allows it */
			bool slow_output : 1; /* nothing is sent until its rate allows it */
			bool piped : 1;       /* there is pipe_to */
			bool stalled : 1;     /* which takes no more until it has drained */
			bool finishing : 1;   /* fend_stream_finish() was called */
			bool shut : 1;        /* writing is shut down */
			bool failed : 1;      /* there is an err: nothing can be sent any more */
			bool aborted : 1;     /* and nothing is offered either */
			bool closed : 1;      /* closed was called, or would have been */
		};
		uint16_t unusual;
	};
};

_Static_assert(sizeof(void *) != 8 || sizeof(struct fend_stream) == 88, "a stream is no larger");

static inline struct stream_kind *
fend__stream_kind(const struct fend_stream *stream)
{
	return fend__container_of(stream->holder.ops, struct stream_kind, ops);
}

static inline struct stream_pool *
fend__stream_pool(const struct fend_stream *stream)
{
	return fend__stream_kind(stream)->pool;
}

/* Why a stream cannot be used. */
fend__cold int fend__stream_refusal(const struct fend_stream *stream);

/* First thing in each call but free and the getters. */
static inline int
fend__stream_check(const struct fend_stream *stream)
{
	if (fend__likely(stream && stream->socket && fend__loop_is_usable(stream->socket->loop)))
		return 0;
	return fend__stream_refusal(stream);
}

/* stream.c */

/*
 * Some output will never leave. What the peer got must not pass for the whole: closing the socket
 * will reset it (socket(7), SO_LINGER).
 */
void fend__stream_forfeit(struct fend_stream *stream);
/* Nothing can be sent any more; receiving goes on. The first err counts. */
void fend__stream_fail(struct fend_stream *stream, int err);
/* Nor can anything be received. */
void fend__stream_end(struct fend_stream *stream, int err);
/* See to it that there are extras. -ENOMEM */
int fend__stream_need_extras(struct fend_stream *stream);
/* The memory of one that was taken apart, once it is neither run nor queued. */
void fend__stream_release(struct fend_stream *stream);

/* stream-queue.c */

/* Have it run in the next iteration. */
void fend__stream_queue(struct fend_stream *stream);
/* Nor then, since it was taken apart: it is released when it leaves the queue. */
void fend__stream_unqueue(struct fend_stream *stream);

/* stream-run.c */

/* Do all there is to do after events, as for fend_socket_fn. Nothing may be left after it. */
void fend__stream_run(struct fend_stream *stream, unsigned events);
/* See to it that what follows from the stream's state is done. */
void fend__stream_settle(struct fend_stream *stream);

/* After a change of it made by a call; in a run it is settled at its end. */
static inline void
fend__stream_changed(struct fend_stream *stream)
{
	if (!stream->running)
		fend__stream_settle(stream);
}

/* Is something wanted from the peer, and is there room for it? */
static inline bool
fend__stream_is_reading(const struct fend_stream *stream)
{
	return !stream->at_end && !stream->paused && !stream->stalled && !stream->slow_input &&
	       stream_buffer_size(stream->input) < fend__stream_kind(stream)->limits.input_max;
}

/* Is readable to be called, although something is unusual? */
bool fend__stream_is_readable_yet(const struct fend_stream *stream);

/* Is readable to be called? */
static inline bool
fend__stream_is_readable(const struct fend_stream *stream)
{
	if (fend__unlikely(stream->unusual))
		return fend__stream_is_readable_yet(stream);
	return stream->fresh && stream->input && stream_buffer_size(stream->input) >= stream->want;
}

/* Send once, unless that has to wait for FEND_OUT. */
void fend__stream_flush(struct fend_stream *stream);
/*
 * Send these bytes once, which are more than 0; returns how many have left. If not all have, the
 * stream is blocked or has failed.
 */
size_t fend__stream_send(struct fend_stream *stream, const void *data, size_t size, int flags);
/* Drop n bytes of output, which have left. */
void fend__stream_drop_output(struct fend_stream *stream, size_t n);

/* stream-output.c */

static inline bool
fend__stream_has_output(const struct fend_stream *stream)
{
	return stream->output || stream->filed;
}

/* May size bytes be written? If so, and they rise above the high mark, there are extras then. */
int fend__stream_check_write(struct fend_stream *stream, size_t size);
/* Write them, which fend__stream_written() has to follow. -ENOMEM */
int fend__stream_append(struct fend_stream *stream, const void *data, size_t size);
/* They were: what a write returns. */
int fend__stream_written(struct fend_stream *stream);
/* Is there more output than the high mark? */
bool fend__stream_is_above(const struct fend_stream *stream);
/* The output has left, and fend_stream_finish() was called. */
bool fend__stream_is_to_shut(const struct fend_stream *stream);
void fend__stream_shut(struct fend_stream *stream);
/* Do the layers hold output that has not left? */
bool fend__stream_is_lingering(const struct fend_stream *stream);
bool fend__stream_is_drained(const struct fend_stream *stream);

/* stream-file.c */

/* The bytes of output before the first file, or a piece of that: whatever leaves next, once. */
void fend__stream_send_file(struct fend_stream *stream);
void fend__stream_drop_files(struct fend_stream *stream);
/* Bytes of all files that have not left. */
uint64_t fend__stream_file_bytes(const struct fend_stream *stream);

/* stream-pipe.c */

/* Pass the input of one that is piped on to the other stream, whose run is not on the stack. */
void fend__stream_move(struct fend_stream *from);
/* Output has drained. */
void fend__stream_pipe_resume(struct fend_stream *to);
/* The stream is freed; it is about to be closed. */
void fend__stream_pipe_leave(struct fend_stream *stream);
void fend__stream_pipe_break(struct fend_stream *stream);

/* stream-rate.c: of a stream that is rated */

/* How many of size bytes may be received, or sent, now? 0: none, and it is slow. */
size_t fend__stream_allow_input(struct fend_stream *stream, size_t size);
size_t fend__stream_allow_output(struct fend_stream *stream, size_t size);
/* So many were. */
void fend__stream_spend_input(struct fend_stream *stream, size_t size);
void fend__stream_spend_output(struct fend_stream *stream, size_t size);
/* Of one that is not as well. */
void fend__stream_rates_free(struct fend_stream *stream);

/* stream-clock.c */

/* No clock if there is neither an idle nor a write timeout: each 0 or FEND_FOREVER. */
int fend__stream_clock_new(struct fend_stream *stream, struct fend_loop *loop, fend_time idle,
			   fend_time write);
void fend__stream_clock_free(struct fend_stream *stream);
/* Bytes came; bytes left; bytes wait where there were none. The stream is timed. */
void fend__stream_clock_came(struct fend_stream *stream);
void fend__stream_clock_left(struct fend_stream *stream);
void fend__stream_clock_waits(struct fend_stream *stream);
/* Set the deadline of the whole. -ENOMEM */
int fend__stream_clock_limit(struct fend_stream *stream, fend_time timeout);
/* Arm it for what comes first: nothing once the stream is closed. It is timed. */
void fend__stream_clock_arm(struct fend_stream *stream);

#endif
