/* SPDX-License-Identifier: MIT */
/*
 * A socket: a descriptor that never blocks, the layers on it, and one readiness.
 *
 * The calls that move bytes go to the top of the stack (layer.c), but for those on a socket that
 * has no layers, which go straight to the descriptor, as the ones do that are about addresses,
 * options and connections, in which layers have no part.
 *
 * The file is part of the socket, which closes the descriptor itself.
 */
#include <fend/socket.h>

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>

#include <fend/file.h>

#include <fend-internal/kernel.h>

#include "socket.h"

/* Make a socket of fd, which stays the caller's on failure. */
static int
make(int fd, struct fend_socket **ret_socket)
{
	struct fend_socket *socket = fend__calloc(1, sizeof(*socket));

	if (!socket)
		return -ENOMEM;
	socket->file.fd = fd;
	socket->file.flags = FEND_KEEP_OPEN;
	*ret_socket = socket;
	return 0;
}

/* The same for a descriptor that is ours, closed on failure. */
static int
take(int fd, struct fend_socket **ret_socket)
{
	int r = make(fd, ret_socket);

	if (r < 0)
		fend__close(fd);
	return r;
}

FEND_PUBLIC int
fend_socket_new(int domain, int type, int protocol, struct fend_socket **ret_socket)
{
	int fd;

	if (!ret_socket)
		return -EINVAL;
	fd = fend__kernel->socket(domain, type, protocol);
	return fd < 0 ? fd : take(fd, ret_socket);
}

FEND_PUBLIC int
fend_socket_new_tcp(int domain, struct fend_socket **ret_socket)
{
	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	return fend_socket_new(domain, SOCK_STREAM, IPPROTO_TCP, ret_socket);
}

FEND_PUBLIC int
fend_socket_new_udp(int domain, struct fend_socket **ret_socket)
{
	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	return fend_socket_new(domain, SOCK_DGRAM, IPPROTO_UDP, ret_socket);
}

FEND_PUBLIC int
fend_socket_new_unix(int type, struct fend_socket **ret_socket)
{
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	return fend_socket_new(AF_UNIX, type, 0, ret_socket);
}

FEND_PUBLIC int
fend_socket_wrap(int fd, struct fend_socket **ret_socket)
{
	struct fend_socket *socket;
	socklen_t size = sizeof(int);
	int type, r;

	if (!ret_socket)
		return -EINVAL;
	/* Tells sockets from all else. */
	r = fend__kernel->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	if (r < 0)
		return r;
	r = make(fd, &socket);
	if (r < 0)
		return r;
	r = fend__kernel->set_cloexec(fd);
	if (r >= 0)
		r = fend__set_nonblocking(fd, true);
	if (r < 0) {
		fend__release(socket);
		return r;
	}
	*ret_socket = socket;
	return 0;
}

FEND_PUBLIC struct fend_socket *
fend_socket_free(struct fend_socket *socket)
{
	if (!socket)
		return NULL;
	fend__socket_unready(socket);
	fend__layers_free(socket);
	if (socket->loop)
		fend__loop_drop(socket->loop);
	fend__close(socket->fd);
	if (socket->on_free)
		socket->on_free->fn(socket->on_free);
	return fend__release(socket);
}

FEND_PUBLIC struct fend_file *
fend_socket_file(const struct fend_socket *socket)
{
	return socket ? (struct fend_file *)&socket->file : NULL;
}

FEND_PUBLIC int
fend_socket_fd(const struct fend_socket *socket)
{
	return socket ? socket->fd : -EINVAL;
}

