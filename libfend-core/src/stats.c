/* SPDX-License-Identifier: MIT */
/* Counters and times of a loop. The counters are always kept; times only when they are asked for. */
#include <fend/stats.h>

#include <errno.h>
#include <string.h>

#include <fend-internal/log.h>
#include <fend-internal/public.h>

#include "callback.h"
#include "loop.h"

#define SLOW FEND_MS(100)

FEND_PUBLIC int
fend_loop_stats(const struct fend_loop *loop, struct fend_loop_stats *ret_stats)
{
	size_t size, known = sizeof(loop->stats);

	if (!loop || !ret_stats || ret_stats->size < sizeof(size))
		return -EINVAL;
	size = ret_stats->size;
	memset(ret_stats, 0, size);
	memcpy(ret_stats, &loop->stats, size < known ? size : known);
	ret_stats->size = size;
	return 0;
}

FEND_PUBLIC int
fend_loop_set_timing(struct fend_loop *loop, bool on, fend_time slow)
{
	int r = fend__loop_check(loop);

	if (r < 0)
		return r;
	if (slow < 0 && slow != FEND_FOREVER)
		return -EINVAL;
	loop->timing = on;
	loop->slow = slow ? slow : SLOW;
	return 0;
}

void
fend__callback_timed_begin(struct callback *callback, const char *name)
{
	size_t length = strnlen(name, sizeof(callback->name) - 1);

	memcpy(callback->name, name, length);
	callback->name[length] = '\0';
	callback->start = fend__kernel->now();
}

void
fend__callback_timed_end(struct fend_loop *loop, const struct callback *callback)
{
	static struct fend__log_limit limit;
	fend_time took = fend__kernel->now() - callback->start;

	loop->stats.busy += took;
	if (took > loop->stats.longest) {
		loop->stats.longest = took;
		memcpy(loop->stats.longest_name, callback->name, sizeof(callback->name));
	}
	if (loop->slow != FEND_FOREVER && took > loop->slow)
		fend__log(&limit, "callback of %s took %lld ms", callback->name,
			  (long long)(took / FEND_MS(1)));
}
