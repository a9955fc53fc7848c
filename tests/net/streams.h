/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_NET_STREAMS_H
#define FEND_TEST_NET_STREAMS_H

#include <fend/stream.h>

#include "pair.h"

/* A stream and what it has told. */
struct heard {
	struct test *test;
	struct fend_stream *stream; /* a test that frees it sets NULL */
	int readable, drained, closed, err;
	int at_end;      /* readable was called with the end */
	GByteArray *got; /* what was consumed; NULL: readable leaves everything */
	/* What to do in each callback after that, NULL: nothing */
	void (*then_readable)(struct heard *heard);
	void (*then_drained)(struct heard *heard);
	void (*then_closed)(struct heard *heard);
	void *data;
};

extern const struct fend_stream_callbacks heard_callbacks;

/*
 * Add a case twice: as it is, and with a layer that changes nothing under each stream that
 * heard_init() makes, which must behave the same.
 */
void streams_add(const char *path, test_fn *fn);

/* Make heard's stream of *socket, which becomes NULL, and have it consume. */
void heard_init(struct heard *heard, struct test *test, struct fend_socket **socket,
		const struct fend_stream_options *options);
void heard_fini(struct heard *heard);
/* Assert that exactly text was consumed since the last time. */
void heard_assert(struct heard *heard, const char *text);

/* The same bytes for the same seed. */
void fill(void *data, size_t size, guint32 seed);

/* Dispatch until size bytes have come to a plain socket, or that text. */
void receive_all(struct test *test, struct fend_socket *peer, void *data, size_t size);
void expect(struct test *test, struct fend_socket *peer, const char *text);
/* Dispatch until receiving there gives result, which is 0 or an error. */
void expect_end(struct test *test, struct fend_socket *peer, ssize_t result);
/* Close with a reset; *socket becomes NULL. */
void reset(struct fend_socket **socket);

/* From here to start_clock() it is always present. */
extern fend_time present;
void stop_clock(void);
void start_clock(void);

/* Count calls that send and receive from here to count_end(). */
struct count {
	int sends, receives;
};

extern struct count count;
void count_begin(void);
void count_end(void);

#endif
