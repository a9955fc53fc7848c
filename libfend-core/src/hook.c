/* SPDX-License-Identifier: MIT */
/* Hooks: one list for each point of the iteration, walked as list.h says. */
#include <fend/hook.h>

#include <errno.h>

#include <fend-internal/public.h>

#include "callback.h"

struct fend_hook {
	struct fend_loop *loop;
	fend_hook_fn *fn;
	void *data;
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
	struct fend_link batch;

	list_init(&batch);
	list_take(&batch, hooks);
	while (!list_is_empty(&batch)) {
		struct fend_hook *hook = fend__container_of(batch.next, struct fend_hook, link);

		list_remove(&hook->link);
		list_append(hooks, &hook->link);
		if (fend__loop_is_over(loop))
			continue;
		callback_begin(loop, &callback, "hook", NULL);
		hook->fn(hook, hook->data);
		callback_end(loop, &callback);
	}
}
