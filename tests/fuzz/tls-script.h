/* SPDX-License-Identifier: MIT */
#ifndef FEND_FUZZ_TLS_SCRIPT_H
#define FEND_FUZZ_TLS_SCRIPT_H

#include <stdbool.h>

#include "fuzz.h"

/* The input as a script of what happens to a client or to a server. */
void script_play(bool client, const uint8_t *bytes, size_t n);

#endif
