/* SPDX-License-Identifier: MIT */
/*
 * The bytes twice: as the text of an address, and as a socket address. What can be read is written
 * and read again, which must give the same; what is written must mean what was given.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

#include <fend/address.h>

#include "fuzz.h"

#define UNIX_HEADER offsetof(struct sockaddr_un, sun_path)

/* "unix:@" and a name each of whose bytes is escaped */
#define TEXT_MAX (sizeof("unix:@") + 4 * sizeof(((struct sockaddr_un *)0)->sun_path))

/* The text of address; its length is that of all smaller buffers' failures as well. */
static void
format(const struct fend_address *address, char text[TEXT_MAX])
{
	int n = fend_address_format(address, text, TEXT_MAX);
	char *exact;

	require(n > 0 && strlen(text) == (size_t)n);
	exact = malloc((size_t)n + 1);
	require(exact);
	require(fend_address_format(address, exact, (size_t)n) == -ENOBUFS);
	require(fend_address_format(address, exact, (size_t)n + 1) == n);
	require(strcmp(exact, text) == 0);
	free(exact);
}

static void
require_equal(const struct fend_address *a, const struct fend_address *b)
{
	require(fend_address_equal(a, b) && fend_address_equal(b, a));
}

/* Does the text of an IPv4 address say the same as what is written of it? */
static bool
is_same_inet(const char *given, const char *written)
{
	size_t host = strcspn(given, ":") + 1;

	return strncmp(given, written, host) == 0 &&
	       strtoul(given + host, NULL, 10) == strtoul(written + host, NULL, 10);
}

static void
check_text(const uint8_t *bytes, size_t n)
{
	char *given = fuzz_string(bytes, n);
	struct fend_address address, again, before;
	char text[TEXT_MAX];
	int r;

	memset(&address, 0x55, sizeof(address));
	before = address;
	r = fend_address_parse(given, &address);
	if (r == 0) {
		format(&address, text);
		require(fend_address_parse(text, &again) == 0);
		require(memcmp(&again, &address, sizeof(address)) == 0);
		require_equal(&address, &again);
		if (address.storage.ss_family == AF_INET)
			require(is_same_inet(given, text));
		require(fend_address_set((const struct sockaddr *)&address.storage, address.size,
					 &again) == 0);
		require(memcmp(&again, &address, sizeof(address)) == 0);
	} else {
		require(r == -EINVAL || r == -ENODEV || r == -ENAMETOOLONG);
		require(memcmp(&address, &before, sizeof(address)) == 0);
	}
	free(given);
}

/* What is written but not read: no name, an empty one, and a path without room for its NUL. */
static bool
is_unreadable(const struct fend_address *address)
{
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path);
	const char *name = (const char *)&address->storage + UNIX_HEADER;
	size_t n = address->size > UNIX_HEADER ? address->size - UNIX_HEADER : 0;

	if (address->storage.ss_family != AF_UNIX)
		return false;
	return n == 0 || (n == 1 && !name[0]) || (n >= max && !memchr(name, '\0', max));
}

static void
check_sockaddr(const uint8_t *bytes, size_t n)
{
	struct sockaddr *sockaddr = fuzz_copy(bytes, n);
	struct fend_address address, again;
	char text[TEXT_MAX];
	int r;

	r = fend_address_set(sockaddr, (socklen_t)n, &address);
	free(sockaddr);
	if (r < 0) {
		require(r == -EINVAL);
		return;
	}
	require(address.size <= n);
	require_equal(&address, &address);
	switch (address.storage.ss_family) {
	case AF_INET:
	case AF_INET6:
	case AF_UNIX:
		break;
	default:
		require(fend_address_format(&address, text, sizeof(text)) == -EAFNOSUPPORT);
		return;
	}
	format(&address, text);
	r = fend_address_parse(text, &again);
	if (is_unreadable(&address)) {
		require(r < 0);
		return;
	}
	require(r == 0);
	require_equal(&address, &again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	check_text(bytes, n);
	check_sockaddr(bytes, n);
	return 0;
}
