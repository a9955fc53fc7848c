/* SPDX-License-Identifier: MIT */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <fend/core.h>

/* Where a download goes: standard output or a file, without making the loop wait for either. */
struct output;

/* All that was pending is written (0), or writing has failed (-errno). May free the output. */
typedef void output_fn(struct output *output, int err, void *data);

/*
 * path NULL: standard output. Otherwise a temporary file beside path, which output_commit() puts in
 * its place: whoever looks at path sees the old file or the complete new one, and nothing is left
 * of a download that failed. What exists and is no regular file, such as a FIFO or /dev/null, is
 * written to directly. fn is called as described at output_write().
 */
int output_new(struct fend_loop *loop, const char *path, output_fn *fn, void *data,
	       struct output **ret_output);

/*
 * Without output_commit() before, the temporary file is removed. NULL does nothing. Returns NULL.
 */
struct output *output_free(struct output *output);

/*
 * Write all of it, or keep for later what the other end does not take now.
 *   0       fine
 *   1       fine, but much is pending: stop writing until fn is called
 *   -errno  writing has failed
 */
int output_write(struct output *output, const void *bytes, size_t size);

/* Is anything pending? If so, fn will be called. */
bool output_is_pending(const struct output *output);

/* Put the file in its place. Nothing may be pending. */
int output_commit(struct output *output);

#endif
