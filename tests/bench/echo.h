/* SPDX-License-Identifier: MIT */
#ifndef FEND_BENCH_ECHO_H
#define FEND_BENCH_ECHO_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Between the server's process and the generator of its load, on a SOCK_SEQPACKET pair, the
 * generator's end of which is descriptor ECHO_CONTROL there. A byte asks the server to note what it
 * has used so far, which it answers with a byte; this ends it.
 */
struct load_result {
	uint64_t requests; /* answered since the last note */
	int64_t took_ns;
};

enum { ECHO_CONTROL = 3 };

/*
 * What the servers without buffered connections have in common: a buffer to receive into that all
 * connections share, and what could not be sent at once, until which is sent nothing is received.
 */
enum { ECHO_BUFFER = 64 << 10 };

struct rest {
	char *bytes; /* NULL: nothing waits */
	size_t start, end;
};

static inline void
rest_keep(struct rest *rest, const char *bytes, size_t size)
{
	rest->bytes = malloc(size);
	if (!rest->bytes)
		abort();
	memcpy(rest->bytes, bytes, size);
	rest->start = 0;
	rest->end = size;
}

static inline void
rest_drop(struct rest *rest, size_t sent)
{
	rest->start += sent;
	if (rest->start == rest->end) {
		free(rest->bytes);
		rest->bytes = NULL;
	}
}

/* What a connection waits for next. */
enum echo_next { ECHO_READABLE, ECHO_WRITABLE, ECHO_OVER };

/* fd has become what it was waited for. */
static inline enum echo_next
echo_ready(int fd, struct rest *rest)
{
	static char buffer[ECHO_BUFFER];
	ssize_t n, sent;

	if (rest->bytes) {
		sent = send(fd, rest->bytes + rest->start, rest->end - rest->start, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN)
			return ECHO_OVER;
		if (sent > 0)
			rest_drop(rest, (size_t)sent);
		return rest->bytes ? ECHO_WRITABLE : ECHO_READABLE;
	}
	n = recv(fd, buffer, sizeof(buffer), 0);
	if (n <= 0)
		return n < 0 && errno == EAGAIN ? ECHO_READABLE : ECHO_OVER;
	sent = send(fd, buffer, (size_t)n, MSG_NOSIGNAL);
	if (sent == n)
		return ECHO_READABLE;
	if (sent < 0 && errno != EAGAIN)
		return ECHO_OVER;
	sent = sent > 0 ? sent : 0;
	rest_keep(rest, buffer + sent, (size_t)(n - sent));
	return ECHO_WRITABLE;
}

#endif
