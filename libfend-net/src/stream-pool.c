/* SPDX-License-Identifier: MIT */
#include "stream-pool.h"

#include <errno.h>

#define SCRATCH (64U << 10)

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

	pool->process = STREAM_POOL_CLOSED;
	fend__stream_pool_unref(pool);
}

static struct stream_pool *
make(void)
{
	struct stream_pool *pool = fend__calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->scratch = fend__stream_buffer_reserve(NULL, SCRATCH, 0);
	if (!pool->scratch)
		return fend__release(pool);
	pool->scratch->shared = true;
	pool->process = fend__process();
	pool->refs = 1;
	return pool;
}

int
fend__stream_pool_ref(struct fend_loop *loop, struct stream_pool **ret_pool)
{
	struct stream_pool *pool = fend__loop_attached(loop, &key);

	if (!pool) {
		pool = make();
		if (!pool)
			return -ENOMEM;
		if (fend__loop_attach(loop, &key, pool, leave_loop) < 0) {
			fend__stream_pool_unref(pool);
			return -ENOMEM;
		}
	}
	pool->refs++;
	*ret_pool = pool;
	return 0;
}
