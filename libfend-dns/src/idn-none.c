/* SPDX-License-Identifier: MIT */
/* Without libidn2 a name is ASCII. */
#include "idn.h"

#include <fend/error.h>

const int fend__idn_flags = 0;

int
fend__idn_encode(const char *name, char ret_name[HOST_SIZE])
{
	return FEND_EAI_IDN_ENCODE;
}

int
fend__idn_decode(const char *name, char **ret_name)
{
	return FEND_EAI_IDN_ENCODE;
}
