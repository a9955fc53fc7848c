/* SPDX-License-Identifier: MIT */
#ifndef FEND_BENCH_TLS_H
#define FEND_BENCH_TLS_H

#include <stdint.h>
#include <stdlib.h>

/*
 * What the servers of bench-tls do: after the handshake a client may ask once, in one record, for
 * so many bytes, in writes of such a size (TLS_SEND), or to be read from (TLS_RECEIVE).
 * It ends what it wants no more by closing. The files are in the environment.
 */
enum { TLS_SEND = 'S', TLS_RECEIVE = 'R' };

struct tls_request {
	uint32_t what, size;
	uint64_t left; /* of what is to be sent */
};

/* The next write. */
static inline uint32_t
tls_next(const struct tls_request *request)
{
	return request->left < request->size ? (uint32_t)request->left : request->size;
}

enum {
	TLS_BUFFER = 64 << 10,
	TLS_TURN = 256 << 10, /* sent in a row, then others have their turn */
};

#define TLS_CERTIFICATE "FEND_BENCH_CERTIFICATE"
#define TLS_KEY "FEND_BENCH_KEY"

/*
 * One that speaks HTTP alone is asked for TLS_PATH, and told the size by the environment before it
 * starts: the load finds a size there, and then knows.
 */
#define TLS_SIZE "FEND_BENCH_SIZE"
#define TLS_PATH "/zeros"

/*
 * The provider, bare, for tls-raw.c: sends and receives by itself. -EAGAIN: wait; other errors and
 * the end (0) end the connection.
 */
void raw_init(const char *certificate, const char *key);
void *raw_new(int fd);
void raw_free(void *session);
int raw_handshake(void *session);
int raw_read(void *session, void *data, int size);
int raw_write(void *session, const void *data, int size);
const char *raw_version(void);

#endif
