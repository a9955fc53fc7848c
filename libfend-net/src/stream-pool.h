/* SPDX-License-Identifier: MIT */
#ifndef FEND_STREAM_POOL_H
#define FEND_STREAM_POOL_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <fend-internal/loop.h>
#include <fend-internal/public.h>

#include "stream-buffer.h"

/*
 * What the streams of a loop share, so that none has to hold a buffer of its own while it is idle,
 * nor to allocate one for each message. It lasts as long as the last of them, with which the
 * buffer that a callback looks at may outlast the loop.
 */
struct stream_pool {
	unsigned process; /* whose loop it is: fend__process(), or STREAM_POOL_CLOSED: it is gone */
	unsigned refs;    /* the streams, and the loop */

	/* Where input is received: lent to the stream that runs, by its input pointing there. */
	struct stream_buffer *scratch;
	/* For the next output: an empty buffer that a stream had no more use for, or NULL. */
	struct stream_buffer *spare;
};

/* No process ever has this number. */
#define STREAM_POOL_CLOSED UINT_MAX

/* That of loop, made at the first call. -ENOMEM */
int fend__stream_pool_ref(struct fend_loop *loop, struct stream_pool **ret_pool);
void fend__stream_pool_unref(struct stream_pool *pool);

/* Is its loop there, and ours? */
static inline bool
fend__stream_pool_is_usable(const struct stream_pool *pool)
{
	return atomic_load_explicit(fend__process_number, memory_order_relaxed) == pool->process;
}

/* Returns NULL. */
static inline struct stream_buffer *
fend__stream_pool_give(struct stream_pool *pool, struct stream_buffer *buffer)
{
	if (fend__unlikely(pool->spare || buffer->capacity > pool->scratch->capacity))
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
