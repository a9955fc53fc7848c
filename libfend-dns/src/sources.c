/* SPDX-License-Identifier: MIT */
/*
 * Source addresses, which the order of destinations depends on. To ask the kernel for one takes
 * four system calls, so what it says is taken for true for LIFE: programs look up the same names
 * again. Not so that a destination cannot be reached: what becomes reachable is so at once.
 */
#include "sources.h"

#include <string.h>
#include <sys/socket.h>

#include <fend-internal/deadline.h>
#include <fend-internal/kernel.h>

#define LIFE FEND_SEC(1)

/* A datagram socket that connects sends nothing. */
static bool
ask_kernel(const struct host_address *to, struct host_address *ret_from)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	bool is_in = to->family == AF_INET;
	struct sockaddr *sockaddr = is_in ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
	socklen_t size = is_in ? sizeof(in) : sizeof(in6);
	int fd, r;

	in.sin_addr = to->in;
	if (!is_in)
		in6.sin6_addr = to->in6;
	in6.sin6_scope_id = to->zone;
	fd = fend__kernel->socket(to->family, SOCK_DGRAM, 0);
	if (fd < 0)
		return false;
	r = fend__kernel->connect(fd, sockaddr, size);
	if (r == 0)
		r = fend__kernel->getsockname(fd, sockaddr, &size);
	fend__close(fd);
	if (r < 0)
		return false;
	ret_from->family = to->family;
	if (is_in)
		ret_from->in = in.sin_addr;
	else
		ret_from->in6 = in6.sin6_addr;
	return true;
}

static size_t
size_of(const struct host_address *address)
{
	return address->family == AF_INET ? sizeof(address->in) : sizeof(address->in6);
}

static bool
is_same(const struct host_address *a, const struct host_address *b)
{
	return a->family == b->family && a->zone == b->zone &&
	       memcmp(&a->in6, &b->in6, size_of(a)) == 0;
}

/* Where a destination has its place, which others may take from it. */
static struct source *
place_of(struct sources *sources, const struct host_address *to)
{
	const unsigned char *bytes = (const unsigned char *)&to->in6;
	size_t hash = 0, i;

	for (i = 0; i < size_of(to); i++)
		hash = 31 * hash + bytes[i];
	return &sources->kept[hash % SOURCES_KEPT];
}

bool
fend__source_find(struct sources *sources, const struct host_address *to,
		  struct host_address *ret_from)
{
	struct source *source;

	if (!sources)
		return ask_kernel(to, ret_from);
	source = place_of(sources, to);
	if (!is_same(&source->to, to) || source->until <= fend__kernel->now()) {
		source->until = 0;
		if (!ask_kernel(to, &source->from))
			return false;
		source->to = *to;
		source->until = fend__deadline(LIFE);
	}
	*ret_from = source->from;
	return true;
}
