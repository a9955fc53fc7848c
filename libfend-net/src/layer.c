/* SPDX-License-Identifier: MIT */
/*
 * The stack of a socket: the kernel at the bottom and the layers on it.
 *
 * Bytes go down and up through fend_below_send() and fend_below_recv(), whoever calls: the socket
 * on the topmost level, or a layer on the one beneath it.
 *
 * Interest goes down. Each layer turns what is wanted from it into what it wants from below, and
 * the last answer is what the descriptor is watched for. On the way it shows whether some level
 * holds input already that the one above wants: then the descriptor may stay silent for ever.
 *
 * Readiness goes up. A layer first works on what came from below, then reports
 *   IN   if it holds input, or may find some: IN came, or what it waits for only because of a
 *        reader, which is its wants(IN) less its wants(0)
 *   OUT  if OUT came and it has room, or if there came what it waits for only because of a writer
 * and everything else as it came. So a layer that is busy flushing never tells a writer OUT, and
 * one whose reader has to send first tells him IN when it can.
 */
#include <fend/layer.h>

#include <errno.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "socket.h"

#define IN_OUT (unsigned)(FEND_IN | FEND_OUT)

/*
 * MSG_DONTWAIT, because O_NONBLOCK belongs to the open file: whoever shares it may switch it off.
 * The check is for layers that are freed in a child: all else has failed before.
 */
static ssize_t
kernel_recv(const struct fend_socket *socket, const struct iovec *iov, int n, int flags)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };

	if (fend__layers_are_inherited(socket))
		return -ECHILD;
	/* The plain call costs the kernel less. */
	if (n == 1)
		return fend__kernel->recv(socket->fd, iov->iov_base, iov->iov_len,
					  flags | MSG_DONTWAIT);
	return fend__kernel->recvmsg(socket->fd, &message, flags | MSG_DONTWAIT);
}

static ssize_t
kernel_send(const struct fend_socket *socket, const struct iovec *iov, int n, int flags)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };

	if (fend__layers_are_inherited(socket))
		return -ECHILD;
	if (n == 1)
		return fend__kernel->send(socket->fd, iov->iov_base, iov->iov_len,
					  flags | MSG_DONTWAIT);
	return fend__kernel->sendmsg(socket->fd, &message, flags | MSG_DONTWAIT);
}

static int
kernel_shutdown(const struct fend_socket *socket, int how)
{
	return fend__layers_are_inherited(socket) ? -ECHILD
						  : fend__kernel->shutdown(socket->fd, how);
}

FEND_PUBLIC ssize_t
fend_below_recv(struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	if (!below || !iov || n < 0)
		return -EINVAL;
	if (!below->ops)
		return kernel_recv(below->socket, iov, n, flags);
	if (flags & ~(MSG_PEEK | MSG_DONTWAIT))
		return -EOPNOTSUPP;
	return below->ops->recv(below->layer, below->below, iov, n, flags);
}

FEND_PUBLIC ssize_t
fend_below_send(struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	if (!below || !iov || n < 0)
		return -EINVAL;
	if (!below->ops)
		return kernel_send(below->socket, iov, n, flags);
	if (flags & ~(MSG_NOSIGNAL | MSG_DONTWAIT))
		return -EOPNOTSUPP;
	return below->ops->send(below->layer, below->below, iov, n, flags & MSG_DONTWAIT);
}

FEND_PUBLIC int
fend_below_shutdown(struct fend_below *below, int how)
{
	if (!below || (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR))
		return -EINVAL;
	return below->ops ? below->ops->shutdown(below->layer, below->below, how)
			  : kernel_shutdown(below->socket, how);
}

ssize_t
fend__layers_recv(struct fend_socket *socket, const struct iovec *iov, int n, int flags)
{
	ssize_t done;

	if (fend__socket_is_plain(socket))
		return kernel_recv(socket, iov, n, flags);
	done = fend_below_recv(socket->layers->top, iov, n, flags);
	fend__socket_changed(socket);
	return done;
}

ssize_t
fend__layers_send(struct fend_socket *socket, const struct iovec *iov, int n, int flags)
{
	ssize_t done;

	if (fend__socket_is_plain(socket))
		return kernel_send(socket, iov, n, flags);
	done = fend_below_send(socket->layers->top, iov, n, flags);
	fend__socket_changed(socket);
	return done;
}

