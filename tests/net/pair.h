/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_NET_PAIR_H
#define FEND_TEST_NET_PAIR_H

#include <fend/net.h>

#include "fend-test.h"

/* Two sockets connected to each other. A test that frees one sets NULL. */
struct pair {
	struct fend_socket *a, *b;
};

void pair_init(struct pair *pair);     /* Unix */
void pair_init_tcp(struct pair *pair); /* over the loopback interface; a has connected to b */
void pair_fini(struct pair *pair);

/* A listener on a free port of 127.0.0.1 and its address. */
struct fend_socket *listener_new(struct fend_address *ret_address);

/* Wait, at most as long as the fixture lets a test run, for poll(2)'s events. */
void wait_fd(int fd, short events);

/* What a watch was told. */
struct told {
	int calls;
	unsigned events;
	/* what to do in the callback, NULL: nothing */
	void (*then)(struct fend_socket *socket, struct told *told);
	struct test *test;
	void *data;
};

fend_socket_fn on_told;

/* Send all, or receive exactly size bytes, with the help of poll(2) alone. */
void send_all(struct fend_socket *socket, const void *data, size_t size);
void recv_all(struct fend_socket *socket, void *data, size_t size);

#endif
