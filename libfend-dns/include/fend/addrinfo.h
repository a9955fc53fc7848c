/* SPDX-License-Identifier: MIT */
#ifndef FEND_ADDRINFO_H
#define FEND_ADDRINFO_H

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo; /* <netdb.h> */

/*
 * Free a list that fend handed out: always with this, never with freeaddrinfo(3); the list is one
 * block. NULL does nothing. [any thread]
 */
void fend_addrinfo_free(struct addrinfo *list);

#ifdef __cplusplus
}
#endif

#endif
