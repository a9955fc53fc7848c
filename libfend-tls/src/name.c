/* SPDX-License-Identifier: MIT */
#include "name.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <fend-internal/kernel.h>

/*
 * The name a client asks for, in the one form that goes into SNI (RFC 6066, section 3: a host name
 * without trailing dot, never an address) and into the check of the certificate (RFC 6125).
 *
 * TLS libraries take an empty name, or one with a leading dot, for "check nothing" or "any
 * subdomain", and differ on trailing dots. So whatever is not plainly a host name or an address is
 * refused here, before a provider sees it:
 *   - the whole at most 253 bytes, its labels 1 to 63 bytes of ASCII letters, digits, hyphens and
 *     underscores (which DNS allows and the world uses); other scripts come as A-labels
 *   - the last label not a number: "127.1", "0x7f000001" and "1.2.3.4." are addresses to some
 *     resolvers, but inet_pton(3) does not know them, so no certificate could be checked for them
 */
#define LABEL_MAX_SIZE 63

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' ||
	       c == '_';
}

static bool
is_number(const char *label, size_t size)
{
	size_t i;

	if (size > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return true;
	for (i = 0; i < size; i++)
		if (!is_digit(label[i]))
			return false;
	return true;
}

static bool
is_host_name(const char *text, size_t size)
{
	size_t i, start = 0;

	if (size == 0 || size > FEND__TLS_NAME_MAX)
		return false;
	for (i = 0; i < size; i++) {
		if (text[i] == '.') {
			if (i == start)
				return false;
			start = i + 1;
		} else if (!is_label_char(text[i]) || i - start >= LABEL_MAX_SIZE) {
			return false;
		}
	}
	return start < size && !is_number(text + start, size - start);
}

int
fend__tls_name_init(struct fend__tls_name *ret_name, const char *text)
{
	struct fend__tls_name name = { 0 };
	size_t size = strlen(text);

	if (inet_pton(AF_INET, text, name.address) == 1) {
		name.address_size = 4;
	} else if (inet_pton(AF_INET6, text, name.address) == 1) {
		name.address_size = 16;
	} else {
		if (size > 0 && text[size - 1] == '.')
			size--;
		if (!is_host_name(text, size))
			return -EINVAL;
	}
	name.text = fend__strdup(text);
	if (!name.text)
		return -ENOMEM;
	name.text[size] = '\0';
	*ret_name = name;
	return 0;
}

void
fend__tls_name_fini(struct fend__tls_name *name)
{
	name->text = fend__release(name->text);
}
