/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_NET_PIPES_H
#define FEND_TEST_NET_PIPES_H

#include "streams.h"

/* Two pipes, one each way, between a client and a server that are plain sockets. */
struct proxy {
	struct heard near, far; /* the streams towards client and server */
	struct fend_socket *client, *server;
};

/* push puts a layer under both streams; NULL: none */
void proxy_init(struct proxy *proxy, struct test *test, const struct fend_stream_options *options,
		void (*push)(struct fend_socket *socket));
void proxy_fini(struct proxy *proxy);

#endif
