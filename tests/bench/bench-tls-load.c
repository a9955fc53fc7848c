/* SPDX-License-Identifier: MIT */
/*
 * The load of bench-tls, the same for every server: clients made with fend, of which only the
 * servers' answers count.
 *
 *	bench-tls-load PORT full|resumed|send|receive|idle CONNECTIONS SIZE REQUESTS MILLISECONDS
 *
 * full, resumed: one handshake after the other; a request is one. send, receive: one connection, on
 * which the server sends or receives in writes of SIZE; a request is a KiB. It ends after so many
 * requests or milliseconds, whichever comes first. idle: the server is asked for notes before and
 * after CONNECTIONS are made.
 *
 * What the server is to receive is held back until it fills a segment (tcp(7), TCP_CORK). A server
 * that takes small records faster than they are sent would else sleep after every few, and to be
 * woken costs more than they do.
 */
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <fend/tls.h>

#include "echo.h"
#include "tls.h"

static struct {
	struct fend_loop *loop;
	struct fend_tls_context *context;
	struct fend_address server;
	void *ticket;
	size_t ticket_size;
	int result; /* of the handshake */
} load;

/* KiB until buffers have their size. */
enum { WARMING = 64 };

static char buffer[256 << 10];

static void
die(const char *what, long err)
{
	fprintf(stderr, "bench-tls-load: %s: %s\n", what, fend_strerror((int)err));
	exit(2);
}

static int64_t
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void
note(void)
{
	char byte = 0;

	if (send(ECHO_CONTROL, &byte, 1, MSG_NOSIGNAL) != 1 || recv(ECHO_CONTROL, &byte, 1, 0) != 1)
		die("the server", -errno);
}

static void
on_handshake(struct fend_socket *socket, int err, void *data)
{
	load.result = err;
	fend_loop_stop(load.loop, 0);
}

static void
on_ready(struct fend_socket *socket, unsigned events, void *data)
{
	fend_loop_stop(load.loop, 0);
}

/* Returns when it is connected and the handshake is over. */
static struct fend_socket *
dial(bool resume)
{
	struct fend_socket *socket;
	int err = fend_socket_new_tcp(AF_INET, &socket);

	if (err >= 0)
		err = fend_socket_connect(socket, &load.server);
	if (err == -EINPROGRESS)
		err = 0;
	fend_socket_set_option_name(socket, "TCP_NODELAY", 1);
	if (err >= 0)
		err = fend_socket_watch(socket, load.loop, FEND_OUT, on_ready, NULL);
	if (err >= 0)
		err = fend_loop_run(load.loop, NULL);
	if (err >= 0)
		err = fend_tls_wrap(socket, load.context, NULL);
	if (err >= 0 && resume)
		err = fend_tls_set_session(socket, load.ticket, load.ticket_size);
	if (err >= 0)
		err = fend_tls_handshake(socket, load.loop, FEND_SEC(60), on_handshake, NULL);
	if (err >= 0)
		err = fend_loop_run(load.loop, NULL);
	if (err >= 0)
		err = load.result;
	if (err < 0)
		die("handshake", err);
	if (resume && !fend_tls_is_resumed(socket))
		die("handshake", -ESTALE);
	return socket;
}

static ssize_t
move(struct fend_socket *socket, bool out, size_t size)
{
	ssize_t n;

	for (;;) {
		n = out ? fend_socket_send(socket, buffer, size, 0)
			: fend_socket_recv(socket, buffer, sizeof(buffer), 0);
		if (n != -EAGAIN)
			break;
		fend_socket_set_events(socket, out ? FEND_OUT : FEND_IN);
		fend_loop_run(load.loop, NULL);
	}
	if (n <= 0)
		die("transfer", n ? n : -EPIPE);
	return n;
}

