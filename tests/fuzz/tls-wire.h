/* SPDX-License-Identifier: MIT */
#ifndef FEND_FUZZ_TLS_WIRE_H
#define FEND_FUZZ_TLS_WIRE_H

#include <stdbool.h>

#include <fend/net.h>

#include "fuzz.h"

/*
 * A layer under TLS that is the network: what the socket receives waits here until it is asked
 * for, and what it sends is kept here. The descriptor below is never used. Whoever changes
 * something calls fend_socket_layer_changed() then.
 */
struct queue {
	uint8_t *data;
	size_t size, capacity;
};

struct wire {
	struct queue in, out;
	bool in_ended, out_ended; /* a FIN comes behind in, has followed out */
	int in_error, out_error;  /* what comes instead of it; what each send fails with */
	size_t cut;               /* bytes that a recv gets at most; 0: no limit */
	size_t room;              /* bytes that are taken before sending has to wait */
	size_t recvs;             /* calls of recv */
};

void wire_push(struct wire *wire, struct fend_socket *socket);
void wire_fini(struct wire *wire);

void queue_append(struct queue *queue, const void *data, size_t size);
void queue_insert(struct queue *queue, size_t at, const void *data, size_t size);
void queue_remove(struct queue *queue, size_t at, size_t size);
/* The size of the record that begins at this place: its head says it, or all that is left. */
size_t queue_record(const struct queue *queue, size_t at);

#endif
