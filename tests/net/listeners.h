/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_NET_LISTENERS_H
#define FEND_TEST_NET_LISTENERS_H

#include <fend/net.h>

#include "fend-test.h"

#define CONNECTIONS_MAX 64

/* A listener and what it told. */
struct service {
	struct test *test;
	struct fend_listener *listener;
	struct fend_address address;
	struct fend_socket *sockets[CONNECTIONS_MAX];
	struct fend_address peers[CONNECTIONS_MAX];
	bool known[CONNECTIONS_MAX]; /* whether there was a peer */
	int accepted, paused, drained;
	int pause_error;
	unsigned left;
	void (*on_accept)(struct service *service);
	void (*on_paused)(struct service *service);
	void (*on_drained)(struct service *service);
};

/* Defaults, with a function that counts pauses. */
struct fend_listener_options service_options(unsigned flags);
/* Listen on text, "127.0.0.1:0" if NULL. */
int service_try(struct service *service, struct test *test, const char *text,
		const struct fend_listener_options *options);
void service_init(struct service *service, struct test *test, const char *text,
		  const struct fend_listener_options *options);
void service_fini(struct service *service);
void service_drain(struct service *service, fend_time timeout);
struct fend_listener_stats service_stats(const struct service *service);
fend_listener_fn service_on_accept;

/* A connected client, made without the loop. */
struct fend_socket *client_new(const struct fend_address *address);
void clients_init(struct fend_socket **clients, int n, const struct fend_address *address);
void clients_fini(struct fend_socket **clients, int n);
/* The next thing that fn of a client sees is the end, or a reset. */
void assert_closed(struct fend_socket *client);

/* "unix:" and a path in test_directory(); free with g_free(). */
char *socket_path(const char *name);

#endif
