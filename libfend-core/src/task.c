/* SPDX-License-Identifier: MIT */
/*
 * Tasks. What the loop's thread defers goes straight into the loop's list. What anybody posts is
 * pushed onto loop->posted, a stack that its thread empties in one exchange and turns over, so
 * that the order of each poster is kept.
 *
 * A poster claims the task first: whoever finds it claimed has nothing to do. The
 * wake-up is written only if the loop has announced that it sleeps, and only by the first who
 * notices; the announcement precedes the loop's last look at the stack, so nothing is missed
 * between.
 *
 * The loop's end leaves the mark CLOSED in place of the stack: a task is either found there by
 * fend_loop_free() or refused, never lost.
 */
#include <fend/task.h>

#include <errno.h>
#include <stddef.h>

#include <fend-internal/public.h>

#include "callback.h"

/* A task's state. */
enum {
	TASK_IDLE,
	TASK_CLAIMED, /* queued, or about to be */
};

static struct fend_link closed;
#define CLOSED (&closed)

static struct fend_task *
task_of(struct fend_link *link)
{
	return fend__container_of(link, struct fend_task, link);
}

/*
 * Claim a task; false if it is claimed already. Each of these two changes the state in one step, so
 * who finds it claimed comes before the release in the order of changes: what he wrote is visible
 * to the function that is about to run.
 */
static bool
claim(struct fend_task *task)
{
	return __atomic_exchange_n(&task->state, TASK_CLAIMED, __ATOMIC_ACQ_REL) == TASK_IDLE;
}

static bool
is_claimed(const struct fend_task *task)
{
	return __atomic_load_n(&task->state, __ATOMIC_ACQUIRE) == TASK_CLAIMED;
}

static void
release(struct fend_task *task)
{
	__atomic_exchange_n(&task->state, TASK_IDLE, __ATOMIC_ACQ_REL);
}

static void
set_loop(struct fend_task *task, struct fend_loop *loop)
{
	__atomic_store_n(&task->loop, loop, __ATOMIC_RELAXED);
}

/*
 * In loop->tasks or loop->running? It has a predecessor there, and nowhere else: who claims a task
 * finds none. The loop's thread alone asks, and changes it.
 */
static bool
is_listed(const struct fend_task *task)
{
	return task->link.prev;
}

static void
unlist(struct fend_task *task)
{
	list_remove(&task->link);
	task->link.prev = NULL;
}

/* Append a stack that was taken from loop->posted to the list, oldest first. */
static void
append_posted(struct fend_loop *loop, struct fend_link *top)
{
	struct fend_link *last = loop->tasks.prev;

	while (top) {
		struct fend_link *next = top->next;

		list_insert_after(last, top);
		top = next;
	}
}

static void
take_posted(struct fend_loop *loop)
{
	if (atomic_load_explicit(&loop->posted, memory_order_relaxed))
		append_posted(loop, atomic_exchange(&loop->posted, NULL));
}

FEND_PUBLIC int
fend_task_defer(struct fend_loop *loop, struct fend_task *task)
{
	int r = fend__loop_check(loop);

	if (r < 0)
		return r;
	if (!task || !task->fn)
		return -EINVAL;
	if (!claim(task))
		return -EALREADY;
	/* What this thread has posted before comes first. */
	take_posted(loop);
	set_loop(task, loop);
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
	/*
	 * Do not claim it for a loop that is gone, not even for a moment, which somebody who posts
	 * it elsewhere would notice. If it is claimed, the loop's end may have it in its hands.
	 */
	if (fend__tasks_closed(loop) && !is_claimed(task))
		return -ESHUTDOWN;
	if (!claim(task))
		return -EALREADY;
	set_loop(task, loop);
	top = atomic_load_explicit(&loop->posted, memory_order_relaxed);
	do {
		if (top == CLOSED) {
			release(task);
			return -ESHUTDOWN;
		}
		task->link.next = top;
	} while (!atomic_compare_exchange_weak(&loop->posted, &top, &task->link));
	fend__loop_wake(loop);
	return 0;
}

FEND_PUBLIC int
fend_task_cancel(struct fend_loop *loop, struct fend_task *task)
{
	int r = fend__loop_check(loop);

	/* In a child as well: what holds the task can then be freed, whatever becomes of the loop. */
	if (r < 0 && r != -ECHILD)
		return r;
	if (!task)
		return -EINVAL;
	take_posted(loop);
	if (!is_claimed(task))
		return 0;
	if (__atomic_load_n(&task->loop, __ATOMIC_RELAXED) != loop)
		return -EINVAL;
	if (!is_listed(task))
		return 0;
	unlist(task);
	release(task);
	return 1;
}

bool
fend__tasks_closed(struct fend_loop *loop)
{
	return atomic_load(&loop->posted) == CLOSED;
}

void
fend__tasks_run(struct fend_loop *loop)
{
	struct callback callback;

	take_posted(loop);
	list_take(&loop->running, &loop->tasks);
	while (!list_is_empty(&loop->running) && !fend__loop_is_over(loop)) {
		struct fend_task *task = task_of(loop->running.next);
		fend_task_fn *fn = task->fn;
		void *data = task->data;

		unlist(task);
		release(task);
		loop->stats.tasks++;
		callback_begin(loop, &callback, "task", NULL);
		fn(task, data);
		callback_end(loop, &callback);
	}
}

static void
forget(struct fend_link *list)
{
	while (!list_is_empty(list)) {
		struct fend_task *task = task_of(list->next);

		unlist(task);
		release(task);
	}
}

void
fend__tasks_close(struct fend_loop *loop)
{
	append_posted(loop, atomic_exchange(&loop->posted, CLOSED));
	forget(&loop->tasks);
	forget(&loop->running);
}
