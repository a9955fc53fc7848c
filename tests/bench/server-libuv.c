/* SPDX-License-Identifier: MIT */
/*
 * Connections share one buffer to receive into; what is received is sent at once as far as
 * possible, and the rest by a write request.
 */
#include "bench.h"

#include <uv.h>

#include "echo.h"

struct request {
	uv_write_t write;
	char bytes[];
};

static char buffer[ECHO_BUFFER];
static bool (*serve_control)(int control);

static void
on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void
lend(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
	*ret_buffer = uv_buf_init(buffer, sizeof(buffer));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void
on_written(uv_write_t *write, int status)
{
	uv_stream_t *stream = write->handle;

	free(write);
	if (status == 0 && !uv_is_closing((uv_handle_t *)stream))
		uv_read_start(stream, lend, on_read);
}

static void
write_rest(uv_stream_t *stream, const char *bytes, size_t size)
{
	struct request *request = malloc(sizeof(*request) + size);
	uv_buf_t buf = uv_buf_init(memcpy(request->bytes, bytes, size), (unsigned)size);

	uv_read_stop(stream);
	uv_write(&request->write, stream, &buf, 1, on_written);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	uv_buf_t all;
	int sent;

	if (n < 0) {
		uv_close((uv_handle_t *)stream, on_closed);
		return;
	}
	if (n == 0)
		return;
	all = uv_buf_init(buf->base, (unsigned)n);
	sent = uv_try_write(stream, &all, 1);
	if (sent < 0 && sent != UV_EAGAIN) {
		uv_close((uv_handle_t *)stream, on_closed);
		return;
	}
	sent = sent > 0 ? sent : 0;
	if (sent < n)
		write_rest(stream, buf->base + sent, (size_t)(n - sent));
}

static void
on_connection(uv_stream_t *listener, int status)
{
	uv_tcp_t *connection = malloc(sizeof(*connection));

	uv_tcp_init(listener->loop, connection);
	if (status < 0 || uv_accept(listener, (uv_stream_t *)connection) < 0)
		uv_close((uv_handle_t *)connection, on_closed);
	else
		uv_read_start((uv_stream_t *)connection, lend, on_read);
}

static void
on_control(uv_poll_t *poll, int status, int events)
{
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)poll, &fd) == 0 && !serve_control(fd))
		uv_stop(poll->loop);
}

static void
serve(int fd, int control, bool (*fn)(int control))
{
	uv_loop_t loop;
	uv_tcp_t listener;
	uv_poll_t controlled;

	serve_control = fn;
	uv_loop_init(&loop);
	uv_tcp_init(&loop, &listener);
	if (uv_tcp_open(&listener, fd) < 0 ||
	    uv_listen((uv_stream_t *)&listener, SOMAXCONN, on_connection) < 0)
		abort();
	uv_poll_init(&loop, &controlled, control);
	uv_poll_start(&controlled, UV_READABLE, on_control);
	uv_run(&loop, UV_RUN_DEFAULT);
}

const struct contestant bench_contestant = { .name = "libuv", .serve = serve };
