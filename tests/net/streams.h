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

/* Make heard's stream of *socket, which becomes NULL, and have it consume. */
void heard_init(struct heard *heard, struct test *test, struct fend_socket **socket,
		const struct fend_stream_options *options);
void heard_fini(struct heard *heard);
/* Assert that exactly text was consumed since the last time. */
void heard_assert(struct heard *heard, const char *text);

/* The same bytes for the same seed. */
void fill(void *data, size_t size, guint32 seed);

/* Count calls that send and receive from here to count_end(). */
struct count {
	int sends, receives;
};

extern struct count count;
void count_begin(void);
void count_end(void);

#endif
