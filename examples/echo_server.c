/* SPDX-License-Identifier: MIT */
/*
 * echo_server THREADS ADDRESS...: send back what comes in, until SIGINT or SIGTERM.
 *
 * A worker is a thread with a loop and a listener. A TCP address gets THREADS of them: SO_REUSEPORT
 * lets them share the port, the kernel deals the connections out, and no worker knows of another.
 * Unix sockets have no such thing, so they get one.
 *
 * Each loop is told of the signal, and its worker drains: nobody is let in any more, and who is
 * there is served to the end, if that comes within PATIENCE. A second signal kills.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <fend/net.h>

#define PATIENCE FEND_SEC(10)
enum { WORKERS_MAX = 64 };

struct worker {
	struct fend_address address;
	pthread_t thread;
	struct fend_loop *loop;
	struct fend_listener *listener;
	struct fend_signal *interrupt, *terminate;
};

/* As a pipe of the stream to itself would: who does not take the echo is not read from either. */
static void
on_readable(struct fend_stream *stream, void *data)
{
	const void *bytes;
	size_t size = fend_stream_peek(stream, &bytes);

	if (fend_stream_write(stream, bytes, size) > 0)
		fend_stream_pause(stream);
	fend_stream_consume(stream, size);
	if (fend_stream_at_end(stream))
		fend_stream_finish(stream, FEND_FOREVER);
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
on_connection(struct fend_listener *listener, struct fend_socket *socket,
	      const struct fend_address *peer, void *loop)
{
	static const struct fend_stream_callbacks callbacks = {
		.readable = on_readable,
		.drained = on_drained,
		.closed = on_closed,
	};
	struct fend_stream *stream;

	if (fend_stream_new(loop, socket, NULL, &callbacks, NULL, &stream) < 0)
		fend_socket_free(socket);
}

static void
on_listener_drained(struct fend_listener *listener, unsigned left, void *loop)
{
	if (left > 0)
		exit(EXIT_FAILURE); /* which closes what is still open */
	fend_loop_stop(loop, 0);
}

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	struct worker *worker = data;

	/* The last worker to do so brings back what the signals did before. */
	worker->interrupt = fend_signal_free(worker->interrupt);
	worker->terminate = fend_signal_free(worker->terminate);
	fend_listener_drain(worker->listener, PATIENCE, on_listener_drained, worker->loop);
}

static int
listen_there(struct worker *worker, bool shared)
{
	struct fend_listener_options options = { .size = sizeof(options) };
	int err = fend_loop_new(NULL, &worker->loop);

	if (shared && worker->address.storage.ss_family != AF_UNIX)
		options.flags = FEND_LISTENER_REUSEPORT;
	if (err >= 0)
		err = fend_listener_new(worker->loop, &worker->address, &options, on_connection,
					worker->loop, &worker->listener);
	if (err >= 0)
		err = fend_signal_new(worker->loop, SIGINT, on_signal, worker, &worker->interrupt);
	if (err >= 0)
		err = fend_signal_new(worker->loop, SIGTERM, on_signal, worker, &worker->terminate);
	return err;
}

static void *
run(void *loop)
{
	fend_loop_run(loop, NULL);
	return NULL;
}

int
main(int argc, char **argv)
{
	static struct worker workers[WORKERS_MAX];
	int threads = argc > 2 ? atoi(argv[1]) : 0, n = 0, err = threads > 0 ? 0 : -EINVAL;

	for (int i = 2; i < argc && err >= 0; i++) {
		struct fend_address address;

		err = fend_address_parse(argv[i], &address);
		for (int t = 0; err >= 0 && t < threads; t++)
			if (n == WORKERS_MAX)
				err = -E2BIG;
			else if (t == 0 || address.storage.ss_family != AF_UNIX)
				workers[n++].address = address;
	}
	if (err < 0) {
		fprintf(stderr, "Usage: echo_server THREADS ADDRESS...\n");
		return 2;
	}
	for (int i = 0; err >= 0 && i < n; i++)
		err = listen_there(&workers[i], threads > 1);
	if (err < 0)
		fprintf(stderr, "echo_server: cannot listen: %s\n", fend_strerror(err));
	for (int i = 0; err >= 0 && i < n; i++)
		if (pthread_create(&workers[i].thread, NULL, run, workers[i].loop) != 0)
			exit(EXIT_FAILURE);
	for (int i = 0; i < n; i++) {
		if (err >= 0)
			pthread_join(workers[i].thread, NULL);
		fend_signal_free(workers[i].terminate);
		fend_signal_free(workers[i].interrupt);
		fend_listener_free(workers[i].listener);
		fend_loop_free(workers[i].loop);
	}
	return err < 0;
}
