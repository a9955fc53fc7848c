/* SPDX-License-Identifier: MIT */
/*
 * tls_echo ADDRESS CERTIFICATE KEY: send back what comes in through TLS, until SIGINT or SIGTERM.
 * The certificate, with those that vouch for it behind it, and its private key are PEM files.
 *
 * What has been let in goes three steps: TLS is put on the socket, the handshake runs, and then a
 * stream takes the socket, for which TLS makes no difference any more. A pipe of the stream to
 * itself is the echo: who does not take what comes back is not read from either.
 *
 * On a signal nobody is let in any more, and who is there is served to the end, if that comes
 * within PATIENCE.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <fend/tls.h>

#define HANDSHAKE_TIME FEND_SEC(10)
#define PATIENCE FEND_SEC(10)

struct server {
	struct fend_loop *loop;
	struct fend_listener *listener;
	struct fend_tls_context *tls;
};

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	fend_stream_free(stream);
}

/* Freeing the socket of a handshake that failed is all there is to do: the peer was told why. */
static void
on_handshake(struct fend_socket *socket, int err, void *data)
{
	static const struct fend_stream_callbacks callbacks = { .closed = on_closed };
	struct server *server = data;
	struct fend_stream *stream;

	if (err < 0 || fend_stream_new(server->loop, socket, NULL, &callbacks, NULL, &stream) < 0)
		fend_socket_free(socket);
	else if (fend_stream_pipe(stream, stream) < 0)
		fend_stream_free(stream);
}

static void
on_connection(struct fend_listener *listener, struct fend_socket *socket,
	      const struct fend_address *peer, void *data)
{
	struct server *server = data;

	/* Otherwise the echo waits until the client has acknowledged the handshake (RFC 896). */
	fend_socket_set_option_name(socket, "TCP_NODELAY", 1);
	if (fend_tls_wrap(socket, server->tls, NULL) < 0 ||
	    fend_tls_handshake(socket, server->loop, HANDSHAKE_TIME, on_handshake, server) < 0)
		fend_socket_free(socket);
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
	struct server *server = data;

	fend_listener_drain(server->listener, PATIENCE, on_drained, server->loop);
}

/* What is wrong with the files is told here; what goes wrong afterwards is the caller's to tell. */
static struct fend_tls_context *
load(const char *certificate, const char *key)
{
	struct fend_tls_keypair pair = { .certificate = certificate, .key = key };
	struct fend_tls_params params = {
		.size = sizeof(params),
		.mode = FEND_TLS_SERVER,
		.certificates = &pair,
		.certificates_count = 1,
	};
	struct fend_tls_context *tls = NULL;
	char *reason = NULL;
	int err = fend_tls_context_new(&params, &reason, &tls);

	if (err < 0)
		fprintf(stderr, "tls_echo: %s\n", reason ? reason : fend_strerror(err));
	fend_free(reason);
	return tls;
}

int
main(int argc, char **argv)
{
	FEND_CLEANUP(fend_signal) struct fend_signal *interrupt = NULL, *terminate = NULL;
	struct server server = { 0 };
	struct fend_address address;
	int err;

	if (argc != 4 || fend_address_parse(argv[1], &address) < 0) {
		fprintf(stderr, "Usage: tls_echo ADDRESS CERTIFICATE KEY\n");
		return 2;
	}
	server.tls = load(argv[2], argv[3]);
	if (!server.tls)
		return 1;
	err = fend_loop_new(NULL, &server.loop);
	if (err >= 0)
		err = fend_listener_new(server.loop, &address, NULL, on_connection, &server,
					&server.listener);
	if (err >= 0)
		err = fend_signal_new(server.loop, SIGINT, on_signal, &server, &interrupt);
	if (err >= 0)
		err = fend_signal_new(server.loop, SIGTERM, on_signal, &server, &terminate);
	if (err >= 0)
		err = fend_loop_run(server.loop, NULL);
	if (err < 0)
		fprintf(stderr, "tls_echo: %s: %s\n", argv[1], fend_strerror(err));
	fend_listener_free(server.listener);
	fend_loop_free(server.loop);
	fend_tls_context_unref(server.tls);
	return err < 0;
}
