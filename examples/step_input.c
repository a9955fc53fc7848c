/* SPDX-License-Identifier: MIT */
/*
 * Standard input, echoed to standard output, whatever it is.
 *
 * A terminal, a pipe or a socket is watched. What is always ready, such as a regular file or
 * /dev/null, cannot be (-EPERM) and is read piece by piece in a task that queues itself again, so
 * that a large file does not hold up the loop.
 *
 * A pipe is made nonblocking while it is used, and given back as it was. A terminal is not: it is
 * usually the same open file as standard output and the shell's, where the flag would do harm, and
 * it does not need it.
 *
 * On a terminal this goes on until Ctrl-D. Anything else ends with the end of the input, but at
 * PATIENCE after all other steps have ended at the latest, so that a pipe that somebody keeps open
 * does not keep the program running.
 */
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE FEND_SEC(2)

struct state {
	struct fend_file *file;
	struct fend_io *io;
	struct fend_task read; /* instead of io */
	struct fend_timer *patience;
	bool is_terminal, make_blocking;
	size_t size;
};

static void
end(struct step *step, int err, const char *how)
{
	struct state *state = step->state;

	state->io = fend_io_free(state->io);
	fend_timer_stop(state->patience);
	step_end(step, err, "%zu bytes, %s", state->size, how);
}

/* True: there may be more. */
static bool
echo(struct step *step)
{
	struct state *state = step->state;
	char buffer[16384];
	ssize_t size = read(fend_file_fd(state->file), buffer, sizeof(buffer));

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (size < 0 && errno != EBADF && errno != EIO) {
		end(step, -errno, strerror(errno));
		return false;
	}
	if (size <= 0) {
		/* EBADF: it was closed from the start; EIO: the terminal is gone */
		end(step, 0, size == 0 ? "at its end" : "closed");
		return false;
	}
	step_print(step, buffer, (size_t)size);
	state->size += (size_t)size;
	return true;
}

static void
on_ready(struct fend_io *io, unsigned events, void *data)
{
	echo(data);
}

static void
on_read(struct fend_task *task, void *data)
{
	struct step *step = data;

	if (echo(step))
		fend_task_defer(step->stage->loop, task);
}

static void
on_patience_over(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct step *step = data;
	struct state *state = step->state;

	fend_task_cancel(step->stage->loop, &state->read);
	end(step, 0, "still open, not waited for");
}

static int
make_nonblocking(struct state *state)
{
	int flags = fcntl(fend_file_fd(state->file), F_GETFL);

	if (flags < 0 || flags & O_NONBLOCK || state->is_terminal)
		return 0;
	state->make_blocking = true;
	return fend_file_set_blocking(state->file, false);
}

static int
start(struct step *step)
{
	struct fend_loop *loop = step->stage->loop;
	struct state *state = step->state = calloc(1, sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	state->is_terminal = isatty(STDIN_FILENO);
	state->read = (struct fend_task){ .fn = on_read, .data = step };
	err = fend_timer_new(loop, on_patience_over, step, &state->patience);
	if (err >= 0)
		err = fend_file_wrap(STDIN_FILENO, FEND_KEEP_OPEN, &state->file);
	if (err < 0)
		return err;
	err = fend_io_new(loop, fend_file_fd(state->file), FEND_IN, on_ready, step, &state->io);
	if (err == -EPERM)
		return fend_task_defer(loop, &state->read);
	return err < 0 ? err : make_nonblocking(state);
}

static void
stop(struct step *step)
{
	struct state *state = step->state;

	if (!state)
		return;
	if (state->make_blocking)
		fend_file_set_blocking(state->file, true);
	fend_task_cancel(step->stage->loop, &state->read);
	fend_io_free(state->io);
	fend_timer_free(state->patience);
	fend_file_free(state->file);
	free(state);
}

static void
hurry(struct step *step)
{
	struct state *state = step->state;

	if (state->is_terminal) {
		puts("input   type something and it is echoed; Ctrl-D or Ctrl-C ends");
		return;
	}
	fend_timer_after(state->patience, PATIENCE);
}

const struct step_type step_input = {
	.name = "input",
	.start = start,
	.stop = stop,
	.hurry = hurry,
};
