/* SPDX-License-Identifier: MIT */
/* Places to connect to. A port is reserved by a socket that is bound, whether it listens or not. */
#include "place.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fend-test.h"
#include "process.h"

static int
bind_loopback(int family, int port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons((guint16)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons((guint16)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -1;
	r = family == AF_INET ? bind(fd, (struct sockaddr *)&in, sizeof(in))
			      : bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	if (r == 0)
		return fd;
	close(fd);
	return -1;
}

/* One more connection to the hole; false: it does not fit any more. */
static gboolean
place_fill(struct place *place)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	struct pollfd entry = { .events = POLLOUT };

	g_assert_cmpint(getsockname(place->listener, (struct sockaddr *)&address, &size), ==, 0);
	entry.fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	g_assert_cmpint(entry.fd, >=, 0);
	connect(entry.fd, (struct sockaddr *)&address, size);
	if (poll(&entry, 1, 50 * test_slowness()) == 1) {
		g_assert_cmpint(place->n_fillers, <, 8);
		place->fillers[place->n_fillers++] = entry.fd;
		return TRUE;
	}
	close(entry.fd);
	return FALSE;
}

void
place_init(struct place *place, enum ground ground)
{
	if (ground != REFUSED)
		g_assert_cmpint(listen(place->listener, ground == HOLE ? 0 : 8), ==, 0);
	while (ground == HOLE && place_fill(place))
		continue;
}

static void
close_fillers(struct place *place)
{
	while (place->n_fillers > 0)
		close(place->fillers[--place->n_fillers]);
}

void
place_drain(struct place *place)
{
	struct pollfd entry = { .fd = place->listener, .events = POLLIN };

	/* One that the listener has not acknowledged would take the place that becomes free. */
	close_fillers(place);
	while (poll(&entry, 1, 0) == 1)
		close(accept(place->listener, NULL, NULL));
}

void
place_fini(struct place *place)
{
	close_fillers(place);
	close(place->listener);
}

int
place_bind_pair(struct place *in, struct place *in6)
{
	int port, tries;

	for (tries = 0; tries < 20; tries++) {
		port = test_port(SOCK_STREAM);
		*in = (struct place){ .listener = bind_loopback(AF_INET, port) };
		*in6 = (struct place){ .listener = bind_loopback(AF_INET6, port) };
		if (in->listener >= 0 && in6->listener >= 0)
			return port;
		close(in->listener);
		close(in6->listener);
	}
	return -1;
}
