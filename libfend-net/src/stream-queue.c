/* SPDX-License-Identifier: MIT */
/*
 * The streams of a loop with something to do that no event will tell of. One task runs them all, in
 * the order in which they came; those that come meanwhile have to wait for the next iteration.
 *
 * A stream has one link, so it cannot leave the queue in between: when it is freed, its memory
 * stays until its turn, or until none is left that is to be run.
 */
#include "stream.h"

static struct fend_stream *
take_first(struct stream_pool *pool, struct fend_stream **list)
{
	struct fend_stream *stream = *list;

	*list = stream->next;
	stream->next = NULL;
	stream->queued = false;
	if (stream->socket)
		pool->n_queued--;
	return stream;
}

static void
drop(struct stream_pool *pool, struct fend_stream **list)
{
	while (*list) {
		struct fend_stream *stream = take_first(pool, list);

		if (!stream->socket)
			fend__stream_release(stream);
	}
}

static void
run(struct stream_pool *pool)
{
	struct fend_loop *loop = pool->loop;

	pool->turn = pool->first;
	pool->first = NULL;
	/* The loop may go in any of them, or this be a child of its process afterwards. */
	while (pool->turn && fend__loop_is_usable(loop)) {
		struct fend_stream *stream = take_first(pool, &pool->turn);

		if (stream->socket)
			fend__stream_run(stream, 0);
		else
			fend__stream_release(stream);
	}
}

static void
on_task(struct fend_task *task, void *data)
{
	struct stream_pool *pool = data;

	pool->refs++;
	run(pool);
	fend__stream_pool_unref(pool);
}

void
fend__stream_queue(struct fend_stream *stream)
{
	struct stream_pool *pool = fend__stream_pool(stream);

	if (stream->queued || !pool->loop)
		return;
	stream->queued = true;
	if (pool->first)
		pool->last->next = stream;
	else
		pool->first = stream;
	pool->last = stream;
	pool->n_queued++;
	fend_task_defer(pool->loop, &pool->task);
}

void
fend__stream_queue_init(struct stream_pool *pool)
{
	pool->task.fn = on_task;
	pool->task.data = pool;
}

void
fend__stream_queue_empty(struct stream_pool *pool)
{
	drop(pool, &pool->turn);
	drop(pool, &pool->first);
	fend_task_cancel(pool->loop, &pool->task);
}

void
fend__stream_unqueue(struct fend_stream *stream)
{
	struct stream_pool *pool = fend__stream_pool(stream);

	if (--pool->n_queued == 0)
		fend__stream_queue_empty(pool);
}
