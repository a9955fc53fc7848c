/* SPDX-License-Identifier: MIT */
#include <fend/version.h>

#include <fend-internal/public.h>

FEND_PUBLIC const char *
fend_version(void)
{
	return FEND_VERSION;
}
