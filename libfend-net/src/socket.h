/* SPDX-License-Identifier: MIT */
#ifndef FEND_SOCKET_PRIVATE_H
#define FEND_SOCKET_PRIVATE_H

#include <errno.h>
#include <stdbool.h>

#include <fend/io.h>
#include <fend/task.h>

#include <fend-internal/loop.h>
#include <fend-internal/public.h>
#include <fend-internal/socket.h>

/*
 * One level of a socket's stack. The lowest is the kernel, which is part of the socket; each layer
 * has one of its own, and is given the one beneath as its handle.
 */
struct fend_below {
	const struct fend_layer_ops *ops; /* NULL: the kernel */
	void *layer;
	struct fend_below *below;
	struct fend_socket *socket;
};

struct watch {
	struct fend__holder holder;
	fend_socket_fn *fn; /* NULL: nobody watches */
	void *data;
};

struct fend_socket {
	int fd;
	struct fend_file *file;
	struct fend_below kernel;
	struct fend_below *top; /* the level that the functions of the socket speak to */
	unsigned process;       /* whose the layers are: fend__process(); 0 without layers */

	/* Asked for once: fend__socket_domain(), and whether the kernel cuts trains of datagrams. */
	sa_family_t domain;
	bool segments;

	/* Readiness: socket-readiness.c. io is NULL as long as no call has named a loop. */
	struct fend_loop *loop;
	struct fend_io *io;
	struct fend__holder *holder;
	struct fend_task held; /* queued while a level holds input that the one above wants */
	bool held_queued;
	struct watch watch;

	/* Told last when the socket is freed, on whatever thread: fend__socket_on_free(). */
	void (*on_free)(void *data);
	void *on_free_data;
};

/* Were the layers inherited over fork(2)? */
static inline bool
fend__layers_are_inherited(const struct fend_socket *socket)
{
	return socket->process && fend__unlikely(socket->process != fend__process());
}

/* First thing in each call but free and the getters. */
static inline int
fend__socket_check(const struct fend_socket *socket)
{
	if (fend__unlikely(!socket))
		return -EINVAL;
	if (socket->loop)
		return fend__loop_check(socket->loop);
	return fend__layers_are_inherited(socket) ? -ECHILD : 0;
}

/* Its family, AF_INET and so on, or -errno. */
int fend__socket_domain(struct fend_socket *socket);
/* Of the other end of a Unix socket: fend_socket_peer_credentials(). */
struct fend_credentials;
int fend__peer_credentials(int fd, struct fend_credentials *ret_credentials);
/* The size of all of iov; -EINVAL if memory is missing or it is more than a ssize_t can say. */
ssize_t fend__iov_size(const struct iovec *iov, int n);

/* Without layers there is nothing between the calls on a socket and those on its descriptor. */
static inline bool
fend__socket_is_plain(const struct fend_socket *socket)
{
	return fend__likely(socket->top == &socket->kernel);
}

/*
 * What the descriptor must report so that interest is met on top and every layer can go on.
 * *ret_held: a level holds input already that the one above it wants.
 */
unsigned fend__layers_want(const struct fend_socket *socket, unsigned interest, bool *ret_held);
/* Tell the layers what the descriptor reports, 0 included; returns what this means on top. */
unsigned fend__layers_ready(struct fend_socket *socket, unsigned events);
void fend__layers_free(struct fend_socket *socket);

/* Have fn told when the socket is freed. There is one such function. */
static inline void
fend__socket_on_free(struct fend_socket *socket, void (*fn)(void *data), void *data)
{
	socket->on_free = fn;
	socket->on_free_data = data;
}

/* Bring the io's interest, and the task, in line with what the holder and the layers want. */
int fend__socket_update(struct fend_socket *socket);
/* The end of readiness: of its holder, its io, its task and its hold on the loop. */
void fend__socket_unready(struct fend_socket *socket);
void fend__socket_on_held(struct fend_task *task, void *data);

#endif
