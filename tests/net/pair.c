/* SPDX-License-Identifier: MIT */
#include "pair.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

void
wait_fd(int fd, short events)
{
	struct pollfd entry = { .fd = fd, .events = events };
	int ready;

	do
		ready = poll(&entry, 1, -1);
	while (ready < 0 && errno == EINTR);
	g_assert_cmpint(ready, ==, 1);
}

struct fend_socket *
listener_new(struct fend_address *ret_address)
{
	struct fend_socket *listener;

	test_ok(fend_socket_new_tcp(AF_INET, &listener));
	test_ok(fend_address_parse("127.0.0.1:0", ret_address));
	test_ok(fend_socket_bind(listener, ret_address));
	test_ok(fend_socket_listen(listener, 0));
	test_ok(fend_socket_getsockname(listener, ret_address));
	return listener;
}

void
pair_init(struct pair *pair)
{
	int fds[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	test_ok(fend_socket_wrap(fds[0], &pair->a));
	test_ok(fend_socket_wrap(fds[1], &pair->b));
}

void
pair_init_tcp(struct pair *pair)
{
	struct fend_address address;
	struct fend_socket *listener = listener_new(&address);
	int r;

	test_ok(fend_socket_new_tcp(AF_INET, &pair->a));
	r = fend_socket_connect(pair->a, &address);
	g_assert_true(r == 0 || r == -EINPROGRESS);
	wait_fd(fend_socket_fd(listener), POLLIN);
	test_ok(fend_socket_accept(listener, NULL, &pair->b));
	wait_fd(fend_socket_fd(pair->a), POLLOUT);
	test_ok(fend_socket_error(pair->a));
	fend_socket_free(listener);
}

void
pair_fini(struct pair *pair)
{
	pair->a = fend_socket_free(pair->a);
	pair->b = fend_socket_free(pair->b);
}

void
on_told(struct fend_socket *socket, unsigned events, void *data)
{
	struct told *told = data;

	told->calls++;
	told->events = events;
	if (told->then)
		told->then(socket, told);
}

void
send_all(struct fend_socket *socket, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = fend_socket_send(socket, at, size, 0);

		if (n == -EAGAIN) {
			wait_fd(fend_socket_fd(socket), POLLOUT);
			continue;
		}
		g_assert_cmpint(n, >, 0);
		at += n;
		size -= (size_t)n;
	}
}

void
recv_all(struct fend_socket *socket, void *data, size_t size)
{
	char *at = data;

	while (size > 0) {
		ssize_t n = fend_socket_recv(socket, at, size, 0);

		if (n == -EAGAIN) {
			wait_fd(fend_socket_fd(socket), POLLIN);
			continue;
		}
		g_assert_cmpint(n, >, 0);
		at += n;
		size -= (size_t)n;
	}
}
