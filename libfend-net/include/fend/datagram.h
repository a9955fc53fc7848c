/* SPDX-License-Identifier: MIT */
#ifndef FEND_DATAGRAM_H
#define FEND_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <fend/address.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_socket;

/*
 * Datagrams of UDP and Unix sockets: one at a time with their addresses, or several in one system
 * call with what a server needs to answer. Socket options, which
 * fend_socket_set_option_name() knows, say what the kernel tells about those that are received.
 *
 * On a socket with layers all of these are -EOPNOTSUPP. As everywhere on sockets nothing waits:
 * -EAGAIN, and fend_socket_watch() tells when to try again. An error that the network has reported
 * for a datagram sent earlier, such as -ECONNREFUSED on a connected socket, is returned by the next
 * call, and the one after it goes on.
 */

/*
 * recvfrom(2) and sendto(2). An empty datagram is one: both return 0 for it, and 0 is not an end.
 * What does not fit into buffer is lost. *ret_peer (NULL: not wanted) has the size 0 if the sender
 * has no address. address NULL: where the socket is connected to.
 *   -EMSGSIZE      more than a datagram, or the path with fragmenting switched off, can carry
 *   -EDESTADDRREQ -ENOTCONN  no address, and not connected
 */
ssize_t fend_socket_recvfrom(struct fend_socket *socket, void *buffer, size_t size, int flags,
			     struct fend_address *ret_peer);
ssize_t fend_socket_sendto(struct fend_socket *socket, const void *buffer, size_t size, int flags,
			   const struct fend_address *address);

/* How many datagrams one call moves at most. */
#define FEND_DATAGRAM_BATCH 32

/*
 * One datagram. To receive, set data and capacity; to send, zero it and set data and size and what
 * else is wanted. The fields mean the same both ways, so what was received can be sent as it is: it
 * goes back to where it came from, from the address it went to, in segments of the same size.
 */
struct fend_datagram {
	void *data; /* only read when sent */
	size_t capacity;
	size_t size;
	struct fend_address peer; /* from or to; size 0: unnamed, or the socket's connected peer */

	/*
	 * The address of this host, with port 0; size 0: not known, or the kernel's choice.
	 * Received with "IP_PKTINFO" (Linux: ip(7)) or "IPV6_RECVPKTINFO" (RFC 3542): where the
	 * datagram was sent to, or that of the interface if it was broadcast. Sent: the source,
	 * which a socket bound to all addresses answers from; of a multicast address only the zone
	 * counts.
	 */
	struct fend_address local;
	unsigned interface; /* received, with the same options: the index of where it came in */

	/*
	 * data is a train of datagrams of segment bytes each, the last of which may be shorter; 0:
	 * one datagram. Received with "UDP_GRO"; capacity is then best 65535. Sent by the kernel or
	 * the network card in as many datagrams (UDP_SEGMENT): at most 64 and 65507 bytes in all.
	 */
	unsigned segment;

	/*
	 * The type of service or traffic class: DSCP and, in the lowest two bits, ECN (RFC 3168).
	 * Received with "IP_RECVTOS" or "IPV6_RECVTCLASS". Sent: 0 is what the socket's options
	 * say.
	 */
	unsigned char tos;
	bool truncated; /* received: it had more than capacity bytes, and the rest is lost */
};

/*
 * Receive or send up to n datagrams, FEND_DATAGRAM_BATCH at most, in one system call where the
 * system has one for it. Returns how many: the first of the array, and at least one unless n is 0.
 * A datagram that cannot be sent ends the batch before it, and is the error of the next call, which
 * begins with it. Fewer than n does not mean that nothing is left: -EAGAIN does.
 *   -EAGAIN      nothing to receive, no room to send
 *   -EOPNOTSUPP  segments where the kernel or the socket has none
 *   -ENOTSUP     local, segment or tos on a system that fend cannot set it on
 *   -EINVAL      local of another family, too many segments
 *   -EINVAL -ENETUNREACH -EADDRNOTAVAIL  local is no address of this host
 *   -EIO         segments over an interface that cannot compute checksums
 *   -EMSGSIZE    as above, also of one segment
 */
int fend_socket_recv_batch(struct fend_socket *socket, struct fend_datagram *datagrams, int n);
int fend_socket_send_batch(struct fend_socket *socket, const struct fend_datagram *datagrams,
			   int n);

#ifdef __cplusplus
}
#endif

#endif
