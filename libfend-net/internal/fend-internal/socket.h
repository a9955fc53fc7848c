/* SPDX-License-Identifier: MIT */
#ifndef FEND_INTERNAL_SOCKET_H
#define FEND_INTERNAL_SOCKET_H

#include <stdbool.h>

#include <fend/layer.h>
#include <fend/socket.h>

/*
 * What net lends to the libraries above: holding a socket's readiness, and finding one's layer.
 *
 * A holder is embedded in the operation that wants a socket's events (a handshake, a stream). The
 * socket turns its interest, by way of the layers, into that of its one fend_io.
 */
struct fend__holder {
	const struct fend__holder_ops *ops;
	/* Of FEND_IN, FEND_OUT, FEND_PRI and FEND_RDHUP; change it with fend__socket_interest(). */
	unsigned interest;
	/* The holder's own, where padding would be: what it failed with. */
	int err;
};

/* How a holder is told. gone may be NULL. */
struct fend__holder_ops {
	/*
	 * events as for fend_socket_fn. Called from the loop, never within a call on the socket.
	 * The holder may do anything in it: release itself, free the socket, free the loop.
	 */
	void (*ready)(struct fend__holder *holder, unsigned events);

	/*
	 * The socket is being freed and has let go of this holder already; it must not touch the
	 * socket nor call back to the user.
	 */
	void (*gone)(struct fend__holder *holder);
};

/*
 * Hold socket's readiness on loop until released. over_watch: start also over a watch of the
 * user's, which is suspended until then. -EBUSY, -EINVAL (it belongs to another loop), errors of
 * fend_io_new().
 */
int fend__socket_hold(struct fend_socket *socket, struct fend_loop *loop,
		      struct fend__holder *holder, bool over_watch);
/* Does nothing if holder does not hold the socket. A suspended watch resumes. */
void fend__socket_release(struct fend_socket *socket, struct fend__holder *holder);
/* Set holder->interest, which takes effect if it holds the socket. */
int fend__socket_interest(struct fend_socket *socket, struct fend__holder *holder,
			  unsigned interest);

/* The loop the socket belongs to, or NULL. */
struct fend_loop *fend__socket_loop(const struct fend_socket *socket);

/*
 * The topmost layer with these ops, or NULL; *ret_below (NULL: not wanted) is its handle. After
 * work on the layer that did not come in through the socket, call fend__socket_changed(), which
 * asks the layers again what they want.
 */
void *fend__socket_layer(const struct fend_socket *socket, const struct fend_layer_ops *ops,
			 struct fend_below **ret_below);
void fend__socket_changed(struct fend_socket *socket);

#endif
