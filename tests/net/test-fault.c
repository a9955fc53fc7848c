/* SPDX-License-Identifier: MIT */
/* Let each allocation and each system call fail once, and nothing else may come of it. */
#include <fend/net.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"
#include "layers.h"
#include "pair.h"

/* A listener that echoes one line, and a client; both speak through a layer. */
struct scene {
	struct fend_loop *loop;
	struct fend_socket *listener, *client, *server;
	char line[8];
	size_t received;
	int connected, done, err;
};

static int
push_rot13(struct fend_socket *socket)
{
	struct rot13 *layer = g_new0(struct rot13, 1);
	int r;

	layer->in_error = -EAGAIN;
	r = fend_socket_push_layer(socket, &rot13_ops, layer);
	if (r < 0)
		g_free(layer);
	return r;
}

/* Note the first error. Returns whether there is none. */
static int
ok(struct scene *scene, ssize_t r)
{
	if (r < 0 && r != -EAGAIN && !scene->err)
		scene->err = (int)r;
	return !scene->err;
}

static void
on_server(struct fend_socket *server, unsigned events, void *data)
{
	struct scene *scene = data;
	ssize_t n;

	if (!ok(scene, events & FEND_ERR ? -EIO : 0))
		return;
	n = fend_socket_recv(server, scene->line, 5, 0);
	if (!ok(scene, n) || n < 0)
		return;
	ok(scene, fend_socket_send(server, scene->line, (size_t)n, 0));
}

static void
on_listener(struct fend_socket *listener, unsigned events, void *data)
{
	struct scene *scene = data;

	if (!ok(scene, events & FEND_ERR ? -EIO : 0))
		return;
	if (ok(scene, fend_socket_accept(listener, NULL, &scene->server)) && scene->server &&
	    ok(scene, push_rot13(scene->server)))
		ok(scene, fend_socket_watch(scene->server, scene->loop, FEND_IN, on_server, scene));
}

static void
on_client(struct fend_socket *client, unsigned events, void *data)
{
	struct scene *scene = data;
	ssize_t n;

	if (!ok(scene, events & FEND_ERR ? -EIO : 0))
		return;
	if (!scene->connected) {
		scene->connected = 1;
		if (ok(scene, fend_socket_error(client)) && ok(scene, push_rot13(client)) &&
		    ok(scene, fend_socket_send(client, "hello", 5, 0)))
			ok(scene, fend_socket_set_events(client, FEND_IN));
		return;
	}
	n = fend_socket_recv(client, scene->line, sizeof(scene->line), 0);
	if (!ok(scene, n) || n < 0)
		return;
	scene->received += (size_t)n;
	if (scene->received == 5 && ok(scene, fend_socket_shutdown(client, SHUT_WR)))
		scene->done = 1;
}

static int
prepare(struct scene *scene)
{
	struct fend_address address;
	int r;

	r = fend_loop_new(NULL, &scene->loop);
	if (r < 0)
		return r;
	r = fend_socket_new_tcp(AF_INET, &scene->listener);
	if (r < 0)
		return r;
	r = fend_socket_set_option_name(scene->listener, "REUSEADDR", 1);
	if (r < 0)
		return r;
	test_ok(fend_address_parse("127.0.0.1:0", &address));
	r = fend_socket_bind(scene->listener, &address);
	if (r < 0)
		return r;
	r = fend_socket_listen(scene->listener, 0);
	if (r < 0)
		return r;
	test_ok(fend_socket_getsockname(scene->listener, &address));
	r = fend_socket_watch(scene->listener, scene->loop, FEND_IN, on_listener, scene);
	if (r < 0)
		return r;
	r = fend_socket_new_tcp(AF_INET, &scene->client);
	if (r < 0)
		return r;
	r = fend_socket_connect(scene->client, &address);
	if (r < 0 && r != -EINPROGRESS)
		return r;
	return fend_socket_watch(scene->client, scene->loop, FEND_OUT, on_client, scene);
}

