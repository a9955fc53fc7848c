/* SPDX-License-Identifier: MIT */
/*
 * Bytes of random sizes through streams at both ends, both ways at once, with readers and writers
 * that dawdle at random; and what streams cost in memory.
 *
 * FEND_TEST_BYTES sets how many bytes are a large transfer; a dribbler gets a 256th of them.
 */
#include "streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fend-internal/kernel.h>

#include "layers.h"

/* One end of a transfer: it writes total bytes of a sequence, and expects as many of another one. */
struct end {
	struct heard heard;
	size_t total, written, received;
	guint32 out_seed, in_seed;
	guint32 random;
	int *ends;      /* counted up when the stream has closed in order */
	size_t most;    /* output that was pending at most */
	size_t largest; /* piece */
};

static guint32
chance(struct end *end, guint32 below)
{
	end->random = end->random * 1664525 + 1013904223;
	return (guint32)(((guint64)end->random * below) >> 32);
}

static unsigned char
next_byte(guint32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return (unsigned char)(*seed >> 24);
}

/* Write in pieces of random sizes until above the high mark. */
static void
pump(struct end *end)
{
	static unsigned char buffer[200000];
	int r = 0;

	while (r == 0 && end->written < end->total) {
		size_t size = 1 + chance(end, (guint32)end->largest), i;

		size = MIN(size, end->total - end->written);
		for (i = 0; i < size; i++)
			buffer[i] = next_byte(&end->out_seed);
		r = fend_stream_write(end->heard.stream, buffer, size);
		test_ok(r);
		end->written += size;
		end->most = MAX(end->most, fend_stream_pending(end->heard.stream));
	}
	if (end->written == end->total)
		test_ok(fend_stream_finish(end->heard.stream, FEND_FOREVER));
}

static void
on_end_readable(struct fend_stream *stream, void *data)
{
	struct end *end = data;
	const void *input;
	size_t size = fend_stream_peek(stream, &input), i;
	const unsigned char *bytes = input;

	end->heard.at_end = fend_stream_at_end(stream);
	/* Leave some, or want more, but take all when it is the last. */
	if (!end->heard.at_end && chance(end, 4) == 0)
		size = chance(end, (guint32)size + 1);
	for (i = 0; i < size; i++)
		if (bytes[i] != next_byte(&end->in_seed))
			g_error("byte %zu is wrong", end->received + i);
	end->received += size;
	test_ok(fend_stream_consume(stream, size));
	if (!end->heard.at_end && chance(end, 8) == 0)
		test_ok(fend_stream_want(stream, 1 + chance(end, 60000)));
}

static void
on_end_drained(struct fend_stream *stream, void *data)
{
	pump(data);
}

static void
on_end_closed(struct fend_stream *stream, int err, void *data)
{
	struct end *end = data;

	test_error(err, 0);
	g_assert_cmpint(end->heard.at_end, ==, 1);
	(*end->ends)++;
}

static const struct fend_stream_callbacks end_callbacks = {
	.readable = on_end_readable,
	.drained = on_end_drained,
	.closed = on_end_closed,
};

static void
end_init(struct end *end, struct test *test, struct fend_socket **socket)
{
	test_ok(fend_stream_new(test->loop, *socket, NULL, &end_callbacks, end,
				&end->heard.stream));
	*socket = NULL;
	pump(end);
}

#define MIB ((size_t)1 << 20)

static size_t
bulk(void)
{
	const char *bytes = getenv("FEND_TEST_BYTES");

	return (bytes ? strtoull(bytes, NULL, 10) : 64 * MIB) / (size_t)test_slowness();
}

static size_t
drops(void)
{
	return bulk() / 256;
}

/* How long so many bytes may take; the fixture's own deadline is put off accordingly. */
static fend_time
patience(size_t total)
{
	unsigned seconds = (60 + (unsigned)(total / MIB)) * (unsigned)test_slowness();

	alarm(2 * seconds);
	return FEND_SEC(seconds);
}

static void
transfer(struct test *test, struct pair *pair, size_t total, size_t largest)
{
	int ends = 0, both = 0;
	struct end a = {
		.total = total,
		.largest = largest,
		.out_seed = 1,
		.in_seed = 2,
		.random = 3,
		.ends = &ends,
	};
	struct end b = {
		.total = total / 2,
		.largest = largest,
		.out_seed = 2,
		.in_seed = 1,
		.random = 4,
		.ends = &ends,
	};
	fend_time deadline = fend_now() + patience(MAX(total, bulk()));

	end_init(&a, test, &pair->a);
	end_init(&b, test, &pair->b);
	while (!both) {
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20) * test_slowness()));
		both = ends == 2;
		g_assert_cmpint(fend_now(), <, deadline);
	}
	g_assert_cmpuint(a.received, ==, b.total);
	g_assert_cmpuint(b.received, ==, a.total);
	/* The writers stopped when they were told to. */
	g_assert_cmpuint(a.most, <=, (64 << 10) + largest);
	g_assert_cmpuint(b.most, <=, (64 << 10) + largest);
	fend_stream_free(a.heard.stream);
	fend_stream_free(b.heard.stream);
	pair_fini(pair);
}