FEND_PUBLIC int
fend_socket_error(struct fend_socket *socket)
{
	socklen_t size = sizeof(int);
	int error = 0;
	int r;

	r = fend__socket_check(socket);
	if (r < 0)
		return r;
	r = fend__kernel->getsockopt(socket->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return r < 0 ? r : -error;
}

FEND_PUBLIC int
fend_socket_bind(struct fend_socket *socket, const struct fend_address *address)
{
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	if (!address || address->size > sizeof(address->storage))
		return -EINVAL;
	return fend__kernel->bind(socket->fd, (const struct sockaddr *)&address->storage,
				  address->size);
}

FEND_PUBLIC int
fend_socket_bind_addrinfo(struct fend_socket *socket, const struct addrinfo *addrinfo)
{
	int r;

	r = fend__socket_check(socket);
	if (r < 0)
		return r;
	if (!addrinfo)
		return -EINVAL;
	r = fend__socket_domain(socket);
	if (r < 0)
		return r;
	for (; addrinfo; addrinfo = addrinfo->ai_next) {
		if (addrinfo->ai_family == socket->domain && addrinfo->ai_addr)
			return fend__kernel->bind(socket->fd, addrinfo->ai_addr,
						  addrinfo->ai_addrlen);
	}
	return -EAFNOSUPPORT;
}

FEND_PUBLIC int
fend_socket_listen(struct fend_socket *socket, int backlog)
{
	int r = fend__socket_check(socket);

	return r < 0 ? r : fend__kernel->listen(socket->fd, backlog > 0 ? backlog : 128);
}

static bool
is_listening(const struct fend_socket *socket)
{
	socklen_t size = sizeof(int);
	int listening = 0;
	int r = fend__kernel->getsockopt(socket->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);

	return !r && listening;
}

/* Is this the error of a connection that was gone again, rather than one of accept (accept(2))? */
static bool
was_gone(const struct fend_socket *socket, int error)
{
	switch (error) {
	case -EINTR:
	case -ECONNABORTED:
	case -EPROTO:
	case -ENETDOWN:
	case -ENOPROTOOPT:
	case -EHOSTDOWN:
#ifdef ENONET
	case -ENONET:
#endif
	case -EHOSTUNREACH:
	case -ENETUNREACH:
		return true;
	case -EOPNOTSUPP:
		/* That is also what accept says of a socket that has no connections at all. */
		return is_listening(socket);
	default:
		return false;
	}
}

FEND_PUBLIC int
fend_socket_accept(struct fend_socket *socket, struct fend_address *ret_peer,
		   struct fend_socket **ret_socket)
{
	struct fend_address peer = { .size = sizeof(peer.storage) };
	int fd, r;

	r = fend__socket_check(socket);
	if (r < 0)
		return r;
	if (!ret_socket)
		return -EINVAL;
	fd = fend__kernel->accept(socket->fd, ret_peer ? (struct sockaddr *)&peer.storage : NULL,
				  ret_peer ? &peer.size : NULL);
	if (fd < 0)
		return was_gone(socket, fd) ? -EAGAIN : fd;
	r = take(fd, ret_socket);
	if (r < 0)
		return r;
	if (ret_peer)
		*ret_peer = peer;
	return 0;
}

FEND_PUBLIC int
fend_socket_connect(struct fend_socket *socket, const struct fend_address *address)
{
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	if (!address || address->size > sizeof(address->storage))
		return -EINVAL;
	return fend__kernel->connect(socket->fd, (const struct sockaddr *)&address->storage,
				     address->size);
}

/* Linux moves no more in one call (read(2)), and may take more for a bad address. */
#define SIZE_AT_MOST ((size_t)0x7ffff000)

/*
 * Is this what nearly every call is: memory and a size that need no thought, on a socket of ours
 * that is a descriptor and no more? Then it is the system call, and nothing before and after it.
 */
static inline bool
is_direct(const struct fend_socket *socket, const void *buffer, size_t size)
{
	return fend__likely(socket && buffer && size - 1 < SIZE_AT_MOST) &&
	       fend__socket_is_plain(socket) &&
	       fend__likely(!socket->loop || fend__loop_is_usable(socket->loop));
}

/* Of recv and send when it is not. */
static __attribute__((noinline)) ssize_t
move_one(struct fend_socket *socket, const void *buffer, size_t size, int flags,
	 ssize_t (*through)(struct fend_socket *, const struct iovec *, int, int))
{
	struct iovec iov = {
		.iov_base = (void *)buffer,
		.iov_len = size < SIZE_AT_MOST ? size : SIZE_AT_MOST,
	};
	int r = fend__socket_check(socket);

	if (r < 0 || size == 0)
		return r;
	if (!buffer)
		return -EINVAL;
	return through(socket, &iov, 1, flags);
}

FEND_PUBLIC ssize_t
fend_socket_recv(struct fend_socket *socket, void *buffer, size_t size, int flags)
{
	return is_direct(socket, buffer, size)
		       ? fend__kernel->recv(socket->fd, buffer, size, flags | MSG_DONTWAIT)
		       : move_one(socket, buffer, size, flags, fend__layers_recv);
}

FEND_PUBLIC ssize_t
fend_socket_peek(struct fend_socket *socket, void *buffer, size_t size)
{
	return fend_socket_recv(socket, buffer, size, MSG_PEEK);
}

FEND_PUBLIC ssize_t
fend_socket_send(struct fend_socket *socket, const void *buffer, size_t size, int flags)
{
	return is_direct(socket, buffer, size)
		       ? fend__kernel->send(socket->fd, buffer, size, flags | MSG_DONTWAIT)
		       : move_one(socket, buffer, size, flags, fend__layers_send);
}

ssize_t
fend__iov_size(const struct iovec *iov, int n)
{
	size_t size = 0;
	int i;

	if (n < 0 || (n > 0 && !iov))
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if ((iov[i].iov_len > 0 && !iov[i].iov_base) || iov[i].iov_len > SSIZE_MAX - size)
			return -EINVAL;
		size += iov[i].iov_len;
	}
	return (ssize_t)size;
}

