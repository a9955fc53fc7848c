/* SPDX-License-Identifier: MIT */
/*
 * tcp_proxy ADDRESS TARGET: pass what comes in at ADDRESS on to TARGET, and the answers back, until
 * SIGINT or SIGTERM.
 *
 * A relay is two streams, each piped into the other. The pipes do the rest: if a peer is slow, the
 * other is not read from until that has changed, so memory stays bounded; when one has sent its
 * last, that is passed on, and the other may go on (half-close); if one fails, the other is reset.
 *
 * On a signal nobody is let in any more, and relays have PATIENCE to come to their end.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <fend/net.h>

#define PATIENCE FEND_SEC(10)

struct proxy {
	struct fend_loop *loop;
	struct fend_listener *listener;
	struct fend_address target;
};

struct relay {
	struct proxy *proxy;
	struct fend_connect *connect;
	struct fend_stream *client, *target; /* target NULL: not connected yet */
	int closed;                          /* how many of them are */
};

static void
relay_free(struct relay *relay)
{
	fend_connect_free(relay->connect);
	fend_stream_free(relay->target);
	fend_stream_free(relay->client);
	free(relay);
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	struct relay *relay = data;

	if (++relay->closed == 2 || !relay->target)
		relay_free(relay);
}

static int
relay_stream(struct relay *relay, struct fend_socket *socket, struct fend_stream **ret_stream)
{
	static const struct fend_stream_callbacks callbacks = { .closed = on_closed };
	int err = fend_stream_new(relay->proxy->loop, socket, NULL, &callbacks, relay, ret_stream);

	if (err < 0)
		fend_socket_free(socket);
	return err;
}

/* The target is there, or it is not: then the client is not served. */
static void
on_connected(struct fend_connect *connect, int err, struct fend_socket *socket, void *data)
{
	struct relay *relay = data;

	if (err >= 0)
		err = relay_stream(relay, socket, &relay->target);
	if (err >= 0)
		err = fend_stream_pipe(relay->client, relay->target);
	if (err >= 0)
		err = fend_stream_pipe(relay->target, relay->client);
	if (err < 0)
		relay_free(relay);
}

/* What the client sends meanwhile waits in its stream. */
static void
on_client(struct fend_listener *listener, struct fend_socket *socket,
	  const struct fend_address *peer, void *data)
{
	struct proxy *proxy = data;
	struct relay *relay = calloc(1, sizeof(*relay));
	int err;

	if (!relay) {
		fend_socket_free(socket);
		return;
	}
	relay->proxy = proxy;
	err = relay_stream(relay, socket, &relay->client);
	if (err >= 0)
		err = fend_connect_new(proxy->loop, NULL, on_connected, relay, &relay->connect);
	if (err >= 0)
		err = fend_connect_add(relay->connect, &proxy->target);
	if (err >= 0)
		err = fend_connect_last(relay->connect);
	if (err < 0)
		relay_free(relay);
}

static void
on_drained(struct fend_listener *listener, unsigned left, void *loop)
{
	if (left > 0)
		exit(EXIT_FAILURE); /* which closes what is still open */
	fend_loop_stop(loop, 0);
}

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	struct proxy *proxy = data;

	fend_listener_drain(proxy->listener, PATIENCE, on_drained, proxy->loop);
}

int
main(int argc, char **argv)
{
	FEND_CLEANUP(fend_signal) struct fend_signal *interrupt = NULL, *terminate = NULL;
	struct proxy proxy = { 0 };
	struct fend_address address;
	int err;

	if (argc != 3 || fend_address_parse(argv[1], &address) < 0 ||
	    fend_address_parse(argv[2], &proxy.target) < 0) {
		fprintf(stderr, "Usage: tcp_proxy ADDRESS TARGET\n");
		return 2;
	}
	err = fend_loop_new(NULL, &proxy.loop);
	if (err >= 0)
		err = fend_listener_new(proxy.loop, &address, NULL, on_client, &proxy,
					&proxy.listener);
	if (err >= 0)
		err = fend_signal_new(proxy.loop, SIGINT, on_signal, &proxy, &interrupt);
	if (err >= 0)
		err = fend_signal_new(proxy.loop, SIGTERM, on_signal, &proxy, &terminate);
	if (err >= 0)
		err = fend_loop_run(proxy.loop, NULL);
	if (err < 0)
		fprintf(stderr, "tcp_proxy: %s: %s\n", argv[1], fend_strerror(err));
	fend_listener_free(proxy.listener);
	fend_loop_free(proxy.loop);
	return err < 0;
}
