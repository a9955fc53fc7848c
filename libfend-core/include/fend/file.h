/* SPDX-License-Identifier: MIT */
#ifndef FEND_FILE_H
#define FEND_FILE_H

#include <stdbool.h>

#include <fend/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open file descriptor and the knowledge of who closes it. It belongs to no loop. */
struct fend_file;

enum {
	FEND_KEEP_OPEN = 1 << 0, /* fend_file_free() leaves the descriptor open */
};

/*
 * Wrap fd: taken on success, so that fend_file_free() closes it, or borrowed with FEND_KEEP_OPEN.
 * Nothing about the descriptor is changed.
 *   -EBADF  fd is not open
 */
int fend_file_wrap(int fd, unsigned flags, struct fend_file **ret_file);

/* Closes the descriptor unless it is to be kept open. NULL does nothing. Returns NULL. */
struct fend_file *fend_file_free(struct fend_file *file);

/* The descriptor, which stays the file's. */
int fend_file_fd(const struct fend_file *file);

/*
 * Switch O_NONBLOCK (fcntl(2)). The flag belongs to the open file, not to the descriptor: on a
 * descriptor that was inherited, such as standard input, everyone who shares it sees the change,
 * and nobody changes it back.
 *   -EBADF  the descriptor was closed
 */
int fend_file_set_blocking(struct fend_file *file, bool blocking);

FEND_DEFINE_CLEANUP(fend_file)

#ifdef __cplusplus
}
#endif

#endif
