/* SPDX-License-Identifier: MIT */
/*
 * Room at the end of a buffer: what was consumed is taken back only when no less was consumed
 * than must be moved for that, so each byte is moved once at most on average; else the buffer
 * grows.
 */
#include "stream-buffer.h"

#include <stdint.h>
#include <string.h>

static void
move_to_start(struct stream_buffer *buffer)
{
	size_t size = stream_buffer_size(buffer);

	memmove(buffer->bytes, buffer->bytes + buffer->start, size);
	buffer->start = 0;
	buffer->end = size;
}

struct stream_buffer *
fend__stream_buffer_reserve(struct stream_buffer *buffer, size_t more, size_t capacity)
{
	size_t size = stream_buffer_size(buffer);
	struct stream_buffer *larger;

	if (buffer && buffer->capacity - buffer->end >= more)
		return buffer;
	if (buffer && buffer->start >= size && buffer->capacity - size >= more) {
		move_to_start(buffer);
		return buffer;
	}
	if (more > SIZE_MAX - sizeof(*buffer) - size)
		return NULL;
	if (capacity < size + more)
		capacity = size + more;
	if (buffer && buffer->start > 0)
		move_to_start(buffer);
	larger = fend__resize(buffer, 1, sizeof(*buffer) + capacity);
	if (!larger)
		return NULL;
	if (!buffer)
		memset(larger, 0, sizeof(*larger));
	larger->capacity = capacity;
	return larger;
}