#define PIECES_AT_ONCE 16

/*
 * Spare layers empty pieces, whose memory may be NULL: those before and after what is not empty are
 * left out, and if there are some in between, the rest is copied without them as far as there is
 * room. Less than all may be moved anyway.
 */
static int
compact(const struct iovec **iov, int n, struct iovec copy[PIECES_AT_ONCE])
{
	const struct iovec *from = *iov;
	int i, used = 0;

	for (; from->iov_len == 0; from++)
		n--;
	while (from[n - 1].iov_len == 0)
		n--;
	*iov = from;
	for (i = 0; i < n && from[i].iov_len > 0; i++)
		continue;
	if (i == n)
		return n;
	for (i = 0; i < n && used < PIECES_AT_ONCE; i++) {
		if (from[i].iov_len > 0)
			copy[used++] = from[i];
	}
	*iov = copy;
	return used;
}

/* Of recvv and sendv. */
static ssize_t
move(struct fend_socket *socket, const struct iovec *iov, int n, int flags,
     ssize_t (*through)(struct fend_socket *, const struct iovec *, int, int))
{
	struct iovec copy[PIECES_AT_ONCE];
	ssize_t done = fend__socket_check(socket);

	if (done < 0)
		return done;
	done = fend__iov_size(iov, n);
	if (done <= 0)
		return done;
	if (!fend__socket_is_plain(socket))
		n = compact(&iov, n, copy);
	return through(socket, iov, n, flags);
}

FEND_PUBLIC ssize_t
fend_socket_recvv(struct fend_socket *socket, const struct iovec *iov, int n, int flags)
{
	return move(socket, iov, n, flags, fend__layers_recv);
}

FEND_PUBLIC ssize_t
fend_socket_sendv(struct fend_socket *socket, const struct iovec *iov, int n, int flags)
{
	return move(socket, iov, n, flags, fend__layers_send);
}

FEND_PUBLIC int
fend_socket_shutdown(struct fend_socket *socket, int how)
{
	int r = fend__socket_check(socket);

	return r < 0 ? r : fend__layers_shutdown(socket, how);
}

/* Of getsockname and getpeername. */
static int
name(const struct fend_socket *socket, int (*get)(int, struct sockaddr *, socklen_t *),
     struct fend_address *ret_address)
{
	struct fend_address address = { .size = sizeof(address.storage) };
	int r;

	if (!socket || !ret_address)
		return -EINVAL;
	r = get(socket->fd, (struct sockaddr *)&address.storage, &address.size);
	if (r < 0)
		return r;
	*ret_address = address;
	return 0;
}

FEND_PUBLIC int
fend_socket_getpeername(const struct fend_socket *socket, struct fend_address *ret_address)
{
	return name(socket, fend__kernel->getpeername, ret_address);
}

FEND_PUBLIC int
fend_socket_getsockname(const struct fend_socket *socket, struct fend_address *ret_address)
{
	return name(socket, fend__kernel->getsockname, ret_address);
}

/* A socket without an address has a family nevertheless. */
int
fend__socket_domain(struct fend_socket *socket)
{
	struct fend_address own;
	int r;

	if (socket->domain)
		return socket->domain;
	r = fend_socket_getsockname(socket, &own);
	if (r < 0)
		return r;
	socket->domain = own.storage.ss_family;
	return socket->domain;
}
