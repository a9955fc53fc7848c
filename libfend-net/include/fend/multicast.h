/* SPDX-License-Identifier: MIT */
#ifndef FEND_MULTICAST_H
#define FEND_MULTICAST_H

#ifdef __cplusplus
extern "C" {
#endif

struct fend_address;
struct fend_socket;

/*
 * Multicast (RFC 3678), over IPv4 and IPv6 alike. interface is the name or the index of one; NULL
 * is that of the zone in group, if it has one, and else the kernel's choice. Ports do not matter.
 * Time to live and loopback are options: "IP_MULTICAST_TTL", "IPV6_MULTICAST_LOOP", ...
 *   -EINVAL   group is no multicast address, or source of another family
 *   -ENODEV   no such interface
 *   -ENOTSUP  a system without these functions
 */

/*
 * Receive what is sent to group, from anybody or (source not NULL) from source, or do so no longer.
 * A socket may join several groups, on several interfaces; closing it leaves them all.
 *   -EADDRINUSE     joined already
 *   -EADDRNOTAVAIL  not joined
 *   -ENOBUFS        in too many groups
 */
int fend_socket_join(struct fend_socket *socket, const struct fend_address *group,
		     const char *interface, const struct fend_address *source);
int fend_socket_leave(struct fend_socket *socket, const struct fend_address *group,
		      const char *interface, const struct fend_address *source);

/* Send multicast over interface; NULL: the kernel's choice again. */
int fend_socket_set_multicast_interface(struct fend_socket *socket, const char *interface);

#ifdef __cplusplus
}
#endif

#endif
