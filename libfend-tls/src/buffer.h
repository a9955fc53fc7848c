/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_BUFFER_H
#define FEND_TLS_SRC_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes in one block of memory: data[begin] to data[end - 1] are held. There is memory only
 * between the first reserve and the clear that follows when nothing is held any more, so that an
 * idle connection has none.
 */
struct fend__tls_buffer {
	unsigned char *data;
	uint32_t begin, end, capacity; /* a session has three, and they are small */
};

static inline size_t
fend__tls_buffer_size(const struct fend__tls_buffer *buffer)
{
	return buffer->end - buffer->begin;
}

/* Make room for extra bytes after the end. false: no memory; nothing has changed. */
bool fend__tls_buffer_reserve(struct fend__tls_buffer *buffer, size_t extra);
/* Put bytes at the end, as reserve. */
bool fend__tls_buffer_append(struct fend__tls_buffer *buffer, const void *data, size_t size);
/* Copy at most size bytes from the beginning; returns how many. */
size_t fend__tls_buffer_peek(const struct fend__tls_buffer *buffer, void *data, size_t size);
/* Drop size bytes from the beginning; the memory stays. */
void fend__tls_buffer_consume(struct fend__tls_buffer *buffer, size_t size);
/* Drop everything, and the memory. */
void fend__tls_buffer_clear(struct fend__tls_buffer *buffer);
/* Release the memory if nothing is held. */
void fend__tls_buffer_trim(struct fend__tls_buffer *buffer);

#endif
