/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_NET_LAYERS_H
#define FEND_TEST_NET_LAYERS_H

#include <fend/layer.h>

#include "fend-test.h"

/*
 * Layers that have in small what makes TLS hard. Each is pushed onto a socket by its function and
 * freed with the socket.
 */

/* Moves one byte per call, and holds nothing. */
void dribbler_push(struct fend_socket *socket);

/*
 * Makes trouble as it is told: moves less than it could, says -EAGAIN for nothing, and fails after
 * some bytes, once and for all. What passes is not changed, and nothing is held. All 0 but the
 * counts of bytes, which are SIZE_MAX, it is a layer that does nothing.
 */
struct faulty {
	guint32 random;              /* the seed of its sizes and its moods */
	size_t max;                  /* bytes per call: up to this, by chance; 0: no limit */
	unsigned stall;              /* one of so many calls is stalled; 0: none */
	size_t recv_left, send_left; /* bytes until recv_error and send_error */
	int recv_error, send_error;
	unsigned refused; /* calls that send_error was the answer to */
};

struct faulty *faulty_push(struct fend_socket *socket);

/*
 * Rotates letters by 13. It reads as much as it can get, and holds that until it is received, the
 * end and errors included; it takes what it has room for and sends it when it can.
 */
#define ROT13_IN 4096
#define ROT13_OUT 64

struct rot13 {
	unsigned char in[ROT13_IN], out[ROT13_OUT];
	size_t in_start, in_end, out_end;
	ssize_t in_error; /* what recv returns when in is empty; -EAGAIN: not known yet */
	int out_error;
	int shutting; /* SHUT_WR waits for out to get empty */
	int *freed;   /* counted up when the layer is freed; NULL: not wanted */
};

struct rot13 *rot13_push(struct fend_socket *socket, int *freed);
/* data, transformed in place. */
void rot13(void *data, size_t size);

/*
 * Its reader has to send a byte before anything can be received, and its writer to receive one
 * before anything can be sent. Nobody but they do it: there is no ready.
 */
struct contrary {
	int asked;    /* recv was called and is to send */
	int answered; /* the byte came */
	int refused;  /* send was called and is to receive */
};

struct contrary *contrary_push(struct fend_socket *socket);

extern const struct fend_layer_ops dribbler_ops, faulty_ops, rot13_ops, contrary_ops;

#endif
