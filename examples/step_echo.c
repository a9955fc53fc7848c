/* SPDX-License-Identifier: MIT */
/*
 * A TCP exchange with an echo server in the same loop.
 *
 * The client sends SIZE bytes and compares what comes back. That is more than the kernel buffers on
 * the way, so both sides have to wait for each other now and then: the server reads no more than it
 * can give back, the client reads while it is still writing.
 */
#include "step.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SIZE = 16 * 1024 * 1024, BUFFER_SIZE = 65536 };

struct state {
	struct fend_socket *listener, *server, *client;
	char buffer[BUFFER_SIZE]; /* the server's: [start, end) is still to be sent back */
	size_t start, end;
	size_t sent, received; /* the client's */
	unsigned char arrived[BUFFER_SIZE];
	unsigned char pattern[251 * 256];
};

/* What the client sends at some offset: a prime's period shows bytes that got lost or swapped. */
static const unsigned char *
pattern_at(const struct state *state, size_t offset, size_t *ret_size)
{
	size_t position = offset % sizeof(state->pattern);
	size_t size = sizeof(state->pattern) - position;

	*ret_size = size < SIZE - offset ? size : SIZE - offset;
	return state->pattern + position;
}

static int
server_transfer(struct state *state)
{
	ssize_t size;

	if (state->start == state->end) {
		size = fend_socket_recv(state->server, state->buffer, BUFFER_SIZE, 0);
		if (size <= 0)
			return size == 0 ? -ECONNRESET : (int)size;
		state->start = 0;
		state->end = (size_t)size;
	}
	size = fend_socket_send(state->server, state->buffer + state->start,
				state->end - state->start, 0);
	if (size < 0)
		return (int)size;
	state->start += (size_t)size;
	return 0;
}

static void
on_server(struct fend_socket *socket, unsigned events, void *data)
{
	struct step *step = data;
	struct state *state = step->state;
	int err = server_transfer(state);

	if (err < 0 && err != -EAGAIN)
		step_end(step, err, "server: %s", fend_strerror(err));
	else
		fend_socket_set_events(socket, state->start < state->end ? FEND_OUT : FEND_IN);
}

static void
on_listener(struct fend_socket *listener, unsigned events, void *data)
{
	struct step *step = data;
	struct state *state = step->state;
	int err = fend_socket_accept(listener, NULL, &state->server);

	if (err == -EAGAIN)
		return;
	if (err >= 0) {
		fend_socket_unwatch(listener);
		err = fend_socket_watch(state->server, step->stage->loop, FEND_IN, on_server, step);
	}
	if (err < 0)
		step_end(step, err, "accept: %s", fend_strerror(err));
}

static int
client_send(struct state *state)
{
	size_t size;
	const unsigned char *bytes = pattern_at(state, state->sent, &size);
	ssize_t sent = fend_socket_send(state->client, bytes, size, 0);

	if (sent < 0)
		return (int)sent;
	state->sent += (size_t)sent;
	return 0;
}

static int
client_receive(struct state *state)
{
	size_t size, compared = 0;
	ssize_t received = fend_socket_recv(state->client, state->arrived, BUFFER_SIZE, 0);

	if (received <= 0)
		return received == 0 ? -ECONNRESET : (int)received;
	while (compared < (size_t)received) {
		const unsigned char *expected = pattern_at(state, state->received, &size);

		if (size > (size_t)received - compared)
			size = (size_t)received - compared;
		if (size == 0 || memcmp(state->arrived + compared, expected, size) != 0)
			return -EBADMSG;
		compared += size;
		state->received += size;
	}
	return 0;
}

static void
on_client(struct fend_socket *socket, unsigned events, void *data)
{
	struct step *step = data;
	struct state *state = step->state;
	int err = 0;

	if (events & ~FEND_OUT)
		err = client_receive(state);
	if ((err >= 0 || err == -EAGAIN) && events & FEND_OUT && state->sent < SIZE)
		err = client_send(state);
	if (err < 0 && err != -EAGAIN) {
		step_end(step, err, "client: %s", fend_strerror(err));
	} else if (state->received == SIZE) {
		fend_socket_unwatch(socket);
		step_end(step, 0, "%d MiB over TCP and back", SIZE / (1024 * 1024));
	} else {
		fend_socket_set_events(socket, state->sent < SIZE ? FEND_IN | FEND_OUT : FEND_IN);
	}
}

static int
listen_on_loopback(struct step *step, struct fend_address *ret_address)
{
	struct state *state = step->state;
	int err = fend_address_parse("127.0.0.1:0", ret_address);

	if (err >= 0)
		err = fend_socket_new_tcp(AF_INET, &state->listener);
	if (err >= 0)
		err = fend_socket_bind(state->listener, ret_address);
	if (err >= 0)
		err = fend_socket_listen(state->listener, 0);
	if (err >= 0)
		err = fend_socket_getsockname(state->listener, ret_address);
	if (err >= 0)
		err = fend_socket_watch(state->listener, step->stage->loop, FEND_IN, on_listener,
					step);
	return err;
}

static int
start(struct step *step)
{
	struct state *state = step->state = calloc(1, sizeof(*state));
	struct fend_address address;
	int err;

	if (!state)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(state->pattern); i++)
		state->pattern[i] = (unsigned char)(i % 251);
	err = listen_on_loopback(step, &address);
	if (err >= 0)
		err = fend_socket_new_tcp(AF_INET, &state->client);
	if (err >= 0)
		err = fend_socket_connect(state->client, &address);
	if (err == -EINPROGRESS || err >= 0)
		err = fend_socket_watch(state->client, step->stage->loop, FEND_IN | FEND_OUT,
					on_client, step);
	return err;
}

static void
stop(struct step *step)
{
	struct state *state = step->state;

	if (!state)
		return;
	fend_socket_free(state->client);
	fend_socket_free(state->server);
	fend_socket_free(state->listener);
	free(state);
}

const struct step_type step_echo = { .name = "echo", .start = start, .stop = stop };
