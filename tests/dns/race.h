/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_DNS_RACE_H
#define FEND_TEST_DNS_RACE_H

#include <fend/connect-host.h>

#include "dns-test.h"
#include "place.h"

/* For tests of fend_resolver_connect(): what is given, what is expected, and what has come. */

/* What a test gives, and what it expects. */
struct scenario {
	enum ground in6, in;
	enum server_mode aaaa, a;
	int aaaa_delay, a_delay, timeout; /* in milliseconds */
	const char *const *aaaa_addresses;
	int failing, error; /* family whose attempts fail before they begin, and with what */
	int slow;           /* family whose hole is drained when the other's attempt begins */

	const char *starts; /* family@when of each attempt */
	const char *end;    /* the same of the winner; NULL: it fails */
	int err, when;      /* then */
};

struct race {
	struct test *test;
	const struct scenario *scenario;
	struct place in6, in;
	int port;
	char service[8];
	struct server *server;
	struct fend_resolver *resolver;
	const struct addrinfo *hints;

	struct fend_connect *connect;
	fend_time begun;
	GString *starts;
	char *end;
	int calls, err, free_it;
	fend_time when;
};

/* With a server, a resolver that asks it, and the clock of stopwatch.h. */
void race_init(struct race *race, struct test *test);
void race_fini(struct race *race);
/* Two places with the same port, one for each family; FALSE: there is no IPv6, the test skips. */
gboolean race_find_port(struct race *race);
/* What the server is to say. */
void race_script(struct server *server, const struct scenario *scenario);
/* timeout: in milliseconds; 0: the usual one. */
void race_begin(struct race *race, const char *host, const char *service, int timeout);
/* A fend_connect_fn, whose data is the race: notes the outcome. */
void race_on_end(struct fend_connect *connect, int err, struct fend_socket *socket, void *data);
/* Run to the end, which is told once. */
void race_run(struct race *race);

#endif
