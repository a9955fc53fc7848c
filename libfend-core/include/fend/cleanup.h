/* SPDX-License-Identifier: MIT */
#ifndef FEND_CLEANUP_H
#define FEND_CLEANUP_H

/*
 * Helpers for the cleanup attribute of GCC and Clang: FEND_DEFINE_CLEANUP(fend_timer) makes
 * fend_timer_freep(), and
 *
 *	FEND_CLEANUP(fend_timer) struct fend_timer *timer = NULL;
 *
 * frees the timer when the variable goes out of scope. Every object with a _free has its helper,
 * made in that object's header. Where the compiler has no such attribute there are no helpers.
 */
#ifdef __GNUC__
#define FEND_CLEANUP(object) __attribute__((cleanup(object##_freep)))
#define FEND_DEFINE_CLEANUP(object)                                                        \
	static inline __attribute__((unused)) void object##_freep(struct object **pointer) \
	{                                                                                  \
		*pointer = object##_free(*pointer);                                        \
	}
#else
#define FEND_DEFINE_CLEANUP(object)
#endif

#endif
