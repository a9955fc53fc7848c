/* SPDX-License-Identifier: MIT */
/*
 * Tasks. What the loop's thread defers goes straight into the loop's list. What anybody posts is
 * pushed onto loop->posted, a stack that its thread empties in one exchange and turns over, so
 * that the order of each poster is kept.
 *
 * A poster claims the task first (IDLE to POSTED): whoever finds it claimed has nothing to do. The
 * wake-up is written only if the loop has announced that it sleeps, and only by the first who notices;
 * the announcement precedes the loop's last look at the stack, so nothing is missed between.
 *
 * The loop's end leaves the mark CLOSED in place of the stack: a task is either found there by
 * fend_loop_free() or refused, never lost.
 */
#include <fend/task.h>

#include <errno.h>
#include <stddef.h>

#include <fend-internal/public.h>

#include "callback.h"

enum {
	TASK_IDLE,
	TASK_POSTED, /* claimed by a poster; in the stack or about to be */
	TASK_QUEUED, /* in loop->tasks or loop->running */
};

static struct fend_link closed;
#define CLOSED (&closed)

static struct fend_task *
task_of(struct fend_link *link)
{
	return fend__container_of(link, struct fend_task, link);
}

static void
set_state(struct fend_task *task, unsigned state)
{
	__atomic_store_n(&task->state, state, __ATOMIC_RELEASE);
}

/* Claim an idle task. */
static bool
claim(struct fend_task *task, unsigned state)
{
	unsigned idle = TASK_IDLE;

	return __atomic_compare_exchange_n(&task->state, &idle, state, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

FEND_PUBLIC int
fend_task_defer(struct fend_loop *loop, struct fend_task *task)
{
	int r = fend__loop_check(loop);

	if (r < 0)
		return r;
	if (!task || !task->fn)
		return -EINVAL;
	if (!claim(task, TASK_QUEUED))
		return -EALREADY;
	task->loop = loop;
	list_append(&loop->tasks, &task->link);
	fend__embed_changed(loop);
	return 0;
}

FEND_PUBLIC int
fend_task_post(struct fend_loop *loop, struct fend_task *task)
{
	struct fend_link *top;

	if (!loop || !task || !task->fn)
		return -EINVAL;
	if (loop->owner != fend__process())
		return -ECHILD;
	if (!claim(task, TASK_POSTED))
		return -EALREADY;
	top = atomic_load_explicit(&loop->posted, memory_order_relaxed);
	do {
		if (top == CLOSED) {
			set_state(task, TASK_IDLE);
			return -ESHUTDOWN;
		}
		task->link.next = top;
	} while (!atomic_compare_exchange_weak(&loop->posted, &top, &task->link));
	fend__loop_wake(loop);
	return 0;
}

/* Append a stack that was taken from loop->posted to the list, oldest first. */
static void
append_posted(struct fend_loop *loop, struct fend_link *top)
{
	struct fend_link *oldest = NULL;

	while (top) {
		struct fend_link *next = top->next;

		top->next = oldest;
		oldest = top;
		top = next;
	}
	while (oldest) {
		struct fend_link *next = oldest->next;
		struct fend_task *task = task_of(oldest);

		task->loop = loop;
		set_state(task, TASK_QUEUED);
		list_append(&loop->tasks, oldest);
		oldest = next;
	}
}

static void
take_posted(struct fend_loop *loop)
{
	if (atomic_load_explicit(&loop->posted, memory_order_relaxed))
		append_posted(loop, atomic_exchange(&loop->posted, NULL));
}

FEND_PUBLIC int
fend_task_cancel(struct fend_loop *loop, struct fend_task *task)
{
	int r = fend__loop_check(loop);

	if (r < 0)
		return r;
	if (!task)
		return -EINVAL;
	take_posted(loop);
	if (__atomic_load_n(&task->state, __ATOMIC_ACQUIRE) != TASK_QUEUED)
		return 0;
	if (task->loop != loop)
		return -EINVAL;
	list_remove(&task->link);
	set_state(task, TASK_IDLE);
	return 1;
}

bool
fend__tasks_closed(struct fend_loop *loop)
{
	return atomic_load(&loop->posted) == CLOSED;
}

int
fend__tasks_run(struct fend_loop *loop)
{
	struct callback callback;
	int calls = 0;

	take_posted(loop);
	list_take(&loop->running, &loop->tasks);
	while (!list_is_empty(&loop->running) && !fend__loop_is_over(loop)) {
		struct fend_task *task = task_of(loop->running.next);
		fend_task_fn *fn = task->fn;
		void *data = task->data;

		list_remove(&task->link);
		set_state(task, TASK_IDLE);
		callback_begin(loop, &callback, "task", NULL);
		fn(task, data);
		callback_end(loop, &callback);
		calls++;
	}
	loop->stats.tasks += (unsigned)calls;
	return calls;
}

static void
forget(struct fend_link *list)
{
	while (!list_is_empty(list)) {
		struct fend_task *task = task_of(list->next);

		list_remove(&task->link);
		set_state(task, TASK_IDLE);
	}
}

void
fend__tasks_close(struct fend_loop *loop)
{
	append_posted(loop, atomic_exchange(&loop->posted, CLOSED));
	forget(&loop->tasks);
	forget(&loop->running);
}
