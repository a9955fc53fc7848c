/* SPDX-License-Identifier: MIT */
#ifndef FEND_DISPATCHER_H
#define FEND_DISPATCHER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fend/time.h>

#include "io.h"

struct fend_loop;

struct dispatcher; /* each has its own */

/*
 * What a dispatcher implements: a mechanism to wait for descriptors, and nothing else. It sees
 * sources (struct fend_io), and changes none of them but its index.
 */
struct dispatcher_ops {
	const char *name;
	unsigned features; /* enum fend_loop_feature */
	unsigned batch;    /* sources that one wait reports at most; 0: all */

	/* Begin; watch loop->wakeup[0] as well. */
	int (*open)(struct fend_loop *loop, struct dispatcher **ret_dispatcher);
	/* Also after a fork, in the child: do nothing to what the parent still uses. */
	void (*close)(struct fend_loop *loop, struct dispatcher *dispatcher);

	/* A new source, to be told of io->interest. After an error nothing is remembered of it. */
	int (*add)(struct fend_loop *loop, struct dispatcher *dispatcher, struct fend_io *io);
	/*
	 * io->interest has changed, or a ONESHOT source is to be armed again. An error reaches the
	 * source as FEND_ERR.
	 */
	int (*modify)(struct fend_loop *loop, struct dispatcher *dispatcher, struct fend_io *io);
	/* The source goes; its descriptor may be closed already, or be somebody else's. */
	void (*remove)(struct fend_loop *loop, struct dispatcher *dispatcher, struct fend_io *io);

	/*
	 * Wait at most timeout. Returns how many sources to report, or more (the wake-up may
	 * count). A ONESHOT source among them is disarmed.
	 */
	int (*wait)(struct fend_loop *loop, struct dispatcher *dispatcher, fend_time timeout);
	/*
	 * Hand each of them to fend__io_report(), until the loop is over. Sources may come and go
	 * meanwhile.
	 */
	void (*report)(struct fend_loop *loop, struct dispatcher *dispatcher, int ready);
	/*
	 * What a poll-style host is to wait for. Writes n entries at most; returns how many there
	 * are.
	 */
	size_t (*pollfds)(struct fend_loop *loop, struct dispatcher *dispatcher, struct pollfd *fds,
			  size_t n);
	/*
	 * The one descriptor that is readable while a wait would find something, and from the
	 * time that settle says (FEND_FOREVER: never by itself). NULL: there is none.
	 */
	int (*fd)(struct fend_loop *loop, struct dispatcher *dispatcher);
	int (*settle)(struct fend_loop *loop, struct dispatcher *dispatcher, fend_time when);
	/* A cookie of the last wait belongs to no source. */
	void (*stale)(struct fend_loop *loop, struct dispatcher *dispatcher);
};

extern const struct dispatcher_ops fend__dispatcher_epoll, fend__dispatcher_poll;

/* By name; NULL: the environment's, else the default. -ENOTSUP: not in this build. */
int fend__dispatcher_find(const char *name, const struct dispatcher_ops **ret_ops);

#endif
