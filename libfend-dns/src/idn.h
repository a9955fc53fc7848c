/* SPDX-License-Identifier: MIT */
#ifndef FEND_IDN_H
#define FEND_IDN_H

#include <netdb.h>

#include "request.h"

/* Names beyond ASCII (RFC 5890): idn-libidn2.c, or idn-none.c where that is not to be had. */

/* Nobody can ask for what the system's <netdb.h>, as musl's, does not name. */
#ifndef AI_IDN
#define AI_IDN 0
#define AI_CANONIDN 0
#endif

/* Those of AI_IDN and AI_CANONIDN that can be heeded. */
extern const int fend__idn_flags;

/* A name in UTF-8 to its form in DNS. 0, FEND_EAI_IDN_ENCODE, FEND_EAI_MEMORY. */
int fend__idn_encode(const char *name, char ret_name[HOST_SIZE]);
/* And back, into memory to be released. */
int fend__idn_decode(const char *name, char **ret_name);

#endif
