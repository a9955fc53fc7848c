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

	/* Two arrays in step, so that the first can be given to poll(2). */
	struct pollfd *polls;
	struct open_socket *open;
	size_t n, size;
};

/* Closes all. */
void fend__sockets_fini(struct sockets *sockets);

/* A new nonblocking socket, or -errno. */
int fend__sockets_open(struct sockets *sockets, int domain, int type);
void fend__sockets_close(struct sockets *sockets, int fd);
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
