/* SPDX-License-Identifier: MIT */
/*
 * Datagrams with addresses, one or several per system call.
 *
 * A batch is turned into messages on the stack: so it has a limit, and needs no memory that could
 * be missing. What the kernel says about a datagram, and what is asked of it, beyond bytes and peer
 * is ancillary data (ancillary.c), which is read and written for the Internet families only: with
 * room for it a Unix socket would hand out descriptors that nobody would close.
 *
 * A batch is one system call, even if more could be moved by another, because the kernel tells an
 * error once only: behind datagrams that were moved it would be lost.
 */
#include <fend/datagram.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <fend-internal/kernel.h>

#include "ancillary.h"
#include "socket.h"

struct batch {
	struct fend__message messages[FEND_DATAGRAM_BATCH];
	struct iovec pieces[FEND_DATAGRAM_BATCH];
	union control controls[FEND_DATAGRAM_BATCH];
};

static int
check(struct fend_socket *socket)
{
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	return fend__socket_is_plain(socket) ? 0 : -EOPNOTSUPP;
}

FEND_PUBLIC ssize_t
fend_socket_recvfrom(struct fend_socket *socket, void *buffer, size_t size, int flags,
		     struct fend_address *ret_peer)
{
	struct iovec iov = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct fend_address peer = { 0 };
	ssize_t n;

	n = check(socket);
	if (n < 0)
		return n;
	if (size > 0 && !buffer)
		return -EINVAL;
	if (ret_peer) {
		message.msg_name = &peer.storage;
		message.msg_namelen = sizeof(peer.storage);
	}
	n = fend__kernel->recvmsg(socket->fd, &message, flags | MSG_DONTWAIT);
	if (n >= 0 && ret_peer) {
		peer.size = message.msg_namelen;
		*ret_peer = peer;
	}
	return n;
}

/* Give message its destination; size 0 is none. */
static int
set_peer(struct msghdr *message, const struct fend_address *peer)
{
	if (peer->size > sizeof(peer->storage))
		return -EINVAL;
	if (peer->size > 0) {
		message->msg_name = (void *)&peer->storage;
		message->msg_namelen = peer->size;
	}
	return 0;
}

FEND_PUBLIC ssize_t
fend_socket_sendto(struct fend_socket *socket, const void *buffer, size_t size, int flags,
		   const struct fend_address *address)
{
	struct iovec iov = { .iov_base = (void *)buffer, .iov_len = size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	int r;

	r = check(socket);
	if (r < 0)
		return r;
	if (size > 0 && !buffer)
		return -EINVAL;
	if (address) {
		r = set_peer(&message, address);
		if (r < 0)
			return r;
	}
	return fend__kernel->sendmsg(socket->fd, &message, flags | MSG_DONTWAIT);
}

/* Of a batch: how many of n there is room for, and whether they have ancillary data. */
static int
begin(struct fend_socket *socket, const struct fend_datagram *datagrams, int n, bool *ret_ancillary)
{
	int domain;
	int r = check(socket);

	if (r < 0)
		return r;
	if (n < 0 || (n > 0 && !datagrams))
		return -EINVAL;
	domain = fend__socket_domain(socket);
	if (domain < 0)
		return domain;
	*ret_ancillary = domain == AF_INET || domain == AF_INET6;
	return n < FEND_DATAGRAM_BATCH ? n : FEND_DATAGRAM_BATCH;
}

static void
set_piece(struct batch *batch, int i, void *data, size_t size)
{
	struct msghdr *header = &batch->messages[i].header;

	batch->pieces[i].iov_base = data;
	batch->pieces[i].iov_len = size;
	memset(header, 0, sizeof(*header));
	header->msg_iov = &batch->pieces[i];
	header->msg_iovlen = 1;
}

/* Fill in datagram from what the kernel says about it. */
static void
received(struct fend_datagram *datagram, struct fend__message *message)
{
	datagram->size = message->size;
	datagram->peer.size = message->header.msg_namelen;
	datagram->local.size = 0;
	datagram->interface = 0;
	datagram->segment = 0;
	datagram->tos = 0;
	datagram->truncated = message->header.msg_flags & MSG_TRUNC;
	fend__ancillary_read(&message->header, datagram);
}

FEND_PUBLIC int
fend_socket_recv_batch(struct fend_socket *socket, struct fend_datagram *datagrams, int n)
{
	struct batch batch;
	bool ancillary;
	int i;

	n = begin(socket, datagrams, n, &ancillary);
	if (n <= 0)
		return n;
	for (i = 0; i < n; i++) {
		struct msghdr *header = &batch.messages[i].header;

		if (datagrams[i].capacity > 0 && !datagrams[i].data)
			return -EINVAL;
		set_piece(&batch, i, datagrams[i].data, datagrams[i].capacity);
		header->msg_name = &datagrams[i].peer.storage;
		header->msg_namelen = sizeof(datagrams[i].peer.storage);
		if (ancillary) {
			header->msg_control = &batch.controls[i];
			header->msg_controllen = sizeof(batch.controls[i]);
		}
	}
	n = fend__kernel->recvmmsg(socket->fd, batch.messages, (unsigned)n, MSG_DONTWAIT);
	for (i = 0; i < n; i++)
		received(&datagrams[i], &batch.messages[i]);
	return n;
}

/* Can the kernel cut trains of datagrams? An old one would send them in one piece, silently. */
static int
segments(struct fend_socket *socket)
{
	socklen_t size = sizeof(int);
	int r, value;

	if (socket->segments)
		return 0;
	r = fend__ancillary_segment_option();
	if (r >= 0)
		r = fend__kernel->getsockopt(socket->fd, IPPROTO_UDP, r, &value, &size);
	if (r == -ENOPROTOOPT)
		r = -EOPNOTSUPP;
	socket->segments = r >= 0;
	return r;
}

static int
prepare(struct fend_socket *socket, const struct fend_datagram *datagram, bool ancillary,
	struct batch *batch, int i)
{
	struct msghdr *header = &batch->messages[i].header;
	bool train = datagram->segment > 0 && datagram->size > datagram->segment;
	int r;

	if (datagram->size > 0 && !datagram->data)
		return -EINVAL;
	set_piece(batch, i, datagram->data, datagram->size);
	r = set_peer(header, &datagram->peer);
	if (r < 0)
		return r;
	if (!train && !datagram->local.size && !datagram->tos)
		return 0;
	if (!ancillary)
		return -EOPNOTSUPP;
	if (train) {
		r = segments(socket);
		if (r < 0)
			return r;
	}
	return fend__ancillary_write(socket->domain, datagram, &batch->controls[i], header);
}

FEND_PUBLIC int
fend_socket_send_batch(struct fend_socket *socket, const struct fend_datagram *datagrams, int n)
{
	struct batch batch;
	bool ancillary;
	int i;

	n = begin(socket, datagrams, n, &ancillary);
	if (n <= 0)
		return n;
	for (i = 0; i < n; i++) {
		int r = prepare(socket, &datagrams[i], ancillary, &batch, i);

		if (r < 0 && i == 0)
			return r;
		if (r < 0)
			break;
	}
	return fend__kernel->sendmmsg(socket->fd, batch.messages, (unsigned)i, MSG_DONTWAIT);
}