/* 0: all went well; else the error that ended it. */
static int
play(void)
{
	fend_time deadline = fend_now() + FEND_SEC(20) * test_slowness();
	struct scene scene = { 0 };
	int r = prepare(&scene);

	while (r >= 0 && !scene.done && !scene.err) {
		r = fend_loop_dispatch(scene.loop, FEND_SEC(20) * test_slowness());
		/* Neither success nor failure may get lost. */
		g_assert_cmpint(fend_now(), <, deadline);
	}
	fend_socket_free(scene.server);
	fend_socket_free(scene.client);
	fend_socket_free(scene.listener);
	fend_loop_free(scene.loop);
	return r < 0 ? r : scene.err;
}

static void
test_each_failure_becomes_an_error(struct test *test)
{
	static const struct {
		enum fault_op op;
		int error;
	} faults[] = {
		{ FAULT_ALLOCATE, -ENOMEM },     { FAULT_WAKEUP, -EMFILE },
		{ FAULT_EPOLL_CREATE, -EMFILE }, { FAULT_EPOLL_CTL, -EIO },
		{ FAULT_EPOLL_WAIT, -EIO },      { FAULT_POLL, -EIO },
		{ FAULT_SOCKET, -EMFILE },       { FAULT_BIND, -EADDRINUSE },
		{ FAULT_LISTEN, -EADDRINUSE },   { FAULT_ACCEPT, -EMFILE },
		{ FAULT_CONNECT, -ENETUNREACH }, { FAULT_SHUTDOWN, -ENOTCONN },
		{ FAULT_GETSOCKOPT, -ENOBUFS },  { FAULT_SETSOCKOPT, -ENOPROTOOPT },
		{ FAULT_RECVMSG, -ECONNRESET },  { FAULT_SENDMSG, -EPIPE },
	};
	int failed = 0;
	size_t i;

	fault_install();
	for (i = 0; i < G_N_ELEMENTS(faults); i++) {
		unsigned n;

		for (n = 1;; n++) {
			int r;

			fault_set(faults[i].op, n, faults[i].error, 0);
			r = play();
			if (!fault_struck()) {
				test_error(r, 0);
				break;
			}
			/* What is told while things are freed has nobody to be told to. */
			if (r != 0)
				test_error(r, faults[i].error);
			failed += r != 0;
		}
	}
	fault_remove();
	g_assert_cmpint(failed, >, 30);
}

static void
test_one_byte_at_a_time_is_enough(struct test *test)
{
	fault_install();
	fault_limit(1);
	test_error(play(), 0);
	fault_remove();
}

/* The n-th of these from now on fails. */
static unsigned fcntl_left;

static int
faulty_get_flags(int fd)
{
	return --fcntl_left ? fend__kernel_real.get_flags(fd) : -EIO;
}

static int
faulty_set_flags(int fd, int flags)
{
	return --fcntl_left ? fend__kernel_real.set_flags(fd, flags) : -EIO;
}

static int
faulty_set_cloexec(int fd)
{
	return --fcntl_left ? fend__kernel_real.set_cloexec(fd) : -EIO;
}

static void
assert_wrap_fails(int fd, int error)
{
	struct fend_socket *socket = NULL;

	test_error(fend_socket_wrap(fd, &socket), error);
	g_assert_null(socket);
	g_assert_cmpint(fcntl(fd, F_GETFD), >=, 0);
}

static void
test_wrap_takes_nothing_wherever_it_fails(struct test *test)
{
	struct fend__kernel kernel;
	unsigned n;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	fault_install();
	fault_set(FAULT_ALLOCATE, 1, -ENOMEM, 0);
	assert_wrap_fails(fd, -ENOMEM);
	g_assert_cmpint(fcntl(fd, F_GETFD), ==, 0);
	g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, 0);
	fault_clear();
	kernel = *fend__kernel;
	kernel.get_flags = faulty_get_flags;
	kernel.set_flags = faulty_set_flags;
	kernel.set_cloexec = faulty_set_cloexec;
	fend__kernel = &kernel;
	for (n = 1; n <= 3; n++) {
		fcntl_left = n;
		assert_wrap_fails(fd, -EIO);
	}
	fault_remove();
	close(fd);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/net-fault/each-failure-becomes-an-error", test_each_failure_becomes_an_error);
	test_add("/net-fault/one-byte-at-a-time-is-enough", test_one_byte_at_a_time_is_enough);
	test_add("/net-fault/wrap-takes-nothing-wherever-it-fails",
		 test_wrap_takes_nothing_wherever_it_fails);
	return g_test_run();
}
