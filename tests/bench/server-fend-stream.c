/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdlib.h>

#include <fend/core.h>
#include <fend/net.h>

static struct fend_loop *loop;
static bool (*serve_control)(int control);

static void
on_readable(struct fend_stream *stream, void *data)
{
	const void *bytes;
	size_t size = fend_stream_peek(stream, &bytes);

	if (size > 0 && fend_stream_write(stream, bytes, size) > 0)
		fend_stream_pause(stream);
	fend_stream_consume(stream, size);
	if (!fend_stream_at_end(stream))
		return;
	if (fend_stream_pending(stream) == 0)
		fend_stream_free(stream);
	else
		fend_stream_finish(stream, FEND_SEC(10));
}

static void
on_drained(struct fend_stream *stream, void *data)
{
	fend_stream_resume(stream);
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	fend_stream_free(stream);
}

static void
on_accepted(struct fend_listener *listener, struct fend_socket *socket,
	    const struct fend_address *peer, void *data)
{
	static const struct fend_stream_callbacks callbacks = {
		on_readable,
		on_drained,
		on_closed,
	};
	struct fend_stream *stream;

	if (fend_stream_new(loop, socket, NULL, &callbacks, NULL, &stream) < 0)
		abort();
}

static void
on_control(struct fend_io *io, unsigned events, void *data)
{
	if (!serve_control(fend_io_fd(io)))
		fend_loop_stop(loop, 0);
}

static void
serve(int fd, int control, bool (*fn)(int control))
{
	struct fend_socket *socket;
	struct fend_listener *listener;
	struct fend_io *io;

	serve_control = fn;
	if (fend_loop_new(NULL, &loop) < 0 || fend_socket_wrap(fd, &socket) < 0 ||
	    fend_listener_wrap(loop, socket, NULL, on_accepted, NULL, &listener) < 0 ||
	    fend_io_new(loop, control, FEND_IN, on_control, NULL, &io) < 0)
		abort();
	fend_loop_run(loop, NULL);
	fend_io_free(io);
	fend_listener_free(listener);
	fend_loop_free(loop);
}

const struct contestant bench_contestant = { .name = "fend-stream", .serve = serve };
