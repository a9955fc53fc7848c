/* SPDX-License-Identifier: MIT */
/* A bare epoll loop over the provider that libfend-tls was configured with. */
#include "bench.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls.h"

struct io {
	void (*fn)(struct io *io);
	int fd;
};

struct connection {
	struct io io;
	void *session;
	bool shaken, sending;
	struct tls_request request;
};

static int epoll;
static bool (*serve_control)(int control);
static bool stopped;
static char buffer[TLS_BUFFER];

static void
watch(struct io *io, int operation, unsigned events)
{
	struct epoll_event event = { .events = events, .data.ptr = io };

	if (epoll_ctl(epoll, operation, io->fd, &event) < 0)
		abort();
}

static int
answer(struct connection *connection)
{
	int n = 1;

	for (int sent = 0; n > 0 && sent < TLS_TURN && connection->request.left; sent += n) {
		n = raw_write(connection->session, buffer, (int)tls_next(&connection->request));
		if (n > 0)
			connection->request.left -= (uint64_t)n;
	}
	if (!connection->request.left) {
		connection->sending = false;
		watch(&connection->io, EPOLL_CTL_MOD, EPOLLIN);
	}
	return n;
}

static int
take(struct connection *connection)
{
	int n;

	while ((n = raw_read(connection->session, buffer, sizeof(buffer))) > 0) {
		if (connection->request.what)
			continue;
		memcpy(&connection->request, buffer, sizeof(connection->request));
		if (connection->request.what != TLS_SEND)
			continue;
		connection->sending = true;
		watch(&connection->io, EPOLL_CTL_MOD, EPOLLOUT);
		return 1;
	}
	return n == 0 ? -EPIPE : n;
}

static void
on_connection(struct io *io)
{
	struct connection *connection = (struct connection *)io;
	int n = 0;

	if (!connection->shaken) {
		n = raw_handshake(connection->session);
		connection->shaken = n >= 0;
	}
	if (connection->shaken)
		n = connection->sending ? answer(connection) : take(connection);
	if (n >= 0 || n == -EAGAIN)
		return;
	raw_free(connection->session);
	close(io->fd);
	free(connection);
}

static void
on_listener(struct io *io)
{
	int fd;

	while ((fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = calloc(1, sizeof(*connection));

		connection->io = (struct io){ on_connection, fd };
		connection->session = raw_new(fd);
		watch(&connection->io, EPOLL_CTL_ADD, EPOLLIN);
	}
}

static void
on_control(struct io *io)
{
	stopped = !serve_control(io->fd);
}

static void
serve(int listener, int control, bool (*fn)(int control))
{
	struct io ios[2] = { { on_listener, listener }, { on_control, control } };
	struct epoll_event events[256];

	raw_init(getenv(TLS_CERTIFICATE), getenv(TLS_KEY));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	serve_control = fn;
	watch(&ios[0], EPOLL_CTL_ADD, EPOLLIN);
	watch(&ios[1], EPOLL_CTL_ADD, EPOLLIN);
	for (stopped = false; !stopped;) {
		int n = epoll_wait(epoll, events, 256, -1);

		for (int i = 0; i < n; i++) {
			struct io *io = events[i].data.ptr;

			io->fn(io);
		}
	}
	close(epoll);
}

const struct contestant bench_contestant = {
	.name = "raw",
	.version = raw_version,
	.serve = serve,
};
