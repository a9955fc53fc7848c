/* SPDX-License-Identifier: MIT */
/*
 * A connection to a listener that expects a PROXY header. The first byte is how many of the others
 * are sent at a time, 0 for all of them. However they come, the listener has to do what the parser
 * says of all of them together, and every byte behind the header has to be left.
 */
#include <errno.h>
#include <netinet/in.h>

#include <fend/core.h>
#include <fend/net.h>

#include "fuzz.h"
#include "proxy.h"

#define REST_MAX 4096

struct outcome {
	struct fend_socket *socket; /* that was handed over */
	bool known;
	struct fend_address peer;
};

static void
on_accept(struct fend_listener *listener, struct fend_socket *socket,
	  const struct fend_address *peer, void *data)
{
	struct outcome *outcome = data;

	require(!outcome->socket);
	outcome->socket = socket;
	outcome->known = peer != NULL;
	if (peer)
		outcome->peer = *peer;
}

static uint64_t
refused(const struct fend_listener *listener)
{
	struct fend_listener_stats stats = { .size = sizeof(stats) };

	require(fend_listener_stats(listener, &stats) == 0);
	require(stats.paused == 0);
	return stats.refused;
}

/* Until there is nothing more to do, which is soon. */
static void
settle(struct fend_loop *loop)
{
	unsigned n = 0;

	while (fend_loop_dispatch(loop, 0) > 0)
		require(++n < 8);
}

/* Until there is somebody who has to receive them. */
static void
send_in_pieces(struct fend_socket *client, struct fend_loop *loop, const struct outcome *outcome,
	       const uint8_t *bytes, size_t n, size_t piece)
{
	while (n > 0) {
		size_t size = piece && piece < n && !outcome->socket ? piece : n;
		ssize_t sent = fend_socket_send(client, bytes, size, 0);

		if (sent == -EPIPE || sent == -ECONNRESET)
			return;
		require(sent == (ssize_t)size);
		settle(loop);
		bytes += size;
		n -= size;
	}
}

/* A header that was told, all of which has come: what is behind it is the user's. */
static void
check_accepted(const struct outcome *outcome, const struct proxy *proxy, const uint8_t *bytes,
	       size_t n)
{
	uint8_t rest[REST_MAX];
	size_t left = n - proxy->length;

	require(outcome->socket);
	require(outcome->known == proxy->known);
	require(!proxy->known || fend_address_equal(&outcome->peer, &proxy->peer));
	if (left > 0) {
		require(fend_socket_recv(outcome->socket, rest, sizeof(rest), 0) == (ssize_t)left);
		require(memcmp(rest, bytes + proxy->length, left) == 0);
	}
	require(fend_socket_recv(outcome->socket, rest, 1, 0) == -EAGAIN);
}

static void
play(struct fend_loop *loop, struct fend_listener *listener, struct outcome *outcome,
     const uint8_t *bytes, size_t n, size_t piece)
{
	struct fend_address address;
	struct fend_socket *client;
	struct proxy proxy = { 0 };
	int verdict = fend__proxy_parse(bytes, n, &proxy);

	require(fend_listener_address(listener, &address) == 0);
	require(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &client) == 0);
	require(fend_socket_connect(client, &address) == 0);
	settle(loop);
	send_in_pieces(client, loop, outcome, bytes, n, piece);
	if (verdict == 0 && proxy.length <= n) {
		check_accepted(outcome, &proxy, bytes, n);
		require(refused(listener) == 0);
	} else {
		require(!outcome->socket);
		require(refused(listener) == (verdict == -EPROTO));
	}
	fend_socket_free(client);
	settle(loop);
	require(refused(listener) == !outcome->socket);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fend_listener_options options = {
		.size = sizeof(options),
		.flags = FEND_LISTENER_PROXY,
	};
	struct fend_address address = { .size = sizeof(sa_family_t) };
	struct outcome outcome = { 0 };
	struct fend_listener *listener;
	struct fend_loop *loop;

	if (n == 0 || n > REST_MAX)
		return 0;
	/* The kernel makes up an abstract name (unix(7)). */
	address.storage.ss_family = AF_UNIX;
	require(fend_loop_new(NULL, &loop) == 0);
	require(fend_listener_new(loop, &address, &options, on_accept, &outcome, &listener) == 0);
	play(loop, listener, &outcome, bytes + 1, n - 1, bytes[0]);
	fend_socket_free(outcome.socket);
	fend_listener_free(listener);
	fend_loop_free(loop);
	return 0;
}
