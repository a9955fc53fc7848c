/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_DNS_H
#define FEND_TEST_DNS_H

#include <netdb.h>

#include <fend/dns.h>

#include "fend-test.h"
#include "process.h"
#include "server.h"

/* What a lookup has told: the data of outcome_fn(). */
struct outcome {
	struct test *test; /* its done is set; or NULL */
	int calls;
	int err;
	char *addresses; /* of list_addresses() */
	fend_time when;
	int free_it; /* the callback frees the lookup */
	struct fend_lookup *lookup;
};

void outcome_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data);
/* Frees the lookup, too, and makes the outcome as new. */
void outcome_clear(struct outcome *outcome);

/* A fend_timer_fn: data is an int that becomes 1. */
void timer_fn(struct fend_timer *timer, uint64_t expirations, void *data);

/* The addresses of a list, each once, sorted, with a blank between; "" if there is none. */
char *list_addresses(const struct addrinfo *list);
/* Everything that a list says, and that it is well-formed. */
char *list_describe(const struct addrinfo *list);

/* Is AI_IDN heeded? */
int has_idn(void);

/* Does c-ares ask for no names but those that hosts may have? */
int cares_is_strict(void);

/* Does c-ares read answers itself, and ask again if it cannot? */
int cares_parses(void);

/* Can c-ares ask for the root? */
int cares_has_root(void);

/* FEND_EAI_x for EAI_x. */
int eai_error(int eai);

/* Start to look up name at resolver, with a hint of SOCK_STREAM and the given family and flags. */
void lookup_start(struct outcome *outcome, struct fend_resolver *resolver, const char *name,
		  int family, int flags, fend_time timeout);
/* The same, and run the loop until it has told. */
void lookup_run(struct test *test, struct outcome *outcome, struct fend_resolver *resolver,
		const char *name, int family, int flags);

/*
 * How long a resolver waits for an answer at first: HASTY for servers that do not give one, PATIENT
 * for those that do, however slow the machine is.
 */
#define HASTY (FEND_MS(100) * test_slowness())
#define PATIENT FEND_SEC(10)

/* A resolver that asks servers, twice each. */
struct fend_resolver *resolver_start(struct fend_loop *loop, const char *servers,
				     fend_time try_timeout);

/* A server on the test's loop, a resolver that asks it, and room for a lookup. */
struct setting {
	struct server *server;
	struct fend_resolver *resolver;
	struct outcome outcome;
};

void setting_start(struct setting *setting, struct test *test, fend_time try_timeout);
void setting_end(struct setting *setting);
/* Look name up; it is to end with err, and unless that is an error with addresses. */
void setting_expect(struct test *test, struct setting *setting, const char *name, int family,
		    int flags, int err, const char *addresses);

/* dnsmasq on a port of 127.0.0.1, with NULL-terminated arguments of its own. */
struct process *dnsmasq_start(int port, const char *const *arguments);

/*
 * Move the process into namespaces of its own: always of mounts, with the given content of
 * /etc/hosts, /etc/resolv.conf and the hosts line of /etc/nsswitch.conf, and if asked for of
 * networks, with nothing but loopback. To be called before any test; 1 if it cannot be done: then
 * the reason has been told and the program is to end.
 */
int namespace_enter(const char *hosts, const char *resolv_conf, const char *nss, int network);
/*
 * Give the loopback interface of such a network one more address; 0.0.0.0 takes that of IPv4 away.
 */
void loopback_add_ipv4(const char *text);
void loopback_add_ipv6(const char *text, unsigned prefix);

#endif
