/* SPDX-License-Identifier: MIT */
/*
 * Tasks: an iteration runs those that were queued when it began, each once, in the order in which
 * they were queued, whichever way that was.
 */
#include "world.h"

#include <stdlib.h>

enum { TASKS = 6 };

static struct task {
	struct fend_task *fend; /* NULL: not made yet */
	struct loop *queued;    /* where, or NULL */
	unsigned long serial;   /* of the queuing */
	bool batch;             /* to be run in this iteration */
} tasks[TASKS];
static unsigned long serials;

static void
release(struct task *task)
{
	free(task->fend);
	task->fend = NULL;
}

static void
reset(void)
{
	int i;

	for (i = 0; i < TASKS; i++)
		tasks[i] = (struct task){ 0 };
	serials = 0;
}

static void
begin(struct loop *loop)
{
	int i;

	for (i = 0; i < TASKS; i++)
		if (tasks[i].queued == loop)
			tasks[i].batch = true;
}

static void
check_all_ran(struct loop *loop)
{
	int i;

	for (i = 0; i < TASKS; i++)
		check(tasks[i].queued != loop || !tasks[i].batch, "task %d did not run", i);
}

static void
run(struct fend_task *fend, void *data)
{
	struct task *task = data;
	struct loop *loop = task->queued;
	int i;

	check(loop, "a task runs that is not queued");
	callback_begin(loop, PART_TASKS);
	check(fend == task->fend, "a task runs with another's address");
	check(task->batch, "a task runs that was queued while tasks ran");
	for (i = 0; i < TASKS; i++)
		check(tasks[i].queued != loop || tasks[i].serial >= task->serial,
		      "task %d runs before %d, which was queued earlier", (int)(task - tasks), i);
	task->queued = NULL;
	task->batch = false;
	loop->stats.tasks++;
	/* It is ours again, to be freed for instance. */
	if (!world.forked && one_in(3))
		release(task);
	callback_end(loop);
}

static struct task *
make(unsigned index)
{
	struct task *task = &tasks[index];

	if (!task->fend) {
		task->fend = calloc(1, sizeof(*task->fend));
		check(task->fend, "no memory");
		task->fend->fn = run;
		task->fend->data = task;
	}
	return task;
}

static bool
queue(struct loop *loop, struct task *task, bool post)
{
	int error = loop_error(loop);

	if (task->queued && (post || !error))
		error = -EALREADY;
	if (post ? !CALL(error, fend_task_post(loop->fend, task->fend))
		 : !CALL(error, fend_task_defer(loop->fend, task->fend)))
		return false;
	task->queued = loop;
	task->serial = ++serials;
	task->batch = false;
	return true;
}

void
op_task_defer(void)
{
	struct loop *loop = loop_pick();

	if (loop)
		queue(loop, make(pick(TASKS)), false);
}

void
op_task_post(void)
{
	struct loop *loop = loop_pick();

	if (loop)
		queue(loop, make(pick(TASKS)), true);
}

bool
task_post_from_outside(struct loop *loop)
{
	return queue(loop, make(pick(TASKS)), true);
}

/* This works in a child, too. */
static void
cancel(struct loop *loop, struct task *task)
{
	int error = loop->freed ? -ESHUTDOWN : 0;

	if (!error && task->queued)
		error = task->queued == loop ? 1 : -EINVAL;
	if (CALL(error, fend_task_cancel(loop->fend, task->fend)))
		task->queued = NULL;
}

void
op_task_cancel(void)
{
	struct loop *loop = loop_pick();
	struct task *task;

	if (!loop)
		return;
	task = make(pick(TASKS));
	cancel(loop, task);
	if (!task->queued && one_in(3))
		release(task);
}

static void
freed(struct loop *loop)
{
	int i;

	for (i = 0; i < TASKS; i++)
		if (tasks[i].queued == loop)
			tasks[i].queued = NULL;
}

bool
tasks_queued(struct loop *loop)
{
	int i;

	for (i = 0; i < TASKS; i++)
		if (tasks[i].queued == loop)
			return true;
	return false;
}

static void
refuse(struct loop *loop)
{
	struct fend_task task = { run };

	if (loop->freed && loop->refs == 0)
		return;
	CALL(loop_error(loop), fend_task_defer(loop->fend, &task));
	CALL(-ECHILD, fend_task_post(loop->fend, &task));
}

static void
forked(void)
{
	loop_each(refuse);
}

static void
free_all(void)
{
	int i;

	for (i = 0; i < TASKS; i++) {
		if (tasks[i].queued)
			cancel(tasks[i].queued, &tasks[i]);
		release(&tasks[i]);
	}
}

const struct kind task_kind = {
	.reset = reset,
	.begin = begin,
	.wait = check_all_ran,
	.freed = freed,
	.forked = forked,
	.free = free_all,
};
