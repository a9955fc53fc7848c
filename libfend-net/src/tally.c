/* SPDX-License-Identifier: MIT */
/*
 * A listener's count of the connections it has accepted and that have not been freed.
 *
 * Each connection's socket refers to the tally, and so does the listener, in whatever order they
 * are freed. Sockets that no call has named a loop for may be freed on other threads: the lock
 * covers everything, and the listener is told by a task that is posted. It has left the tally
 * before its loop's reference is given back, so nobody posts to a loop that might be gone.
 *
 * A child after fork(2) does not lock, since another thread of the parent may hold the lock for
 * ever there. It has one thread, and only frees.
 */
#include "listener.h"

#include <pthread.h>

#include <fend-internal/kernel.h>

struct tally {
	struct fend__on_free on_free;
	pthread_mutex_t lock;
	unsigned process;
	unsigned refs;
	unsigned connections;
	bool notify;
	struct fend_loop *loop; /* NULL: the listener has left */
	struct fend_task task;
};

static void
lock(struct tally *tally)
{
	if (tally->process == fend__process())
		pthread_mutex_lock(&tally->lock);
}

static void
unlock(struct tally *tally)
{
	if (tally->process == fend__process())
		pthread_mutex_unlock(&tally->lock);
}

/* Locked; unlocks. */
static void
unref(struct tally *tally)
{
	bool last = --tally->refs == 0;

	unlock(tally);
	if (!last)
		return;
	pthread_mutex_destroy(&tally->lock);
	fend__release(tally);
}

void
fend__tally_leave(struct tally *tally)
{
	struct fend_loop *loop;

	if (!tally)
		return;
	lock(tally);
	loop = tally->loop;
	tally->loop = NULL;
	fend_task_cancel(loop, &tally->task);
	unref(tally);
	fend_loop_unref(loop);
}

static void
on_free(struct fend__on_free *on_free)
{
	struct tally *tally = fend__container_of(on_free, struct tally, on_free);

	lock(tally);
	tally->connections--;
	if (tally->loop && tally->notify)
		fend_task_post(tally->loop, &tally->task);
	unref(tally);
}

int
fend__tally_new(struct fend_loop *loop, fend_task_fn *fn, void *data, struct tally **ret_tally)
{
	struct tally *tally = fend__calloc(1, sizeof(*tally));

	if (!tally)
		return -ENOMEM;
	pthread_mutex_init(&tally->lock, NULL);
	tally->on_free.fn = on_free;
	tally->process = fend__process();
	tally->refs = 1;
	tally->loop = fend_loop_ref(loop);
	tally->task.fn = fn;
	tally->task.data = data;
	*ret_tally = tally;
	return 0;
}

void
fend__tally_add(struct tally *tally, struct fend_socket *socket)
{
	lock(tally);
	tally->refs++;
	tally->connections++;
	unlock(tally);
	fend__socket_on_free(socket, &tally->on_free);
}

unsigned
fend__tally_count(struct tally *tally)
{
	unsigned connections;

	lock(tally);
	connections = tally->connections;
	unlock(tally);
	return connections;
}

void
fend__tally_notify(struct tally *tally, bool notify)
{
	lock(tally);
	tally->notify = notify;
	unlock(tally);
}
