/* SPDX-License-Identifier: MIT */
/*
 * Writing to a descriptor that may be anything.
 *
 * A regular file never makes its writer wait, and cannot be watched: it is written to at once. A
 * pipe, a socket or a terminal can be full, and is watched for room. To make it nonblocking would
 * be the wrong way: the flag belongs to the open file, which the shell and other programs share.
 * Instead nothing is written before the loop has said that there is room, and then no more than
 * PIPE_BUF bytes, which poll(2) promises to fit into a pipe.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PENDING_MAX = 65536 };

struct output {
	struct fend_file *file;
	struct fend_io *io; /* NULL: writing never waits */
	output_fn *fn;
	void *data;
	char *path, *temporary; /* NULL: nothing to put in its place */
	mode_t mode;
	char *pending;
	size_t size, room;
};

/* Bytes written, at least one; -EAGAIN if a file that somebody else made nonblocking is full. */
static ssize_t
write_some(const struct output *output, const char *bytes, size_t size)
{
	ssize_t written;

	do
		written = write(fend_file_fd(output->file), bytes, size);
	while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : written;
}

static void
on_ready(struct fend_io *io, unsigned events, void *data)
{
	struct output *output = data;
	size_t size = output->size < PIPE_BUF ? output->size : PIPE_BUF;
	ssize_t written = write_some(output, output->pending, size);

	if (written == -EAGAIN)
		return;
	if (written < 0) {
		fend_io_set(io, 0);
		output->size = 0;
		output->fn(output, (int)written, output->data);
		return;
	}
	output->size -= (size_t)written;
	memmove(output->pending, output->pending + written, output->size);
	if (output->size == 0) {
		fend_io_set(io, 0);
		output->fn(output, 0, output->data);
	}
}

static mode_t
default_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/* The file that path means: what a symbolic link points to is replaced, not the link. */
static int
open_temporary(struct output *output, const char *path, mode_t mode)
{
	int fd;

	output->path = realpath(path, NULL);
	if (!output->path)
		output->path = strdup(path);
	if (!output->path || asprintf(&output->temporary, "%s.XXXXXX", output->path) < 0) {
		output->temporary = NULL;
		return -ENOMEM;
	}
	output->mode = mode;
	fd = mkostemp(output->temporary, O_CLOEXEC);
	if (fd < 0) {
		fd = -errno;
		free(output->temporary);
		output->temporary = NULL;
	}
	return fd;
}

static int
open_path(struct output *output, const char *path)
{
	struct stat status;
	int fd;

	if (stat(path, &status) < 0)
		return errno == ENOENT ? open_temporary(output, path, default_mode()) : -errno;
	if (S_ISREG(status.st_mode))
		return open_temporary(output, path, status.st_mode & 07777);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int
open_output(struct output *output, const char *path)
{
	int fd, err;

	if (!path)
		return fend_file_wrap(STDOUT_FILENO, FEND_KEEP_OPEN, &output->file);
	fd = open_path(output, path);
	if (fd < 0)
		return fd;
	err = fend_file_wrap(fd, 0, &output->file);
	if (err < 0)
		close(fd);
	return err;
}

int
output_new(struct fend_loop *loop, const char *path, output_fn *fn, void *data,
	   struct output **ret_output)
{
	struct output *output = calloc(1, sizeof(*output));
	int err;

	if (!output)
		return -ENOMEM;
	output->fn = fn;
	output->data = data;
	err = open_output(output, path);
	if (err >= 0) {
		err = fend_io_new(loop, fend_file_fd(output->file), 0, on_ready, output,
				  &output->io);
		if (err == -EPERM)
			err = 0;
	}
	if (err < 0) {
		output_free(output);
		return err;
	}
	*ret_output = output;
	return 0;
}

struct output *
output_free(struct output *output)
{
	if (!output)
		return NULL;
	fend_io_free(output->io);
	fend_file_free(output->file);
	if (output->temporary)
		unlink(output->temporary);
	free(output->temporary);
	free(output->path);
	free(output->pending);
	free(output);
	return NULL;
}

static int
write_now(struct output *output, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write_some(output, bytes, size);

		if (written < 0)
			return (int)written;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

int
output_write(struct output *output, const void *bytes, size_t size)
{
	if (!output->io)
		return write_now(output, bytes, size);
	if (output->size + size > output->room) {
		size_t room = 2 * (output->size + size);
		char *pending = realloc(output->pending, room);

		if (!pending)
			return -ENOMEM;
		output->pending = pending;
		output->room = room;
	}
	memcpy(output->pending + output->size, bytes, size);
	output->size += size;
	fend_io_set(output->io, FEND_OUT);
	return output->size > PENDING_MAX;
}

bool
output_is_pending(const struct output *output)
{
	return output->size > 0;
}

/* fsync: what a network file system or a full disk has to say may come as late as that. */
int
output_commit(struct output *output)
{
	if (!output->temporary)
		return 0;
	if (fchmod(fend_file_fd(output->file), output->mode) < 0 ||
	    fsync(fend_file_fd(output->file)) < 0 || rename(output->temporary, output->path) < 0)
		return -errno;
	free(output->temporary);
	output->temporary = NULL;
	return 0;
}
