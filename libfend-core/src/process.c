/* SPDX-License-Identifier: MIT */
/*
 * Telling a process from its children without a system call each time.
 *
 * The number of the process is kept in a page that the kernel hands to a child zeroed
 * (madvise(2), MADV_WIPEONFORK); where it cannot, a pthread_atfork(3) handler zeroes a variable
 * instead. Who finds 0 gives the process the next number. Both the asking and the renumbering are
 * async-signal-safe; only fend__process_init(), which every loop_new calls, is not.
 */
#include "process.h"

#include <pthread.h>
#include <stdatomic.h>

#include <fend-internal/kernel.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>

static atomic_uint fallback = 1;
FEND_PUBLIC atomic_uint *fend__process_number = &fallback;
static atomic_uint last = 1;

static void
forget(void)
{
	atomic_store(&fallback, 0);
}

static void
init(void)
{
	void *page;

	if (fend__kernel->wiped_page(&page) == 0) {
		atomic_uint *wiped = page;

		atomic_init(wiped, atomic_load(&fallback));
		fend__process_number = wiped;
	} else {
		pthread_atfork(NULL, NULL, forget);
	}
}

FEND_PUBLIC void
fend__process_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init);
}

static unsigned
renumber(void)
{
	/* Taken before it counts: whoever forks once it does has children that find it taken. */
	unsigned next = atomic_fetch_add(&last, 1) + 1;
	unsigned zero = 0;

	/* Of threads that come here at once the first decides. */
	return atomic_compare_exchange_strong(fend__process_number, &zero, next) ? next : zero;
}

FEND_PUBLIC unsigned
fend__process(void)
{
	unsigned now = atomic_load_explicit(fend__process_number, memory_order_relaxed);

	return fend__likely(now) ? now : renumber();
}
