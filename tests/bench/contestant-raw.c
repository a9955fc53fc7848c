/* SPDX-License-Identifier: MIT */
/*
 * The bare system calls: epoll with the callback in the event's pointer, an array heap of timers
 * with four children per node, and an eventfd with a locked list.
 */
#include "bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct entry {
	int64_t key;
	struct timer *timer;
};

struct loop {
	int epoll;
	struct entry *heap;
	size_t n, capacity;
	pthread_mutex_t lock;
	struct post *head, **tail;
	struct io *wakeup;
	int event;
	int stopped;
	int64_t time; /* of the last wait's end, or of the first look */
};

struct io {
	struct loop *loop;
	int fd;
	void (*fn)(void *data);
	void *data;
};

struct timer {
	struct loop *loop;
	void (*fn)(void *data);
	void *data;
	size_t index; /* + 1; 0: not armed */
};

struct post {
	struct loop *loop;
	void (*fn)(void *data);
	void *data;
	struct post *next;
};

static const char *
version(void)
{
	return "";
}

static void *
io_new(void *pointer, int fd, void (*fn)(void *data), void *data)
{
	struct loop *loop = pointer;
	struct io *io = malloc(sizeof(*io));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = io };

	*io = (struct io){ loop, fd, fn, data };
	epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
	return io;
}

static void
io_free(void *pointer)
{
	struct io *io = pointer;

	epoll_ctl(io->loop->epoll, EPOLL_CTL_DEL, io->fd, NULL);
	free(io);
}

static void
take_posts(void *pointer)
{
	struct loop *loop = pointer;
	struct post *post;
	uint64_t count;

	if (read(loop->event, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&loop->lock);
	post = loop->head;
	loop->head = NULL;
	loop->tail = &loop->head;
	pthread_mutex_unlock(&loop->lock);
	while (post) {
		struct post *next = post->next;

		post->fn(post->data);
		post = next;
	}
}

static void *
loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	pthread_mutex_init(&loop->lock, NULL);
	loop->tail = &loop->head;
	loop->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->wakeup = io_new(loop, loop->event, take_posts, loop);
	return loop;
}

static void
loop_free(void *pointer)
{
	struct loop *loop = pointer;

	io_free(loop->wakeup);
	close(loop->event);
	close(loop->epoll);
	free(loop->heap);
	free(loop);
}

static int64_t
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void
place(struct loop *loop, size_t i, struct entry entry)
{
	loop->heap[i] = entry;
	entry.timer->index = i + 1;
}

static void
up(struct loop *loop, size_t i, struct entry entry)
{
	while (i > 0 && entry.key < loop->heap[(i - 1) / 4].key) {
		place(loop, i, loop->heap[(i - 1) / 4]);
		i = (i - 1) / 4;
	}
	place(loop, i, entry);
}

static void
down(struct loop *loop, size_t i, struct entry entry)
{
	for (;;) {
		size_t child = i * 4 + 1, least = child, end = child + 4;

		if (child >= loop->n)
			break;
		if (end > loop->n)
			end = loop->n;
		while (++child < end)
			if (loop->heap[child].key < loop->heap[least].key)
				least = child;
		if (loop->heap[least].key >= entry.key)
			break;
		place(loop, i, loop->heap[least]);
		i = least;
	}
	place(loop, i, entry);
}

static void
timer_stop(void *pointer)
{
	struct timer *timer = pointer;
	struct loop *loop = timer->loop;
	size_t i = timer->index - 1;
	struct entry last;

	if (!timer->index)
		return;
	timer->index = 0;
	last = loop->heap[--loop->n];
	if (i == loop->n)
		return;
	if (i > 0 && last.key < loop->heap[(i - 1) / 4].key)
		up(loop, i, last);
	else
		down(loop, i, last);
}

static void
timer_arm_at(struct timer *timer, int64_t when)
{
	struct loop *loop = timer->loop;
	struct entry entry = { when, timer };

	if (timer->index) {
		size_t i = timer->index - 1;

		if (entry.key < loop->heap[i].key)
			up(loop, i, entry);
		else
			down(loop, i, entry);
		return;
	}
	if (loop->n == loop->capacity) {
		loop->capacity = loop->capacity ? loop->capacity * 2 : 64;
		loop->heap = realloc(loop->heap, loop->capacity * sizeof(*loop->heap));
	}
	up(loop, loop->n++, entry);
}

static void
timer_arm(void *timer, int64_t delay_ns)
{
	timer_arm_at(timer, now() + delay_ns);
}

static void
timer_restart(void *pointer, int64_t delay_ns)
{
	struct timer *timer = pointer;

	if (!timer->loop->time)
		timer->loop->time = now();
	timer_arm_at(timer, timer->loop->time + delay_ns);
}

static void *
timer_new(void *loop, void (*fn)(void *data), void *data)
{
	struct timer *timer = malloc(sizeof(*timer));

	*timer = (struct timer){ loop, fn, data, 0 };
	return timer;
}

static void
timer_free(void *timer)
{
	timer_stop(timer);
	free(timer);
}

static void
iterate(void *pointer)
{
	struct loop *loop = pointer;
	struct epoll_event events[256];
	int i, n, ms = -1;

	if (loop->n > 0) {
		int64_t left = loop->heap[0].key - now();

		ms = left > 0 ? (int)((left + 999999) / 1000000) : 0;
	}
	n = epoll_wait(loop->epoll, events, 256, ms);
	for (i = 0; i < n; i++) {
		struct io *io = events[i].data.ptr;

		io->fn(io->data);
	}
	if (loop->n > 0) {
		loop->time = now();
		while (loop->n > 0 && loop->heap[0].key <= loop->time) {
			struct timer *timer = loop->heap[0].timer;

			timer_stop(timer);
			timer->fn(timer->data);
		}
	}
}

static void
run(void *pointer)
{
	struct loop *loop = pointer;

	loop->stopped = 0;
	while (!loop->stopped)
		iterate(loop);
}

static void
stop(void *loop)
{
	((struct loop *)loop)->stopped = 1;
}

static void *
post_new(void *loop, void (*fn)(void *data), void *data)
{
	struct post *post = malloc(sizeof(*post));

	*post = (struct post){ loop, fn, data, NULL };
	return post;
}

static void
post_it(void *pointer)
{
	static const uint64_t one = 1;
	struct post *post = pointer;
	struct loop *loop = post->loop;
	int first;

	post->next = NULL;
	pthread_mutex_lock(&loop->lock);
	first = !loop->head;
	*loop->tail = post;
	loop->tail = &post->next;
	pthread_mutex_unlock(&loop->lock);
	if (first && write(loop->event, &one, sizeof(one)) < 0)
		abort();
}

const struct contestant bench_contestant = {
	.name = "raw",
	.version = version,
	.loop_new = loop_new,
	.loop_free = loop_free,
	.run = run,
	.stop = stop,
	.iterate = iterate,
	.io_new = io_new,
	.io_free = io_free,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_arm = timer_arm,
	.timer_restart = timer_restart,
	.timer_stop = timer_stop,
	.post_new = post_new,
	.post_free = free,
	.post = post_it,
};
