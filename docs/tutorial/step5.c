/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <fend/dns.h>

#define PATIENCE FEND_SEC(60)

struct program {
	struct fend_loop *loop;
	struct fend_timer *timer;
	struct fend_io *input;
	struct fend_signal *interrupt;
	struct fend_connect *connect;
	struct fend_stream *stream;
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
on_input(struct fend_io *io, unsigned events, void *data)
{
	struct program *program = data;
	char text[4096];
	ssize_t size = read(fend_io_fd(io), text, sizeof(text));
	int r;

	if (size > 0) {
		fend_timer_after(program->timer, PATIENCE);
		r = fend_stream_write(program->stream, text, (size_t)size);
		if (r < 0)
			fail(program, "sending", r);
		else if (r == 1)
			fend_io_set(io, 0);
	} else if (size == 0) {
		program->input = fend_io_free(io);
		fend_stream_finish(program->stream, FEND_SEC(10));
	} else if (errno != EAGAIN && errno != EINTR) {
		fail(program, "standard input", -errno);
	}
}

static void
on_interrupt(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	struct program *program = data;

	fprintf(stderr, "interrupted\n");
	fend_loop_stop(program->loop, 128 + signo);
}

static void
on_drained(struct fend_stream *stream, void *data)
{
	struct program *program = data;

	if (program->input)
		fend_io_set(program->input, FEND_IN);
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
	if (fend_stream_at_end(stream)) {
		program->input = fend_io_free(program->input);
		fend_stream_finish(stream, FEND_SEC(10));
	}
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
	.drained = on_drained,
	.closed = on_closed,
};

static void
on_connected(struct fend_connect *connect, int err, struct fend_socket *socket, void *data)
{
	struct program *program = data;

	if (err == 0) {
		err = fend_stream_new(program->loop, socket, NULL, &callbacks, program,
				      &program->stream);
		if (err < 0)
			fend_socket_free(socket);
	}
	if (err == 0)
		err = fend_io_set(program->input, FEND_IN);
	if (err < 0)
		fail(program, "connecting", err);
}

static int
start(struct program *program, const char *host, const char *port)
{
	int err = fend_loop_new(NULL, &program->loop);

	if (err == 0)
		err = fend_timer_new(program->loop, on_timer, program, &program->timer);
	if (err == 0)
		err = fend_io_new(program->loop, STDIN_FILENO, 0, on_input, program,
				  &program->input);
	if (err == 0)
		err = fend_signal_new(program->loop, SIGINT, on_interrupt, program,
				      &program->interrupt);
	if (err == 0)
		err = fend_connect_host(program->loop, host, port, NULL, NULL, on_connected,
					program, &program->connect);
	if (err == 0)
		fend_timer_after(program->timer, PATIENCE);
	return err;
}

static void
end(struct program *program)
{
	fend_stream_free(program->stream);
	fend_connect_free(program->connect);
	fend_signal_free(program->interrupt);
	fend_io_free(program->input);
	fend_timer_free(program->timer);
	fend_loop_free(program->loop);
}

int
main(int argc, char **argv)
{
	struct program program = { 0 };
	int code = 1;
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
		return 2;
	}
	err = start(&program, argv[1], argv[2]);
	if (err == 0)
		err = fend_loop_run(program.loop, &code);
	if (err < 0)
		fprintf(stderr, "%s\n", fend_strerror(err));
	end(&program);
	return code;
}
