/* SPDX-License-Identifier: MIT */
#ifndef FEND_SOCKET_PRIVATE_H
#define FEND_SOCKET_PRIVATE_H

#include <errno.h>
#include <stdbool.h>

#include <fend/io.h>
#include <fend/task.h>

#include <fend-internal/file.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>
#include <fend-internal/socket.h>

/* What readiness can be wanted for. */
#define SOCKET_INTEREST (unsigned)(FEND_IN | FEND_OUT | FEND_PRI | FEND_RDHUP)

/*
 * One level of a socket's stack. The lowest is the kernel's, which all sockets with layers have;
 * each layer has one of its own, and is given the one beneath as its handle.
 */
struct fend_below {
	const struct fend_layer_ops *ops; /* NULL: the kernel */
	void *layer;
	struct fend_below *below;
	struct fend_socket *socket;
};

/* What a socket has besides, once it has a layer. */
struct layers {
	struct fend_below kernel;
	struct fend_below *top; /* the level that the functions of the socket speak to */
	unsigned process;       /* whose the layers are: fend__process() */
	bool held_queued;
	struct fend_task held; /* queued while a level holds input that the one above wants */
};

/* To be embedded in what fend__socket_on_free() is given. */
struct fend__on_free {
	void (*fn)(struct fend__on_free *on_free);
};

struct fend_socket {
	union {
		struct fend_file file;
		int fd; /* its first member */
	};
	struct layers *layers; /* NULL: there are none */

	/* Readiness: socket-readiness.c. loop and io are NULL as long as no call has named a loop. */
	struct fend_loop *loop;
	struct fend__holder *holder;
	fend_socket_fn *watch; /* NULL: nobody watches */
	void *watch_data;
	struct fend_io *io;
	unsigned short watched; /* the watch's interest */

	/* Asked for once: fend__socket_domain(), and whether the kernel cuts trains of datagrams. */
	sa_family_t domain;
	bool segments;

	/* Told last when the socket is freed, on whatever thread; or NULL. */
	struct fend__on_free *on_free;
};

/* Were the layers inherited over fork(2)? */
static inline bool
fend__layers_are_inherited(const struct fend_socket *socket)
{
	return socket->layers && fend__process_is_not(socket->layers->process);
}

/* First thing in each call but free and the getters. */
static inline int
fend__socket_check(const struct fend_socket *socket)
{
	if (fend__unlikely(!socket))
		return -EINVAL;
	if (socket->loop)
		return fend__likely(fend__loop_is_usable(socket->loop))
			       ? 0
			       : fend__loop_check(socket->loop);
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
	return fend__likely(!socket->layers);
}

/*
 * The calls on a socket that go to the top of its stack, whether it has layers or not; with layers
 * they are asked anew afterwards.
 */
ssize_t fend__layers_recv(struct fend_socket *socket, const struct iovec *iov, int n, int flags);
ssize_t fend__layers_send(struct fend_socket *socket, const struct iovec *iov, int n, int flags);
int fend__layers_shutdown(struct fend_socket *socket, int how);

/*
 * What the descriptor must report so that interest is met on top and every layer can go on.
 * *ret_held: a level holds input already that the one above it wants.
 */
unsigned fend__layers_want(const struct fend_socket *socket, unsigned interest, bool *ret_held);
/* Tell the layers what the descriptor reports, 0 included; returns what this means on top. */
unsigned fend__layers_ready(struct fend_socket *socket, unsigned events);
void fend__layers_free(struct fend_socket *socket);

/* Have on_free called when the socket is freed. There is room for one. */
static inline void
fend__socket_on_free(struct fend_socket *socket, struct fend__on_free *on_free)
{
	socket->on_free = on_free;
}

/* May readiness be had on loop, as far as it is not had by another, with such an interest? */
int fend__socket_may_hold(const struct fend_socket *socket, const struct fend_loop *loop,
			  unsigned interest);
/* A holder or a watch has come: start on loop, or go on with the new interest. */
int fend__socket_start(struct fend_socket *socket, struct fend_loop *loop);
/* Bring the io's interest, and the task, in line with what the holder and the layers want. */
int fend__socket_update(struct fend_socket *socket);
/* The end of readiness: of its holder, its io and its task. */
void fend__socket_unready(struct fend_socket *socket);
void fend__socket_on_held(struct fend_task *task, void *data);

#endif
