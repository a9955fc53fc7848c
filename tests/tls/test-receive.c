/* SPDX-License-Identifier: MIT */
/*
 * How often below is asked for what has arrived: what the server sends waits in memory until the
 * client receives, so that all of it is there at once.
 */
#include "link.h"

#include <errno.h>
#include <string.h>

#include <fend/layer.h>

#define TOTAL (48 * 1024) /* is less than what is received ahead, with what records add */

/* Under both sides. While it is shut, what one sends stays here until the other asks. */
struct basin {
	bool shut;
	GByteArray *held;
	int calls; /* that took some of it */
};

static size_t
take(GByteArray *held, void *data, size_t size)
{
	size_t n = MIN(held->len, size);

	if (n)
		memcpy(data, held->data, n);
	g_byte_array_remove_range(held, 0, (guint)n);
	return n;
}

static ssize_t
basin_recv(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct basin *basin = layer;
	size_t taken = 0;
	int i;

	if (!basin->held->len)
		return fend_below_recv(below, iov, n, flags);
	for (i = 0; i < n; i++)
		taken += take(basin->held, iov[i].iov_base, iov[i].iov_len);
	basin->calls++;
	return (ssize_t)taken;
}

static ssize_t
basin_send(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct basin *basin = layer;
	ssize_t done = 0;
	int i;

	if (!basin->shut)
		return fend_below_send(below, iov, n, flags);
	for (i = 0; i < n; i++) {
		g_byte_array_append(basin->held, iov[i].iov_base, (guint)iov[i].iov_len);
		done += (ssize_t)iov[i].iov_len;
	}
	return done;
}

static int
basin_shutdown(void *layer, struct fend_below *below, int how)
{
	return fend_below_shutdown(below, how);
}

static unsigned
basin_wants(void *layer, unsigned interest)
{
	return interest;
}

static unsigned
basin_pending(void *layer)
{
	return FEND_OUT;
}

static const struct fend_layer_ops basin_ops = {
	.size = sizeof(struct fend_layer_ops),
	.name = "basin",
	.recv = basin_recv,
	.send = basin_send,
	.shutdown = basin_shutdown,
	.wants = basin_wants,
	.pending = basin_pending,
};

static void
open_with_basin(struct link *link, struct test *test, struct basin *basin)
{
	*basin = (struct basin){ .held = g_byte_array_new() };
	link_init(link, test);
	test_ok(fend_socket_push_layer(link->client.socket, &basin_ops, basin));
	test_ok(fend_socket_push_layer(link->server.socket, &basin_ops, basin));
	link_wrap(link, NULL, NULL, NULL);
	link_handshake(link);
	test_error(link->client.err, 0);
	test_error(link->server.err, 0);
	link_exchange(link);
}

/* Records of this size, as many as there are in TOTAL, are received with one call. */
static void
receive_records(struct link *link, struct basin *basin, size_t size)
{
	size_t total = TOTAL / size * size, i;
	unsigned char *data = g_malloc(total + 1);

	for (i = 0; i < total; i++)
		data[i] = pattern(i, (unsigned)size);
	basin->shut = true;
	for (i = 0; i < total; i += size)
		g_assert_cmpint(fend_socket_send(link->server.socket, data + i, size, 0), ==, size);
	basin->shut = false;
	memset(data, 0, total);
	basin->calls = 0;
	g_assert_cmpint(fend_socket_recv(link->client.socket, data, total + 1, 0), ==, total);
	g_assert_cmpint(basin->calls, ==, 1);
	for (i = 0; i < total; i++)
		if (data[i] != pattern(i, (unsigned)size))
			g_error("byte %zu of records of %zu differs", i, size);
	g_free(data);
}

static void
test_many_records_with_one_call(struct test *test)
{
	static const size_t sizes[] = { 100, 1400, 4096, 16 * 1024 };
	struct basin basin;
	struct link link;
	size_t i;

	open_with_basin(&link, test, &basin);
	for (i = 0; i < G_N_ELEMENTS(sizes); i++)
		receive_records(&link, &basin, sizes[i]);
	link_fini(&link);
	g_byte_array_unref(basin.held);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_versions("/receive/many-records-with-one-call",
			     test_many_records_with_one_call);
	return g_test_run();
}
