/* SPDX-License-Identifier: MIT */
/* Much data in both directions at once, byte for byte. */
#include "link.h"

#include <errno.h>

#include <fend/layer.h>

#include "fault.h"
#include "layers.h"

/* One end of a transfer in both directions at once. */
struct pump {
	struct fend_socket *socket;
	unsigned out_salt, in_salt;
	size_t size, sent, received;
	size_t chunk;  /* bytes per call */
	int refused;   /* how often send was -EAGAIN */
	int *finished; /* how many ends are done */
	bool done;
};

static void
pump_out(struct pump *pump)
{
	unsigned char data[100000];
	size_t size = MIN(pump->chunk, pump->size - pump->sent), i;
	ssize_t n;

	for (i = 0; i < size; i++)
		data[i] = pattern(pump->sent + i, pump->out_salt);
	n = fend_socket_send(pump->socket, data, size, 0);
	if (n == -EAGAIN) {
		pump->refused++;
		return;
	}
	g_assert_cmpint(n, >, 0);
	pump->sent += (size_t)n;
}

static void
pump_in(struct pump *pump)
{
	unsigned char data[100000];
	ssize_t n = fend_socket_recv(pump->socket, data, pump->chunk, 0), i;

	if (n == -EAGAIN)
		return;
	g_assert_cmpint(n, >, 0);
	for (i = 0; i < n; i++)
		if (data[i] != pattern(pump->received + (size_t)i, pump->in_salt))
			g_error("byte %zu differs", pump->received + (size_t)i);
	pump->received += (size_t)n;
}

static void
on_pump(struct fend_socket *socket, unsigned events, void *data)
{
	struct pump *pump = data;

	if (events & FEND_IN && pump->received < pump->size)
		pump_in(pump);
	if (events & FEND_OUT && pump->sent < pump->size)
		pump_out(pump);
	test_ok(fend_socket_set_events(socket, FEND_IN | (pump->sent < pump->size ? FEND_OUT : 0)));
	if (!pump->done && pump->sent == pump->size && pump->received == pump->size) {
		pump->done = true;
		++*pump->finished;
	}
}

/* size bytes each way; returns how often a send was refused. */
static int
transfer(struct link *link, size_t size, size_t client_chunk, size_t server_chunk)
{
	int finished = 0;
	struct pump client = {
		.socket = link->client.socket,
		.out_salt = 1,
		.in_salt = 2,
		.size = size,
		.chunk = client_chunk,
		.finished = &finished,
	};
	struct pump server = {
		.socket = link->server.socket,
		.out_salt = 2,
		.in_salt = 1,
		.size = size,
		.chunk = server_chunk,
		.finished = &finished,
	};

	test_ok(fend_socket_watch(client.socket, link->test->loop, FEND_IN | FEND_OUT, on_pump,
				  &client));
	test_ok(fend_socket_watch(server.socket, link->test->loop, FEND_IN | FEND_OUT, on_pump,
				  &server));
	while (finished < 2)
		test_ok(fend_loop_dispatch(link->test->loop, FEND_SEC(20)));
	fend_socket_unwatch(client.socket);
	fend_socket_unwatch(server.socket);
	return client.refused + server.refused;
}

static void
set_buffers(struct link *link, int size)
{
	test_ok(fend_socket_set_option_name(link->client.socket, "SNDBUF", size));
	test_ok(fend_socket_set_option_name(link->server.socket, "SNDBUF", size));
}

static void
test_transfer(struct test *test)
{
	static const enum fend_tls_version versions[] = { FEND_TLS_1_2, FEND_TLS_1_3 };
	struct fend_tls_params params = client_params();
	struct link link;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(versions); i++) {
		params.protocol_min = params.protocol_max = versions[i];
		link_open(&link, test, &params, NULL);
		transfer(&link, 4 << 20, 100000, 100000);
		transfer(&link, 1 << 20, 1000, 7000);
		transfer(&link, 3000, 1, 100000);
		link_exchange(&link);
		link_fini(&link);
	}
}

/* Small buffers of the kernel: what was taken waits, and the writer is told to wait. */
static void
test_transfer_with_little_room(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	set_buffers(&link, 4096);
	transfer(&link, 4 << 20, 100000, 5000);
	link_exchange(&link);
	link_fini(&link);
}

static void
test_transfer_in_small_pieces(struct test *test)
{
	struct link link;

	fend_loop_free(test->loop);
	fault_install();
	test_ok(fend_loop_new(NULL, &test->loop));
	link_open(&link, test, NULL, NULL);
	fault_limit(1000);
	transfer(&link, 1 << 20, 30000, 30000);
	fault_limit(3);
	transfer(&link, 20000, 30000, 30000);
	fault_limit(0);
	link_exchange(&link);
	link_fini(&link);
	test->loop = fend_loop_free(test->loop);
	fault_remove();
	test_ok(fend_loop_new(NULL, &test->loop));
}

static void
test_transfer_one_byte_at_a_time(struct test *test)
{
	struct link link;

	link_init(&link, test);
	dribbler_push(link.client.socket);
	dribbler_push(link.server.socket);
	link_wrap(&link, NULL, NULL, NULL);
	link_handshake(&link);
	transfer(&link, 10000, 3000, 3000);
	link_fini(&link);
}

/* A layer above TLS that moves its data in three pieces. */
static int
split(const struct iovec *from, struct iovec *to)
{
	size_t part = from->iov_len / 3;
	char *base = from->iov_base;

	to[0] = (struct iovec){ base, part };
	to[1] = (struct iovec){ base + part, part };
	to[2] = (struct iovec){ base + 2 * part, from->iov_len - 2 * part };
	return 3;
}

static ssize_t
splitter_recv(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct iovec three[3];

	return fend_below_recv(below, three, split(iov, three), flags);
}

static ssize_t
splitter_send(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct iovec three[3];

	return fend_below_send(below, three, split(iov, three), flags);
}

static int
splitter_shutdown(void *layer, struct fend_below *below, int how)
{
	return fend_below_shutdown(below, how);
}

static unsigned
splitter_wants(void *layer, unsigned interest)
{
	return interest;
}

static unsigned
splitter_pending(void *layer)
{
	return FEND_OUT;
}

static const struct fend_layer_ops splitter = {
	.size = sizeof(struct fend_layer_ops),
	.name = "splitter",
	.recv = splitter_recv,
	.send = splitter_send,
	.shutdown = splitter_shutdown,
	.wants = splitter_wants,
	.pending = splitter_pending,
};

static void
test_vectors(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	test_ok(fend_socket_push_layer(link.client.socket, &splitter, NULL));
	test_ok(fend_socket_push_layer(link.server.socket, &splitter, NULL));
	transfer(&link, 1 << 20, 100000, 100000);
	transfer(&link, 3000, 2, 10);
	link_exchange(&link);
	g_assert_nonnull(fend_tls_get(link.client.socket, FEND_TLS_PROTOCOL));
	link_fini(&link);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/transfer/both-ways", test_transfer);
	variant_add_all("/transfer/with-little-room", test_transfer_with_little_room);
	variant_add_all("/transfer/in-small-pieces", test_transfer_in_small_pieces);
	variant_add_all("/transfer/one-byte-at-a-time", test_transfer_one_byte_at_a_time);
	variant_add_ways("/transfer/vectors", test_vectors);
	return g_test_run();
}
