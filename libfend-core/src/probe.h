/* SPDX-License-Identifier: MIT */
#ifndef FEND_PROBE_H
#define FEND_PROBE_H

#include "config.h"

/*
 * Static tracepoints (USDT): a nop each until a tracer is attached. docs/tracing.md shows them at
 * work.
 */
#ifdef HAVE_SYS_SDT_H
#include <sys/sdt.h>
#define FEND_PROBE_ITERATION(loop, ready) DTRACE_PROBE2(fend, iteration, loop, ready)
#define FEND_PROBE_CALLBACK_BEGIN(loop, kind, name) \
	DTRACE_PROBE3(fend, callback_begin, loop, kind, name)
#define FEND_PROBE_CALLBACK_END(loop) DTRACE_PROBE1(fend, callback_end, loop)
#else
#define FEND_PROBE_ITERATION(loop, ready) ((void)0)
#define FEND_PROBE_CALLBACK_BEGIN(loop, kind, name) ((void)0)
#define FEND_PROBE_CALLBACK_END(loop) ((void)0)
#endif

#endif