/* The ends of one pair, with two streams between that pipe into each other. */
struct proxy {
	struct fend_stream *near, *far;
	int ends;
};

static void
on_proxy_closed(struct fend_stream *stream, int err, void *data)
{
	struct proxy *proxy = data;

	test_error(err, 0);
	proxy->ends++;
}

static void
proxy_transfer(struct test *test, struct pair *near, struct pair *far, size_t total, size_t largest)
{
	static const struct fend_stream_callbacks callbacks = { .closed = on_proxy_closed };
	struct pair outer = { .a = near->a, .b = far->b };
	struct proxy proxy = { 0 };
	int over;

	test_ok(fend_stream_new(test->loop, near->b, NULL, &callbacks, &proxy, &proxy.near));
	test_ok(fend_stream_new(test->loop, far->a, NULL, &callbacks, &proxy, &proxy.far));
	test_ok(fend_stream_pipe(proxy.near, proxy.far));
	test_ok(fend_stream_pipe(proxy.far, proxy.near));
	transfer(test, &outer, total, largest);
	for (over = 0; !over; over = proxy.ends == 2)
		test_ok(fend_loop_dispatch(test->loop, FEND_MS(10)));
	fend_stream_free(proxy.near);
	fend_stream_free(proxy.far);
}

static void
test_plain(struct test *test)
{
	struct pair pair;

	pair_init_tcp(&pair);
	transfer(test, &pair, bulk(), 100000);
	pair_init(&pair);
	transfer(test, &pair, bulk() / 2, 20000);
}

static void
push_faulty(struct fend_socket *socket)
{
	struct faulty *layer = faulty_push(socket);

	layer->random = (guint32)fend_socket_fd(socket);
	layer->max = 100000;
	layer->stall = 8;
}

static void
test_through_a_faulty_layer(struct test *test)
{
	struct pair pair;

	pair_init_tcp(&pair);
	push_faulty(pair.a);
	push_faulty(pair.b);
	transfer(test, &pair, bulk(), 100000);
	pair_init(&pair);
	push_faulty(pair.b);
	transfer(test, &pair, bulk() / 4, 20000);
}

static void
test_through_a_transforming_layer(struct test *test)
{
	struct pair pair;

	pair_init_tcp(&pair);
	rot13_push(pair.a, NULL);
	rot13_push(pair.b, NULL);
	transfer(test, &pair, MIB / (size_t)test_slowness(), 20000);
}

static void
test_through_a_dribbler(struct test *test)
{
	struct pair pair;

	pair_init(&pair);
	dribbler_push(pair.a);
	transfer(test, &pair, drops(), 2000);
	pair_init_tcp(&pair);
	rot13_push(pair.a, NULL);
	dribbler_push(pair.a);
	rot13_push(pair.b, NULL);
	dribbler_push(pair.b);
	transfer(test, &pair, drops() / 4, 2000);
}

static void
test_through_a_proxy(struct test *test)
{
	struct pair near, far;

	pair_init_tcp(&near);
	pair_init_tcp(&far);
	proxy_transfer(test, &near, &far, 16 * MIB / (size_t)test_slowness(), 100000);
	pair_init(&near);
	pair_init_tcp(&far);
	rot13_push(near.a, NULL);
	rot13_push(near.b, NULL);
	dribbler_push(far.a);
	proxy_transfer(test, &near, &far, 100000 / (size_t)test_slowness(), 2000);
}

/* Memory, counted at the door with the sizes that were asked for. */
static struct fend__kernel metering;
static size_t metered;

static void *
metering_allocate(void *pointer, size_t size)
{
	size_t *block = pointer ? (size_t *)pointer - 2 : NULL;

	if (block)
		metered -= *block;
	if (size == 0) {
		g_free(block);
		return NULL;
	}
	block = g_realloc(block, size + 2 * sizeof(size_t));
	*block = size;
	metered += size;
	return block + 2;
}

static void
meter_begin(void)
{
	metering = fend__kernel_real;
	metering.allocate = metering_allocate;
	metered = 0;
	fend__kernel = &metering;
}

static void
meter_end(void)
{
	fend__kernel = &fend__kernel_real;
	g_assert_cmpuint(metered, ==, 0);
}

/* The fixture's loop was not metered. */
static void
own_loop(struct test *own)
{
	*own = (struct test){ 0 };
	test_ok(fend_loop_new(NULL, &own->loop));
}

