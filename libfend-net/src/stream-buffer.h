/* SPDX-License-Identifier: MIT */
#ifndef FEND_STREAM_BUFFER_H
#define FEND_STREAM_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include <fend-internal/kernel.h>

/*
 * Contiguous bytes that are appended at the end and consumed from the start. A buffer exists only
 * while it holds something: NULL is the empty one.
 */
struct stream_buffer {
	size_t capacity;
	size_t start, end;

	bool shared; /* stream-pool.h: it neither grows nor is freed here */

	unsigned char bytes[] __attribute__((aligned(16)));
};

static inline size_t
stream_buffer_size(const struct stream_buffer *buffer)
{
	return buffer ? buffer->end - buffer->start : 0;
}

/* Returns NULL. */
static inline struct stream_buffer *
stream_buffer_free(struct stream_buffer *buffer)
{
	return !buffer || buffer->shared ? NULL : fend__release(buffer);
}

/*
 * Make room for more bytes at the end; if that takes new memory, for capacity bytes in all at
 * least. Returns the buffer, which may have moved, or NULL: no memory, and nothing has changed.
 */
struct stream_buffer *fend__stream_buffer_reserve(struct stream_buffer *buffer, size_t more,
						  size_t capacity);

#endif
