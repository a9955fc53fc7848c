/* SPDX-License-Identifier: MIT */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include "peer.h"

/* The TLS examples, and who talks to them: other programs, whose TLS is not that under test. */

#define TLS_ECHO "FEND_EXAMPLE_TLS_ECHO"
#define TLS_PROXY "FEND_EXAMPLE_TLS_PROXY"

/*
 * openssl s_client, which trusts the tests' CA alone, asks for name and wants a certificate for it;
 * NULL: it asks for none and takes any. What is written to it goes to the server. It prints what
 * comes back, or writes it to the file unless that is NULL. The server's close_notify ends it.
 */
struct process *tls_client(int port, const char *name, const char *file);
/* Both ways: text there, which an echo sends back. */
void tls_client_echo(struct process *client, const char *text);
/* Is it served, with a certificate for that name? It says nothing. */
gboolean tls_is_served(int port, const char *name);

/* What is no TLS gets an alert, and then the end. */
void tls_expect_refusal(int fd);

/* What the file has once it is so large must be the pattern's first size bytes. */
void tls_expect_file(const char *file, gsize size);

#endif
