/* SPDX-License-Identifier: MIT */
/*
 * Tickets as time goes by. The wall clock of this program is set forward: what asks for it, the
 * libraries below included, finds the functions here before those of the C library.
 */
#include "link.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <fend/layer.h>
#include <fend/memory.h>

#define HOUR 3600
#define NAME_SIZE 16 /* of a ticket's key (RFC 5077, section 4) */

static const unsigned char secret[32] = "thirty-two bytes of some secret";

static time_t shift;

time_t
time(time_t *ret_time)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret_time)
		*ret_time = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *ret_time, void *zone)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*ret_time = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

int
clock_gettime(clockid_t id, struct timespec *ret_time)
{
	static int (*real)(clockid_t, struct timespec *);
	int r;

	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	r = real(id, ret_time);
	if (id == CLOCK_REALTIME)
		ret_time->tv_sec += shift;
	return r;
}

/* A layer that keeps a copy of what is received, here for as long as it lives. */
static GByteArray *heard;

static ssize_t
listener_recv(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	ssize_t size = fend_below_recv(below, iov, 1, flags);

	if (size > 0)
		g_byte_array_append(heard, iov[0].iov_base, (guint)size);
	return size;
}

static ssize_t
listener_send(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	return fend_below_send(below, iov, n, flags);
}

static int
listener_shutdown(void *layer, struct fend_below *below, int how)
{
	return fend_below_shutdown(below, how);
}

static unsigned
listener_wants(void *layer, unsigned interest)
{
	return interest;
}

static unsigned
listener_pending(void *layer)
{
	return FEND_OUT;
}

static const struct fend_layer_ops listener_ops = {
	.size = sizeof(struct fend_layer_ops),
	.name = "listener",
	.recv = listener_recv,
	.send = listener_send,
	.shutdown = listener_shutdown,
	.wants = listener_wants,
	.pending = listener_pending,
};

/* The NewSessionTicket that TLS 1.2 sends in the clear, in a record of its own. */
static void
find_key_name(unsigned char *ret_name)
{
	const unsigned char *at = heard->data, *end = at + heard->len;
	size_t size;

	for (; end - at > 5; at += 5 + size) {
		size = (size_t)at[3] << 8 | at[4];
		g_assert_cmpuint(size, <=, (size_t)(end - at - 5));
		if (at[0] != 22 || at[5] != 4)
			continue;
		/* record, message, lifetime, size */
		g_assert_cmpuint(size, >, 4 + 4 + 2 + NAME_SIZE);
		memcpy(ret_name, at + 5 + 4 + 4 + 2, NAME_SIZE);
		return;
	}
	g_error("no ticket");
}

static void
learn_key_name(struct test *test, struct fend_tls_context *server, unsigned char *ret_name)
{
	struct fend_tls_params params = client_params();
	struct fend_tls_context *client;
	struct link link;

	params.protocol_min = params.protocol_max = FEND_TLS_1_2;
	client = context_new(&params);
	heard = g_byte_array_new();
	link_init(&link, test);
	test_ok(fend_socket_push_layer(link.client.socket, &listener_ops, NULL));
	test_ok(fend_tls_wrap(link.client.socket, client, "localhost"));
	test_ok(fend_tls_wrap(link.server.socket, server, NULL));
	link_handshake(&link);
	test_error(link.client.err, 0);
	find_key_name(ret_name);
	link_fini(&link);
	g_byte_array_free(heard, TRUE);
	fend_tls_context_unref(client);
}

/* Neither half stays: what is first may be the time itself, and what follows made of the key. */
static void
assert_differ(const unsigned char *a, const unsigned char *b)
{
	g_assert_cmpint(memcmp(a, b, NAME_SIZE / 2), !=, 0);
	g_assert_cmpint(memcmp(a + NAME_SIZE / 2, b + NAME_SIZE / 2, NAME_SIZE / 2), !=, 0);
}

/* Of one context, and of another one that has the same secret. */
static void
test_keys_change(struct test *test)
{
	unsigned char first[NAME_SIZE], second[NAME_SIZE], third[NAME_SIZE];
	struct fend_tls_params params = server_params();
	struct fend_tls_context *server, *other;

	params.ticket_secret = secret;
	server = context_new(&params);
	other = context_new(&params);
	shift = HOUR - time(NULL) % HOUR;
	learn_key_name(test, server, first);
	learn_key_name(test, other, second);
	g_assert_cmpmem(first, NAME_SIZE, second, NAME_SIZE);
	shift += 7 * HOUR;
	learn_key_name(test, server, second);
	assert_differ(first, second);
	learn_key_name(test, other, third);
	g_assert_cmpmem(second, NAME_SIZE, third, NAME_SIZE);
	shift += 7 * HOUR;
	learn_key_name(test, other, third);
	assert_differ(first, third);
	assert_differ(second, third);
	shift = 0;
	fend_tls_context_unref(server);
	fend_tls_context_unref(other);
}

/* Is what the server gave now resumed so much later, when it has encrypted for others meanwhile? */
static bool
resumed_after(struct test *test, time_t seconds)
{
	struct fend_tls_params for_client = client_params(), for_server = server_params();
	struct fend_tls_context *client = context_new(&for_client);
	struct fend_tls_context *server = context_new(&for_server);
	struct link link;
	bool resumed = false;
	void *kept = NULL;
	size_t size = 0;
	int i;

	for (i = 0; i < 3; i++) {
		link_init(&link, test);
		test_ok(fend_tls_wrap(link.client.socket, client, "localhost"));
		test_ok(fend_tls_wrap(link.server.socket, server, NULL));
		if (i == 2)
			test_ok(fend_tls_set_session(link.client.socket, kept, size));
		link_handshake(&link);
		test_error(link.client.err, 0);
		test_error(link.server.err, 0);
		link_exchange(&link);
		resumed = fend_tls_is_resumed(link.client.socket);
		g_assert_cmpint(fend_tls_is_resumed(link.server.socket), ==, resumed);
		if (i == 0)
			test_ok(fend_tls_session(link.client.socket, &kept, &size));
		link_fini(&link);
		shift = seconds;
	}
	shift = 0;
	fend_free(kept);
	fend_tls_context_unref(client);
	fend_tls_context_unref(server);
	return resumed;
}

static void
test_two_hours(struct test *test)
{
	g_assert_true(resumed_after(test, 0));
	g_assert_true(resumed_after(test, HOUR));
	g_assert_true(resumed_after(test, 2 * HOUR - 120));
	g_assert_false(resumed_after(test, 2 * HOUR + 10));
	g_assert_false(resumed_after(test, 20 * HOUR));
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/ticket/keys-change", test_keys_change);
	variant_add_versions_each_way("/ticket/two-hours", test_two_hours);
	return g_test_run();
}
