/* SPDX-License-Identifier: MIT */
#include "timer-heap.h"

#include <errno.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "timer.h"

#define ARITY 4

static void
place(struct timer_heap *heap, size_t index, struct timer_entry entry)
{
	heap->entries[index] = entry;
	entry.timer->index = (uint32_t)index;
}

int
fend__timer_heap_reserve(struct timer_heap *heap)
{
	size_t capacity = heap->capacity ? heap->capacity * 2 : 16;
	struct timer_entry *grown;
	size_t i;

	if (heap->timers < heap->capacity)
		return 0;
	grown = capacity < TIMER_NOT_QUEUED ? fend__resize(heap->entries, capacity, sizeof(*grown))
					    : NULL;
	if (!grown)
		return -ENOMEM;
	heap->entries = grown;
	for (i = 1; i <= heap->late; i++)
		place(heap, capacity - i, grown[heap->capacity - i]);
	heap->capacity = capacity;
	return 0;
}

static bool
before(const struct timer_entry *a, const struct timer_entry *b)
{
	return a->key < b->key || (a->key == b->key && a->timer->queued < b->timer->queued);
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

static bool
is_late(const struct timer_heap *heap, const struct fend_timer *timer)
{
	return timer->index != TIMER_NOT_QUEUED && timer->index >= heap->capacity - heap->late;
}

static void
remove_late(struct timer_heap *heap, struct fend_timer *timer)
{
	size_t last = heap->capacity - heap->late--;

	if (timer->index != last)
		place(heap, timer->index, heap->entries[last]);
	timer->index = TIMER_NOT_QUEUED;
}

void
fend__timer_heap_put(struct timer_heap *heap, struct fend_timer *timer)
{
	struct timer_entry entry = { timer->when, timer };

	if (fend__unlikely(heap->late) && is_late(heap, timer))
		remove_late(heap, timer);
	if (timer->index == TIMER_NOT_QUEUED) {
		timer->queued = timer->serial;
		sift_up(heap, heap->n++, entry);
	} else if (timer->when < heap->entries[timer->index].key) {
		timer->queued = timer->serial;
		sift_up(heap, timer->index, entry);
	}
}

void
fend__timer_heap_put_late(struct timer_heap *heap, struct fend_timer *timer)
{
	fend__timer_heap_remove(heap, timer);
	heap->late++;
	place(heap, heap->capacity - heap->late, (struct timer_entry){ timer->when, timer });
}

void
fend__timer_heap_put_back(struct timer_heap *heap)
{
	while (heap->late > 0) {
		struct fend_timer *timer = heap->entries[heap->capacity - heap->late].timer;

		remove_late(heap, timer);
		fend__timer_heap_put(heap, timer);
	}
}

void
fend__timer_heap_remove(struct timer_heap *heap, struct fend_timer *timer)
{
	size_t index = timer->index;
	struct timer_entry last;

	if (index == TIMER_NOT_QUEUED)
		return;
	if (fend__unlikely(heap->late) && is_late(heap, timer)) {
		remove_late(heap, timer);
		return;
	}
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
