/* SPDX-License-Identifier: MIT */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

#include <fend/core.h>

/* A line on the terminal behind standard error that tells how far a download is. */
struct progress;

int progress_new(struct fend_loop *loop, struct progress **ret_progress);

/* Ends the line. NULL does nothing. Returns NULL. */
struct progress *progress_free(struct progress *progress);

/* size bytes more have arrived, of total, which is negative if unknown. */
void progress_add(struct progress *progress, uint64_t size, int64_t total);

#endif
