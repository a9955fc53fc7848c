/* SPDX-License-Identifier: MIT */
/*
 * The bytes as the beginning of a connection, seen after each byte of them. Once a header is told
 * from what is none, nothing that follows may change that, and this must be known in time.
 */
#include <errno.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "proxy.h"

#define V1_MAX 107
#define V2_MAX (16 + 65535)
/* What fills a result before it is made, valid in any of its fields. */
#define UNTOUCHED 1

/* On a copy of exactly size bytes. */
static int
parse(const uint8_t *bytes, size_t size, struct proxy *ret_proxy)
{
	void *copy = fuzz_copy(bytes, size);
	int r;

	memset(ret_proxy, UNTOUCHED, sizeof(*ret_proxy));
	r = fend__proxy_parse(copy, size, ret_proxy);
	free(copy);
	return r;
}

/* Is the result untouched? */
static bool
is_untouched(const struct proxy *proxy)
{
	struct proxy untouched;

	memset(&untouched, UNTOUCHED, sizeof(untouched));
	return memcmp(proxy, &untouched, sizeof(untouched)) == 0;
}

static bool
is_same(const struct proxy *a, const struct proxy *b)
{
	return a->length == b->length && a->known == b->known &&
	       memcmp(&a->peer, &b->peer, sizeof(a->peer)) == 0;
}

/* A header that was told from its first size bytes. */
static void
check_header(const uint8_t *bytes, size_t size, const struct proxy *proxy)
{
	struct fend_address again;
	int family = proxy->peer.storage.ss_family;

	if (bytes[0] == 'P') {
		require(size <= V1_MAX && proxy->length == size);
		require(memcmp(bytes + size - 2, "\r\n", 2) == 0);
	} else {
		require(size <= proxy->length && proxy->length <= V2_MAX);
	}
	if (!proxy->known) {
		require(proxy->peer.size == 0);
		return;
	}
	require(family == AF_INET || family == AF_INET6 || family == AF_UNIX);
	require(fend_address_set((const struct sockaddr *)&proxy->peer.storage, proxy->peer.size,
				 &again) == 0);
	require(fend_address_equal(&proxy->peer, &again));
}

/* The verdict of size bytes, which is final; do more bytes, and others, leave it alone? */
static void
check_rest(const uint8_t *bytes, size_t size, size_t n, int verdict, const struct proxy *proxy)
{
	uint8_t *others = fuzz_copy(bytes, n);
	struct proxy more;
	size_t i;

	for (i = size; i < n; i++) {
		require(parse(bytes, i + 1, &more) == verdict);
		require(is_same(&more, proxy));
		others[i] ^= 0xff;
	}
	require(parse(others, n, &more) == verdict);
	require(is_same(&more, proxy));
	free(others);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct proxy proxy;
	size_t size;

	for (size = 0; size <= n; size++) {
		int r = parse(bytes, size, &proxy);

		if (r == -EAGAIN) {
			require(size < PROXY_MAX && is_untouched(&proxy));
			continue;
		}
		if (r == 0) {
			check_header(bytes, size, &proxy);
		} else {
			require(r == -EPROTO && is_untouched(&proxy));
		}
		check_rest(bytes, size, n, r, &proxy);
		break;
	}
	return 0;
}
