/* SPDX-License-Identifier: MIT */
#ifndef FEND_BENCH_DNS_H
#define FEND_BENCH_DNS_H

#include <stddef.h>
#include <stdint.h>

enum {
	DNS_PORT = 53, /* on 127.0.0.1, in a network namespace of the benchmark's own */
	DNS_NAME_SIZE = 64,
};

/* n lookups of IPv4 addresses of names that nobody has asked for before, some of them at a time. */
struct dns_run {
	int n, in_flight;

	/* kept by the functions below */
	int begun, ended, failed;
	int64_t *started, *took;

	/*
	 * fend only, or NULL: how long one callback of a descriptor that is always ready came after
	 * the other, if lookups ended in between or there are none, up to n_gaps_max of them; with
	 * n 0 the run ends then.
	 */
	int64_t *gaps;
	int n_gaps, n_gaps_max;
};

int64_t dns_now(void);

/* The next lookup: its number, and the name in ret_name. -1: all have begun. */
int dns_begin(struct dns_run *run, char ret_name[DNS_NAME_SIZE]);
/* Lookup i has ended, with an address or without. 1: it was the last. */
int dns_end(struct dns_run *run, int i, int ok);

/* What each contestant is; see contestants[] in bench-dns.c. */
struct dns_contestant {
	const char *name;
	int in_flight_max; /* 0: any */
	void (*run)(struct dns_run *run);
};

extern const struct dns_contestant dns_raw, dns_fend, dns_cares, dns_getaddrinfo;
/* There if the development files of libuv and libevent are; else their addresses are NULL. */
extern const struct dns_contestant dns_libuv __attribute__((weak));
extern const struct dns_contestant dns_evdns __attribute__((weak));

/* A message that asks for the IPv4 addresses of name; returns its size. */
size_t dns_question(unsigned char message[512], unsigned id, const char *name);
/* Answer questions on socket, for ever. */
void dns_respond(int socket);

#endif
