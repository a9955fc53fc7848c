/* SPDX-License-Identifier: MIT */
/*
 * A periodic timer: ten periods, none of them early, and how late the worst was.
 *
 * Being late is not a failure: the machine may be busy. Periods that were missed altogether are
 * counted by the timer.
 */
#include "step.h"

#include <errno.h>
#include <stdlib.h>

#define PERIOD FEND_MS(20)
enum { PERIODS = 10 };

struct state {
	struct fend_timer *timer;
	fend_time first;
	uint64_t periods;
	fend_time latest; /* by how much the latest of all was late */
	bool early;
};

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct step *step = data;
	struct state *state = step->state;
	fend_time late;

	state->periods += expirations;
	late = fend_now() - (state->first + (fend_time)(state->periods - 1) * PERIOD);
	if (late < 0)
		state->early = true;
	if (late > state->latest)
		state->latest = late;
	if (state->periods < PERIODS)
		return;
	fend_timer_stop(timer);
	step_end(step, state->early ? -EBADMSG : 0, "%d periods of %d ms, up to %.3f ms late%s",
		 PERIODS, (int)(PERIOD / FEND_MS(1)), (double)state->latest / (double)FEND_MS(1),
		 state->early ? ", one early" : "");
}

static int
start(struct step *step)
{
	struct state *state = step->state = calloc(1, sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	err = fend_timer_new(step->stage->loop, on_timer, step, &state->timer);
	if (err < 0)
		return err;
	state->first = fend_now() + PERIOD;
	fend_timer_every(state->timer, PERIOD, PERIOD);
	return 0;
}

static void
stop(struct step *step)
{
	struct state *state = step->state;

	if (!state)
		return;
	fend_timer_free(state->timer);
	free(state);
}

const struct step_type step_timer = { .name = "timer", .start = start, .stop = stop };
