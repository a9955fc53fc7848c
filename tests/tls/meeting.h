/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_TLS_MEETING_H
#define FEND_TEST_TLS_MEETING_H

#include "link.h"
#include "process.h"

/* fend on one side of a connection, another TLS program on the other. */
struct meeting {
	struct test *test;
	struct side side;
	struct process *process;
	/* only with interop.h: where the program finds fend, or fend the program */
	struct fend_socket *listener; /* NULL if the program is the server */
	int port;
};

/*
 * A server of fend, and a client: line, in whose words "%s" stands for the CA's file, fend's port,
 * a certificate and its key, in this order. The handshake has ended then; side.err tells how.
 */
void meeting_serve(struct meeting *meeting, struct test *test, const struct fend_tls_params *params,
		   const char *line);
/*
 * A client of fend, and a server: line, where "%s" stands for a certificate, its key, the port to
 * listen on and the CA's file.
 */
void meeting_visit(struct meeting *meeting, struct test *test, const struct fend_tls_params *params,
		   const char *line);
void meeting_part(struct meeting *meeting);

/* The process sends what it reads and prints what it receives: one text there, one back. */
void meeting_converse(struct meeting *meeting, const char *there, const char *back);

/*
 * Send the process numbered lines, from first on, n of them or as many as are taken; returns the
 * number of the next. In the end it must have printed all of them once and in order.
 */
size_t meeting_send_lines(struct meeting *meeting, size_t first, size_t n);
size_t meeting_fill_with_lines(struct meeting *meeting, size_t first);
void meeting_check_lines(struct meeting *meeting, size_t total);

/* A KeyUpdate makes the descriptor readable, but there is nothing to receive. */
void meeting_take_record_without_data(struct meeting *meeting);

#endif
