/* SPDX-License-Identifier: MIT */
#ifndef FEND_SOCKETS_H
#define FEND_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include <fend/io.h>
#include <fend/time.h>

struct pollfd;
struct open_socket;

/* The sockets that c-ares has open for one resolver. */
struct sockets {
	struct fend_loop *loop; /* NULL: only fend__sockets_poll() looks at them */
	fend_io_fn *fn;         /* what the loop calls when one is ready */
	void *data;
	bool may_keep; /* all datagram sockets are for the same server */

	/* Two arrays in step, so that the first can be given to poll(2). */
	struct pollfd *polls;
	struct open_socket *open;
	size_t n, size;
};

/* Closes all. */
void fend__sockets_fini(struct sockets *sockets);

/* A nonblocking socket, a new one or one that was kept, or -errno. */
int fend__sockets_open(struct sockets *sockets, int domain, int type);
/* It may be kept for the next _open. */
void fend__sockets_close(struct sockets *sockets, int fd);
/* It was kept, and is still connected. */
bool fend__sockets_is_connected(const struct sockets *sockets, int fd);
/* Tell what was sent over a socket, or received. Only one without open questions is kept. */
void fend__sockets_asked(struct sockets *sockets, int fd);
void fend__sockets_answered(struct sockets *sockets, int fd);
/* Close the socket if it is one that is kept. */
bool fend__sockets_end_kept(struct sockets *sockets, int fd);
/* When to call _expire; FEND_FOREVER: no need. */
fend_time fend__sockets_due(const struct sockets *sockets);
void fend__sockets_expire(struct sockets *sockets);
/* What c-ares waits for. If the loop refuses, fend__sockets_error() tells from then on. */
void fend__sockets_watch(struct sockets *sockets, int fd, bool in, bool out);
int fend__sockets_error(const struct sockets *sockets, int fd);
bool fend__sockets_is_stream(const struct sockets *sockets, int fd);
/* Which server a socket is connected to, as a number that the caller gives it; 0 before. */
void fend__sockets_set_peer(struct sockets *sockets, int fd, int peer);
int fend__sockets_peer(const struct sockets *sockets, int fd);

/*
 * Wait without the loop until a socket is ready. _next then gives one after the other; sockets may
 * be opened and closed in between.
 */
int fend__sockets_poll(struct sockets *sockets, fend_time timeout);
bool fend__sockets_next(struct sockets *sockets, int *ret_fd, unsigned *ret_events);

#endif
