/* SPDX-License-Identifier: MIT */
/*
 * What c-ares sends and receives. It is looked at in passing for what c-ares does not tell: which
 * server has said what. Datagrams are matched by their id, which c-ares keeps from the first
 * transmission of a question to the last. What that yields goes into texts for people and decides
 * nothing that c-ares has decided.
 *
 * c-ares reads a socket until nothing is left, which under load is never. So it is told that
 * nothing is after AT_ONCE datagrams: other callbacks of the loop wait no longer than these take,
 * and what is asked next is sent while the server still works on the rest.
 */
#include "traffic.h"

#include <errno.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "cares.h"
#include "cursor.h"
#include "message.h"
#include "servers.h"
#include "sockets.h"

enum {
	AT_ONCE = 8, /* datagrams; about 50 us with all that an answer leads to */
};

int
fend__traffic_connect(struct traffic *traffic, int fd, const struct sockaddr *alias)
{
	const struct fend_address *server;
	size_t i;

	if (fend__sockets_is_connected(traffic->sockets, fd))
		return 0;
	i = fend__server_find(traffic->servers, traffic->n_servers, alias);
	if (i == traffic->n_servers)
		return -EADDRNOTAVAIL;
	server = &traffic->servers[i];
	fend__sockets_set_peer(traffic->sockets, fd, (int)i);
	return fend__kernel->connect(fd, (const struct sockaddr *)&server->storage, server->size);
}

/* The socket is connected, so that what comes from it comes from there. */
socklen_t
fend__traffic_alias(const struct traffic *traffic, int fd, struct sockaddr *ret_alias,
		    socklen_t size)
{
	size_t i = (size_t)fend__sockets_peer(traffic->sockets, fd);

	return fend__server_alias(traffic->servers, i, ret_alias, size);
}

static int
message_id(const unsigned char *message)
{
	return message[0] << 8 | message[1];
}

/* Note what a server says about a question. */
static void
note_answer(struct traffic *traffic, int fd, const unsigned char *message)
{
	struct id_entry *entry = fend__ids_find(&traffic->ids, message_id(message));
	struct question *question;

	if (!entry)
		return;
	question = fend__container_of(entry, struct question, id);
	question->rcode = message[3] & RCODE_MASK;
	question->server = fend__sockets_peer(traffic->sockets, fd);
	fend__sockets_answered(traffic->sockets, fd);
}

ssize_t
fend__traffic_receive(struct traffic *traffic, int fd, void *buffer, size_t size, int flags)
{
	bool is_stream = fend__sockets_is_stream(traffic->sockets, fd);
	ssize_t n;

	if (!is_stream && traffic->n_read++ >= AT_ONCE)
		return -EAGAIN;
	n = fend__kernel->recv(fd, buffer, size, flags);
	if (n < 0 || is_stream)
		return n;
	/*
	 * No answer is shorter than its header. c-ares up to 1.19.0 takes an empty datagram, and
	 * 1.34 any other such, for the end of all that is asked over this socket (CVE-2023-32067).
	 * Should more have come after it, the socket is still ready.
	 */
	if (n < HEADER_SIZE)
		return -EAGAIN;
	note_answer(traffic, fd, buffer);
	/*
	 * c-ares has not enough room for it: it has for one byte more than is asked for. Some
	 * versions take what is left for malformed, and wait for a better one, unless it says that
	 * it is to be had over TCP.
	 */
	if ((size_t)n == size)
		return (ssize_t)fend__message_cut(buffer, size);
	return n;
}

ssize_t
fend__traffic_send(struct traffic *traffic, int fd, const struct iovec *iov, int n)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };
	int error = fend__sockets_error(traffic->sockets, fd);

	if (error < 0)
		return error;
	fend__sockets_asked(traffic->sockets, fd);
	if (traffic->asking && !fend__sockets_is_stream(traffic->sockets, fd) &&
	    iov->iov_len >= HEADER_SIZE) {
		fend__ids_add(&traffic->ids, &traffic->asking->id, message_id(iov->iov_base));
		traffic->asking = NULL;
	}
	if (n == 1) /* which costs the kernel less, and is so for nearly all */
		return fend__kernel->send(fd, iov->iov_base, iov->iov_len, 0);
	return fend__kernel->sendmsg(fd, &message, 0);
}