int
fend__layers_shutdown(struct fend_socket *socket, int how)
{
	int r;

	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	if (fend__socket_is_plain(socket))
		return kernel_shutdown(socket, how);
	r = fend_below_shutdown(socket->layers->top, how);
	fend__socket_changed(socket);
	return r;
}

static unsigned
wants(const struct fend_below *level, unsigned interest)
{
	return level->ops->wants(level->layer, interest & IN_OUT) & IN_OUT;
}

unsigned
fend__layers_want(const struct fend_socket *socket, unsigned interest, bool *ret_held)
{
	const struct fend_below *level;
	unsigned wanted = interest & IN_OUT;
	bool held = false;

	for (level = socket->layers->top; level->ops; level = level->below) {
		if ((wanted & FEND_IN) && (level->ops->pending(level->layer) & FEND_IN))
			held = true;
		wanted = wants(level, wanted);
	}
	*ret_held = held;
	return wanted | (interest & ~IN_OUT);
}

/* What level reports when the one beneath it reports below. */
static unsigned
report(const struct fend_below *level, unsigned below)
{
	unsigned pending = level->ops->pending(level->layer);
	unsigned own = wants(level, 0);
	unsigned events = below & ~IN_OUT;

	if ((pending & FEND_IN) || (below & (FEND_IN | (wants(level, FEND_IN) & ~own))))
		events |= FEND_IN;
	if (below & ((pending & FEND_OUT) | (wants(level, FEND_OUT) & ~own)))
		events |= FEND_OUT;
	return events;
}

static unsigned
rise(struct fend_below *level, unsigned events)
{
	if (!level->ops)
		return events;
	events = rise(level->below, events);
	if (events && level->ops->ready)
		level->ops->ready(level->layer, level->below, events);
	return report(level, events);
}

unsigned
fend__layers_ready(struct fend_socket *socket, unsigned events)
{
	return rise(socket->layers->top, events);
}

/* There will be layers. */
static int
prepare(struct fend_socket *socket)
{
	struct layers *layers = fend__calloc(1, sizeof(*layers));

	if (!layers)
		return -ENOMEM;
	fend__process_init();
	layers->process = fend__process();
	layers->kernel.socket = socket;
	layers->top = &layers->kernel;
	layers->held.fn = fend__socket_on_held;
	layers->held.data = socket;
	socket->layers = layers;
	return 0;
}

FEND_PUBLIC int
fend_socket_push_layer(struct fend_socket *socket, const struct fend_layer_ops *ops, void *layer)
{
	struct fend_below *level;
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	if (!ops || ops->size < sizeof(*ops) || !ops->recv || !ops->send || !ops->shutdown ||
	    !ops->wants || !ops->pending)
		return -EINVAL;
	if (socket->holder)
		return -EBUSY;
	level = fend__calloc(1, sizeof(*level));
	if (!level)
		return -ENOMEM;
	r = socket->layers ? 0 : prepare(socket);
	if (r < 0) {
		fend__release(level);
		return r;
	}
	level->ops = ops;
	level->layer = layer;
	level->below = socket->layers->top;
	level->socket = socket;
	socket->layers->top = level;
	fend__socket_changed(socket);
	return 0;
}

FEND_PUBLIC void
fend_socket_layer_changed(struct fend_socket *socket)
{
	fend__socket_changed(socket);
}

FEND_PUBLIC void *
fend__socket_layer(const struct fend_socket *socket, const struct fend_layer_ops *ops,
		   struct fend_below **ret_below)
{
	const struct fend_below *level;

	if (!socket || fend__socket_is_plain(socket))
		return NULL;
	for (level = socket->layers->top; level->ops; level = level->below) {
		if (level->ops != ops)
			continue;
		if (ret_below)
			*ret_below = level->below;
		return level->layer;
	}
	return NULL;
}

void
fend__layers_free(struct fend_socket *socket)
{
	struct layers *layers = socket->layers;

	if (!layers)
		return;
	while (layers->top->ops) {
		struct fend_below *level = layers->top;

		if (level->ops->free)
			level->ops->free(level->layer, level->below);
		layers->top = level->below;
		fend__release(level);
	}
	socket->layers = fend__release(layers);
}
