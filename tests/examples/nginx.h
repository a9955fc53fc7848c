/* SPDX-License-Identifier: MIT */
#ifndef NGINX_H
#define NGINX_H

#include <stddef.h>

/*
 * nginx on 127.0.0.1, with a folder of files to serve: "hello" ("Hello, world.\n") and what
 * nginx_add_file() adds. On every port there is
 *
 *	/NAME            a file, with its length
 *	/chunked/NAME    the same in chunks
 *	/closed/NAME     the same, ended by closing the connection
 *	/redirect        to /hello
 *	/loop            to itself
 *	/plain           to /hello on the plain port
 *	/large-head      48 KB of fields
 *	/empty           204
 */
struct nginx;

struct nginx *nginx_start(void);
/* Returns NULL. */
struct nginx *nginx_stop(struct nginx *nginx);

int nginx_port(const struct nginx *nginx);         /* no TLS */
int nginx_tls_port(const struct nginx *nginx);     /* a good certificate for localhost */
int nginx_expired_port(const struct nginx *nginx); /* one that is no longer valid */
int nginx_other_port(const struct nginx *nginx);   /* one for another host */

/* A file of size pseudo-random bytes; its SHA-256 in hexadecimal, to be freed with g_free(). */
char *nginx_add_file(const struct nginx *nginx, const char *name, size_t size);

#endif
