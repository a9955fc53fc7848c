/* SPDX-License-Identifier: MIT */
#include "stream-pool.h"

#include <errno.h>

#include <fend-internal/list.h>
#include <fend-internal/loop.h>

#define SCRATCH (64U << 10)

/* A program has few kinds of streams. One that has many does not pay for finding each. */
#define KINDS_LOOKED_AT 8

/* Its address is the key of the loop's pool. */
static char key;

void
fend__stream_pool_unref(struct stream_pool *pool)
{
	if (--pool->refs > 0)
		return;
	fend__release(pool->scratch);
	fend__release(pool->spare);
	fend__release(pool);
}

static void
leave_loop(void *object)
{
	struct stream_pool *pool = object;

	fend__stream_queue_empty(pool);
	pool->loop = NULL;
	fend__stream_pool_unref(pool);
}

static struct stream_pool *
make_pool(struct fend_loop *loop)
{
	struct stream_pool *pool = fend__calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->scratch = fend__stream_buffer_reserve(NULL, SCRATCH, 0);
	if (!pool->scratch)
		return fend__release(pool);
	pool->scratch->shared = true;
	pool->loop = loop;
	pool->refs = 1;
	list_init(&pool->kinds);
	fend__stream_queue_init(pool);
	return pool;
}

/* That of loop, made at the first call. -ENOMEM */
static int
find_pool(struct fend_loop *loop, struct stream_pool **ret_pool)
{
	struct stream_pool *pool = fend__loop_attached(loop, &key);

	if (!pool) {
		pool = make_pool(loop);
		if (!pool)
			return -ENOMEM;
		if (fend__loop_attach(loop, &key, pool, leave_loop) < 0) {
			fend__stream_pool_unref(pool);
			return -ENOMEM;
		}
	}
	*ret_pool = pool;
	return 0;
}

static bool
is_like(const struct stream_kind *kind, const struct fend_stream_callbacks *callbacks,
	const struct stream_limits *limits)
{
	return kind->callbacks.readable == callbacks->readable &&
	       kind->callbacks.drained == callbacks->drained &&
	       kind->callbacks.closed == callbacks->closed &&
	       kind->limits.input_max == limits->input_max &&
	       kind->limits.output_low == limits->output_low &&
	       kind->limits.output_high == limits->output_high &&
	       kind->limits.output_max == limits->output_max;
}

static struct stream_kind *
find_kind(struct stream_pool *pool, const struct fend_stream_callbacks *callbacks,
	  const struct stream_limits *limits)
{
	struct fend_link *link = pool->kinds.next;
	int n;

	for (n = 0; n < KINDS_LOOKED_AT && link != &pool->kinds; n++, link = link->next) {
		struct stream_kind *kind = fend__container_of(link, struct stream_kind, link);

		if (is_like(kind, callbacks, limits))
			return kind;
	}
	return NULL;
}

static struct stream_kind *
make_kind(struct stream_pool *pool, const struct fend__holder_ops *ops,
	  const struct fend_stream_callbacks *callbacks, const struct stream_limits *limits)
{
	struct stream_kind *kind = fend__calloc(1, sizeof(*kind));

	if (!kind)
		return NULL;
	kind->ops = *ops;
	kind->callbacks = *callbacks;
	kind->limits = *limits;
	kind->pool = pool;
	pool->refs++;
	list_init(&kind->link);
	return kind;
}

int
fend__stream_kind_ref(struct fend_loop *loop, const struct fend__holder_ops *ops,
		      const struct fend_stream_callbacks *callbacks,
		      const struct stream_limits *limits, struct stream_kind **ret_kind)
{
	struct stream_pool *pool;
	struct stream_kind *kind;
	int r;

	r = find_pool(loop, &pool);
	if (r < 0)
		return r;
	kind = find_kind(pool, callbacks, limits);
	if (!kind)
		kind = make_kind(pool, ops, callbacks, limits);
	if (!kind)
		return -ENOMEM;
	list_remove(&kind->link);
	list_insert_after(&pool->kinds, &kind->link);
	kind->refs++;
	*ret_kind = kind;
	return 0;
}

void
fend__stream_kind_unref(struct stream_kind *kind)
{
	if (--kind->refs > 0)
		return;
	list_remove(&kind->link);
	fend__stream_pool_unref(kind->pool);
	fend__release(kind);
}
