/* SPDX-License-Identifier: MIT */
/*
 * What below takes of a send, cut off at each place where that makes a difference: in what waits in
 * the output buffer, between that and the record which is sent from where the provider has it, and
 * in that record. Whatever is cut off must follow, once, and before anything else.
 */
#include "link.h"

#include <errno.h>
#include <string.h>

#include <fend/layer.h>

#define RECORD 16384
#define ONE_BATCH 60000 /* is sent below with one call */

/* Lets room bytes out. */
struct valve {
	size_t room;   /* and then nothing until there is more */
	size_t most;   /* in a call */
	int error;     /* what a call without room fails with */
	bool lossy;    /* nothing arrives */
	size_t passed; /* bytes */
	int calls;
	int pieces; /* of the last one */
};

static ssize_t
valve_recv(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	return fend_below_recv(below, iov, n, flags);
}

static ssize_t
valve_send(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct valve *valve = layer;
	size_t left = MIN(valve->room, valve->most);
	struct iovec some[2];
	ssize_t r;
	int i;

	g_assert_cmpint(n, <=, 2);
	valve->calls++;
	valve->pieces = n;
	if (!left)
		return valve->error;
	for (i = 0; i < n; i++) {
		some[i] = (struct iovec){ iov[i].iov_base, MIN(iov[i].iov_len, left) };
		left -= some[i].iov_len;
	}
	if (valve->lossy)
		return (ssize_t)(MIN(valve->room, valve->most) - left);
	r = fend_below_send(below, some, n, flags);
	if (r > 0) {
		valve->passed += (size_t)r;
		valve->room -= (size_t)r;
	}
	return r;
}

static int
valve_shutdown(void *layer, struct fend_below *below, int how)
{
	return fend_below_shutdown(below, how);
}

static unsigned
valve_wants(void *layer, unsigned interest)
{
	return interest;
}

static unsigned
valve_pending(void *layer)
{
	const struct valve *valve = layer;

	return valve->room ? FEND_OUT : 0;
}

static const struct fend_layer_ops valve_ops = {
	.size = sizeof(struct fend_layer_ops),
	.name = "valve",
	.recv = valve_recv,
	.send = valve_send,
	.shutdown = valve_shutdown,
	.wants = valve_wants,
	.pending = valve_pending,
};

static void
open_with_valve(struct link *link, struct test *test, struct valve *valve)
{
	*valve = (struct valve){ .room = SIZE_MAX, .most = SIZE_MAX, .error = -EAGAIN };
	link_init(link, test);
	test_ok(fend_socket_push_layer(link->server.socket, &valve_ops, valve));
	link_wrap(link, NULL, NULL, NULL);
	link_handshake(link);
	test_error(link->client.err, 0);
	test_error(link->server.err, 0);
	link_exchange(link);
}

static void
receive(struct link *link, size_t size, unsigned salt)
{
	unsigned char *data = g_malloc(size);
	size_t i;

	tls_recv(link->test, link->client.socket, data, size);
	for (i = 0; i < size; i++)
		if (data[i] != pattern(i, salt))
			g_error("byte %zu of %zu differs", i, size);
	g_free(data);
}

/* Send size bytes of which below takes cut at first; returns how many bytes there were in all. */
static size_t
send_cut(struct link *link, struct valve *valve, size_t size, size_t cut)
{
	unsigned salt = (unsigned)(size + cut);
	unsigned char *data = g_malloc(size);
	size_t i, before = valve->passed;

	for (i = 0; i < size; i++)
		data[i] = pattern(i, salt);
	valve->room = cut;
	valve->calls = 0;
	g_assert_cmpint(fend_socket_send(link->server.socket, data, size, 0), ==, size);
	memset(data, 0, size);
	if (valve->room == 0)
		test_error(fend_socket_send(link->server.socket, data, size, 0), -EAGAIN);
	else
		g_assert_cmpint(valve->calls, ==, 1);
	g_free(data);
	valve->room = SIZE_MAX;
	fend_socket_layer_changed(link->server.socket);
	receive(link, size, salt);
	test_error(fend_socket_recv(link->client.socket, &(char){ 0 }, 1, 0), -EAGAIN);
	return valve->passed - before;
}

static void
test_cut_of_one_record(struct test *test)
{
	struct valve valve;
	struct link link;
	size_t cut, total;

	open_with_valve(&link, test, &valve);
	total = send_cut(&link, &valve, 100, SIZE_MAX);
	g_assert_cmpuint(total, >, 100);
	for (cut = 0; cut < total; cut++)
		g_assert_cmpuint(send_cut(&link, &valve, 100, cut), ==, total);
	link_fini(&link);
}

