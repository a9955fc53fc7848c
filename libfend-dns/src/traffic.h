/* SPDX-License-Identifier: MIT */
#ifndef FEND_TRAFFIC_H
#define FEND_TRAFFIC_H

#include <stddef.h>
#include <sys/types.h>

#include <fend/address.h>

#include "ids.h"

struct iovec;
struct question;
struct sockets;

/* What passes between c-ares and the servers. */
struct traffic {
	const struct fend_address *servers;
	size_t n_servers;
	struct sockets *sockets;

	struct question *asking; /* is being sent for the first time; or NULL */
	struct ids ids;          /* of the questions that were sent */
	unsigned n_read;         /* datagrams, since the caller has set it to 0 */
};

/*
 * Like the system calls, on sockets of sockets, but -errno. c-ares knows a server by its alias
 * (servers.h).
 */
int fend__traffic_connect(struct traffic *traffic, int fd, const struct sockaddr *alias);
ssize_t fend__traffic_receive(struct traffic *traffic, int fd, void *buffer, size_t size,
			      int flags);
ssize_t fend__traffic_send(struct traffic *traffic, int fd, const struct iovec *iov, int n);

/* The alias of the server that a socket is connected to, and its size, as recvfrom(2) gives it. */
socklen_t fend__traffic_alias(const struct traffic *traffic, int fd, struct sockaddr *ret_alias,
			      socklen_t size);

#endif
