/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_TLS_INTEROP_H
#define FEND_TEST_TLS_INTEROP_H

#include "meeting.h"

/*
 * The same meeting with each of the programs that everybody has, for variant_add_programs(). Which
 * one is on the other side, and in which version, is the running case's to say.
 */
extern const char *const interop_clients[]; /* s_client, gnutls-cli, curl */
extern const char *const interop_servers[]; /* s_server, gnutls-serv, nginx */
extern const char *const interop_programs[];

/* What the program is to do; all zero: to meet localhost, or to be it. */
struct wish {
	const char *name;                      /* client: whom it asks for, and insists on */
	const char *alpn;                      /* the one it has */
	const struct certificate *certificate; /* it presents; server, NULL: certificate_ec() */
	const struct certificate *other;       /* server: what it presents as "other.example" */
	bool demand;                           /* server: no client without a certificate */
	bool no_tickets;                       /* it knows only session ids, and those in TLS 1.2 */
	bool page;                             /* server: it answers with a page, and closes */
	bool quiet;                            /* client: nothing but data on its standard output */
	bool beside;                           /* it runs where the test's files are */
	const char *more;                      /* behind all this on its command line */
};

bool interop_is_client(void);                /* the program; fend is the server then */
struct fend_tls_params interop_params(void); /* for fend's side */

/* Start the program: a server listens then. */
void interop_start(struct meeting *meeting, struct test *test, const struct wish *wish);
/*
 * Its next connection, to the end of the handshake; side.err tells how it went. name and session,
 * which may be NULL, are a client's of fend.
 */
void interop_join(struct meeting *meeting, struct fend_tls_context *context, const char *name,
		  const void *session, size_t size);
/* Both, with a context of these parameters (NULL: those above). */
void interop_meet(struct meeting *meeting, struct test *test, const struct fend_tls_params *params,
		  const struct wish *wish);

/* Receive until this is the end of what came; it must be there before the connection ends. */
void interop_receive_until(struct meeting *meeting, const char *end);

/* What programs of its kind are for: some bytes there, some back, at least one of each. */
void interop_talk(struct meeting *meeting);
/* A server of fend takes a request of HTTP, and answers with this, of which it promises more. */
void interop_answer(struct meeting *meeting, const char *body, size_t more);

#endif
