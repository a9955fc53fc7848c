/* SPDX-License-Identifier: MIT */
#ifndef FEND_SOCKET_H
#define FEND_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <fend/address.h>
#include <fend/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo;
struct fend_file;
struct fend_loop;

/*
 * A nonblocking, close-on-exec socket. Its functions are the system calls of their names with
 * these differences: they return -errno, never wait, never return -EINTR, never raise SIGPIPE,
 * and pass through the layers that were pushed onto the socket (<fend/layer.h>), so that they carry
 * plaintext over TLS the same way as over TCP.
 *
 * A socket belongs to no loop until a call names one; from then on it stays with that loop, and
 * naming another is -EINVAL. It has one readiness, which one thing holds at a time: a watch, or an
 * operation that takes the socket's events for itself, such as a TLS handshake. Whoever comes
 * second gets -EBUSY; a TLS handshake or shutdown alone may start over a watch, which is suspended
 * meanwhile.
 *
 * In a child after fork(2) a socket that has neither a loop nor a layer goes on working; every
 * other is the parent's (-ECHILD).
 */
struct fend_socket;

/*
 * Make a socket (socket(2)); _tcp and _udp: of domain AF_INET or AF_INET6; _unix: of type
 * SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET. Errors of socket(2), among them
 *   -EAFNOSUPPORT  the system has no IPv6, say
 *   -EMFILE -ENFILE -ENOBUFS -ENOMEM  nothing left to make one of
 */
int fend_socket_new_tcp(int domain, struct fend_socket **ret_socket);
int fend_socket_new_udp(int domain, struct fend_socket **ret_socket);
int fend_socket_new_unix(int type, struct fend_socket **ret_socket);
int fend_socket_new(int domain, int type, int protocol, struct fend_socket **ret_socket);

/*
 * Make a socket of a descriptor, which is taken on success and made nonblocking and close-on-exec.
 *   -EBADF     it is not open
 *   -ENOTSOCK  it is something else
 */
int fend_socket_wrap(int fd, struct fend_socket **ret_socket);

/*
 * Close the socket. Nothing of it calls back after that. What layers have buffered gets one try to
 * leave without waiting. In a child after fork(2) it only closes the child's descriptor. NULL does
 * nothing. Returns NULL.
 */
struct fend_socket *fend_socket_free(struct fend_socket *socket);

/* The socket's file, which the socket owns, and its descriptor. Borrowed. */
struct fend_file *fend_socket_file(const struct fend_socket *socket);
int fend_socket_fd(const struct fend_socket *socket);

/*
 * setsockopt(2): with any value, with an int (also for those that are booleans), and by the name
 * of the constant, with or without its "SO_": "REUSEADDR", "SO_KEEPALIVE", "TCP_NODELAY",
 * "IPV6_V6ONLY", ... The names are those of int-valued options of socket(7), ip(7), ipv6(7), tcp(7)
 * and udp(7).
 *   -ENOPROTOOPT  an unknown name, or an option this socket does not have
 */
int fend_socket_set_option(struct fend_socket *socket, int level, int option, const void *value,
			   socklen_t size);
int fend_socket_set_option_int(struct fend_socket *socket, int level, int option, int value);
int fend_socket_set_option_name(struct fend_socket *socket, const char *name, int value);

/*
 * The pending error (SO_ERROR, socket(7)) as -errno, 0 if there is none; reading clears it. How a
 * connect ended, once the socket is FEND_OUT. fend_strerror() has the text.
 */
int fend_socket_error(struct fend_socket *socket);

/*
 * bind(2): to address, or to the first entry of the list that has this socket's family, and to no
 * other if that fails.
 *   -EADDRINUSE     somebody is bound to it
 *   -EADDRNOTAVAIL  it is none of this host
 *   -EACCES         it is a port or a path that needs a right
 *   -EAFNOSUPPORT   the list has no address of this family
 */
int fend_socket_bind(struct fend_socket *socket, const struct fend_address *address);
int fend_socket_bind_addrinfo(struct fend_socket *socket, const struct addrinfo *addrinfo);

/*
 * listen(2): connections that wait to be accepted, backlog of them; <= 0: 128. A socket that is not
 * bound gets a port of the kernel's choice.
 */
