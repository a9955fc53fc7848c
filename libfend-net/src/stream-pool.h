/* SPDX-License-Identifier: MIT */
#ifndef FEND_STREAM_POOL_H
#define FEND_STREAM_POOL_H

#include <stdint.h>

#include <fend/stream.h>
#include <fend/task.h>

#include <fend-internal/public.h>
#include <fend-internal/socket.h>

#include "stream-buffer.h"

/*
 * What the streams of a loop share, so that none has to hold a buffer of its own while it is idle,
 * nor to allocate one for each message. It lasts as long as the last of them, with which the
 * buffer that a callback looks at may outlast the loop.
 */
struct stream_pool {
	struct fend_loop *loop; /* NULL: it is gone */
	unsigned refs;          /* the kinds, the loop, and who runs the queue */

	/* Where input is received: lent to the stream that runs, by its input pointing there. */
	struct stream_buffer *scratch;
	/* For the next output: an empty buffer that a stream had no more use for, or NULL. */
	struct stream_buffer *spare;

	struct fend_link kinds; /* those used last first */

	/* The streams to be run: stream-queue.c. */
	struct fend_task task;            /* queued while there are any */
	struct fend_stream *turn;         /* of this iteration */
	struct fend_stream *first, *last; /* of the next */
	unsigned n_queued;                /* without those that were freed */
};

/* How much a stream holds at most, in bytes. */
struct stream_limits {
	uint32_t input_max, output_low, output_high, output_max;
};

/*
 * What equal streams of a loop share: all but the few that differ from all before have it in
 * common with others. A stream finds it by the ops of its holder.
 */
struct stream_kind {
	struct fend__holder_ops ops;
	struct fend_stream_callbacks callbacks;
	struct stream_limits limits;
	struct stream_pool *pool;
	struct fend_link link; /* in the pool's kinds */
	unsigned refs;         /* the streams */
};

/*
 * The kind of the streams of loop that are told by ops and callbacks and have these limits, made
 * if there is none. -ENOMEM
 */
int fend__stream_kind_ref(struct fend_loop *loop, const struct fend__holder_ops *ops,
			  const struct fend_stream_callbacks *callbacks,
			  const struct stream_limits *limits, struct stream_kind **ret_kind);
void fend__stream_kind_unref(struct stream_kind *kind);
void fend__stream_pool_unref(struct stream_pool *pool);

/* stream-queue.c */

void fend__stream_queue_init(struct stream_pool *pool);
/* None of them is to be run, nor is what is freed to wait for that. */
void fend__stream_queue_empty(struct stream_pool *pool);

/*
 * What a spare may have room for. Output that is written in pieces of the default high mark's size
 * makes buffers of twice or four times that, which would be had from the system and given back
 * each time.
 */
#define STREAM_POOL_SPARE_MAX (256U << 10)

/* Returns NULL. */
static inline struct stream_buffer *
fend__stream_pool_give(struct stream_pool *pool, struct stream_buffer *buffer)
{
	if (fend__unlikely(pool->spare || buffer->capacity > STREAM_POOL_SPARE_MAX))
		return stream_buffer_free(buffer);
	buffer->start = buffer->end = 0;
	pool->spare = buffer;
	return NULL;
}

static inline struct stream_buffer *
fend__stream_pool_take(struct stream_pool *pool)
{
	struct stream_buffer *spare = pool->spare;

	pool->spare = NULL;
	return spare;
}

#endif
