/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_TLS_ROGUE_H
#define FEND_TEST_TLS_ROGUE_H

#include <stdbool.h>
#include <stddef.h>

/* What fend itself never does, with what a provider has of a connection that is open. */
void rogue_gnutls_update_keys(void *implementation, bool both);
void rogue_gnutls_send_tickets(void *implementation);
void rogue_gnutls_renegotiate(void *implementation);
/*
 * On a nonblocking descriptor, a client that is called what no string can be, in TLS 1.minor. wait
 * is called whenever it is the server's turn. Returns the alert that ended the handshake, or 0.
 */
struct rogue_client {
	const void *identity, *key;
	size_t identity_size, key_size;
	unsigned minor;
	void (*wait)(void *data);
	void *data;
};
int rogue_gnutls_introduce(int fd, const struct rogue_client *client);
void rogue_openssl_update_keys(void *implementation, bool both);
void rogue_openssl_send_tickets(void *implementation);
void rogue_openssl_renegotiate(void *implementation);

#endif
