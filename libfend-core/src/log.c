/* SPDX-License-Identifier: MIT */
/* The one hook for what has no caller to return to, and its limit. */
#include <fend/log.h>

#include <stdarg.h>
#include <stdio.h>

#include <fend-internal/kernel.h>
#include <fend-internal/log.h>
#include <fend-internal/public.h>

#define INTERVAL FEND_SEC(1)
#define LINE_MAX_SIZE 512

static fend_log_fn *log_fn;
static void *log_data;

FEND_PUBLIC void
fend_set_log(fend_log_fn *fn, void *data)
{
	log_data = data;
	log_fn = fn;
}

FEND_PUBLIC void
fend__log(struct fend__log_limit *limit, const char *format, ...)
{
	char line[LINE_MAX_SIZE];
	fend_time now, next;
	unsigned left_out;
	va_list arguments;
	int length;

	if (!log_fn)
		return;
	now = fend__kernel->now();
	next = __atomic_load_n(&limit->next, __ATOMIC_RELAXED);
	if (now < next || !__atomic_compare_exchange_n(&limit->next, &next, now + INTERVAL, false,
						       __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(&limit->left_out, 1, __ATOMIC_RELAXED);
		return;
	}
	left_out = __atomic_exchange_n(&limit->left_out, 0, __ATOMIC_RELAXED);
	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (left_out > 0 && length >= 0 && length < LINE_MAX_SIZE)
		snprintf(line + length, sizeof(line) - (size_t)length, " (and %u more like it)",
			 left_out);
	log_fn(line, log_data);
}
