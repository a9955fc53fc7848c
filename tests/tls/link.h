/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_TLS_LINK_H
#define FEND_TEST_TLS_LINK_H

#include <fend/tls.h>

#include "certificate.h"
#include "fend-test.h"
#include "variant.h"

/*
 * A client and a server of fend, connected over the loopback interface, with TLS on both sockets.
 * A test that frees a socket sets NULL.
 */
struct side {
	struct test *test;
	struct fend_socket *socket;
	int err;    /* of the last handshake or shutdown */
	int called; /* how many of those have called back */
};

struct link {
	struct test *test;
	struct side client, server;
};

/*
 * Parameters that work: a client that trusts the test CA, a server with a certificate for
 * "localhost", and what the tests most often change.
 */
struct fend_tls_params client_params(void);
struct fend_tls_params server_params(void);
struct fend_tls_context *context_new(const struct fend_tls_params *params);
/* Make one where each allocation fails in turn, and then none; returns how many tries it took. */
unsigned context_fail_each_allocation(struct test *test, const struct fend_tls_params *params);
/* The key pair of a certificate, valid as long as that. Threads may ask for one once it was made. */
const struct fend_tls_keypair *keypair_of(const struct certificate *certificate);
/* A valid certificate for "localhost", made at first use: P-256, RSA. */
const struct certificate *certificate_ec(void);
const struct certificate *certificate_rsa(void);

/*
 * Connect two sockets: over the loopback interface, or as a pair of Unix ones, whose buffers stay
 * full until the peer reads (TCP's do not, since acknowledgements may come late).
 */
void link_init(struct link *link, struct test *test);
void link_init_unix(struct link *link, struct test *test);
/* Put TLS on them: parameters NULL: those above; name: "localhost" if NULL. */
void link_wrap(struct link *link, const struct fend_tls_params *client,
	       const struct fend_tls_params *server, const char *name);
/* Run both handshakes to their ends; client.err and server.err tell how they went. */
void link_handshake(struct link *link);
/* All three, and the handshakes must succeed. */
void link_open(struct link *link, struct test *test, const struct fend_tls_params *client,
	       const struct fend_tls_params *server);
/* The same on Unix sockets, with the default parameters. */
void link_open_unix(struct link *link, struct test *test);
void link_fini(struct link *link);

/* Notes err and counts the call; data: the side. */
fend_tls_fn on_done;

/* Dispatch until socket has received size bytes exactly. */
void tls_recv(struct test *test, struct fend_socket *socket, void *data, size_t size);
/* Dispatch until recv returns something other than -EAGAIN, and return that. */
ssize_t tls_recv_some(struct test *test, struct fend_socket *socket, void *data, size_t size);
void tls_send(struct test *test, struct fend_socket *socket, const void *data, size_t size);
/*
 * Let the server send over Unix sockets until nothing is taken any more. Returns how much was
 * taken; each byte is pattern() of its place.
 */
size_t link_fill(struct link *link);
unsigned char pattern(size_t at, unsigned salt);
/* "ping" there and "pong" back. */
void link_exchange(struct link *link);
/* The text of the side's error must contain this. */
void assert_text(const struct side *side, const char *part);

#endif
