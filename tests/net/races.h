/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_NET_RACES_H
#define FEND_TEST_NET_RACES_H

#include <fend/net.h>

#include "fend-test.h"

/* The delay runs from just before the attempt that a test sees. */
#define EARLY FEND_MS(10)
#define STARTS_MAX 32

/* What a race told, and which attempts it made when. */
struct race {
	struct fend_connect *connect;
	struct fend_socket *socket;
	struct test *test;
	fend_time begun, ended;
	int calls, err, stops, stops_at_call;
	struct {
		struct fend_address address;
		fend_time when;
	} starts[STARTS_MAX];
	int n_starts;
	const int *prepare_errors; /* of each start; NULL: none */
	void (*then)(struct race *race);
	void (*on_stop)(struct race *race);
};

fend_connect_fn race_on_end;
fend_connect_stop_fn race_on_stop;

/* With a function that notes the attempts. */
struct fend_connect_options race_options(fend_time timeout, fend_time attempt_delay);
void race_begin(struct race *race, struct test *test, const struct fend_connect_options *given);
/* Add them, and no more. */
void race_add(struct race *race, const struct fend_address *addresses, size_t n);
/* Run to the end, which is told once. */
void race_run(struct race *race);
void race_fini(struct race *race);
/* It has connected to address. */
void assert_peer(const struct race *race, const struct fend_address *address);
/* These were tried, in this order. */
void assert_starts(const struct race *race, const struct fend_address *const *addresses, int n);
/* When the n-th attempt began, since the race did. */
fend_time start_of(const struct race *race, int n);

/* Open a listener on the loopback address of family; NULL if this machine lacks the family. */
struct fend_socket *listen_on(int family, int backlog, struct fend_address *ret_address);
/* Nobody listens on it. */
void refused_address(int family, struct fend_address *ret_address);
/* Skips the test if there is none. */
bool have_ipv6(void);

/*
 * An address where nothing answers: a listener whose backlog is full drops what comes (Linux),
 * until somebody accepts.
 */
struct hole {
	struct fend_socket *listener, *fillers[8];
	struct fend_address address;
	size_t n;
};

bool hole_init(struct hole *hole, int family);
/* Accept all that wait, so that the next attempt of TCP is answered. */
void hole_drain(struct hole *hole);
void hole_fini(struct hole *hole);

#endif
