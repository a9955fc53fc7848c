/* SPDX-License-Identifier: MIT */
/*
 * Hooks: one list for each point of the iteration, in the order they were made in. A mark in the
 * list walks through it, so callbacks may make and free hooks.
 */
#include <fend/hook.h>

#include <errno.h>

#include <fend-internal/public.h>

#include "callback.h"

struct fend_hook {
	struct fend_loop *loop;
	fend_hook_fn *fn;
	void *data;
	uint64_t since; /* the first iteration that calls it */
	struct fend_link link;
};

FEND_PUBLIC int
fend_hook_new(struct fend_loop *loop, enum fend_hook_point point, fend_hook_fn *fn, void *data,
	      struct fend_hook **ret_hook)
{
	struct fend_hook *hook;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (!fn || !ret_hook || (point != FEND_HOOK_BEFORE_WAIT && point != FEND_HOOK_AFTER_WAIT))
		return -EINVAL;
	hook = fend__calloc(1, sizeof(*hook));
	if (!hook)
		return -ENOMEM;
	hook->loop = fend__loop_hold(loop);
	hook->fn = fn;
	hook->data = data;
	hook->since = loop->stats.iterations + 1;
	list_append(point == FEND_HOOK_BEFORE_WAIT ? &loop->before_wait : &loop->after_wait,
		    &hook->link);
	*ret_hook = hook;
	return 0;
}

FEND_PUBLIC struct fend_hook *
fend_hook_free(struct fend_hook *hook)
{
	if (!hook)
		return NULL;
	list_remove(&hook->link);
	fend__loop_drop(hook->loop);
	return fend__release(hook);
}

void
fend__hooks_run(struct fend_loop *loop, struct fend_link *hooks)
{
	struct callback callback;
	struct fend_link *mark = &loop->hook_mark;

	list_insert_after(hooks, mark);
	while (mark->next != hooks && !fend__loop_is_over(loop)) {
		struct fend_link *link = mark->next;
		struct fend_hook *hook = fend__container_of(link, struct fend_hook, link);

		list_remove(mark);
		list_insert_after(link, mark);
		if (hook->since > loop->stats.iterations)
			continue;
		callback_begin(loop, &callback, "hook", NULL);
		hook->fn(hook, hook->data);
		callback_end(loop, &callback);
	}
	list_remove(mark);
}
