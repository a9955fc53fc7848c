/* SPDX-License-Identifier: MIT */
#include "buffer.h"

#include <assert.h>
#include <string.h>

#include <fend-internal/kernel.h>

bool
fend__tls_buffer_reserve(struct fend__tls_buffer *buffer, size_t extra)
{
	uint32_t size = (uint32_t)fend__tls_buffer_size(buffer);
	unsigned char *data;
	size_t capacity;

	if (extra <= buffer->capacity - buffer->end)
		return true;
	if (buffer->begin) {
		memmove(buffer->data, buffer->data + buffer->begin, size);
		buffer->begin = 0;
		buffer->end = size;
		if (extra <= buffer->capacity - size)
			return true;
	}
	if (extra > UINT32_MAX - size)
		return false;
	/* the first time exactly what is asked for, then half as much again */
	capacity = size + extra;
	if (buffer->capacity && capacity < buffer->capacity + (size_t)buffer->capacity / 2)
		capacity = buffer->capacity + (size_t)buffer->capacity / 2;
	if (capacity > UINT32_MAX)
		capacity = UINT32_MAX;
	data = fend__resize(buffer->data, capacity, 1);
	if (!data)
		return false;
	buffer->data = data;
	buffer->capacity = (uint32_t)capacity;
	return true;
}

bool
fend__tls_buffer_append(struct fend__tls_buffer *buffer, const void *data, size_t size)
{
	if (!fend__tls_buffer_reserve(buffer, size))
		return false;
	memcpy(buffer->data + buffer->end, data, size);
	buffer->end += (uint32_t)size;
	return true;
}

size_t
fend__tls_buffer_peek(const struct fend__tls_buffer *buffer, void *data, size_t size)
{
	size_t held = fend__tls_buffer_size(buffer);

	if (size > held)
		size = held;
	if (size)
		memcpy(data, buffer->data + buffer->begin, size);
	return size;
}

void
fend__tls_buffer_consume(struct fend__tls_buffer *buffer, size_t size)
{
	assert(size <= fend__tls_buffer_size(buffer));
	buffer->begin += (uint32_t)size;
	if (buffer->begin == buffer->end)
		buffer->begin = buffer->end = 0;
}

void
fend__tls_buffer_clear(struct fend__tls_buffer *buffer)
{
	fend__release(buffer->data);
	*buffer = (struct fend__tls_buffer){ 0 };
}

void
fend__tls_buffer_trim(struct fend__tls_buffer *buffer)
{
	if (buffer->data && !fend__tls_buffer_size(buffer))
		fend__tls_buffer_clear(buffer);
}
