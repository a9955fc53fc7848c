/* SPDX-License-Identifier: MIT */
/*
 * tls_proxy ADDRESS CERTIFICATE KEY [NAME=]TARGET...: end the TLS of what comes in at ADDRESS and
 * pass it on in plain to the TARGET of the NAME that the client asked for (SNI, RFC 6066), or else
 * to the one without a NAME; without such a one, who asks for another name is turned away. The
 * certificate has to be good for all names. Until SIGINT or SIGTERM.
 *
 * SIGHUP has the certificate and its key read again. A context never changes: there is a new one
 * for who comes from now on, and who is there keeps the old one, which goes with its last
 * connection. If the new files are no good, what was loaded before stays in use.
 *
 * After the handshake a relay is what it is in tcp_proxy.c: two streams, each piped into the other.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <fend/tls.h>

#define HANDSHAKE_TIME FEND_SEC(10)
#define PATIENCE FEND_SEC(10)

enum { ROUTES_MAX = 64 };

struct route {
	const char *name; /* NULL: all others */
	struct fend_address target;
};

struct proxy {
	struct fend_loop *loop;
	struct fend_listener *listener;
	struct fend_tls_context *tls;
	const char *certificate, *key;
	struct route routes[ROUTES_MAX];
	int routes_count;
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

/* Host names have no case. name NULL: the client asked for none. */
static const struct fend_address *
find_target(const struct proxy *proxy, const char *name)
{
	const struct fend_address *target = NULL;

	for (int i = 0; i < proxy->routes_count; i++) {
		const struct route *route = &proxy->routes[i];

		if (!route->name)
			target = &route->target;
		else if (name && strcasecmp(route->name, name) == 0)
			return &route->target;
	}
	return target;
}

/* What the client sends meanwhile waits in its stream. */
static void
on_handshake(struct fend_socket *socket, int err, void *data)
{
	struct proxy *proxy = data;
	const struct fend_address *target = NULL;
	struct relay *relay = NULL;

	if (err >= 0)
		target = find_target(proxy, fend_tls_get(socket, FEND_TLS_SNI));
	if (target)
		relay = calloc(1, sizeof(*relay));
	if (!relay) {
		fend_socket_free(socket);
		return;
	}
	relay->proxy = proxy;
	err = relay_stream(relay, socket, &relay->client);
	if (err >= 0)
		err = fend_connect_new(proxy->loop, NULL, on_connected, relay, &relay->connect);
	if (err >= 0)
		err = fend_connect_add(relay->connect, target);
	if (err >= 0)
		err = fend_connect_last(relay->connect);
	if (err < 0)
		relay_free(relay);
}

static void
on_client(struct fend_listener *listener, struct fend_socket *socket,
	  const struct fend_address *peer, void *data)
{
	struct proxy *proxy = data;

	/* Otherwise the answer waits until the client has acknowledged the handshake (RFC 896). */
	fend_socket_set_option_name(socket, "TCP_NODELAY", 1);
	if (fend_tls_wrap(socket, proxy->tls, NULL) < 0 ||
	    fend_tls_handshake(socket, proxy->loop, HANDSHAKE_TIME, on_handshake, proxy) < 0)
		fend_socket_free(socket);
}

static int
load(struct proxy *proxy)
{
	struct fend_tls_keypair pair = { .certificate = proxy->certificate, .key = proxy->key };
	struct fend_tls_params params = {
		.size = sizeof(params),
		.mode = FEND_TLS_SERVER,
		.certificates = &pair,
		.certificates_count = 1,
	};
	struct fend_tls_context *tls;
	char *reason = NULL;
	int err = fend_tls_context_new(&params, &reason, &tls);

	if (err < 0) {
		fprintf(stderr, "tls_proxy: %s\n", reason ? reason : fend_strerror(err));
		fend_free(reason);
		return err;
	}
	fend_tls_context_unref(proxy->tls);
	proxy->tls = tls;
	return 0;
}

static void
on_hangup(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	load(data);
}

static void
on_drained(struct fend_listener *listener, unsigned left, void *loop)
{
	if (left > 0)
		exit(EXIT_FAILURE); /* which closes what is still open */
	fend_loop_stop(loop, 0);
}

static void
on_end(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	struct proxy *proxy = data;

	fend_listener_drain(proxy->listener, PATIENCE, on_drained, proxy->loop);
}

static int
parse_routes(struct proxy *proxy, char **texts, int n)
{
	int err = n > ROUTES_MAX ? -E2BIG : 0;

	for (int i = 0; err >= 0 && i < n; i++) {
		struct route *route = &proxy->routes[proxy->routes_count++];
		char *equals = strchr(texts[i], '=');

		if (equals)
			*equals = '\0';
		route->name = equals ? texts[i] : NULL;
		err = fend_address_parse(equals ? equals + 1 : texts[i], &route->target);
	}
	return err;
}

int
main(int argc, char **argv)
{
	FEND_CLEANUP(fend_signal) struct fend_signal *interrupt = NULL, *terminate = NULL;
	FEND_CLEANUP(fend_signal) struct fend_signal *hangup = NULL;
	struct proxy proxy = { 0 };
	struct fend_address address;
	int err;

	if (argc < 5 || fend_address_parse(argv[1], &address) < 0 ||
	    parse_routes(&proxy, argv + 4, argc - 4) < 0) {
		fprintf(stderr, "Usage: tls_proxy ADDRESS CERTIFICATE KEY [NAME=]TARGET...\n");
		return 2;
	}
	proxy.certificate = argv[2];
	proxy.key = argv[3];
	if (load(&proxy) < 0)
		return 1;
	err = fend_loop_new(NULL, &proxy.loop);
	if (err >= 0)
		err = fend_signal_new(proxy.loop, SIGHUP, on_hangup, &proxy, &hangup);
	if (err >= 0)
		err = fend_signal_new(proxy.loop, SIGINT, on_end, &proxy, &interrupt);
	if (err >= 0)
		err = fend_signal_new(proxy.loop, SIGTERM, on_end, &proxy, &terminate);
	if (err >= 0)
		err = fend_listener_new(proxy.loop, &address, NULL, on_client, &proxy,
					&proxy.listener);
	if (err >= 0)
		err = fend_loop_run(proxy.loop, NULL);
	if (err < 0)
		fprintf(stderr, "tls_proxy: %s: %s\n", argv[1], fend_strerror(err));
	fend_listener_free(proxy.listener);
	fend_loop_free(proxy.loop);
	fend_tls_context_unref(proxy.tls);
	return err < 0;
}
