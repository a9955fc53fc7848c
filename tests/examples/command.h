/* SPDX-License-Identifier: MIT */
#ifndef COMMAND_H
#define COMMAND_H

#include "program.h"

/* What the tests of the command http_client have in common. */

#define REPLY(text_)                      \
	{                                 \
		.text = text_, .size = -1 \
	}

/* All to be freed with g_free(). The host is localhost; a path is one in test_directory(). */
char *url_of(const char *scheme, int port, const char *path);
char *path_of(const char *name);
char *sha256_of(const char *path);

/* It failed as it should: this status, and one line on standard error with these words in it. */
void check_failure(struct program *program, int status, const char *words);

/* It printed this and nothing else. */
void check_success(struct program *program, const char *expected);

/* There is no such file, nor anything temporary beside it. */
void check_nothing_left(const char *path);

#endif
