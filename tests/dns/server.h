/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_DNS_SERVER_H
#define FEND_TEST_DNS_SERVER_H

#include <glib.h>

#include <fend/core.h>

/*
 * A name server with faults, on 127.0.0.1, UDP and TCP, in the test's own loop: it answers when the
 * loop runs. Each name has the addresses 192.0.2.1 and 2001:db8::1.
 */
enum server_mode {
	SERVER_ANSWER,
	SERVER_NODATA,
	SERVER_NXDOMAIN,
	SERVER_SERVFAIL,
	SERVER_REFUSED,
	SERVER_FORMERR,
	SERVER_NOTIMP,
	SERVER_DROP,
	SERVER_TRUNCATE, /* empty and TC over UDP, an answer over TCP */
	SERVER_NOISE,    /* an empty datagram, garbage, a wrong id and a wrong name come first */
	SERVER_CNAME,    /* the answer is that of real.test */
	SERVER_BAD_CNAME /* the answer is that of a name that no host can have */
};

/* A record of a type other than A and AAAA, for whatever name is asked for. */
struct server_record {
	unsigned type, ttl;
	const char *data; /* NULL ends a list */
	gsize size;
};

struct server {
	/* what to do with questions for A and AAAA and others, and how long after they came */
	enum server_mode a, aaaa, other;
	fend_time delay, a_delay, aaaa_delay; /* the latter come on top */
	/* what to answer instead of the two addresses, NULL-terminated; not for SERVER_CNAME */
	const char *const *a_addresses, *const *aaaa_addresses;
	const struct server_record *records; /* those of the type that is asked for */

	/* what came */
	unsigned n_a, n_aaaa, n_other, n_tcp;
	char *name; /* of the last question */
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

struct server *server_start(struct fend_loop *loop);
struct server *server_stop(struct server *server); /* returns NULL */
/* For fend_resolver_options.servers: "127.0.0.1:12345". */
const char *server_address(const struct server *server);

#endif