static void
ask(struct fend_socket *socket, uint32_t what, uint32_t size, uint64_t total)
{
	static const char http[] = "GET " TLS_PATH " HTTP/1.0\r\n\r\n";
	struct tls_request request = { what, size, total };
	bool web = getenv(TLS_SIZE) != NULL;
	size_t n = web ? sizeof(http) - 1 : sizeof(request);

	if (fend_socket_send(socket, web ? (const void *)http : &request, n, 0) != (ssize_t)n)
		die("request", -EIO);
}

/* With data, since only then a ticket is sure to have come. */
static void
take_ticket(void)
{
	struct fend_socket *socket = dial(false);
	int err;

	ask(socket, TLS_SEND, 1, 1);
	move(socket, false, 0);
	err = fend_tls_session(socket, &load.ticket, &load.ticket_size);
	if (err < 0)
		die("ticket", err);
	fend_socket_free(socket);
}

static uint64_t
shake(bool resume, uint64_t requests, int64_t deadline)
{
	uint64_t done = 0;

	while (done < requests && now() < deadline) {
		fend_socket_free(dial(resume));
		done++;
	}
	return done;
}

/* Returns how many bytes were moved. */
static uint64_t
transfer(struct fend_socket *socket, bool out, size_t size, uint64_t wanted, int64_t deadline)
{
	uint64_t done = 0;

	while (done < wanted && now() < deadline)
		done += (uint64_t)move(socket, out, size);
	return done;
}

/* What was sent is in the server's hands once that has met the end, and closes. */
static void
await_end(struct fend_socket *socket)
{
	ssize_t n;

	fend_socket_shutdown(socket, SHUT_WR);
	while ((n = fend_socket_recv(socket, buffer, sizeof(buffer), 0)) == -EAGAIN) {
		fend_socket_set_events(socket, FEND_IN);
		fend_loop_run(load.loop, NULL);
	}
}

static void
run(char **argv, struct load_result *result)
{
	bool resume = strcmp(argv[2], "resumed") == 0, out = strcmp(argv[2], "receive") == 0;
	bool bulk = out || strcmp(argv[2], "send") == 0;
	size_t size = strtoul(argv[4], NULL, 10);
	uint64_t requests = strtoull(argv[5], NULL, 10);
	int64_t limit = strtoll(argv[6], NULL, 10) * 1000000, start, end;
	uint64_t total = (requests + WARMING) * 1024;
	struct fend_socket *socket = NULL;

	if (resume)
		take_ticket();
	if (bulk) {
		socket = dial(false);
		ask(socket, out ? TLS_RECEIVE : TLS_SEND, (uint32_t)size, total);
		fend_socket_set_option_name(socket, "TCP_CORK", out);
		total -= transfer(socket, out, size, WARMING * 1024, INT64_MAX);
	}
	note();
	start = now();
	end = limit ? start + limit : INT64_MAX;
	result->requests = bulk ? transfer(socket, out, size, total, end) / 1024
				: shake(resume, requests, end);
	if (out)
		await_end(socket);
	result->took_ns = now() - start;
}

static void
idle(int n)
{
	fend_socket_free(dial(false));
	dial(false); /* what is loaded with the first is not its own */
	note();
	for (int i = 0; i < n; i++)
		dial(false);
	note();
}

int
main(int argc, char **argv)
{
	struct fend_tls_params params = {
		.size = sizeof(params),
		.mode = FEND_TLS_CLIENT,
		.verify = FEND_TLS_VERIFY_NONE,
	};
	struct load_result result = { 0 };
	char text[32];
	int err;

	if (argc != 7)
		return 2;
	snprintf(text, sizeof(text), "127.0.0.1:%s", argv[1]);
	err = fend_address_parse(text, &load.server);
	if (err >= 0)
		err = fend_loop_new(NULL, &load.loop);
	if (err >= 0)
		err = fend_tls_context_new(&params, NULL, &load.context);
	if (err < 0)
		die(text, err);
	if (strcmp(argv[2], "idle") == 0)
		idle(atoi(argv[3]));
	else
		run(argv, &result);
	if (send(ECHO_CONTROL, &result, sizeof(result), MSG_NOSIGNAL) != sizeof(result))
		die("the server", -errno);
	return 0;
}
