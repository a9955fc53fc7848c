/* SPDX-License-Identifier: MIT */
/* Hooks: each is called once in every iteration, at its point, in the order they were made in. */
#include "world.h"

enum { HOOKS = 4 };

static struct hook {
	struct fend_hook *fend; /* NULL: none */
	struct loop *loop;
	enum part part;
	unsigned long serial;
	bool due; /* in this iteration */
} hooks[HOOKS];
static unsigned long serials;

static void
reset(void)
{
	int i;

	for (i = 0; i < HOOKS; i++)
		hooks[i] = (struct hook){ 0 };
	serials = 0;
}

static void
begin(struct loop *loop)
{
	int i;

	for (i = 0; i < HOOKS; i++)
		if (hooks[i].fend && hooks[i].loop == loop)
			hooks[i].due = true;
}

static void
check_all_called(struct loop *loop, enum part part)
{
	int i;

	for (i = 0; i < HOOKS; i++)
		check(!hooks[i].fend || hooks[i].loop != loop || hooks[i].part != part ||
			      !hooks[i].due,
		      "hook %d is not called", i);
}

static void
wait(struct loop *loop)
{
	check_all_called(loop, PART_BEFORE);
}

static void
end(struct loop *loop)
{
	check_all_called(loop, PART_AFTER);
}

static void
on_hook(struct fend_hook *fend, void *data)
{
	struct hook *hook = data;
	struct loop *loop = hook->loop;
	int i;

	check(hook->fend, "a freed hook is called");
	callback_begin(loop, hook->part);
	check(fend == hook->fend, "a hook is called with another's address");
	check(hook->due, "a hook is called twice, or in the iteration it was made in");
	for (i = 0; i < HOOKS; i++)
		check(!hooks[i].due || hooks[i].loop != loop || hooks[i].part != hook->part ||
			      hooks[i].serial >= hook->serial,
		      "hooks are called in another order");
	hook->due = false;
	callback_end(loop);
}

void
op_hook_new(void)
{
	struct loop *loop = loop_pick();
	bool before = pick(2);
	enum fend_hook_point point = before ? FEND_HOOK_BEFORE_WAIT : FEND_HOOK_AFTER_WAIT;
	struct hook *hook = NULL;
	int i;

	for (i = HOOKS - 1; i >= 0; i--)
		if (!hooks[i].fend)
			hook = &hooks[i];
	if (!loop || !hook)
		return;
	if (!CALL(loop_error(loop), fend_hook_new(loop->fend, point, on_hook, hook, &hook->fend)))
		return;
	hook->loop = loop;
	hook->part = before ? PART_BEFORE : PART_AFTER;
	hook->serial = ++serials;
	hook->due = false;
	loop_object_made(loop);
}

static void
release(struct hook *hook)
{
	struct loop *loop = hook->loop;

	if (!hook->fend)
		return;
	hook->fend = fend_hook_free(hook->fend);
	hook->due = false;
	check(!hook->fend, "fend_hook_free() returns something");
	loop_object_gone(loop);
}

void
op_hook_free(void)
{
	release(&hooks[pick(HOOKS)]);
}

static void
free_all(void)
{
	int i;

	for (i = 0; i < HOOKS; i++)
		release(&hooks[i]);
}

const struct kind hook_kind = {
	.reset = reset,
	.begin = begin,
	.wait = wait,
	.end = end,
	.free = free_all,
};
