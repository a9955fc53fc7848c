/* SPDX-License-Identifier: MIT */
#ifndef FEND_INTERNAL_FILE_H
#define FEND_INTERNAL_FILE_H

#include <fend/file.h>

/* For objects of the libraries above that have their file within them. */
struct fend_file {
	int fd;
	unsigned flags;
};

#endif
