/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_CLIENT_HELLO_H
#define FEND_TLS_SRC_CLIENT_HELLO_H

#include <stdbool.h>
#include <stddef.h>

/* What is left to be read. A read beyond it yields nothing, and what follows then neither. */
struct fend__tls_reader {
	const unsigned char *data;
	size_t size;
};

struct fend__tls_reader fend__tls_take(struct fend__tls_reader *reader, size_t size);
/* A number of so many bytes. */
size_t fend__tls_number(struct fend__tls_reader *reader, size_t bytes);
/* A vector: its size in so many bytes, then its content. */
struct fend__tls_reader fend__tls_vector(struct fend__tls_reader *reader, size_t bytes);

/* Extensions (RFC 8446, section 4.2). */
enum {
	FEND__TLS_SERVER_NAME = 0,
	FEND__TLS_ALPN = 16,
	FEND__TLS_SUPPORTED_VERSIONS = 43,
};

/* The content of an extension of a client's hello, whose body this is. false: it is not there. */
bool fend__tls_find_extension(struct fend__tls_reader hello, unsigned type,
			      struct fend__tls_reader *ret_content);

/*
 * The name that the client asks for, with a NUL, into size bytes. false: it asks for none, or for
 * what cannot be one.
 */
bool fend__tls_find_name(struct fend__tls_reader hello, char *ret_text, size_t size);

#endif
