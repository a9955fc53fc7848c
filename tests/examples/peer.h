/* SPDX-License-Identifier: MIT */
#ifndef PEER_H
#define PEER_H

#include <glib.h>

#include "process.h"

/*
 * The example servers as processes, and their peers, which are plain blocking sockets: what they do
 * must not depend on the code under test. Whatever blocks for long fails the test.
 */

#define CHAT "FEND_EXAMPLE_CHAT"
#define ECHO_SERVER "FEND_EXAMPLE_ECHO_SERVER"
#define TCP_PROXY "FEND_EXAMPLE_TCP_PROXY"
#define UDP_ECHO "FEND_EXAMPLE_UDP_ECHO"

/* Start the program that the environment variable names, with arguments up to NULL. */
struct process *server_start(const char *variable, ...) G_GNUC_NULL_TERMINATED;
/* Send it the signal (0: none), wait for its end, check its status, and that it printed nothing. */
void server_end(struct process *server, int signo, int status);
/* Its end must be that of one that does not know what to do: status 2, and this usage. */
void server_check_usage(struct process *server, const char *usage);
/* The memory that it has in use, in bytes. */
gsize server_memory(const struct process *server);

/* Sockets. A port is one of 127.0.0.1. What connects waits until somebody listens. */
int peer_listen(int *ret_port);
int peer_accept(int listener);
int peer_connect(int port);
int peer_connect_unix(const char *path);
/* Connect again and again until that is refused. */
void peer_wait_refused(int port);

void peer_send(int fd, const void *data, gsize size);
void peer_say(int fd, const char *text);
/* Exactly that comes; or the end does, in order or with a reset. */
void peer_expect(int fd, const char *text);
void peer_expect_end(int fd);
void peer_expect_reset(int fd);

/*
 * Bytes of a pattern: send size of them from offset on; receive size of them, which must be the
 * pattern's. Stuff sends until nothing is taken any more, or max was; returns how much that is.
 */
void pattern_send(int fd, gsize offset, gsize size);
void pattern_expect(int fd, gsize offset, gsize size);
gsize pattern_stuff(int fd, gsize max);
/* pattern_send() on a thread of its own, and then shutdown(2) for writing if finish. */
GThread *pattern_send_meanwhile(int fd, gsize offset, gsize size, gboolean finish);

#endif
