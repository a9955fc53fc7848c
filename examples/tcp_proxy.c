/* SPDX-License-Identifier: MIT */
/*
 * tcp_proxy ADDRESS TARGET: pass what comes in at ADDRESS on to TARGET, and the answers back.
 *
 * A relay is a stream on each side, and what one receives is written to the other. If more than the
 * high mark waits there, the one is paused until the other has drained: TCP then slows down who
 * sends, and memory stays bounded. The end of what one peer sends is passed on, and the other may
 * go on sending (half-close). If one side fails, the other is reset.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <fend/net.h>

#define PATIENCE FEND_SEC(10) /* with relays, once a signal has come */

static struct fend_loop *loop;
static struct fend_address target;

struct relay {
	struct fend_stream *client, *target; /* target NULL: not connected yet */
	struct fend_connect *connect;
	int closed; /* how many of the streams are */
};

static void
relay_free(struct relay *relay)
{
	fend_connect_free(relay->connect);
	fend_stream_free(relay->target);
	fend_stream_free(relay->client);
	free(relay);
}

static struct fend_stream *
opposite(const struct relay *relay, const struct fend_stream *stream)
{
	return stream == relay->client ? relay->target : relay->client;
}

static void
on_readable(struct fend_stream *stream, void *data)
{
	struct fend_stream *to = opposite(data, stream);
	const void *bytes;
	size_t size = fend_stream_peek(stream, &bytes);

	if (fend_stream_write(to, bytes, size) > 0)
		fend_stream_pause(stream);
	fend_stream_consume(stream, size);
	if (fend_stream_at_end(stream))
		fend_stream_finish(to, FEND_FOREVER);
}

static void
on_drained(struct fend_stream *stream, void *data)
{
	fend_stream_resume(opposite(data, stream));
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	struct relay *relay = data;

	if (err < 0)
		fend_stream_abort(opposite(relay, stream), err);
	if (++relay->closed == 2 || !relay->target)
		relay_free(relay);
}

static const struct fend_stream_callbacks callbacks = {
	.readable = on_readable, .drained = on_drained, .closed = on_closed };

static void
on_connected(struct fend_connect *connect, int err, struct fend_socket *socket, void *data)
{
	struct relay *relay = data;

	if (err < 0 || fend_stream_new(loop, socket, NULL, &callbacks, relay, &relay->target) < 0) {
		fend_socket_free(socket);
		relay_free(relay);
		return;
	}
	fend_stream_resume(relay->client);
}

static void
on_client(struct fend_listener *listener, struct fend_socket *socket,
	  const struct fend_address *peer, void *data)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	if (!relay || fend_stream_new(loop, socket, NULL, &callbacks, relay, &relay->client) < 0) {
		fend_socket_free(socket);
		free(relay);
		return;
	}
	fend_stream_pause(relay->client);
	if (fend_connect_new(loop, NULL, on_connected, relay, &relay->connect) < 0 ||
	    fend_connect_add(relay->connect, &target) < 0 ||
	    fend_connect_last(relay->connect) < 0)
		relay_free(relay);
}

static void
on_listener_drained(struct fend_listener *listener, unsigned left, void *data)
{
	if (left > 0)
		exit(EXIT_FAILURE); /* which closes what is still open */
	fend_loop_stop(loop, 0);
}

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *listener)
{
	fend_listener_drain(listener, PATIENCE, on_listener_drained, NULL);
}

int
main(int argc, char **argv)
{
	FEND_CLEANUP(fend_signal) struct fend_signal *interrupt = NULL, *terminate = NULL;
	struct fend_listener *listener = NULL;
	struct fend_address address;
	int err;

	if (argc != 3 || fend_address_parse(argv[1], &address) < 0 ||
	    fend_address_parse(argv[2], &target) < 0) {
		fprintf(stderr, "Usage: tcp_proxy ADDRESS TARGET\n");
		return 2;
	}
	err = fend_loop_new(NULL, &loop);
	if (err >= 0)
		err = fend_listener_new(loop, &address, NULL, on_client, NULL, &listener);
	if (err >= 0)
		err = fend_signal_new(loop, SIGINT, on_signal, listener, &interrupt);
	if (err >= 0)
		err = fend_signal_new(loop, SIGTERM, on_signal, listener, &terminate);
	if (err >= 0)
		err = fend_loop_run(loop, NULL);
	if (err < 0)
		fprintf(stderr, "tcp_proxy: %s: %s\n", argv[1], fend_strerror(err));
	fend_listener_free(listener);
	fend_loop_free(loop);
	return err < 0;
}
