/* SPDX-License-Identifier: MIT */
/*
 * A task posted by another thread.
 *
 * The thread does something that takes its time and tells the loop when it is done. It holds a
 * reference to the loop, so that it may post whatever has become of the loop meanwhile.
 */
#include "step.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct state {
	struct fend_task task;
	struct fend_loop *loop;
	pthread_t thread;
	bool has_thread;
	unsigned sum;
};

static void *
work(void *data)
{
	struct state *state = data;

	for (unsigned i = 1; i <= 1000; i++)
		state->sum += i;
	fend_task_post(state->loop, &state->task);
	return NULL;
}

static void
on_task(struct fend_task *task, void *data)
{
	struct step *step = data;
	const struct state *state = step->state;

	step_end(step, state->sum == 500500 ? 0 : -EBADMSG, "posted by another thread");
}

static int
start(struct step *step)
{
	struct state *state = step->state = calloc(1, sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	state->task = (struct fend_task){ .fn = on_task, .data = step };
	state->loop = fend_loop_ref(step->stage->loop);
	err = pthread_create(&state->thread, NULL, work, state);
	state->has_thread = err == 0;
	return -err;
}

static void
stop(struct step *step)
{
	struct state *state = step->state;

	if (!state)
		return;
	if (state->has_thread)
		pthread_join(state->thread, NULL);
	fend_task_cancel(state->loop, &state->task);
	fend_loop_unref(state->loop);
	free(state);
}

const struct step_type step_task = { .name = "task", .start = start, .stop = stop };
