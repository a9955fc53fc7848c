/* SPDX-License-Identifier: MIT */
/*
 * Memory: the one function behind the kernel door that allocates, resizes and frees, which
 * fend_set_allocator() may replace as long as nothing came out of it, and helpers over the door.
 */
#include <fend/memory.h>

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fend-internal/public.h>

#include "kernel-real.h"

static fend_allocate_fn *allocator;
static void *allocator_data;
static atomic_bool allocated;

void *
fend__real_allocate(void *pointer, size_t size)
{
	if (fend__unlikely(!atomic_load_explicit(&allocated, memory_order_relaxed)))
		atomic_store_explicit(&allocated, true, memory_order_relaxed);
	if (allocator)
		return allocator(pointer, size, allocator_data);
	if (size == 0) {
		free(pointer);
		return NULL;
	}
	return realloc(pointer, size);
}

FEND_PUBLIC int
fend_set_allocator(fend_allocate_fn *fn, void *data)
{
	if (atomic_load(&allocated))
		return -EBUSY;
	allocator = fn;
	allocator_data = data;
	return 0;
}

FEND_PUBLIC void
fend_free(void *pointer)
{
	fend__release(pointer);
}

FEND_PUBLIC void *
fend__resize(void *pointer, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes == 0)
		return NULL;
	return fend__kernel->allocate(pointer, bytes);
}

FEND_PUBLIC void *
fend__calloc(size_t n, size_t size)
{
	void *pointer = fend__resize(NULL, n, size);

	return pointer ? memset(pointer, 0, n * size) : NULL;
}

FEND_PUBLIC void *
fend__release(void *pointer)
{
	if (pointer)
		fend__kernel->allocate(pointer, 0);
	return NULL;
}

FEND_PUBLIC char *
fend__strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = fend__resize(NULL, size, 1);

	return copy ? memcpy(copy, text, size) : NULL;
}

FEND_PUBLIC char *
fend__printf(const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return NULL;
	text = fend__resize(NULL, (size_t)length + 1, 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}
