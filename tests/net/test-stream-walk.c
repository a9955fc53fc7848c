/* SPDX-License-Identifier: MIT */
/*
 * A client that sends text and a file, at a limited rate, to a server that pipes all of it back,
 * while each allocation and each system call fails once. Whoever is told that a stream ended in
 * order has sent and received everything; who got less is told of an error; nothing leaks.
 */
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fend/rate.h>

#include <fend-internal/kernel.h>

#include "fault.h"
#include "layers.h"

#define HEAD 1500
#define FILE_SIZE 7000
#define TAIL 2500
#define TOTAL (HEAD + FILE_SIZE + TAIL)

struct scene {
	struct fend_loop *loop;
	struct fend_rate *rate, *group;
	struct fend_stream *client, *server;
	GByteArray *got;
	int client_closed, server_closed, client_err, err;
	bool whole; /* all was taken, and its end */
};

static unsigned char data[TOTAL];
static char *path;
static bool layered;

static const struct fend_stream_options options = {
	.size = sizeof(options),
	.output_low = 1000,
	.output_high = 4000,
	.idle_timeout = FEND_SEC(100),
	.write_timeout = FEND_SEC(100),
};

static void
note(struct scene *scene, int r)
{
	if (r < 0 && !scene->err)
		scene->err = r;
}

static void
on_client_readable(struct fend_stream *stream, void *user)
{
	struct scene *scene = user;
	const void *input;
	size_t size = fend_stream_peek(stream, &input);

	/* A rest stays, unless it is the last. */
	if (!fend_stream_at_end(stream))
		size -= size / 4;
	g_byte_array_append(scene->got, input, (guint)size);
	test_ok(fend_stream_consume(stream, size));
}

static void
on_client_closed(struct fend_stream *stream, int err, void *user)
{
	struct scene *scene = user;
	const void *input;
	size_t size = fend_stream_peek(stream, &input);

	g_byte_array_append(scene->got, input, (guint)size);
	scene->client_closed++;
	scene->client_err = err;
	note(scene, err);
	scene->client = fend_stream_free(stream);
}

static void
on_server_closed(struct fend_stream *stream, int err, void *user)
{
	struct scene *scene = user;

	scene->server_closed++;
	note(scene, err);
	scene->server = fend_stream_free(stream);
}

static const struct fend_stream_callbacks client_callbacks = {
	.readable = on_client_readable,
	.closed = on_client_closed,
};

static const struct fend_stream_callbacks server_callbacks = { .closed = on_server_closed };

static int
push_layer(struct fend_socket *socket)
{
	struct faulty *layer = g_new0(struct faulty, 1);
	int r;

	layer->recv_left = layer->send_left = SIZE_MAX;
	layer->max = 3000;
	r = fend_socket_push_layer(socket, &faulty_ops, layer);
	if (r < 0)
		g_free(layer);
	return r;
}

static int
start(struct scene *scene, int fd, const struct fend_stream_callbacks *callbacks,
      struct fend_stream **ret_stream)
{
	struct fend_socket *socket;
	int r;

	r = fend_socket_wrap(fd, &socket);
	if (r < 0) {
		fend__kernel_real.close(fd);
		return r;
	}
	r = layered ? push_layer(socket) : 0;
	if (r >= 0)
		r = fend_stream_new(scene->loop, socket, &options, callbacks, scene, ret_stream);
	if (r < 0)
		fend_socket_free(socket);
	return r;
}

/* TCP, which can tell a reset from an end; not through the door, where it would fail. */
static void
connect_fds(int fds[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1, i;

	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(listen(listener, 1), ==, 0);
	g_assert_cmpint(getsockname(listener, (struct sockaddr *)&address, &size), ==, 0);
	g_assert_cmpint(connect(fds[0], (struct sockaddr *)&address, size), ==, 0);
	fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	g_assert_cmpint(fds[1], >=, 0);
	g_assert_cmpint(close(listener), ==, 0);
	/* Or the last bytes of each play wait for an acknowledgement that is delayed. */
	for (i = 0; i < 2; i++)
		g_assert_cmpint(setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)), ==,
				0);
}

/* All that may fail before anything is sent. */
static int
prepare(struct scene *scene)
{
	struct fend_rate_options given = {
		.size = sizeof(given),
		.bytes_per_second = 100000000,
		.burst = 3000,
	};
	int fds[2], r, s;

	r = fend_loop_new(NULL, &scene->loop);
	if (r < 0)
		return r;
	connect_fds(fds);
	r = start(scene, fds[0], &client_callbacks, &scene->client);
	s = start(scene, fds[1], &server_callbacks, &scene->server);
	if (r < 0 || s < 0)
		return r < 0 ? r : s;
	r = fend_rate_new(scene->loop, &given, &scene->group);
	if (r < 0)
		return r;
	given.group = scene->group;
	r = fend_rate_new(scene->loop, &given, &scene->rate);
	if (r >= 0)
		r = fend_stream_set_rate(scene->client, scene->rate, scene->rate);
	if (r >= 0)
		r = fend_stream_set_rate(scene->server, scene->group, NULL);
	if (r >= 0)
		r = fend_stream_pipe(scene->server, scene->server);
	return r;
}

static int
say(struct scene *scene)
{
	int fd, r;

	r = fend_stream_write(scene->client, data, HEAD);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	r = fend_stream_sendfile(scene->client, fd, HEAD, FILE_SIZE);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = fend_stream_write(scene->client, data + HEAD + FILE_SIZE, TAIL);
	if (r >= 0)
		r = fend_stream_finish(scene->client, FEND_SEC(100));
	scene->whole = r >= 0;
	return r;
}