/* On both sides of each end of a record, and here and there in it. */
static void
cut_at_records(struct link *link, struct valve *valve, size_t size, size_t record)
{
	static const ssize_t offsets[] = { -30, -2, -1, 0, 1, 2, 5, 30, 1000, RECORD / 2 };
	size_t total = send_cut(link, valve, size, SIZE_MAX), i, j;

	/* what is copied, and the last record, which is not */
	g_assert_cmpint(valve->pieces, ==, 2);
	for (i = 1; i <= (size - 1) / RECORD; i++) {
		for (j = 0; j < G_N_ELEMENTS(offsets); j++) {
			size_t cut = i * record + (size_t)offsets[j];

			if (cut < total)
				g_assert_cmpuint(send_cut(link, valve, size, cut), ==, total);
		}
	}
	g_assert_cmpuint(send_cut(link, valve, size, total - 1), ==, total);
}

static void
test_cut_of_several_records(struct test *test)
{
	static const size_t sizes[] = { RECORD + 1, 2 * RECORD, 3 * RECORD - 1, ONE_BATCH };
	struct valve valve;
	struct link link;
	size_t record, i;

	open_with_valve(&link, test, &valve);
	record = send_cut(&link, &valve, RECORD, SIZE_MAX);
	for (i = 0; i < G_N_ELEMENTS(sizes); i++)
		cut_at_records(&link, &valve, sizes[i], record);
	link_fini(&link);
}

/* A piece per call, of any size: what is left over is shorter each time. */
static void
test_pieces(struct test *test)
{
	static const size_t pieces[] = { 1, 4, 23, 1000, RECORD, RECORD + 22, 2 * RECORD + 5 };
	struct valve valve;
	struct link link;
	size_t i;

	open_with_valve(&link, test, &valve);
	for (i = 0; i < G_N_ELEMENTS(pieces); i++) {
		size_t size = MIN(3 * RECORD, 1000 * pieces[i]);
		unsigned char *data = g_malloc(size);
		size_t j;

		for (j = 0; j < size; j++)
			data[j] = pattern(j, (unsigned)i);
		valve.most = pieces[i];
		tls_send(test, link.server.socket, data, size);
		receive(&link, size, (unsigned)i);
		g_free(data);
	}
	link_fini(&link);
}

/* A long send goes on as long as below takes all, and has taken what it has made records of. */
static void
test_long(struct test *test)
{
	static const size_t size = 1 << 20;
	unsigned char *data = g_malloc(size);
	struct valve valve;
	struct link link;
	size_t i, before;
	ssize_t n;

	for (i = 0; i < size; i++)
		data[i] = pattern(i, 0);
	open_with_valve(&link, test, &valve);
	for (i = 0; i < 5; i++) {
		before = valve.passed;
		valve.room = i * (3 * RECORD + 100) + 1;
		n = fend_socket_send(link.server.socket, data, size, 0);
		g_assert_cmpint(n, >=, valve.passed - before - (i + 1) * 100);
		g_assert_cmpint(n, <=, valve.passed - before + 64 * 1024);
		test_error(fend_socket_send(link.server.socket, data, size, 0), -EAGAIN);
		valve.room = SIZE_MAX;
		fend_socket_layer_changed(link.server.socket);
		receive(&link, (size_t)n, 0);
	}
	link_fini(&link);
	g_free(data);
}

static void
test_others_have_their_turn(struct test *test)
{
	static const size_t size = 1 << 20;
	void *data = g_malloc0(size);
	struct valve valve;
	struct link link;

	open_with_valve(&link, test, &valve);
	valve.lossy = true;
	g_assert_cmpint(fend_socket_send(link.server.socket, data, size, 0), ==, 256 * 1024);
	g_assert_cmpint(fend_socket_send(link.server.socket, data, size, 0), ==, 256 * 1024);
	link_fini(&link);
	g_free(data);
}

/* What below has failed for is told by the call that met it, or by the next if some was taken. */
static void
test_failure(struct test *test)
{
	static const size_t rooms[] = { 0, 1000, 3 * RECORD + 1000 };
	unsigned char *data = g_malloc0(256 * 1024);
	struct valve valve;
	struct link link;
	size_t i;
	ssize_t n;

	for (i = 0; i < G_N_ELEMENTS(rooms); i++) {
		open_with_valve(&link, test, &valve);
		valve.room = rooms[i];
		valve.error = -EPIPE;
		n = fend_socket_send(link.server.socket, data, 256 * 1024, 0);
		if (i < 2)
			test_error((int)n, -EPIPE);
		else
			g_assert_cmpint(n, ==, 3 * RECORD);
		test_error(fend_socket_send(link.server.socket, "x", 1, 0), -EPIPE);
		link_fini(&link);
	}
	g_free(data);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_all("/send/cut-of-one-record", test_cut_of_one_record);
	variant_add("/send/cut-of-several-records", test_cut_of_several_records);
	variant_add("/send/pieces", test_pieces);
	variant_add("/send/long", test_long);
	variant_add("/send/others-have-their-turn", test_others_have_their_turn);
	variant_add("/send/failure", test_failure);
	return g_test_run();
}
