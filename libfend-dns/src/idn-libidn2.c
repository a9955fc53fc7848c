/* SPDX-License-Identifier: MIT */
/*
 * Names beyond ASCII by libidn2, as IDNA2008 with the mapping of Unicode TR46, non-transitional:
 * what browsers do. Unlike with the C library the text is UTF-8 in every locale. What libidn2
 * allocates does not pass the kernel door.
 */
#include "idn.h"

#include <idn2.h>
#include <netdb.h>
#include <string.h>

#include <fend/error.h>

#include <fend-internal/kernel.h>

const int fend__idn_flags = AI_IDN | AI_CANONIDN;

static int
error_of(int status)
{
	return status == IDN2_MALLOC ? FEND_EAI_MEMORY : FEND_EAI_IDN_ENCODE;
}

int
fend__idn_encode(const char *name, char ret_name[HOST_SIZE])
{
	uint8_t *encoded;
	int status, err = 0;

	status = idn2_lookup_u8((const uint8_t *)name, &encoded,
				IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (status != IDN2_OK)
		return error_of(status);
	if (strlen((char *)encoded) < HOST_SIZE)
		strcpy(ret_name, (char *)encoded);
	else
		err = FEND_EAI_IDN_ENCODE;
	idn2_free(encoded);
	return err;
}

int
fend__idn_decode(const char *name, char **ret_name)
{
	char *decoded;
	int status = idn2_to_unicode_8z8z(name, &decoded, 0);

	if (status != IDN2_OK)
		return error_of(status);
	*ret_name = fend__strdup(decoded);
	idn2_free(decoded);
	return *ret_name ? 0 : FEND_EAI_MEMORY;
}
