/* SPDX-License-Identifier: MIT */
#include "pace.h"

#include <errno.h>

#include <fend-internal/deadline.h>
#include <fend-internal/list.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>
#include <fend/stats.h>
#include <fend/tls.h>

/*
 * A step of a handshake may take milliseconds, and anybody may ask for one. So the handshakes of a
 * loop share an amount of time per iteration. Once it is spent, whoever is ready waits in a queue,
 * and goes on in the next iteration, in the order in which they became ready. There is always time
 * for one step, so the queue moves whatever a step costs.
 *
 * It is time that is limited, and not a number of steps, since a step takes twenty microseconds
 * where a connection is resumed and two milliseconds where a server signs with RSA; a piece of a
 * hello that comes byte by byte takes next to none.
 *
 * The queue is run by a task, before the iteration's wait. Who waits in it waits for nothing else,
 * so its descriptor cannot take the place of another in what the kernel reports.
 */
#define TIME_DEFAULT FEND_MS(2)

struct fend__tls_pace {
	struct fend_loop *loop;
	struct fend_task task;
	struct fend_link waiting; /* fend__tls_turn */
	fend_time time;           /* per iteration, or FEND_FOREVER */
	fend_time spent;          /* in this one */
	uint64_t iteration;
	bool *gone; /* while the task runs: set if it is freed */
};

static const char key;

static struct fend__tls_turn *
turn_of(struct fend_link *link)
{
	return fend__container_of(link, struct fend__tls_turn, link);
}

static bool
has_time(struct fend__tls_pace *pace)
{
	struct fend_loop_stats stats = { .size = sizeof(stats) };

	fend_loop_stats(pace->loop, &stats);
	if (stats.iterations != pace->iteration)
		pace->spent = 0;
	pace->iteration = stats.iterations;
	return pace->time == FEND_FOREVER || pace->spent < pace->time;
}

/* The pace, too, may be gone after a turn. */
static void
run_queue(struct fend_task *task, void *data)
{
	struct fend__tls_pace *pace = data;
	struct fend__tls_turn *turn;
	bool gone = false;

	pace->gone = &gone;
	while (!list_is_empty(&pace->waiting) && has_time(pace)) {
		turn = turn_of(pace->waiting.next);
		list_remove(&turn->link);
		turn->run(turn);
		if (gone)
			return;
	}
	pace->gone = NULL;
	if (!list_is_empty(&pace->waiting))
		fend_task_defer(pace->loop, &pace->task);
}

static void
pace_free(void *object)
{
	struct fend__tls_pace *pace = object;

	while (!list_is_empty(&pace->waiting))
		list_remove(pace->waiting.next);
	fend_task_cancel(pace->loop, &pace->task);
	if (pace->gone)
		*pace->gone = true;
	fend__release(pace);
}

int
fend__tls_pace_of(struct fend_loop *loop, struct fend__tls_pace **ret_pace)
{
	struct fend__tls_pace *pace = fend__loop_attached(loop, &key);
	int r;

	if (!pace) {
		pace = fend__calloc(1, sizeof(*pace));
		if (!pace)
			return -ENOMEM;
		pace->loop = loop;
		pace->task.fn = run_queue;
		pace->task.data = pace;
		pace->time = TIME_DEFAULT;
		list_init(&pace->waiting);
		r = fend__loop_attach(loop, &key, pace, pace_free);
		if (r < 0) {
			fend__release(pace);
			return r;
		}
	}
	*ret_pace = pace;
	return 0;
}

bool
fend__tls_pace_admits(struct fend__tls_pace *pace, struct fend__tls_turn *turn)
{
	if (list_is_empty(&pace->waiting) && has_time(pace))
		return true;
	list_append(&pace->waiting, &turn->link);
	fend_task_defer(pace->loop, &pace->task); /* -EALREADY: it is */
	return false;
}

void
fend__tls_pace_spend(struct fend__tls_pace *pace, fend_time time)
{
	/* a clock that stands still does not make steps free */
	pace->spent = fend__time_add(pace->spent, time > 0 ? time : 1);
}

bool
fend__tls_turn_is_queued(const struct fend__tls_turn *turn)
{
	return turn->link.next && turn->link.next != &turn->link;
}

void
fend__tls_turn_drop(struct fend__tls_turn *turn)
{
	if (fend__tls_turn_is_queued(turn))
		list_remove(&turn->link);
}

FEND_PUBLIC int
fend_tls_set_handshake_time(struct fend_loop *loop, fend_time time)
{
	struct fend__tls_pace *pace;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (!fend__timeout_valid(time))
		return -EINVAL;
	r = fend__tls_pace_of(loop, &pace);
	if (r < 0)
		return r;
	pace->time = time ? time : TIME_DEFAULT;
	return 0;
}
