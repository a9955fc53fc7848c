/* SPDX-License-Identifier: MIT */
/*
 * Operations. When one is over it queues its task, and that calls the user: never the function that
 * started it, and never from below c-ares. Only the deadline's timer calls the user as well, in
 * place of the task.
 */
#include "operation.h"

#include <errno.h>

#include <fend/error.h>
#include <fend/timer.h>

#include <fend-internal/deadline.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>

#include "detail.h"

static bool
is_inert(const struct operation *operation)
{
	return fend__resolver_is_freed(operation->resolver);
}

static void
tell(struct operation *operation)
{
	operation->told = true;
	operation->tell(operation);
}

static void
on_task(struct fend_task *task, void *data)
{
	struct operation *operation = data;

	if (!is_inert(operation))
		tell(operation);
}

static void
stop(struct operation *operation)
{
	fend_timer_stop(operation->timer);
	fend__asker_cancel(&operation->asker);
	fend__resolver_leave(&operation->tenant);
}

static void
on_deadline(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct operation *operation = data;

	if (is_inert(operation))
		return;
	operation->err = -ETIMEDOUT;
	operation->detail = fend__silence_describe(fend__channel_config(operation->tenant.channel),
						   operation->name, operation->type);
	stop(operation);
	tell(operation);
}

static void
on_answer(struct asker *asker, const struct answer *answer)
{
	struct operation *operation = fend__container_of(asker, struct operation, asker);

	if (answer->err < 0 && !operation->detail)
		operation->detail =
			fend__answer_describe(answer,
					      fend__channel_config(operation->tenant.channel),
					      operation->name, operation->type);
	operation->on_answer(operation, answer);
}

int
fend__operation_begin(struct operation *operation, struct fend_loop *loop,
		      struct fend_resolver *resolver, fend_time timeout)
{
	int r;

	if (resolver)
		loop = fend__resolver_loop(resolver);
	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (!fend__timeout_valid(timeout))
		return -EINVAL;
	if (!resolver)
		r = fend__resolver_default(loop, &resolver);
	if (r < 0)
		return r;
	operation->loop = fend__loop_hold(loop);
	operation->resolver = fend__resolver_hold(resolver);
	operation->task = (struct fend_task){ .fn = on_task, .data = operation };
	operation->asker.fn = on_answer;
	if (timeout == FEND_FOREVER)
		return 0;
	r = fend_timer_new(loop, on_deadline, operation, &operation->timer);
	if (r == 0)
		fend_timer_after(operation->timer, timeout);
	return r;
}

void
fend__operation_ask(struct operation *operation, const char *name, int type)
{
	int r;

	operation->name = name;
	operation->type = type;
	if (!operation->tenant.channel)
		fend__resolver_enter(operation->resolver, &operation->tenant);
	r = fend__channel_ask(operation->tenant.channel, name, type, &operation->asker);
	if (r < 0)
		fend__operation_end(operation, FEND_EAI_MEMORY);
}

void
fend__operation_end(struct operation *operation, int err)
{
	operation->err = err;
	stop(operation);
	fend_task_defer(operation->loop, &operation->task);
}

const char *
fend__operation_detail(const struct operation *operation)
{
	return operation->told && operation->err < 0 ? operation->detail : NULL;
}

void
fend__operation_fini(struct operation *operation)
{
	fend_timer_free(operation->timer);
	fend__asker_cancel(&operation->asker);
	fend__resolver_leave(&operation->tenant);
	fend__release(operation->detail);
	if (operation->resolver)
		fend__resolver_drop(operation->resolver);
	if (operation->loop) {
		fend_task_cancel(operation->loop, &operation->task);
		fend__loop_drop(operation->loop);
	}
}
