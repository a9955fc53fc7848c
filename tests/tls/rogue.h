/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_TLS_ROGUE_H
#define FEND_TEST_TLS_ROGUE_H

#include <stdbool.h>

/* What fend itself never does, with what a provider has of a connection that is open. */
void rogue_gnutls_update_keys(void *implementation, bool both);
void rogue_gnutls_send_tickets(void *implementation);
void rogue_gnutls_renegotiate(void *implementation);
void rogue_openssl_update_keys(void *implementation, bool both);
void rogue_openssl_send_tickets(void *implementation);
void rogue_openssl_renegotiate(void *implementation);

#endif
