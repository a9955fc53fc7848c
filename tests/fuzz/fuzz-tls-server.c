/* SPDX-License-Identifier: MIT */
/* A server, whose client and whose network do as the bytes say; tls-script.c reads them. */
#include "tls-script.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	script_play(false, bytes, n);
	return 0;
}
