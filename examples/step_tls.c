/* SPDX-License-Identifier: MIT */
/*
 * A TLS handshake with our own server, and an orderly end: connect, wrap, handshake, shutdown. The
 * socket stays the same throughout.
 */
#include "step.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define TIMEOUT FEND_SEC(10)

struct state {
	struct fend_socket *socket;
	char text[160];
};

static void
fail(struct step *step, const char *what, int err)
{
	const struct state *state = step->state;
	const struct fend_tls_error *error = fend_tls_error(state->socket);

	step_end(step, err, "%s: %s", what, error && error->err ? error->text : fend_strerror(err));
}

static void
on_shutdown(struct fend_socket *socket, int err, void *data)
{
	struct step *step = data;
	const struct state *state = step->state;

	if (err < 0)
		fail(step, "shutdown", err);
	else
		step_end(step, 0, "%s", state->text);
}

static void
on_handshake(struct fend_socket *socket, int err, void *data)
{
	struct step *step = data;
	struct state *state = step->state;

	if (err < 0) {
		fail(step, "handshake", err);
		return;
	}
	snprintf(state->text, sizeof(state->text), "%s, %s, %s",
		 fend_tls_get(socket, FEND_TLS_PROTOCOL), fend_tls_get(socket, FEND_TLS_CIPHER),
		 fend_tls_get(socket, FEND_TLS_GROUP));
	err = fend_tls_shutdown(socket, step->stage->loop, TIMEOUT, on_shutdown, step);
	if (err < 0)
		fail(step, "shutdown", err);
}

static void
on_connected(struct fend_socket *socket, unsigned events, void *data)
{
	struct step *step = data;
	int err = fend_socket_error(socket);

	fend_socket_unwatch(socket);
	if (err >= 0)
		err = fend_tls_wrap(socket, step->stage->trust, "localhost");
	if (err >= 0)
		err = fend_tls_handshake(socket, step->stage->loop, TIMEOUT, on_handshake, step);
	if (err < 0)
		fail(step, "connect", err);
}

static int
start(struct step *step)
{
	struct state *state = step->state = calloc(1, sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	err = fend_socket_new_tcp(AF_INET, &state->socket);
	if (err >= 0)
		err = fend_socket_connect(state->socket, &step->stage->server);
	if (err == -EINPROGRESS || err >= 0)
		err = fend_socket_watch(state->socket, step->stage->loop, FEND_OUT, on_connected,
					step);
	return err;
}

static void
stop(struct step *step)
{
	struct state *state = step->state;

	if (!state)
		return;
	fend_socket_free(state->socket);
	free(state);
}

const struct step_type step_tls = { .name = "tls", .start = start, .stop = stop };
