/* SPDX-License-Identifier: MIT */
/*
 * Files in the output. Each knows how many bytes of the output buffer leave before it; those after
 * the last file belong to none. A run sends the bytes before the first file and a piece of that
 * file; the peer is not sent a small segment for each, since the kernel is told that more comes.
 *
 * A piece is read into the buffer where input is received, which is free whenever output is sent,
 * and read again from where the socket's room ended: nothing of a file is held in memory.
 */
#include "stream.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <fend-internal/kernel.h>

struct stream_file {
	struct stream_file *next; /* the last one's is the first */
	int fd;
	off_t offset;
	uint64_t left;
	size_t before;
};

/* The size of a file can be no more, so neither can an offset. */
#define OFFSET_MAX ((uint64_t)INT64_MAX)

static struct stream_file *
release(struct stream_file *file)
{
	fend__close(file->fd);
	return fend__release(file);
}

static void
drop_first(struct fend_stream *stream)
{
	struct stream_file *first = stream->extras->files->next;

	if (first == stream->extras->files) {
		stream->extras->files = NULL;
		stream->filed = false;
	} else {
		stream->extras->files->next = first->next;
	}
	release(first);
}

void
fend__stream_drop_files(struct fend_stream *stream)
{
	while (stream->filed)
		drop_first(stream);
}

static struct stream_file *
next(const struct fend_stream *stream, struct stream_file *file)
{
	return file == stream->extras->files ? NULL : file->next;
}

uint64_t
fend__stream_file_bytes(const struct fend_stream *stream)
{
	struct stream_file *file = stream->filed ? stream->extras->files->next : NULL;
	uint64_t sum = 0;

	for (; file; file = next(stream, file))
		sum = file->left < OFFSET_MAX - sum ? sum + file->left : OFFSET_MAX;
	return sum;
}

/* Layers take no flags. */
static int
more_comes(const struct fend_stream *stream, bool more)
{
	return more && fend__socket_is_plain(stream->socket) ? MSG_MORE : 0;
}

/* Returns whether all of it has left. */
static bool
send_before(struct fend_stream *stream, struct stream_file *file)
{
	const struct stream_buffer *output = stream->output;
	size_t n;

	if (file->before == 0)
		return true;
	n = fend__stream_send(stream, output->bytes + output->start, file->before,
			      more_comes(stream, true));
	if (n == 0)
		return false;
	fend__stream_drop_output(stream, n);
	file->before -= n;
	return file->before == 0;
}

static void
send_piece(struct fend_stream *stream, struct stream_file *file)
{
	struct stream_buffer *scratch = fend__stream_pool(stream)->scratch;
	size_t size = file->left < scratch->capacity ? (size_t)file->left : scratch->capacity;
	ssize_t got = fend__kernel->pread(file->fd, scratch->bytes, size, file->offset);
	size_t n;

	if (got <= 0) {
		fend_stream_abort(stream, got < 0 ? (int)got : -ENODATA);
		return;
	}
	n = fend__stream_send(stream, scratch->bytes, (size_t)got,
			      more_comes(stream, file->left > (size_t)got));
	if (n == 0)
		return;
	file->offset += (off_t)n;
	file->left -= n;
	if (file->left == 0)
		drop_first(stream);
}

void
fend__stream_send_file(struct fend_stream *stream)
{
	struct stream_file *first = stream->extras->files->next;

	if (send_before(stream, first))
		send_piece(stream, first);
}

static int
check_file(int fd)
{
	struct stat status;
	int r = fend__kernel->fstat(fd, &status);

	if (r < 0)
		return r;
	return S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) ? 0 : -ESPIPE;
}

/* How much of the output buffer comes after the last file? */
static size_t
bytes_after(const struct fend_stream *stream)
{
	struct stream_file *file = stream->filed ? stream->extras->files->next : NULL;
	size_t size = stream_buffer_size(stream->output);

	for (; file; file = next(stream, file))
		size -= file->before;
	return size;
}

static void
append(struct fend_stream *stream, struct stream_file *file)
{
	file->before = bytes_after(stream);
	if (stream->filed) {
		file->next = stream->extras->files->next;
		stream->extras->files->next = file;
	} else {
		file->next = file;
	}
	if (stream->timed && !fend__stream_has_output(stream))
		fend__stream_clock_waits(stream);
	stream->extras->files = file;
	stream->filed = true;
}

FEND_PUBLIC int
fend_stream_sendfile(struct fend_stream *stream, int fd, uint64_t offset, uint64_t size)
{
	struct stream_file *file;
	int r;

	r = fend__stream_check_write(stream, 0);
	if (r < 0)
		return r;
	if (offset > OFFSET_MAX || size > OFFSET_MAX - offset)
		return -EINVAL;
	r = check_file(fd);
	if (r < 0)
		return r;
	r = fend__stream_need_extras(stream);
	if (r < 0)
		return r;
	file = fend__calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->fd = fd;
	file->offset = (off_t)offset;
	file->left = size;
	if (size > 0)
		append(stream, file);
	else
		release(file);
	return fend__stream_written(stream);
}