/* Neither a peer that sends without end, nor one that never reads. */
static void
stall(void (*push)(struct fend_socket *socket))
{
	static char data[1 << 16];
	struct fend_stream_options options = {
		.size = sizeof(options),
		.input_max = 300000,
		.output_max = 400000,
	};
	struct heard heard;
	struct test own;
	struct pair pair;
	size_t before;
	int calls, r;

	meter_begin();
	own_loop(&own);
	pair_init_tcp(&pair);
	if (push)
		push(pair.a);
	heard_init(&heard, &own, &pair.a, &options);
	g_byte_array_unref(g_steal_pointer(&heard.got));
	before = metered;
	do {
		ssize_t n = fend_socket_send(pair.b, data, sizeof(data), 0);

		calls = fend_loop_dispatch(own.loop, 0) + (n > 0);
	} while (calls > 0);
	g_assert_cmpuint(fend_stream_peek(heard.stream, NULL), ==, 300000);
	g_assert_cmpuint(metered - before, <=, 300000 + (65 << 10));
	before = metered;
	do {
		r = fend_stream_write(heard.stream, data, 1000);
		test_ok(fend_loop_dispatch(own.loop, 0));
	} while (r >= 0);
	test_error(r, -ENOBUFS);
	g_assert_cmpuint(fend_stream_pending(heard.stream), >, 399000);
	g_assert_cmpuint(metered - before, <=, 2 * 400000 + 100);
	heard_fini(&heard);
	pair_fini(&pair);
	fend_loop_free(own.loop);
	meter_end();
}

static void
test_memory_is_bounded_while_the_peer_stalls(struct test *test)
{
	stall(NULL);
	stall(push_faulty);
}

static void
test_an_idle_stream_holds_no_buffer(struct test *test)
{
	enum { N = 2000 };
	struct rlimit limit;
	int n = N, i;
	struct pair *pairs;
	struct heard *heard;
	struct test own;
	size_t base, sockets, streams;
	char byte;

	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < 2 * N + 100)
		n = ((int)limit.rlim_max - 100) / 2;
	limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? 2 * N + 100 : limit.rlim_max;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	pairs = g_new0(struct pair, n);
	heard = g_new0(struct heard, n);
	meter_begin();
	own_loop(&own);
	/* The first makes what the loop's streams share. */
	pair_init(&pairs[0]);
	heard_init(&heard[0], &own, &pairs[0].a, NULL);
	heard_fini(&heard[0]);
	pair_fini(&pairs[0]);
	base = metered;
	for (i = 0; i < n; i++)
		pair_init(&pairs[i]);
	/* Both ends are counted, one gets a stream. */
	sockets = (metered - base) / 2;
	base = metered;
	for (i = 0; i < n; i++)
		heard_init(&heard[i], &own, &pairs[i].a, NULL);
	streams = metered - base;
	g_test_message("%d idle streams: %zu bytes each, of which the socket %zu", n,
		       (streams + sockets) / (size_t)n, sockets / (size_t)n);
	/* The loop's table of descriptors is among it. */
	g_assert_cmpuint(streams / (size_t)n, <=, 200);
	/* The stream alone. */
	test_ok(fend_stream_release(heard[0].stream, &pairs[0].a));
	g_byte_array_unref(heard[0].got);
	base = metered;
	heard_init(&heard[0], &own, &pairs[0].a, NULL);
	g_assert_cmpuint(metered - base, <=, 88);
	base = metered;
	for (i = 0; i < n; i++) {
		send_all(pairs[i].b, "hello", 5);
		test_ok(fend_stream_write(heard[i].stream, "hello", 5));
	}
	g_assert_cmpuint(metered - base, >=, (size_t)n * 4000);
	test_drain(&own);
	for (i = 0; i < n; i++) {
		heard_assert(&heard[i], "hello");
		recv_all(pairs[i].b, &byte, 1);
	}
	/* All that is left of the traffic is the one output buffer that the loop keeps. */
	g_assert_cmpuint(metered - base, <=, 4096);
	for (i = 0; i < n; i++) {
		heard_fini(&heard[i]);
		pair_fini(&pairs[i]);
	}
	fend_loop_free(own.loop);
	meter_end();
	g_free(pairs);
	g_free(heard);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) test_add("/stream-transfer/" path, fn)
	ADD("plain", test_plain);
	ADD("through-a-faulty-layer", test_through_a_faulty_layer);
	ADD("through-a-transforming-layer", test_through_a_transforming_layer);
	ADD("through-a-dribbler", test_through_a_dribbler);
	ADD("through-a-proxy", test_through_a_proxy);
	ADD("memory-is-bounded-while-the-peer-stalls",
	    test_memory_is_bounded_while_the_peer_stalls);
	ADD("an-idle-stream-holds-no-buffer", test_an_idle_stream_holds_no_buffer);
	return g_test_run();
}
