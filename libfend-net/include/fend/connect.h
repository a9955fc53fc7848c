/* SPDX-License-Identifier: MIT */
#ifndef FEND_CONNECT_H
#define FEND_CONNECT_H

#include <stddef.h>

#include <fend/address.h>
#include <fend/cleanup.h>
#include <fend/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;
struct fend_socket;

/*
 * Connecting to one of several addresses: a race as RFC 8305 (Happy Eyeballs) describes it.
 *
 * Addresses may be added while it runs. Attempts begin one at a time, alternating between address
 * families in the order added: the next when the one before has failed, or when the attempt delay
 * has passed without a result. Those that run go on running; the first to succeed wins, and the
 * others are closed. Nothing is cut short but by the deadline. While descriptors or memory are too
 * scarce for one more attempt, those that run go on and the next waits for another attempt delay.
 */
struct fend_connect;

struct fend_connect_options {
	size_t size;             /* sizeof(struct fend_connect_options) */
	fend_time timeout;       /* for all of it; 0: 60 s */
	fend_time attempt_delay; /* 0: 250 ms; at least 10 ms, at most 2 s (RFC 8305, section 8) */
	unsigned attempts_max;   /* that run at the same time; 0: 6 */
	const struct fend_address *source; /* bind to it, for attempts of its family; NULL: no */
	const char *interface;             /* SO_BINDTODEVICE, but for Unix sockets; NULL: no */
	/*
	 * Called from the loop for each new socket before it connects, to set options; < 0 makes
	 * the attempt fail with that error. data is that of the connect. It may free neither the
	 * connect nor the socket.
	 */
	int (*prepare)(struct fend_socket *socket, const struct fend_address *address, void *data);
};

/*
 * Called exactly once, from the loop, unless the connect or the loop is freed before.
 *   err 0   socket is connected, and the callee's from now on
 *   err <0  socket is NULL. Of several failures the most telling one: -ECONNREFUSED, -ETIMEDOUT and
 *           the like rather than -ENETUNREACH or -EADDRNOTAVAIL, which only tell that a family is
 *           missing here; of equals the first.
 *             -ETIMEDOUT      the deadline has passed
 *             -EAGAIN         the backlog of a Unix socket is full
 *             -EADDRNOTAVAIL  fend_connect_last() was called and there was no address
 */
typedef void fend_connect_fn(struct fend_connect *connect, int err, struct fend_socket *socket,
			     void *data);

/*
 * Begin a race without addresses. Its time runs from here. options NULL: all defaults.
 *   -EINVAL  an attempt delay that RFC 8305 forbids, a timeout < 0 that is not FEND_FOREVER
 *   -ENODEV  the interface's name is too long for one
 */
int fend_connect_new(struct fend_loop *loop, const struct fend_connect_options *options,
		     fend_connect_fn *fn, void *data, struct fend_connect **ret_connect);

/*
 * Stop and free; sockets of attempts are closed, and fn is not called. NULL does nothing. Returns
 * NULL.
 */
struct fend_connect *fend_connect_free(struct fend_connect *connect);

/*
 * Add an address: one that is there already counts once. Legal until the callback.
 *   -EALREADY      the race has ended, or fend_connect_last() was called
 *   -EAFNOSUPPORT  neither AF_INET, AF_INET6 nor AF_UNIX
 */
int fend_connect_add(struct fend_connect *connect, const struct fend_address *address);

/*
 * No more addresses will come: when the last attempt fails, so does the race.
 *   -EALREADY  the race has ended, or this was called before
 */
int fend_connect_last(struct fend_connect *connect);

/*
 * Attach what feeds the race with addresses, such as a name lookup: stop(data) is called once, when
 * the race has ended or is freed, so that the feeder can be given up; when it has ended, before its
 * callback. It may not free the connect.
 *   -EBUSY     there is a feeder already
 *   -EALREADY  the race has ended
 */
typedef void fend_connect_stop_fn(void *data);
int fend_connect_set_feeder(struct fend_connect *connect, fend_connect_stop_fn *stop, void *data);

FEND_DEFINE_CLEANUP(fend_connect)

#ifdef __cplusplus
}
#endif

#endif
