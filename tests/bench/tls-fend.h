/* SPDX-License-Identifier: MIT */
#ifndef FEND_BENCH_TLS_FEND_H
#define FEND_BENCH_TLS_FEND_H

#include "bench.h"

#include <errno.h>
#include <string.h>

#include <fend/tls.h>

#include "tls.h"

/* What tls-fend-socket.c and tls-fend-stream.c have in common: all up to the handshake's end. */
static struct fend_loop *loop;
static struct fend_tls_context *context;
static bool (*serve_control)(int control);

/* The handshake of socket, which is theirs now, is over. */
static void begin(struct fend_socket *socket);

static inline void
on_handshake(struct fend_socket *socket, int err, void *data)
{
	if (err < 0)
		fend_socket_free(socket);
	else
		begin(socket);
}

static inline void
on_accepted(struct fend_listener *listener, struct fend_socket *socket,
	    const struct fend_address *peer, void *data)
{
	if (fend_tls_wrap(socket, context, NULL) < 0 ||
	    fend_tls_handshake(socket, loop, FEND_SEC(60), on_handshake, NULL) < 0)
		abort();
}

static inline void
on_control(struct fend_io *io, unsigned events, void *data)
{
	if (!serve_control(fend_io_fd(io)))
		fend_loop_stop(loop, 0);
}

static inline void
serve(int fd, int control, bool (*fn)(int control))
{
	struct fend_tls_keypair pair = { .certificate = getenv(TLS_CERTIFICATE),
					 .key = getenv(TLS_KEY) };
	struct fend_tls_params params = {
		.size = sizeof(params),
		.mode = FEND_TLS_SERVER,
		.certificates = &pair,
		.certificates_count = 1,
	};
	struct fend_socket *socket;
	struct fend_listener *listener;
	struct fend_io *io;

	serve_control = fn;
	if (fend_tls_context_new(&params, NULL, &context) < 0 || fend_loop_new(NULL, &loop) < 0 ||
	    fend_socket_wrap(fd, &socket) < 0 ||
	    fend_listener_wrap(loop, socket, NULL, on_accepted, NULL, &listener) < 0 ||
	    fend_io_new(loop, control, FEND_IN, on_control, NULL, &io) < 0)
		abort();
	fend_loop_run(loop, NULL);
	fend_io_free(io);
	fend_listener_free(listener);
	fend_loop_free(loop);
	fend_tls_context_unref(context);
}

static inline const char *
version(void)
{
	return fend_tls_get(NULL, FEND_TLS_PROVIDER);
}

#endif
