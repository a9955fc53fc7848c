/* SPDX-License-Identifier: MIT */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <sys/types.h>

#include <glib.h>

/* The example programs, as a user's shell or terminal runs them. */

#define HTTP_CLIENT "FEND_EXAMPLE_HTTP_CLIENT"
#define ALL "FEND_EXAMPLE_ALL"

struct program {
	struct process *process;
	char *out, *err; /* files */
};

/*
 * Start the program that the environment variable names, with arguments up to NULL. Input is a
 * pipe, output and errors are files, unless shell (NULL: nothing) has other redirections for the
 * end of the command line. It may begin with a "|": then the exit status is that of what comes
 * after it.
 */
struct program program_start(const char *variable, const char *shell, ...) G_GNUC_NULL_TERMINATED;

/* Wait for its end. Frees all; what it has printed to ret_out and ret_err, which may be NULL. */
int program_end(struct program *program, char **ret_out, char **ret_err);

/*
 * A program with a terminal for input, output and errors. Expect waits until it has printed text,
 * at most 20 s; keys are those a user types.
 */
struct terminal;

struct terminal *terminal_start(const char *variable, ...) G_GNUC_NULL_TERMINATED;
void terminal_expect(struct terminal *terminal, const char *text);
void terminal_type(struct terminal *terminal, const char *keys);
/* Wait for its end and free it; what it has printed to ret_output. */
int terminal_end(struct terminal *terminal, char **ret_output);

#endif
