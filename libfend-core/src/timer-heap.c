/* SPDX-License-Identifier: MIT */
#include "timer-heap.h"

#include <errno.h>

#include <fend-internal/kernel.h>

#include "timer.h"

#define ARITY 4

int
fend__timer_heap_reserve(struct timer_heap *heap)
{
	size_t capacity = heap->capacity ? heap->capacity * 2 : 16;
	struct timer_entry *grown;

	if (heap->timers < heap->capacity)
		return 0;
	grown = fend__resize(heap->entries, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	heap->entries = grown;
	heap->capacity = capacity;
	return 0;
}

static bool
before(const struct timer_entry *a, const struct timer_entry *b)
{
	return a->key < b->key || (a->key == b->key && a->timer->queued < b->timer->queued);
}

static void
place(struct timer_heap *heap, size_t index, struct timer_entry entry)
{
	heap->entries[index] = entry;
	entry.timer->index = index;
}

static void
sift_up(struct timer_heap *heap, size_t index, struct timer_entry entry)
{
	while (index > 0) {
		size_t parent = (index - 1) / ARITY;

		if (!before(&entry, &heap->entries[parent]))
			break;
		place(heap, index, heap->entries[parent]);
		index = parent;
	}
	place(heap, index, entry);
}

static void
sift_down(struct timer_heap *heap, size_t index, struct timer_entry entry)
{
	for (;;) {
		size_t child = index * ARITY + 1;
		size_t end = child + ARITY < heap->n ? child + ARITY : heap->n;
		size_t least = child;

		if (child >= heap->n)
			break;
		while (++child < end)
			if (before(&heap->entries[child], &heap->entries[least]))
				least = child;
		if (!before(&heap->entries[least], &entry))
			break;
		place(heap, index, heap->entries[least]);
		index = least;
	}
	place(heap, index, entry);
}

void
fend__timer_heap_put(struct timer_heap *heap, struct fend_timer *timer)
{
	struct timer_entry entry = { timer->when, timer };

	if (timer->index == TIMER_NOT_QUEUED) {
		timer->queued = timer->serial;
		sift_up(heap, heap->n++, entry);
	} else if (timer->when < heap->entries[timer->index].key) {
		timer->queued = timer->serial;
		sift_up(heap, timer->index, entry);
	}
}

void
fend__timer_heap_remove(struct timer_heap *heap, struct fend_timer *timer)
{
	size_t index = timer->index;
	struct timer_entry last;

	if (index == TIMER_NOT_QUEUED)
		return;
	timer->index = TIMER_NOT_QUEUED;
	last = heap->entries[--heap->n];
	if (index == heap->n)
		return;
	if (index > 0 && before(&last, &heap->entries[(index - 1) / ARITY]))
		sift_up(heap, index, last);
	else
		sift_down(heap, index, last);
}

struct fend_timer *
fend__timer_heap_top(struct timer_heap *heap)
{
	while (heap->n > 0) {
		struct fend_timer *timer = heap->entries[0].timer;

		if (timer->queued == timer->serial)
			return timer;
		timer->queued = timer->serial;
		sift_down(heap, 0, (struct timer_entry){ timer->when, timer });
	}
	return NULL;
}
