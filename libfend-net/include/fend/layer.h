/* SPDX-License-Identifier: MIT */
#ifndef FEND_LAYER_H
#define FEND_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A layer sits between a socket and its descriptor and transforms what passes: TLS is one. Layers
 * stack; fend_socket_push_layer() puts one on top, and the functions of the socket then speak to
 * that one.
 *
 * A layer reaches what is under it through a below handle, never through a descriptor: the next
 * layer, or the kernel. The handle is valid until the layer's free was called. The functions have
 * the meaning of recvmsg(2), sendmsg(2) and shutdown(2) on a nonblocking socket: they return
 * -EAGAIN instead of waiting, never -EINTR, and raise no SIGPIPE.
 */
struct fend_below;
struct fend_socket;

/*
 * Receive from, send to and shut down what is below; n pieces of memory, as for
 * fend_socket_recvv(). To be called within the functions of a layer, and otherwise only on the
 * loop's thread.
 */
ssize_t fend_below_recv(struct fend_below *below, const struct iovec *iov, int n, int flags);
ssize_t fend_below_send(struct fend_below *below, const struct iovec *iov, int n, int flags);
int fend_below_shutdown(struct fend_below *below, int how);

/*
 * What a layer implements. layer is the pointer given to fend_socket_push_layer(). None of these
 * may call back into user code, free the socket or call a function of it. All are called in the
 * loop's thread, never one within another of the same layer.
 *
 * A layer that follows three rules neither hangs nor spins:
 *   - Whenever recv or send has returned -EAGAIN, wants() for FEND_IN or FEND_OUT names what has to
 *     come from below before it is worth trying again; nothing, only if the layer itself will call
 *     fend_socket_layer_changed().
 *   - Whatever recv could return without asking below is FEND_IN of pending().
 *   - What was wanted and has come (ready) is used up, or not wanted any more: the descriptor is
 *     level-triggered and would report it for ever.
 * An error is final: recv or send returns it again, and it is FEND_IN or FEND_OUT of pending().
 */
struct fend_layer_ops {
	size_t size; /* sizeof(struct fend_layer_ops) */
	const char *name;

	/*
	 * As recvmsg(2) and sendmsg(2): bytes moved; 0 from recv at the end of what the peer sends;
	 * -EAGAIN when nothing can be moved now; any other -errno. flags: recv may be given
	 * MSG_PEEK, which returns bytes that the next recv returns again, and either MSG_DONTWAIT,
	 * which changes nothing; the socket has refused all others. The socket gives one piece of
	 * memory or more, and none that is empty.
	 */
	ssize_t (*recv)(void *layer, struct fend_below *below, const struct iovec *iov, int n,
			int flags);
	ssize_t (*send)(void *layer, struct fend_below *below, const struct iovec *iov, int n,
			int flags);

	/*
	 * As shutdown(2), with how SHUT_RD, SHUT_WR or SHUT_RDWR. What send accepted is still
	 * delivered: SHUT_WR may have to wait for that and then reaches below from within ready.
	 */
	int (*shutdown)(void *layer, struct fend_below *below, int how);

	/*
	 * Readiness came in from below (FEND_IN, FEND_OUT, FEND_RDHUP, FEND_ERR, FEND_HUP): do what
	 * is pending, such as sending what is buffered. Called from the loop, before whoever holds
	 * the socket's readiness is told. May be NULL.
	 */
	void (*ready)(void *layer, struct fend_below *below, unsigned events);

	/*
	 * What must the layer below report so that this one can go on? interest is what is wanted
	 * from this layer, FEND_IN and FEND_OUT or none; what the layer wants of its own accord,
	 * such as OUT while it has something to flush, is part of each answer, also with interest
	 * 0, when nobody watches. The answer becomes the interest in what is below. Asked again
	 * after each call on the layer, and often in between: it changes nothing.
	 */
	unsigned (*wants)(void *layer, unsigned interest);

	/*
	 * Which of FEND_IN and FEND_OUT would not block here and now, whatever the descriptor says?
	 * IN: data, end of file or an error is held already. OUT: there is room, provided that what
	 * is below is writable. A layer that holds nothing back answers FEND_OUT.
	 */
	unsigned (*pending)(void *layer);

	/*
	 * The socket is being freed, the layers from top to bottom. What is buffered gets one try
	 * to leave without waiting; in a child after fork(2) below refuses (-ECHILD). May be NULL.
	 */
	void (*free)(void *layer, struct fend_below *below);
};

/*
 * Put a layer on top of socket. On success the socket owns layer and calls ops->free in the end; on
 * failure layer is the caller's still. ops must stay valid as long as the socket.
 *   -EBUSY   something holds the socket's readiness (a watch alone does not stop it)
 *   -EINVAL  ops lacks a function that is not optional
 */
int fend_socket_push_layer(struct fend_socket *socket, const struct fend_layer_ops *ops,
			   void *layer);

/*
 * What a layer answers may change because of something else than a call on it, such as a timer that
 * lets go of what the layer holds back. This makes the socket ask its layers anew. Not to be called
 * within a function of a layer, after which that happens anyway.
 */
void fend_socket_layer_changed(struct fend_socket *socket);

#ifdef __cplusplus
}
#endif

#endif
