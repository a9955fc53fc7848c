/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_DNS_SERVER_H
#define FEND_TEST_DNS_SERVER_H

#include <glib.h>

#include <fend/core.h>

/*
 * A name server with faults, UDP and TCP, in the test's own loop: it answers when the loop runs.
 * Each name has the addresses 192.0.2.1 and 2001:db8::1; other addresses than these end in 66 and
 * are not to be believed.
 */
enum server_mode {
	SERVER_ANSWER,
	SERVER_NODATA,
	SERVER_NXDOMAIN,
	SERVER_SERVFAIL,
	SERVER_REFUSED,
	SERVER_FORMERR,
	SERVER_NOTIMP,
	SERVER_NO_EDNS, /* FORMERR for questions with EDNS */
	SERVER_DROP,
	SERVER_TRUNCATE,   /* empty and TC over UDP, an answer over TCP */
	SERVER_NOISE,      /* an empty datagram, garbage, a wrong id and a wrong name come first */
	SERVER_WRONG,      /* an answer that is wrong */
	SERVER_HALF,       /* one byte, and over TCP no more */
	SERVER_CUT,        /* an answer that ends too early */
	SERVER_MISCOUNTED, /* one that says it has more records than it has */
	SERVER_OVERSIZED,  /* a datagram longer than was asked for */
	SERVER_MANY,       /* 3000 addresses, over TCP */
	SERVER_FOREIGN,    /* addresses of other names beside the right one */
	SERVER_POINTER_LOOP,    /* names that are compressed in circles */
	SERVER_CNAME,           /* the answer is that of real.test */
	SERVER_CNAME_ONLY,      /* of which there is none */
	SERVER_CNAME_NXDOMAIN,  /* and which does not exist */
	SERVER_CNAME_CHAIN,     /* ten aliases */
	SERVER_CNAME_LONG,      /* forty */
	SERVER_CNAME_BACKWARDS, /* aliases behind what they stand for */
	SERVER_CNAME_LOOP,
	SERVER_BAD_CNAME /* the answer is that of a name that no host can have */
};

/* A record of a type other than A and AAAA, for whatever name is asked for. */
struct server_record {
	unsigned type, ttl;
	const char *data; /* NULL ends a list */
	gsize size;
};

struct server {
	/* what to do with questions for A, AAAA and others, and how long after they came */
	enum server_mode a, aaaa, other;
	fend_time delay, a_delay, aaaa_delay; /* the latter come on top */
	/* SERVER_ANSWER: what instead of the two addresses, NULL-terminated, and of other types */
	const char *const *a_addresses, *const *aaaa_addresses;
	const struct server_record *records;
	enum server_mode (*choose)(const char *name, gboolean aaaa); /* or NULL: a and aaaa */
	unsigned ttl;                                                /* of answers; 60 at first */

	/* what came */
	unsigned n_a, n_aaaa, n_other, n_tcp;
	char *name;         /* of the last question */
	guint16 port;       /* that the last question over UDP came from */
	unsigned edns_size; /* that the last question allowed; 0: it was without EDNS */
	fend_time first, last;
	unsigned max_at_once; /* most questions found waiting at one time */

	/* private */
	struct fend_loop *loop;
	char *address;
	int udp, tcp, connection;
	struct fend_io *udp_io, *tcp_io, *connection_io;
	GByteArray *input;
	GList *delayed;
};

struct server *server_start(struct fend_loop *loop); /* on 127.0.0.1 */
struct server *server_start_on(struct fend_loop *loop, const char *host);
struct server *server_start_at(struct fend_loop *loop, const char *address); /* with a port */
struct server *server_stop(struct server *server);                           /* returns NULL */
/* For fend_resolver_options.servers: "127.0.0.1:12345". */
const char *server_address(const struct server *server);

#endif
