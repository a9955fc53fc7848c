/* SPDX-License-Identifier: MIT */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <glib.h>

/*
 * A server that misbehaves to order, on a thread of its own with blocking sockets: what it does
 * must not depend on the code under test. It serves one connection at a time.
 */
struct fake_server;

struct fake_reply {
	const char *text;
	gssize size;       /* -1: up to the NUL */
	gboolean bytewise; /* one byte at a time, so that the client sees every way of cutting it */
	gboolean deaf;     /* do not read the request first */
	gboolean stall;    /* then keep the connection open until the client has closed it */
	gboolean reset;    /* then reset the connection */
};

/*
 * The n-th connection gets the n-th of n replies, all further ones the last. A request is read up
 * to the end of its head and as many bytes as its Content-Length says. After the reply the server
 * closes its side and waits for the client to do so.
 */
struct fake_server *fake_server_new(const struct fake_reply *replies, size_t n);

/* Other replies, before the first connection. */
void fake_server_set_replies(struct fake_server *server, const struct fake_reply *replies,
			     size_t n);

/* Pass everything on to a port of 127.0.0.1, but only the first limit bytes of what comes back. */
struct fake_server *fake_server_new_cut(int port, size_t limit);

/* Returns NULL. */
struct fake_server *fake_server_free(struct fake_server *server);

int fake_server_port(const struct fake_server *server);

/* How many connections it has taken so far. */
unsigned fake_server_count(struct fake_server *server);

/* What the n-th connection, from 0, has sent up to now. Free with g_free(). */
char *fake_server_request(struct fake_server *server, unsigned n);

#endif
