/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <fend/dns.h>
#include <fend/tls.h>

#define PATIENCE FEND_SEC(60)

struct program {
	struct fend_loop *loop;
	struct fend_timer *timer;
	struct fend_signal *interrupt;
	struct fend_connect *connect;
	struct fend_socket *socket; /* until it is the stream's */
	struct fend_stream *stream;
	struct fend_tls_context *tls;
	const char *host, *port, *path;
};

static void
fail(struct program *program, const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, fend_strerror(err));
	fend_loop_stop(program->loop, 1);
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	fail(data, "nothing happens", -ETIMEDOUT);
}

static void
on_interrupt(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	struct program *program = data;

	fprintf(stderr, "interrupted\n");
	fend_loop_stop(program->loop, 128 + signo);
}

static void
on_readable(struct fend_stream *stream, void *data)
{
	struct program *program = data;
	const void *bytes;
	size_t size = fend_stream_peek(stream, &bytes);

	fend_timer_after(program->timer, PATIENCE);
	if (size > 0) {
		fwrite(bytes, 1, size, stdout);
		fflush(stdout);
		fend_stream_consume(stream, size);
	}
	if (fend_stream_at_end(stream))
		fend_loop_stop(program->loop, 0);
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	struct program *program = data;

	if (err < 0)
		fail(program, "connection", err);
	else
		fend_loop_stop(program->loop, 0);
}

static const struct fend_stream_callbacks callbacks = {
	.readable = on_readable,
	.closed = on_closed,
};

static int
request(struct program *program)
{
	char text[1024];
	int size = snprintf(text, sizeof(text),
			    "GET %s HTTP/1.1\r\n"
			    "Host: %s:%s\r\n"
			    "Connection: close\r\n"
			    "\r\n",
			    program->path, program->host, program->port);

	if (size >= (int)sizeof(text))
		return -ENAMETOOLONG;
	return fend_stream_write(program->stream, text, (size_t)size);
}

static void
on_handshake(struct fend_socket *socket, int err, void *data)
{
	struct program *program = data;

	if (err < 0) {
		fprintf(stderr, "%s: %s\n", program->host, fend_tls_error(socket)->text);
		fend_loop_stop(program->loop, 1);
		return;
	}
	err = fend_stream_new(program->loop, socket, NULL, &callbacks, program, &program->stream);
	if (err == 0) {
		program->socket = NULL;
		err = request(program);
	}
	if (err < 0)
		fail(program, "requesting", err);
}

static void
on_connected(struct fend_connect *connect, int err, struct fend_socket *socket, void *data)
{
	struct program *program = data;

	program->socket = socket;
	if (err == 0)
		err = fend_tls_wrap(socket, program->tls, program->host);
	if (err == 0)
		err = fend_tls_handshake(socket, program->loop, FEND_SEC(10), on_handshake,
					 program);
	if (err < 0)
		fail(program, "connecting", err);
}

static int
trust(struct program *program, const char *cafile)
{
	const struct fend_tls_params params = {
		.size = sizeof(params),
		.mode = FEND_TLS_CLIENT,
		.cafile = cafile,
	};
	char *reason = NULL;
	int err = fend_tls_context_new(&params, &reason, &program->tls);

	if (reason)
		fprintf(stderr, "%s\n", reason);
	fend_free(reason);
	return err;
}

static int
start(struct program *program, const char *cafile)
{
	int err = fend_loop_new(NULL, &program->loop);

	if (err == 0)
		err = fend_timer_new(program->loop, on_timer, program, &program->timer);
	if (err == 0)
		err = fend_signal_new(program->loop, SIGINT, on_interrupt, program,
				      &program->interrupt);
	if (err == 0)
		err = trust(program, cafile);
	if (err == 0)
		err = fend_connect_host(program->loop, program->host, program->port, NULL, NULL,
					on_connected, program, &program->connect);
	if (err == 0)
		fend_timer_after(program->timer, PATIENCE);
	return err;
}

static void
end(struct program *program)
{
	fend_stream_free(program->stream);
	fend_socket_free(program->socket);
	fend_connect_free(program->connect);
	fend_signal_free(program->interrupt);
	fend_tls_context_unref(program->tls);
	fend_timer_free(program->timer);
	fend_loop_free(program->loop);
}

int
main(int argc, char **argv)
{
	struct program program = { 0 };
	int code = 1;
	int err;

	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: %s HOST PORT PATH [CAFILE]\n", argv[0]);
		return 2;
	}
	program.host = argv[1];
	program.port = argv[2];
	program.path = argv[3];
	err = start(&program, argv[4]);
	if (err == 0)
		err = fend_loop_run(program.loop, &code);
	if (err < 0)
		fprintf(stderr, "%s\n", fend_strerror(err));
	end(&program);
	return code;
}