/* Until both have ended, or one has and the other was told. */
static int
converse(struct scene *scene)
{
	fend_time deadline = fend_now() + FEND_SEC(20) * test_slowness();
	int r = 0;

	while (r >= 0 && (!scene->client_closed || !scene->server_closed)) {
		r = fend_loop_dispatch(scene->loop, FEND_SEC(1));
		g_assert_cmpint(fend_now(), <, deadline);
	}
	return r < 0 ? r : 0;
}

/* 0: all went well; else the first error. */
static int
play(void)
{
	struct scene scene = { .got = g_byte_array_new() };
	int r, err;

	r = prepare(&scene);
	note(&scene, r);
	if (r >= 0) {
		r = say(&scene);
		note(&scene, r);
		/* What was said in part must not pass for the whole. */
		if (r < 0)
			fend_stream_abort(scene.client, r);
		note(&scene, converse(&scene));
	}
	g_assert_cmpint(scene.client_closed, <=, 1);
	g_assert_cmpint(scene.server_closed, <=, 1);
	g_assert_cmpuint(scene.got->len, <=, TOTAL);
	g_assert_cmpmem(scene.got->data, scene.got->len, data, scene.got->len);
	if (scene.client_closed && scene.client_err == 0) {
		g_assert_true(scene.whole);
		g_assert_cmpuint(scene.got->len, ==, TOTAL);
	}
	err = scene.err;
	if (err == 0)
		g_assert_true(scene.client_closed && scene.server_closed);
	fend_stream_free(scene.client);
	fend_stream_free(scene.server);
	fend_rate_free(scene.rate);
	fend_rate_free(scene.group);
	fend_loop_free(scene.loop);
	g_byte_array_unref(scene.got);
	return err;
}

static void
make_file(void)
{
	int fd = g_file_open_tmp("fend-XXXXXX", &path, NULL);

	fill(data, sizeof(data), 9);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, data, sizeof(data)), ==, sizeof(data));
	close(fd);
}

static unsigned
walk(enum fault_op op, int error)
{
	/* Under tools it is every third call. */
	unsigned step = test_slowness() > 1 ? 3 : 1, failed = 0, n;
	int fds = test_count_fds();

	for (n = 1;; n += step) {
		int r;

		fault_set(op, n, error, 0);
		r = play();
		g_assert_cmpint(test_count_fds(), ==, fds);
		if (!fault_struck()) {
			test_error(r, 0);
			return failed;
		}
		failed += r != 0;
	}
}

static void
test_each_failure_is_told(struct test *test)
{
	static const struct {
		enum fault_op op;
		int error;
		unsigned least; /* times it has to be told */
	} faults[] = {
		{ FAULT_ALLOCATE, -ENOMEM, 10 },   { FAULT_RECVMSG, -ECONNRESET, 5 },
		{ FAULT_RECVMSG, -EAGAIN, 0 },     { FAULT_SENDMSG, -EPIPE, 5 },
		{ FAULT_SENDMSG, -EAGAIN, 0 },     { FAULT_SENDMSG, -ENOBUFS, 5 },
		{ FAULT_PREAD, -EIO, 1 },          { FAULT_FSTAT, -EIO, 1 },
		{ FAULT_SHUTDOWN, -ENOTCONN, 1 },  { FAULT_EPOLL_CTL, -EIO, 0 },
		{ FAULT_EPOLL_CTL, -ENOMEM, 0 },   { FAULT_EPOLL_CREATE, -EMFILE, 0 },
		{ FAULT_WAKEUP, -EMFILE, 1 },      { FAULT_EPOLL_WAIT, -EIO, 0 },
		{ FAULT_POLL, -EIO, 0 },           { FAULT_GET_FLAGS, -EIO, 0 },
		{ FAULT_SET_FLAGS, -EIO, 0 },      { FAULT_GETSOCKOPT, -ENOBUFS, 0 },
		{ FAULT_SETSOCKOPT, -ENOBUFS, 0 },
	};
	size_t i;
	int with;

	make_file();
	fault_install();
	for (with = 0; with < 2; with++) {
		layered = with;
		for (i = 0; i < G_N_ELEMENTS(faults); i++)
			g_assert_cmpuint(walk(faults[i].op, faults[i].error), >=,
					 faults[i].least / (test_slowness() > 1 ? 3 : 1));
	}
	fault_remove();
	g_assert_cmpint(unlink(path), ==, 0);
	g_clear_pointer(&path, g_free);
}

/* From some allocation on, all of them fail. */
static void
test_memory_that_stays_short_is_told(struct test *test)
{
	unsigned n;

	make_file();
	fault_install();
	for (layered = false, n = 1;; n++) {
		fault_set(FAULT_ALLOCATE, n, -ENOMEM, 1);
		if (play() == 0 && !fault_struck())
			break;
		g_assert_true(fault_struck());
	}
	fault_remove();
	g_assert_cmpuint(n, >, 10);
	g_assert_cmpint(unlink(path), ==, 0);
	g_clear_pointer(&path, g_free);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) test_add("/stream-walk/" path, fn)
	ADD("each-failure-is-told", test_each_failure_is_told);
	ADD("memory-that-stays-short-is-told", test_memory_that_stays_short_is_told);
	return g_test_run();
}