int fend_socket_listen(struct fend_socket *socket, int backlog);

/*
 * Accept one connection.
 *   -EAGAIN  none is waiting; also after one that was gone again before it could be accepted
 *   -EMFILE -ENFILE -ENOBUFS -ENOMEM  none can be taken now, and the listener stays FEND_IN: stop
 *            watching it for a while
 * ret_peer may be NULL.
 */
int fend_socket_accept(struct fend_socket *socket, struct fend_address *ret_peer,
		       struct fend_socket **ret_socket);

/*
 * Start to connect (connect(2)).
 *   0             connected at once
 *   -EINPROGRESS  FEND_OUT will tell when it has ended, and fend_socket_error() how
 *   -errno        failed: -ECONNREFUSED, -ENETUNREACH, ...; of a Unix socket whose backlog is full,
 *                 -EAGAIN
 */
int fend_socket_connect(struct fend_socket *socket, const struct fend_address *address);

/*
 * Move bytes. recv and peek return 0 at the end of what the peer sends, and -EAGAIN when there is
 * nothing yet; send returns how many bytes were taken, perhaps fewer than given, and -EAGAIN when
 * there is no room. peek returns bytes that the next recv returns again. flags are those of
 * recv(2) and send(2); through a layer only MSG_PEEK and MSG_DONTWAIT, all others are -EOPNOTSUPP.
 * A size of 0 moves nothing and returns 0. recvv and sendv do it with n pieces of memory in order
 * (readv(2)), as if they were one; -EMSGSIZE: the kernel takes no more than IOV_MAX of them.
 *
 * Datagrams, their addresses and several at once: <fend/datagram.h>; descriptors: <fend/unix.h>.
 */
ssize_t fend_socket_recv(struct fend_socket *socket, void *buffer, size_t size, int flags);
ssize_t fend_socket_peek(struct fend_socket *socket, void *buffer, size_t size);
ssize_t fend_socket_send(struct fend_socket *socket, const void *buffer, size_t size, int flags);
ssize_t fend_socket_recvv(struct fend_socket *socket, const struct iovec *iov, int n, int flags);
ssize_t fend_socket_sendv(struct fend_socket *socket, const struct iovec *iov, int n, int flags);

/*
 * shutdown(2), with how SHUT_RD, SHUT_WR or SHUT_RDWR. A layer sends what it has buffered before it
 * ends writing.
 *   -ENOTCONN  not connected
 */
int fend_socket_shutdown(struct fend_socket *socket, int how);

/*
 * The address of the other end, and the own one, with the port that the kernel chose.
 *   -ENOTCONN  not connected, or not any more
 */
int fend_socket_getpeername(const struct fend_socket *socket, struct fend_address *ret_address);
int fend_socket_getsockname(const struct fend_socket *socket, struct fend_address *ret_address);

/*
 * events: as for fend_io_fn, level-triggered; with layers they are about plaintext: FEND_IN means
 * that recv would not return -EAGAIN, although the descriptor itself may be silent. (It may be told
 * too early: recv then returns -EAGAIN.)
 */
typedef void fend_socket_fn(struct fend_socket *socket, unsigned events, void *data);

/*
 * Watch the socket with loop; events is any set of FEND_IN, FEND_OUT, FEND_PRI and FEND_RDHUP.
 * FEND_ERR and FEND_HUP come unasked, unless the set is empty. Errors of fend_io_new() and:
 *   -EBUSY   it is watched already, or something else holds its readiness
 *   -EINVAL  it belongs to another loop
 */
int fend_socket_watch(struct fend_socket *socket, struct fend_loop *loop, unsigned events,
		      fend_socket_fn *fn, void *data);

/*
 * Change what is watched for, also while a handshake suspends the watch. Errors of fend_io_set()
 * and:
 *   -ENOENT  there is no watch
 */
int fend_socket_set_events(struct fend_socket *socket, unsigned events);

/* After it returns fn is not called any more. Without a watch it does nothing. */
void fend_socket_unwatch(struct fend_socket *socket);

FEND_DEFINE_CLEANUP(fend_socket)

#ifdef __cplusplus
}
#endif

#endif
