/* SPDX-License-Identifier: MIT */
#ifndef FEND_FUZZ_TLS_WORLD_H
#define FEND_FUZZ_TLS_WORLD_H

#include "tls-scene.h"
#include "tls-wire.h"

/*
 * A client and a server on one loop. One of them is the subject, which lives through what the
 * script says; the other is its peer, without whom a script could not know a single key. What the
 * subject sends goes to the peer at once, what the peer sends waits until the script moves it.
 */
struct end {
	struct world *world;
	struct end *other;
	struct fend_socket *socket; /* NULL: freed */
	struct wire wire;
	bool client;
	int called, err;       /* of the handshake */
	int shutting, shut;    /* shutdowns begun, and ended */
	size_t sent, received; /* bytes of the pattern */
	bool closed;           /* has said that no more will come */
	bool deaf;             /* does not listen any more */
};

struct world {
	const struct scene *scene;
	struct fend_loop *loop; /* NULL: freed */
	struct end subject, peer;
	bool frees;      /* the subject in the callback of its handshake */
	bool late;       /* the subject's hello waits for an answer of the script */
	bool asked;      /* it does */
	bool held;       /* what the subject sends waits as well */
	bool starved;    /* an allocation has failed */
	size_t in_piece; /* what a watch receives at a time */
};

void world_init(struct world *world, const struct scene *scene, bool client);
/* Let both handshakes start. */
void world_begin(struct world *world, fend_time timeout, bool resume);
/* Let everything happen that can, but for what the peer has to say. */
void world_pump(struct world *world);
/* Move so many bytes of what the peer has to say to the subject. */
void world_move(struct world *world, size_t size);
/* Move so many records, one after the other. */
void world_pass(struct world *world, unsigned records);
/* The network is gone and all deadlines are over: whoever was to be told has been. */
void world_end(struct world *world);
void world_fini(struct world *world);

/* A whole connection, for the session that it leaves behind. */
void world_rehearse(struct scene *scene);

/* fend_tls_hello_fn of the servers. */
fend_tls_hello_fn world_hello;

/* What an end does, and whether that is as it should be. */
void end_receive(struct end *end, size_t size, int flags);
void end_send(struct end *end, size_t size, unsigned pieces);
void end_watch(struct end *end, unsigned events);
void end_shut(struct end *end, int how);
void end_shut_and_wait(struct end *end, fend_time timeout);
void end_free(struct end *end);
void end_query(struct end *end);

/* The clock, which moves only here. */
void world_wait(struct world *world, fend_time time);
/* Of the allocations that follow this one fails; 0: none. */
void world_starve(struct world *world, unsigned allocation);

#endif
