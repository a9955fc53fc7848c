/* SPDX-License-Identifier: MIT */
#include "tls-fend.h"

static char buffer[TLS_BUFFER];

/* Until output is above its high mark. */
static void
on_drained(struct fend_stream *stream, void *data)
{
	struct tls_request *request = data;
	int r = 0;

	while (r == 0 && request->left) {
		uint32_t size = tls_next(request);

		r = fend_stream_write(stream, buffer, size);
		if (r >= 0)
			request->left -= size;
	}
}

static void
on_readable(struct fend_stream *stream, void *data)
{
	struct tls_request *request = data;
	const void *bytes;
	size_t size = fend_stream_peek(stream, &bytes);

	if (!request->what && size >= sizeof(*request)) {
		memcpy(request, bytes, sizeof(*request));
		if (request->what == TLS_SEND)
			on_drained(stream, request);
	}
	fend_stream_consume(stream, size);
	if (fend_stream_at_end(stream))
		fend_stream_abort(stream, -EPIPE);
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	fend_stream_free(stream);
	free(data);
}

static void
begin(struct fend_socket *socket)
{
	static const struct fend_stream_callbacks callbacks = {
		.readable = on_readable,
		.drained = on_drained,
		.closed = on_closed,
	};
	struct tls_request *request = calloc(1, sizeof(*request));
	struct fend_stream *stream;

	if (fend_stream_new(loop, socket, NULL, &callbacks, request, &stream) < 0)
		abort();
}

const struct contestant bench_contestant = {
	.name = "fend-stream",
	.version = version,
	.serve = serve,
};
