/* SPDX-License-Identifier: MIT */
#ifndef HTTPS_SERVER_H
#define HTTPS_SERVER_H

#include <fend/tls.h>

/*
 * An HTTPS server on the loopback interface that has one page, "/", in the loop of its clients. It
 * closes each connection after one response, and one that has not come so far after ten seconds.
 */
struct https_server;

/* Listen on 127.0.0.1, on a port that the kernel chooses. page must stay valid. */
int https_server_new(struct fend_loop *loop, struct fend_tls_context *tls, const char *page,
		     struct https_server **ret_server);

/* Closes its connections as well. NULL does nothing. Returns NULL. */
struct https_server *https_server_free(struct https_server *server);

/* Where it listens. */
const struct fend_address *https_server_address(const struct https_server *server);
unsigned https_server_port(const struct https_server *server);

FEND_DEFINE_CLEANUP(https_server)

#endif
