/* SPDX-License-Identifier: MIT */
/*
 * The small text files that configure name resolution. Whether one has changed is told by its
 * attributes. An open descriptor is asked for them instead of the path, so that they are those of
 * what is read then, and so that a symbolic link that leads elsewhere now counts as a change.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <fend-internal/kernel.h>

#define BLANKS " \t\r\f\v"

enum {
	FILE_SIZE_MAX = 64 << 20,
	CHUNK = 4096,
};

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

/* A NUL, of which there may be many after a crash, ends its line, and not the file. */
static void
end_lines(char *text, size_t size)
{
	size_t length;

	while ((length = strlen(text)) < size) {
		text[length] = '\n';
		text += length + 1;
		size -= length + 1;
	}
}

static int
read_all(int fd, char **ret_text)
{
	size_t size = CHUNK, have = 0;
	char *text = fend__calloc(1, size), *grown;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	while ((n = fend__kernel->read(fd, text + have, size - have - 1)) > 0) {
		have += (size_t)n;
		if (have < size - 1)
			continue;
		grown = size < FILE_SIZE_MAX ? fend__resize(text, 2 * size, 1) : NULL;
		if (!grown) {
			n = size < FILE_SIZE_MAX ? -ENOMEM : -EFBIG;
			break;
		}
		text = grown;
		size *= 2;
	}
	if (n < 0) {
		fend__release(text);
		return (int)n;
	}
	text[have] = '\0';
	end_lines(text, have);
	*ret_text = text;
	return 0;
}

static int
read_if_changed(struct text_file *file, int fd, char **ret_text)
{
	struct stat now;
	int r = fend__kernel->fstat(fd, &now);

	if (r < 0)
		return r;
	/* A device is as good as an empty file, if it is /dev/null. */
	if (!S_ISREG(now.st_mode) && !S_ISCHR(now.st_mode))
		return -EINVAL;
	if (file->was_read && file->is_there && is_same(&now, &file->stat))
		return 0;
	r = read_all(fd, ret_text);
	if (r < 0)
		return r;
	file->stat = now;
	file->was_read = file->is_there = true;
	return 1;
}

int
fend__text_file_read(struct text_file *file, char **ret_text)
{
	int fd = fend__kernel->open(file->path, O_RDONLY | O_NONBLOCK);
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR) {
		if (file->was_read && !file->is_there)
			return 0;
		*ret_text = fend__strdup("");
		if (!*ret_text)
			return -ENOMEM;
		file->was_read = true;
		file->is_there = false;
		return 1;
	}
	if (fd < 0)
		return fd;
	r = read_if_changed(file, fd, ret_text);
	fend__close(fd);
	return r;
}

void
fend__text_file_forget(struct text_file *file)
{
	file->was_read = false;
}

char *
fend__text_line(char **rest, const char *comments)
{
	char *line = *rest;
	char *end = strchr(line, '\n');

	*rest = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	line[strcspn(line, comments)] = '\0';
	return line;
}

char *
fend__text_word(char **line)
{
	char *word = *line + strspn(*line, BLANKS);
	size_t length = strcspn(word, BLANKS);

	if (length == 0)
		return NULL;
	*line = word + length;
	if (**line)
		*(*line)++ = '\0';
	return word;
}
