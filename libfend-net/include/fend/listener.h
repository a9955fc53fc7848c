/* SPDX-License-Identifier: MIT */
#ifndef FEND_LISTENER_H
#define FEND_LISTENER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <fend/address.h>
#include <fend/cleanup.h>
#include <fend/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fend_loop;
struct fend_socket;

/*
 * A listening socket whose connections are accepted and handed over one by one.
 *
 * When no connection can be accepted for lack of descriptors or memory (EMFILE, ENFILE, ENOBUFS,
 * ENOMEM), it stops listening for a while instead of being called again at once: 100 ms at first,
 * twice as long each time it finds nothing better, 1 s at most. The connections stay in the backlog
 * meanwhile. Any other error of accept(2) is treated the same way.
 */
struct fend_listener;

enum fend_listener_flag {
	FEND_LISTENER_REUSEPORT = 1 << 0, /* SO_REUSEPORT (socket(7)): loops share a port */
	FEND_LISTENER_V6ONLY = 1 << 1,    /* an IPv6 wildcard does not take IPv4 along */
	FEND_LISTENER_PROXY = 1 << 2,     /* each connection begins with a PROXY header, v1 or v2 */
};

struct fend_listener_options {
	size_t size;    /* sizeof(struct fend_listener_options) */
	unsigned flags; /* of enum fend_listener_flag */
	int backlog;    /* 0: 128 */
	unsigned batch; /* connections accepted per iteration; 0: 64 */
	/*
	 * Connections that may exist at a time: those accepted whose sockets have not been freed.
	 * Beyond that no more are accepted until one is freed. 0: no limit.
	 */
	unsigned connections_max;
	/* Mode of a Unix socket's file (chmod(2)); 0: as the umask has it. */
	mode_t mode;
	fend_time proxy_timeout; /* for the PROXY header; 0: 5 s */
	/* Connections that may wait for their header before more are accepted; 0: 256 */
	unsigned proxy_waiting_max;
	/*
	 * Told once per pause, when it begins: err is the error of accept, or 0 for
	 * connections_max. May be NULL. It may free the listener.
	 */
	void (*paused)(struct fend_listener *listener, int err, void *data);
};

/*
 * A connection. socket is the callee's from now on. peer is who connected: from the PROXY header if
 * there is one, NULL if that says LOCAL or UNKNOWN. The callback may free the listener.
 */
typedef void fend_listener_fn(struct fend_listener *listener, struct fend_socket *socket,
			      const struct fend_address *peer, void *data);

/*
 * Listen on address, with SO_REUSEADDR. A Unix socket's file that nobody listens on any more is
 * replaced; the one made here is removed by fend_listener_free(). options NULL: all defaults.
 * Errors of socket(2), bind(2), listen(2), among them
 *   -EADDRINUSE  somebody listens there, or the path is a file that is no socket
 */
int fend_listener_new(struct fend_loop *loop, const struct fend_address *address,
		      const struct fend_listener_options *options, fend_listener_fn *fn, void *data,
		      struct fend_listener **ret_listener);

/*
 * Listen on a socket that is bound, and perhaps listens already: taken on success. Of options only
 * batch, connections_max, FEND_LISTENER_PROXY, backlog, paused and the two of PROXY count; no file
 * is removed in the end.
 */
int fend_listener_wrap(struct fend_loop *loop, struct fend_socket *socket,
		       const struct fend_listener_options *options, fend_listener_fn *fn,
		       void *data, struct fend_listener **ret_listener);

/*
 * Stop listening and free. Connections that were handed over live on. NULL does nothing. Returns
 * NULL. In a child after fork(2) it only closes the descriptor, and removes no file.
 */
struct fend_listener *fend_listener_free(struct fend_listener *listener);

/*
 * Do not accept until fend_listener_resume(). Connections wait in the backlog. Both may be called
 * at any time.
 */
void fend_listener_pause(struct fend_listener *listener);
void fend_listener_resume(struct fend_listener *listener);

/*
 * Close the listening socket at once, and tell when all its connections have been freed, or the
 * timeout has passed: drained(listener, connections left, data), once, from the loop. It may free
 * the listener. The rest lives on.
 *   -EALREADY  it is draining, or has drained
 */
typedef void fend_listener_drained_fn(struct fend_listener *listener, unsigned left, void *data);
int fend_listener_drain(struct fend_listener *listener, fend_time timeout,
			fend_listener_drained_fn *drained, void *data);

/* The address it listens on, with the port that the kernel chose. */
int fend_listener_address(const struct fend_listener *listener, struct fend_address *ret_address);

/* What a listener has done since it was made. */
struct fend_listener_stats {
	size_t size;          /* sizeof(struct fend_listener_stats), set by the caller */
	uint64_t accepted;    /* handed over */
	uint64_t refused;     /* closed for a bad or missing PROXY header */
	uint64_t paused;      /* times */
	unsigned connections; /* that exist now */
};

/*
 * Fill in as much of *ret_stats as its size says. Fields that this version does not know become 0.
 *   -EINVAL  ret_stats->size is not set
 */
int fend_listener_stats(const struct fend_listener *listener,
			struct fend_listener_stats *ret_stats);

/*
 * The descriptors that systemd, or whoever speaks its protocol (sd_listen_fds(3)), has passed to
 * this process in LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES: the n-th, counted from 0, as a socket
 * of the caller's. *ret_name (NULL: not wanted) is its name or "unknown", to be freed with
 * fend_free(). The descriptor is made close-on-exec, and is to be taken once; the environment is
 * left as it is.
 *   -ENOENT    there are not so many, or none are meant for this process
 *   -ENOTSOCK  the descriptor is something else
 */
int fend_listener_activated(unsigned n, char **ret_name, struct fend_socket **ret_socket);

FEND_DEFINE_CLEANUP(fend_listener)

#ifdef __cplusplus
}
#endif

#endif
