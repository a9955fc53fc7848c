/* SPDX-License-Identifier: MIT */
#ifndef FEND_INTERNAL_PUBLIC_H
#define FEND_INTERNAL_PUBLIC_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/*
 * FEND_PUBLIC stands at the definition of each exported function; everything else is hidden. A
 * static library must not have its symbols exported again by a shared object it is linked into.
 */
#ifdef FEND_STATIC
#define FEND_PUBLIC
#else
#define FEND_PUBLIC __attribute__((visibility("default")))
#endif

/* clang-format off */
#define fend__container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))
/* clang-format on */

#define fend__likely(x) __builtin_expect(!!(x), 1)
#define fend__unlikely(x) __builtin_expect(!!(x), 0)

/*
 * Option structs begin with their size as the caller knew it. Copy such a struct into options, our
 * zeroed own of size bytes: fields the caller did not know stay 0, and fields that we do not know
 * must be 0 (-E2BIG), since what they ask for would not happen.
 */
static inline int
fend__options_copy(void *options, size_t size, const void *from)
{
	const unsigned char *bytes = from;
	size_t given, i;

	if (!from)
		return 0;
	memcpy(&given, from, sizeof(given));
	if (given < sizeof(given))
		return -EINVAL;
	for (i = size; i < given; i++)
		if (bytes[i])
			return -E2BIG;
	memcpy(options, from, given < size ? given : size);
	return 0;
}

#endif
