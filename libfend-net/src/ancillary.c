/* SPDX-License-Identifier: MIT */
/*
 * Ancillary data of datagrams as Linux has it: ip(7), ipv6(7), udp(7).
 *
 * A socket of AF_INET6 may speak IPv4 as well, by addresses mapped into IPv6 (RFC 4291, section
 * 2.5.5.2). For such a datagram the kernel reads the source address from IPV6_PKTINFO, but the type
 * of service from IP_TOS; so both are said, and the one that does not apply is ignored.
 */
#include "ancillary.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <string.h>

static void
set_local(struct fend_datagram *datagram, const void *sockaddr, size_t size, unsigned interface)
{
	memset(&datagram->local.storage, 0, sizeof(datagram->local.storage));
	memcpy(&datagram->local.storage, sockaddr, size);
	datagram->local.size = (socklen_t)size;
	datagram->interface = interface;
}

/* The kernel's spec_dst is the destination, or the interface's address where that cannot answer. */
static void
read_pktinfo(const struct cmsghdr *cmsg, struct fend_datagram *datagram)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct in_pktinfo info;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	in.sin_addr = IN_MULTICAST(ntohl(info.ipi_addr.s_addr)) ? info.ipi_addr : info.ipi_spec_dst;
	set_local(datagram, &in, sizeof(in), (unsigned)info.ipi_ifindex);
}

/* Is the address one of several interfaces, each of which may have it (RFC 4007)? */
static bool
needs_zone(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_MC_LINKLOCAL(address) ||
	       IN6_IS_ADDR_MC_NODELOCAL(address);
}

static void
read_pktinfo6(const struct cmsghdr *cmsg, struct fend_datagram *datagram)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct in6_pktinfo info;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	in6.sin6_addr = info.ipi6_addr;
	if (needs_zone(&info.ipi6_addr))
		in6.sin6_scope_id = info.ipi6_ifindex;
	set_local(datagram, &in6, sizeof(in6), info.ipi6_ifindex);
}

static int
read_int(const struct cmsghdr *cmsg)
{
	int value;

	memcpy(&value, CMSG_DATA(cmsg), sizeof(value));
	return value;
}

static bool
is(const struct cmsghdr *cmsg, int level, int type, size_t size)
{
	return cmsg->cmsg_level == level && cmsg->cmsg_type == type &&
	       cmsg->cmsg_len >= CMSG_LEN(size);
}

void
fend__ancillary_read(struct msghdr *message, struct fend_datagram *datagram)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(message); cmsg; cmsg = CMSG_NXTHDR(message, cmsg)) {
		if (is(cmsg, IPPROTO_IP, IP_PKTINFO, sizeof(struct in_pktinfo)))
			read_pktinfo(cmsg, datagram);
		else if (is(cmsg, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(struct in6_pktinfo)))
			read_pktinfo6(cmsg, datagram);
		else if (is(cmsg, IPPROTO_IP, IP_TOS, 1))
			datagram->tos = *CMSG_DATA(cmsg);
		else if (is(cmsg, IPPROTO_IPV6, IPV6_TCLASS, sizeof(int)))
			datagram->tos = (unsigned char)read_int(cmsg);
		else if (is(cmsg, IPPROTO_UDP, UDP_GRO, sizeof(int)))
			datagram->segment = (unsigned)read_int(cmsg);
	}
}

/* Append to the ancillary data of message, which has room. */
static void
add(struct msghdr *message, int level, int type, const void *data, size_t size)
{
	struct cmsghdr *cmsg =
		(struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);

	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(cmsg), data, size);
	message->msg_controllen += CMSG_SPACE(size);
}

static void
add_pktinfo(const struct fend_address *local, struct msghdr *message)
{
	struct in_pktinfo info = { 0 };
	struct sockaddr_in in;

	memcpy(&in, &local->storage, sizeof(in));
	if (IN_MULTICAST(ntohl(in.sin_addr.s_addr)))
		return;
	info.ipi_spec_dst = in.sin_addr;
	add(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

static bool
is_multicast(const struct in6_addr *address)
{
	return IN6_IS_ADDR_MULTICAST(address) ||
	       (IN6_IS_ADDR_V4MAPPED(address) && (address->s6_addr[12] & 0xf0) == 0xe0);
}

static void
add_pktinfo6(const struct fend_address *local, struct msghdr *message)
{
	struct in6_pktinfo info = { 0 };
	struct sockaddr_in6 in6;

	memcpy(&in6, &local->storage, sizeof(in6));
	info.ipi6_ifindex = in6.sin6_scope_id;
	if (!is_multicast(&in6.sin6_addr))
		info.ipi6_addr = in6.sin6_addr;
	else if (!info.ipi6_ifindex)
		return;
	add(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

int
fend__ancillary_write(int domain, const struct fend_datagram *datagram, union control *control,
		      struct msghdr *message)
{
	socklen_t size = domain == AF_INET ? sizeof(struct sockaddr_in)
					   : sizeof(struct sockaddr_in6);

	memset(control, 0, sizeof(*control));
	message->msg_control = control;
	if (datagram->local.size > 0) {
		if (datagram->local.storage.ss_family != domain || datagram->local.size < size)
			return -EINVAL;
		if (domain == AF_INET)
			add_pktinfo(&datagram->local, message);
		else
			add_pktinfo6(&datagram->local, message);
	}
	if (datagram->tos) {
		int tos = datagram->tos;

		add(message, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
		if (domain == AF_INET6)
			add(message, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	}
	if (datagram->segment > 0 && datagram->size > datagram->segment) {
		uint16_t segment = (uint16_t)datagram->segment;

		if (datagram->segment > UINT16_MAX)
			return -EMSGSIZE;
		add(message, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	}
	return 0;
}

int
fend__ancillary_segment_option(void)
{
	return UDP_SEGMENT;
}
