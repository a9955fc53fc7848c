/* SPDX-License-Identifier: MIT */
/*
 * A signal that arrives as a callback. Ctrl-C is handled in the same way, by all.c; this one the
 * program sends to itself.
 */
#include "step.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct state {
	struct fend_signal *signal;
};

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	step_end(data, 0, "signal %d (%s)", signo, strsignal(signo));
}

static int
start(struct step *step)
{
	struct state *state = step->state = calloc(1, sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	err = fend_signal_new(step->stage->loop, SIGUSR1, on_signal, step, &state->signal);
	if (err < 0)
		return err;
	return kill(getpid(), SIGUSR1) < 0 ? -errno : 0;
}

static void
stop(struct step *step)
{
	struct state *state = step->state;

	if (!state)
		return;
	fend_signal_free(state->signal);
	free(state);
}

const struct step_type step_signal = { .name = "signal", .start = start, .stop = stop };
