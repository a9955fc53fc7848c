/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_PLACE_H
#define FEND_TEST_PLACE_H

/* What is at an address. */
enum ground {
	OPEN,    /* a listener */
	REFUSED, /* nobody */
	HOLE     /* a listener with a full backlog, which drops what comes (Linux) */
};

/* A port on the loopback address of a family. */
struct place {
	int listener, fillers[8], n_fillers;
};

/* Reserve a port for both families, to be followed by place_init(); -1: there is no IPv6 here. */
int place_bind_pair(struct place *in, struct place *in6);
void place_init(struct place *place, enum ground ground);
/* Accept and close what fills a hole: a SYN that comes later is answered. */
void place_drain(struct place *place);
void place_fini(struct place *place);

#endif
