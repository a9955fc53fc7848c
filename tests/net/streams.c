/* SPDX-License-Identifier: MIT */
#include "streams.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>

#include "layers.h"

static bool over_a_layer;

static void
set(const void *data)
{
	over_a_layer = *(const bool *)data;
}

void
streams_add(const char *path, test_fn *fn)
{
	static const bool yes = true, no = false;
	g_autofree char *layered = g_strconcat(path, "/over-a-layer", NULL);

	test_add_set(path, set, &no, fn);
	test_add_set(layered, set, &yes, fn);
}

static void
on_readable(struct fend_stream *stream, void *data)
{
	struct heard *heard = data;
	const void *input = NULL;
	size_t size = fend_stream_peek(stream, &input);

	g_assert_cmpint(heard->closed, ==, 0);
	heard->readable++;
	heard->at_end = fend_stream_at_end(stream);
	if (heard->got && size > 0) {
		g_byte_array_append(heard->got, input, (guint)size);
		test_ok(fend_stream_consume(stream, size));
	}
	if (heard->then_readable)
		heard->then_readable(heard);
}

static void
on_drained(struct fend_stream *stream, void *data)
{
	struct heard *heard = data;

	g_assert_cmpint(heard->closed, ==, 0);
	heard->drained++;
	if (heard->then_drained)
		heard->then_drained(heard);
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	struct heard *heard = data;

	g_assert_cmpint(heard->closed, ==, 0);
	heard->closed++;
	heard->err = err;
	if (heard->then_closed)
		heard->then_closed(heard);
}

const struct fend_stream_callbacks heard_callbacks = {
	.readable = on_readable,
	.drained = on_drained,
	.closed = on_closed,
};

void
heard_init(struct heard *heard, struct test *test, struct fend_socket **socket,
	   const struct fend_stream_options *options)
{
	*heard = (struct heard){ .test = test, .got = g_byte_array_new() };
	if (over_a_layer)
		faulty_push(*socket);
	test_ok(fend_stream_new(test->loop, *socket, options, &heard_callbacks, heard,
				&heard->stream));
	*socket = NULL;
}

void
heard_fini(struct heard *heard)
{
	heard->stream = fend_stream_free(heard->stream);
	if (heard->got)
		g_byte_array_unref(heard->got);
	heard->got = NULL;
}

void
heard_assert(struct heard *heard, const char *text)
{
	g_assert_cmpmem(heard->got->data, heard->got->len, text, strlen(text));
	g_byte_array_set_size(heard->got, 0);
}

void
fill(void *data, size_t size, guint32 seed)
{
	unsigned char *at = data;
	size_t i;

	for (i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		at[i] = (unsigned char)(seed >> 24);
	}
}

void
receive_all(struct test *test, struct fend_socket *peer, void *data, size_t size)
{
	char *at = data;

	while (size > 0) {
		ssize_t n = fend_socket_recv(peer, at, size, 0);

		test_ok(fend_loop_dispatch(test->loop, n > 0 ? 0 : FEND_MS(1)));
		if (n == -EAGAIN)
			continue;
		g_assert_cmpint(n, >, 0);
		at += n;
		size -= (size_t)n;
	}
}

void
expect(struct test *test, struct fend_socket *peer, const char *text)
{
	char buffer[64];

	receive_all(test, peer, buffer, strlen(text));
	g_assert_cmpmem(buffer, strlen(text), text, strlen(text));
}

void
expect_end(struct test *test, struct fend_socket *peer, ssize_t result)
{
	char buffer[4096];
	ssize_t n;

	do {
		test_ok(fend_loop_dispatch(test->loop, FEND_MS(1)));
		n = fend_socket_recv(peer, buffer, sizeof(buffer), 0);
	} while (n == -EAGAIN || n > 0);
	test_error(n, result);
}

void
reset(struct fend_socket **socket)
{
	static const struct linger linger = { .l_onoff = 1 };

	test_ok(fend_socket_set_option(*socket, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	*socket = fend_socket_free(*socket);
}

static struct fend__kernel stopped;
fend_time present;

static fend_time
stopped_now(void)
{
	return present;
}

void
stop_clock(void)
{
	stopped = fend__kernel_real;
	stopped.now = stopped_now;
	present = fend__kernel_real.now();
	fend__kernel = &stopped;
}

void
start_clock(void)
{
	fend__kernel = &fend__kernel_real;
}

struct count count;
static struct fend__kernel counting;
static const struct fend__kernel *uncounted;

static ssize_t
counting_send(int fd, const void *data, size_t size, int flags)
{
	count.sends++;
	return uncounted->send(fd, data, size, flags);
}

static ssize_t
counting_sendmsg(int fd, const struct msghdr *message, int flags)
{
	count.sends++;
	return uncounted->sendmsg(fd, message, flags);
}

static ssize_t
counting_recv(int fd, void *data, size_t size, int flags)
{
	count.receives++;
	return uncounted->recv(fd, data, size, flags);
}

static ssize_t
counting_recvmsg(int fd, struct msghdr *message, int flags)
{
	count.receives++;
	return uncounted->recvmsg(fd, message, flags);
}

void
count_begin(void)
{
	count = (struct count){ 0 };
	uncounted = fend__kernel;
	counting = *uncounted;
	counting.send = counting_send;
	counting.recv = counting_recv;
	counting.sendmsg = counting_sendmsg;
	counting.recvmsg = counting_recvmsg;
	fend__kernel = &counting;
}

void
count_end(void)
{
	fend__kernel = uncounted;
}
