/* SPDX-License-Identifier: MIT */
/*
 * What threads may do to each other's loops: post, stop, hold references, while the loops come
 * and go.
 *
 * Each thread lives through many loops of its own. From inside them it sends notes to the others:
 * it raises the note's number, then posts the note's task. Whether that says 0 or -EALREADY, the
 * task must run later and see the number; only the end of a loop may lose it. In the end, with
 * loops that stay, every note must have been read up to its last number.
 */
#include <fend/core.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 4, NOTES = 8, LIVES = 200, TICKS = 40 };

#define check(condition)                                                          \
	do {                                                                      \
		if (!(condition)) {                                               \
			printf("not ok 1 - %s, line %d\n", #condition, __LINE__); \
			fflush(stdout);                                           \
			_exit(1);                                                 \
		}                                                                 \
	} while (0)

/* From one thread to another. */
struct note {
	struct fend_task task;
	atomic_ulong number; /* written before it is posted */
	unsigned long read;  /* by the thread that it is for */
};

static struct thread {
	pthread_t thread;
	pthread_mutex_t lock;
	struct fend_loop *loop;            /* a reference for the others, under the lock */
	struct note notes[THREADS][NOTES]; /* of this thread to the others */
	unsigned random;
	unsigned ticks; /* left, of this life */
	struct fend_loop *own;
} threads[THREADS];

static atomic_uint settled; /* threads that are in their last life and have said everything */

static unsigned
random_below(struct thread *thread, unsigned n)
{
	thread->random = thread->random * 1103515245 + 12345;
	return (thread->random >> 16) % n;
}

static void
on_note(struct fend_task *task, void *data)
{
	struct note *note = data;
	unsigned long number = atomic_load_explicit(&note->number, memory_order_relaxed);

	/* Each run tells of something that was written since, or at least of nothing older. */
	check(number >= note->read);
	note->read = number;
}

/* Take a reference to another thread's loop, whichever it has at the moment. */
static struct fend_loop *
borrow(struct thread *other)
{
	struct fend_loop *loop;

	pthread_mutex_lock(&other->lock);
	loop = fend_loop_ref(other->loop);
	pthread_mutex_unlock(&other->lock);
	return loop;
}

static void
lend(struct thread *thread, struct fend_loop *loop)
{
	struct fend_loop *old;

	pthread_mutex_lock(&thread->lock);
	old = thread->loop;
	thread->loop = fend_loop_ref(loop);
	pthread_mutex_unlock(&thread->lock);
	fend_loop_unref(old);
}

/* A note is one loop's at a time; if it is queued on one that ends it comes back by itself. */
static void
send_note(struct thread *thread, unsigned to, unsigned index)
{
	struct note *note = &thread->notes[to][index];
	struct fend_loop *loop = borrow(&threads[to]);
	int r;

	if (!loop)
		return;
	atomic_fetch_add_explicit(&note->number, 1, memory_order_relaxed);
	r = fend_task_post(loop, &note->task);
	check(r == 0 || r == -EALREADY || r == -ESHUTDOWN);
	fend_loop_unref(loop);
}

static void
disturb(struct thread *thread)
{
	struct fend_loop *loop = borrow(&threads[random_below(thread, THREADS)]);
	int r;

	if (!loop)
		return;
	r = fend_loop_stop(loop, 1);
	check(r == 0 || r == -ESHUTDOWN);
	fend_loop_unref(loop);
}

static void
on_tick(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct thread *thread = data;
	unsigned i;

	for (i = 0; i < 4; i++)
		send_note(thread, random_below(thread, THREADS), random_below(thread, NOTES));
	if (random_below(thread, 8) == 0)
		disturb(thread);
	if (--thread->ticks == 0)
		check(fend_loop_stop(thread->own, 0) == 0);
	fend_timer_after(timer, random_below(thread, 2) ? 0 : FEND_US(20));
}

/* Whatever stops it, a life goes on until its ticks are over, or now and then ends early. */
static void
live(struct thread *thread, unsigned ticks)
{
	struct fend_timer *timer;
	int code;

	check(fend_loop_new(NULL, &thread->own) == 0);
	check(fend_timer_new(thread->own, on_tick, thread, &timer) == 0);
	lend(thread, thread->own);
	thread->ticks = ticks;
	fend_timer_after(timer, 0);
	do
		check(fend_loop_run(thread->own, &code) == 0);
	while (thread->ticks > 0 && random_below(thread, 4) > 0);
	fend_timer_free(timer);
	fend_loop_free(thread->own);
}

static void
on_check(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct thread *thread = data;
	unsigned from, i;

	/* Until all have sent their last notes, and these were read here. */
	fend_timer_after(timer, FEND_MS(1));
	if (atomic_load(&settled) < THREADS)
		return;
	for (from = 0; from < THREADS; from++) {
		for (i = 0; i < NOTES; i++) {
			struct note *note = &threads[from].notes[thread - threads][i];

			if (note->read != atomic_load(&note->number))
				return;
		}
	}
	fend_loop_stop(thread->own, 2);
}

static void
live_last(struct thread *thread, pthread_barrier_t *barrier)
{
	struct fend_timer *timer;
	unsigned to, i;
	int code;

	check(fend_loop_new(NULL, &thread->own) == 0);
	check(fend_timer_new(thread->own, on_check, thread, &timer) == 0);
	lend(thread, thread->own);
	pthread_barrier_wait(barrier);
	for (to = 0; to < THREADS; to++)
		for (i = 0; i < NOTES; i++)
			send_note(thread, to, i);
	atomic_fetch_add(&settled, 1);
	fend_timer_after(timer, 0);
	do
		check(fend_loop_run(thread->own, &code) == 0);
	while (code != 2);
	fend_timer_free(timer);
	pthread_barrier_wait(barrier);
	lend(thread, NULL);
	fend_loop_free(thread->own);
}

static pthread_barrier_t barrier;

static void *
run(void *data)
{
	struct thread *thread = data;
	int i;

	for (i = 0; i < LIVES; i++)
		live(thread, 1 + random_below(thread, TICKS));
	live_last(thread, &barrier);
	return NULL;
}

static void
thread_init(struct thread *thread, unsigned number)
{
	unsigned to, i;

	thread->random = number;
	pthread_mutex_init(&thread->lock, NULL);
	for (to = 0; to < THREADS; to++) {
		for (i = 0; i < NOTES; i++) {
			struct note *note = &thread->notes[to][i];

			note->task.fn = on_note;
			note->task.data = note;
		}
	}
}

int
main(void)
{
	unsigned i;

	puts("1..1");
	/* Should they wait for each other for ever, this ends it. */
	alarm(600);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		thread_init(&threads[i], i);
	for (i = 0; i < THREADS; i++)
		check(pthread_create(&threads[i].thread, NULL, run, &threads[i]) == 0);
	for (i = 0; i < THREADS; i++)
		check(pthread_join(threads[i].thread, NULL) == 0);
	puts("ok 1 - threads");
	return 0;
}
