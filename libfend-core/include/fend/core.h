/* SPDX-License-Identifier: MIT */
#ifndef FEND_CORE_H
#define FEND_CORE_H

/* All of libfend-core. */
#include <fend/child.h>
#include <fend/error.h>
#include <fend/file.h>
#include <fend/hook.h>
#include <fend/io.h>
#include <fend/log.h>
#include <fend/loop.h>
#include <fend/memory.h>
#include <fend/signal.h>
#include <fend/stats.h>
#include <fend/task.h>
#include <fend/time.h>
#include <fend/timer.h>
#include <fend/version.h>

#endif
