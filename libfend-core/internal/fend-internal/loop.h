/* SPDX-License-Identifier: MIT */
#ifndef FEND_INTERNAL_LOOP_H
#define FEND_INTERNAL_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>

#include <fend/loop.h>
#include <fend/time.h>

/*
 * What core lends to the libraries above for objects that live on a loop.
 *
 * Each such object takes a hold when it is made and drops it when it is freed: the loop's memory
 * then outlives fend_loop_free(), and asking fend__loop_check() stays safe.
 */
struct fend_loop *fend__loop_hold(struct fend_loop *loop);
struct fend_loop *fend__loop_drop(struct fend_loop *loop); /* returns NULL */

/*
 * 0, -ESHUTDOWN after fend_loop_free(), -ECHILD in a child after fork, -EINVAL for NULL. First
 * thing in each call on an object of the loop.
 */
int fend__loop_check(const struct fend_loop *loop);

/*
 * A number that differs between a process and its children; costs a load. _init, which
 * fend_loop_new() calls, makes that so from now on.
 */
unsigned fend__process(void);
void fend__process_init(void);
/* For who cannot afford the call: that number, or 0, which a child finds until it has called. */
extern atomic_uint *fend__process_number;

/* Is this a child of the process that had this number? */
static inline bool
fend__process_is_not(unsigned process)
{
	return atomic_load_explicit(fend__process_number, memory_order_relaxed) != process;
}

/* Would fend__loop_check() of a loop return 0? A loop begins with the number it goes by. */
static inline bool
fend__loop_is_usable(const struct fend_loop *loop)
{
	return !fend__process_is_not(*(const unsigned *)(const void *)loop);
}

/*
 * Attach a library's per-loop object (such as its default resolver) under a key, the address of
 * some static variable of that library. fend_loop_free() detaches each, newest first, and calls
 * its free function while the objects of the loop still work. -EEXIST, -ENOMEM.
 */
typedef void fend__attachment_free_fn(void *object);
int fend__loop_attach(struct fend_loop *loop, const void *key, void *object,
		      fend__attachment_free_fn *free);
/* The attached object; NULL if there is none. */
void *fend__loop_attached(const struct fend_loop *loop, const void *key);

#endif
