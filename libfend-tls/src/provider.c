/* SPDX-License-Identifier: MIT */
#include "provider.h"

const struct fend__tls_provider *
fend__tls_provider(enum fend_tls_mode mode)
{
	return &FEND_TLS_PROVIDER_TABLE;
}
