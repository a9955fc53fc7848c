/* SPDX-License-Identifier: MIT */
#ifndef FEND_LISTENER_PRIVATE_H
#define FEND_LISTENER_PRIVATE_H

#include <fend/listener.h>

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fend/io.h>
#include <fend/socket.h>
#include <fend/timer.h>

#include "proxy.h"
#include "socket.h"

struct tally;

/* A connection whose PROXY header is not complete. */
struct waiting {
	struct waiting *next, *previous; /* in the order accepted, so also that of the deadlines */
	struct fend_listener *listener;
	struct fend_socket *socket;
	struct fend__holder holder;
	fend_time deadline;
	unsigned char header[PROXY_MAX];
	size_t size; /* of what was received into header */
	size_t skip; /* bytes of the header yet to be received, once it has been understood */
	bool understood;
	struct proxy proxy;
};

/* The file of a Unix socket, if it is ours. */
struct listener_file {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1]; /* "": none */
	dev_t device;
	ino_t inode;
};

struct fend_listener {
	struct fend_loop *loop;
	unsigned process;           /* whose it is: fend__process() */
	struct fend_socket *socket; /* NULL once it drains */
	struct fend__holder holder;
	struct fend_listener_options options;
	struct fend_address address;
	struct listener_file file;
	fend_listener_fn *fn;
	void *data;

	/* Why it does not listen now. The timer is that of the back-off or of the drain. */
	bool paused, limited, backing_off;
	struct fend_timer *timer;
	fend_time back_off;

	struct waiting *first, *last;
	unsigned n_waiting;
	struct fend_timer *waiting_timer;

	struct tally *tally;
	fend_listener_drained_fn *drained; /* NULL: it does not drain */
	void *drained_data;
	bool *gone; /* set when it is freed in a callback */
	uint64_t n_accepted, n_refused, n_paused;
};

/*
 * tally.c: how many connections there are. A socket may outlive the listener and be freed on
 * another thread, so what they share has a life of its own.
 */
int fend__tally_new(struct fend_loop *loop, fend_task_fn *fn, void *data, struct tally **ret_tally);
/* The listener is gone: fn is not called any more. */
void fend__tally_leave(struct tally *tally);
void fend__tally_add(struct tally *tally, struct fend_socket *socket);
unsigned fend__tally_count(struct tally *tally);
/* Whether fn is to be called, from the loop, after a connection is freed. */
void fend__tally_notify(struct tally *tally, bool notify);

/* listener-file.c: bind, with all that belongs to the file if the address is a path. */
int fend__listener_bind(struct fend_listener *listener, const struct fend_address *address);
void fend__listener_unlink(struct fend_listener *listener);

/* listener-proxy.c. Both take the socket in any case; -ENOMEM and the like. */
int fend__listener_wait_for_header(struct fend_listener *listener, struct fend_socket *socket);
void fend__listener_drop_waiting(struct fend_listener *listener);
void fend__listener_on_waiting_timer(struct fend_timer *timer, uint64_t expirations, void *data);

/* Give a connection to the user. false: the listener or the loop is gone. */
bool fend__listener_hand_over(struct fend_listener *listener, struct fend_socket *socket,
			      const struct fend_address *peer);
/* Listen or not, as everything that has a say in it wants. */
void fend__listener_update(struct fend_listener *listener);

#endif
