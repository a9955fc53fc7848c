/* SPDX-License-Identifier: MIT */
/*
 * Multicast by the calls of RFC 3678, which are the same for IPv4 and IPv6. The level is that of
 * the group's family and not of the socket's: a socket of IPv6 that speaks IPv4 as well may join
 * groups of both.
 */
#include <fend/multicast.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <fend/address.h>

#include <fend-internal/kernel.h>

#include "socket.h"

/* An index as it stands, or a name's. */
static int
find_interface(const char *interface, unsigned *ret_index)
{
	size_t digits = strspn(interface, "0123456789");
	unsigned long index;

	if (digits == 0 || interface[digits])
		return fend__kernel->interface(interface, ret_index);
	errno = 0;
	index = strtoul(interface, NULL, 10);
	if (errno || index == 0 || index > INT32_MAX)
		return -ENODEV;
	*ret_index = (unsigned)index;
	return 0;
}

/* Of a group: the level of its options and its zone. */
static int
examine(const struct fend_address *group, int *ret_level, unsigned *ret_zone)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (group->size > sizeof(group->storage))
		return -EINVAL;
	if (group->storage.ss_family == AF_INET && group->size >= sizeof(in)) {
		memcpy(&in, &group->storage, sizeof(in));
		*ret_level = IPPROTO_IP;
		*ret_zone = 0;
		return IN_MULTICAST(ntohl(in.sin_addr.s_addr)) ? 0 : -EINVAL;
	}
	if (group->storage.ss_family == AF_INET6 && group->size >= sizeof(in6)) {
		memcpy(&in6, &group->storage, sizeof(in6));
		*ret_level = IPPROTO_IPV6;
		*ret_zone = in6.sin6_scope_id;
		return IN6_IS_ADDR_MULTICAST(&in6.sin6_addr) ? 0 : -EINVAL;
	}
	return -EINVAL;
}

/* any and one are the options without and with a source. */
static int
change(struct fend_socket *socket, const struct fend_address *group, const char *interface,
       const struct fend_address *source, int any, int one)
{
	struct group_source_req request = { 0 };
	struct group_req all = { 0 };
	unsigned index;
	int level, r;

	r = fend__socket_check(socket);
	if (r < 0)
		return r;
	if (!group)
		return -EINVAL;
	r = examine(group, &level, &index);
	if (r >= 0 && interface)
		r = find_interface(interface, &index);
	if (r < 0)
		return r;
	if (!source) {
		all.gr_interface = index;
		memcpy(&all.gr_group, &group->storage, group->size);
		return fend__kernel->setsockopt(socket->fd, level, any, &all, sizeof(all));
	}
	if (source->storage.ss_family != group->storage.ss_family || source->size < group->size ||
	    source->size > sizeof(source->storage))
		return -EINVAL;
	request.gsr_interface = index;
	memcpy(&request.gsr_group, &group->storage, group->size);
	memcpy(&request.gsr_source, &source->storage, source->size);
	return fend__kernel->setsockopt(socket->fd, level, one, &request, sizeof(request));
}

FEND_PUBLIC int
fend_socket_join(struct fend_socket *socket, const struct fend_address *group,
		 const char *interface, const struct fend_address *source)
{
	return change(socket, group, interface, source, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP);
}

FEND_PUBLIC int
fend_socket_leave(struct fend_socket *socket, const struct fend_address *group,
		  const char *interface, const struct fend_address *source)
{
	return change(socket, group, interface, source, MCAST_LEAVE_GROUP,
		      MCAST_LEAVE_SOURCE_GROUP);
}

FEND_PUBLIC int
fend_socket_set_multicast_interface(struct fend_socket *socket, const char *interface)
{
	struct ip_mreqn request = { 0 };
	unsigned index = 0;
	int r;

	r = fend__socket_check(socket);
	if (r < 0)
		return r;
	if (interface) {
		r = find_interface(interface, &index);
		if (r < 0)
			return r;
	}
	r = fend__socket_domain(socket);
	if (r < 0)
		return r;
	if (r == AF_INET6)
		return fend_socket_set_option_int(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF,
						  (int)index);
	request.imr_ifindex = (int)index;
	return fend_socket_set_option(socket, IPPROTO_IP, IP_MULTICAST_IF, &request,
				      sizeof(request));
}
