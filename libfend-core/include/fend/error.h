/* SPDX-License-Identifier: MIT */
#ifndef FEND_ERROR_H
#define FEND_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * fend's functions return an int or ssize_t: 0 or more on success, a negative error otherwise, and
 * they promise nothing about errno. A negative error is
 *   - -errno, with the names of errno(3): -EINVAL, -EAGAIN, -ETIMEDOUT, ...
 *   - or one of the FEND_EAI_ codes below: the EAI_ errors of getaddrinfo(3), moved below -3000,
 *     because as they stand they collide with errno's.
 * Errors a caller will meet everywhere and that no header repeats:
 *   -EINVAL     a caller's mistake: a NULL where an object is needed, an option out of range
 *   -E2BIG      options set a field that this version of fend does not know
 *   -ENOMEM     no memory; nothing was changed
 *   -ESHUTDOWN  the loop of this object was freed
 *   -ECHILD     the object was inherited over fork(2): it can only be freed
 */

/* What looking up names may return besides. */
enum {
	FEND_EAI_BADFLAGS = -3001,   /* hints contradict each other or hold an unknown flag */
	FEND_EAI_NONAME = -3002,     /* the name does not exist */
	FEND_EAI_AGAIN = -3003,      /* no server could tell now; trying later may help */
	FEND_EAI_FAIL = -3004,       /* a server answered, but not usefully */
	FEND_EAI_NODATA = -3005,     /* the name exists, but has no address of that family */
	FEND_EAI_FAMILY = -3006,     /* address family not supported */
	FEND_EAI_SOCKTYPE = -3007,   /* socket type or protocol not supported */
	FEND_EAI_SERVICE = -3008,    /* service unknown for this socket type */
	FEND_EAI_ADDRFAMILY = -3009, /* the literal is of another family than asked for */
	FEND_EAI_MEMORY = -3010,     /* the resolver had no memory */
	FEND_EAI_SYSTEM = -3011,     /* a system call failed and there is no better code */
	FEND_EAI_OVERFLOW = -3012,   /* name or service longer than the protocol can carry */
	FEND_EAI_IDN_ENCODE = -3105, /* a name that is not ASCII could not be encoded */
};

/*
 * The text of a return value: of a negative error, of a positive errno just as well, and of 0.
 * Never NULL, never empty, one line without a full stop, in English, and a constant: it is valid
 * for ever. An unknown value gives "unknown error". [any thread, async-signal-safe]
 */
const char *fend_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
