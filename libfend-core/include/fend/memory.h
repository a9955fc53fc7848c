/* SPDX-License-Identifier: MIT */
#ifndef FEND_MEMORY_H
#define FEND_MEMORY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One function in the manner of realloc(3), which does everything:
 *   pointer NULL, size > 0  allocate
 *   pointer, size > 0       resize
 *   pointer, size 0         free
 * It returns NULL when there is no memory (the old block then stays), and NULL after freeing.
 * Memory must be aligned for any type. It may be called from every thread that uses fend.
 */
typedef void *fend_allocate_fn(void *pointer, size_t size, void *data);

/*
 * Replace the allocator that every allocation of fend's own goes through, in all four libraries.
 * What GnuTLS, OpenSSL and c-ares allocate for themselves does not pass here. fn NULL: back to the
 * C library's.
 *
 * Call it before anything else of fend. Not thread-safe.
 *   -EBUSY  fend has allocated something already
 */
int fend_set_allocator(fend_allocate_fn *fn, void *data);

/* Frees a text that a fend function handed out for freeing. NULL does nothing. [any thread] */
void fend_free(void *pointer);

#ifdef __cplusplus
}
#endif

#endif
