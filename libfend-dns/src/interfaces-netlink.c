/* SPDX-License-Identifier: MIT */
/*
 * The addresses of this host, asked for over Netlink (rtnetlink(7)), which is what getifaddrs(3)
 * does as well; but that passes the kernel door by, and does not tell which are deprecated.
 *
 * The answer is a number of messages, several in a datagram, until one that says that it is the
 * last. The kernel writes a part when the one before has been read, so that there is never anything
 * to wait for.
 */
#include "interfaces.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>

/* The kernel writes no more than this at a time to who reads no more (NLMSG_GOODSIZE). */
union part {
	struct nlmsghdr header;
	char bytes[8192];
};

struct list {
	struct interfaces interfaces;
	size_t size;
};

static int
add(struct list *list, const struct own_address *own)
{
	size_t size = list->size ? 2 * list->size : 8;
	struct own_address *grown;

	if (list->interfaces.n == list->size) {
		grown = fend__resize(list->interfaces.addresses, size, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->interfaces.addresses = grown;
		list->size = size;
	}
	list->interfaces.addresses[list->interfaces.n++] = *own;
	return 0;
}

static int
read_address(struct list *list, const struct nlmsghdr *header)
{
	const struct ifaddrmsg *message = NLMSG_DATA(header);
	const struct rtattr *attribute;
	struct own_address own = { .prefix = message->ifa_prefixlen,
				   .deprecated = message->ifa_flags & IFA_F_DEPRECATED,
				   .home = message->ifa_flags & IFA_F_HOMEADDRESS };
	size_t size = message->ifa_family == AF_INET ? sizeof(own.address.in)
						     : sizeof(own.address.in6);
	int left = (int)IFA_PAYLOAD(header);
	bool is_local = false;

	if (message->ifa_family != AF_INET && message->ifa_family != AF_INET6)
		return 0;
	own.address.family = message->ifa_family;
	/* If there are two, the other is that of the peer. */
	for (attribute = IFA_RTA(message); !is_local && RTA_OK(attribute, left);
	     attribute = RTA_NEXT(attribute, left)) {
		is_local = attribute->rta_type == IFA_LOCAL;
		if ((is_local || attribute->rta_type == IFA_ADDRESS) &&
		    RTA_PAYLOAD(attribute) == size)
			memcpy(&own.address.in6, RTA_DATA(attribute), size);
	}
	return add(list, &own);
}

/* 1: that was all; 0: there is more. */
static int
read_part(struct list *list, const union part *part, int size)
{
	const struct nlmsghdr *header;
	int r = 0;

	/* padding that is left out makes the size negative */
	for (header = &part->header; r == 0 && size > 0 && NLMSG_OK(header, (unsigned)size);
	     header = NLMSG_NEXT(header, size)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return 1;
		if (header->nlmsg_type == NLMSG_ERROR)
			return -EIO;
		if (header->nlmsg_type == RTM_NEWADDR)
			r = read_address(list, header);
	}
	return r;
}

static int
ask(int fd)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg message;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETADDR,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.message = { .ifa_family = AF_UNSPEC },
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec iov = { .iov_base = &request, .iov_len = sizeof(request) };
	const struct msghdr message = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n = fend__kernel->sendmsg(fd, &message, 0);

	return n < 0 ? (int)n : 0;
}

static int
read_answer(struct list *list, int fd)
{
	struct sockaddr_nl from;
	union part part;
	struct iovec iov = { .iov_base = &part, .iov_len = sizeof(part) };
	struct msghdr message;
	ssize_t n;
	int r = 0;

	while (r == 0) {
		message = (struct msghdr){
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};
		n = fend__kernel->recvmsg(fd, &message, 0);
		if (n < 0)
			return (int)n;
		if (message.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		/* Others may write to this socket, if they are privileged. */
		if (from.nl_pid == 0)
			r = read_part(list, &part, (int)n);
	}
	return r < 0 ? r : 0;
}

int
fend__interfaces_read(struct interfaces *ret_interfaces)
{
	struct list list = { 0 };
	int fd = fend__kernel->socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	int r;

	if (fd < 0)
		return fd;
	r = ask(fd);
	if (r == 0)
		r = read_answer(&list, fd);
	fend__close(fd);
	if (r < 0) {
		fend__interfaces_clear(&list.interfaces);
		return r;
	}
	*ret_interfaces = list.interfaces;
	return 0;
}
