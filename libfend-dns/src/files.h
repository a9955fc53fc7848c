/* SPDX-License-Identifier: MIT */
#ifndef FEND_FILES_H
#define FEND_FILES_H

#include <stdbool.h>
#include <sys/stat.h>

/* A text file that somebody may replace or change at any time. */
struct text_file {
	char *path; /* to be released */
	bool was_read;
	bool is_there;
	struct stat stat; /* of what was read, if it is there */
};

/*
 * 1: the file has changed since it was read last, or was never read, and *ret_text is its content,
 * to be released; a file that does not exist is empty. 0: it is still the same.
 *   -errno  it is there, but cannot be read: errors of open(2) and read(2); -EFBIG, -ENOMEM;
 *           -EINVAL for what could block, such as a pipe
 */
int fend__text_file_read(struct text_file *file, char **ret_text);

/* Forget what was read, so that the next call reads. */
void fend__text_file_forget(struct text_file *file);

/*
 * The next line of a text whose comments begin with one of the characters in comments, without its
 * comment. *rest is NULL after the last. The text is changed.
 */
char *fend__text_line(char **rest, const char *comments);
/* The next word of a line, which is changed; NULL if there is none. */
char *fend__text_word(char **line);

#endif
