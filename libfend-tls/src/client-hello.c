/* SPDX-License-Identifier: MIT */
#include "client-hello.h"

#include <errno.h>
#include <string.h>

#include "provider.h"

#define HOST_NAME 0

/* A client's hello, as RFC 8446, section 4.1.2, has it. */
struct fend__tls_reader
fend__tls_take(struct fend__tls_reader *reader, size_t size)
{
	struct fend__tls_reader taken = { reader->data, size };

	if (size > reader->size)
		taken.size = reader->size = 0;
	reader->data += taken.size;
	reader->size -= taken.size;
	return taken;
}

size_t
fend__tls_number(struct fend__tls_reader *reader, size_t bytes)
{
	struct fend__tls_reader taken = fend__tls_take(reader, bytes);
	size_t value = 0;

	while (taken.size--)
		value = value << 8 | *taken.data++;
	return value;
}

struct fend__tls_reader
fend__tls_vector(struct fend__tls_reader *reader, size_t bytes)
{
	size_t size = fend__tls_number(reader, bytes);

	return fend__tls_take(reader, size);
}

bool
fend__tls_find_extension(struct fend__tls_reader hello, unsigned type,
			 struct fend__tls_reader *ret_content)
{
	struct fend__tls_reader extensions, content;
	size_t found;

	fend__tls_take(&hello, 2 + 32); /* version, random */
	fend__tls_vector(&hello, 1);    /* session */
	fend__tls_vector(&hello, 2);    /* suites */
	fend__tls_vector(&hello, 1);    /* compression */
	extensions = fend__tls_vector(&hello, 2);
	while (extensions.size) {
		found = fend__tls_number(&extensions, 2);
		content = fend__tls_vector(&extensions, 2);
		if (found == type) {
			*ret_content = content;
			return true;
		}
	}
	return false;
}

/* RFC 6066, section 3. */
bool
fend__tls_find_name(struct fend__tls_reader hello, char *ret_text, size_t size)
{
	struct fend__tls_reader content, name;

	if (!fend__tls_find_extension(hello, FEND__TLS_SERVER_NAME, &content))
		return false;
	name = fend__tls_vector(&content, 2);
	if (fend__tls_number(&name, 1) != HOST_NAME)
		return false;
	name = fend__tls_vector(&name, 2);
	if (!name.size || name.size >= size || memchr(name.data, 0, name.size))
		return false;
	memcpy(ret_text, name.data, name.size);
	ret_text[name.size] = '\0';
	return true;
}

/* Without the extension a client has TLS 1.2 at most (RFC 8446, section 4.2.1). */
static bool
offers(struct fend__tls_reader hello, enum fend_tls_version version)
{
	struct fend__tls_reader versions;

	if (!fend__tls_find_extension(hello, FEND__TLS_SUPPORTED_VERSIONS, &versions))
		return version == FEND_TLS_1_2 && fend__tls_number(&hello, 2) >= 0x0303;
	versions = fend__tls_vector(&versions, 1);
	while (versions.size)
		if (fend__tls_number(&versions, 2) == (version == FEND_TLS_1_2 ? 0x0303 : 0x0304))
			return true;
	return false;
}

int
fend__tls_judge_alpn(const struct fend__tls_rules *rules, bool agreed,
		     struct fend__tls_failure *failure)
{
	if (agreed || !rules->alpn)
		return 0;
	fend__tls_fail(failure, -EPROTO, "peer agreed on no application protocol");
	failure->alert = rules->mode == FEND_TLS_SERVER ? FEND__TLS_NO_APPLICATION_PROTOCOL
							: FEND__TLS_HANDSHAKE_FAILURE;
	return failure->err;
}

int
fend__tls_judge_hello(const struct fend__tls_rules *rules, const void *body, size_t size,
		      struct fend__tls_failure *failure)
{
	const struct fend__tls_reader hello = { body, size };
	struct fend__tls_reader names;
	bool common = false;
	int r, version;

	if (size < 2 + 32)
		return 0; /* the provider has an alert for that */
	r = fend__tls_judge_alpn(rules, fend__tls_find_extension(hello, FEND__TLS_ALPN, &names),
				 failure);
	if (r < 0)
		return r;
	for (version = rules->protocol_min; version <= (int)rules->protocol_max; version++)
		common = common || offers(hello, (enum fend_tls_version)version);
	if (common)
		return 0;
	fend__tls_fail(failure, -EPROTO, "no protocol version in common");
	failure->alert = FEND__TLS_PROTOCOL_VERSION;
	return failure->err;
}
