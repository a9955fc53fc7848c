/* SPDX-License-Identifier: MIT */
/* Limits of the rate of streams, on a clock that the test moves. */
#include <fend/rate.h>

#include <errno.h>

#include "fault.h"
#include "layers.h"
#include "streams.h"

static void
pass(struct test *test, fend_time time)
{
	present += time;
	test_drain(test);
}

static struct fend_rate *
rate_new(struct test *test, uint64_t bytes_per_second, uint64_t burst, struct fend_rate *group)
{
	struct fend_rate_options options = {
		.size = sizeof(options),
		.bytes_per_second = bytes_per_second,
		.burst = burst,
		.group = group,
	};
	struct fend_rate *rate;

	test_ok(fend_rate_new(test->loop, &options, &rate));
	return rate;
}

/* A stream whose peer has sent more than it will ever get. */
struct flooded {
	struct heard heard;
	struct pair pair;
};

static void
flooded_init(struct flooded *flooded, struct test *test, struct fend_rate *rate)
{
	static char data[100000];

	pair_init(&flooded->pair);
	send_all(flooded->pair.b, data, sizeof(data));
	heard_init(&flooded->heard, test, &flooded->pair.a, NULL);
	test_ok(fend_stream_set_rate(flooded->heard.stream, rate, NULL));
}

static guint
got(const struct flooded *flooded)
{
	return flooded->heard.got->len;
}

static void
flooded_fini(struct flooded *flooded)
{
	heard_fini(&flooded->heard);
	pair_fini(&flooded->pair);
}

static void
test_input_keeps_to_the_rate(struct test *test)
{
	struct fend_rate_stats stats = { .size = sizeof(stats) };
	struct fend_loop_stats before = { .size = sizeof(before) }, after = before;
	struct flooded flooded;
	struct fend_rate *rate;
	int i;

	stop_clock();
	rate = rate_new(test, 10000, 500, NULL);
	flooded_init(&flooded, test, rate);
	test_drain(test);
	/* After a silence a burst, then only what time brings. */
	g_assert_cmpuint(got(&flooded), ==, 500);
	test_ok(fend_loop_stats(test->loop, &before));
	for (i = 1; i <= 2000; i++) {
		pass(test, FEND_MS(1));
		g_assert_cmpuint(got(&flooded), <=, 500 + 10 * i);
		g_assert_cmpuint(got(&flooded), >=, 500 + 10 * i - 100);
	}
	g_assert_cmpuint(got(&flooded), ==, 20500);
	/* Not byte by byte. */
	test_ok(fend_loop_stats(test->loop, &after));
	g_assert_cmpuint(after.timers - before.timers, <=, 201);
	test_ok(fend_rate_stats(rate, &stats));
	g_assert_cmpuint(stats.bytes, ==, 20500);
	g_assert_cmpuint(stats.waits, <=, 202);
	g_assert_cmpuint(stats.waits, >, 100);
	/* A silence brings no more than the burst. */
	fend_stream_pause(flooded.heard.stream);
	pass(test, FEND_SEC(100));
	fend_stream_resume(flooded.heard.stream);
	test_drain(test);
	g_assert_cmpuint(got(&flooded), <=, 20500 + 500 + 100);
	flooded_fini(&flooded);
	fend_rate_free(rate);
	start_clock();
}

static void
test_output_keeps_to_the_rate(struct test *test)
{
	static char data[30000];
	struct fend_stream_stats stats = { .size = sizeof(stats) };
	struct heard heard;
	struct pair pair;
	struct fend_rate *rate;
	int i;

	stop_clock();
	rate = rate_new(test, 10000, 500, NULL);
	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	test_ok(fend_stream_set_rate(heard.stream, NULL, rate));
	test_ok(fend_stream_write(heard.stream, data, sizeof(data)));
	test_drain(test);
	for (i = 1; i <= 2000; i++) {
		pass(test, FEND_MS(1));
		test_ok(fend_stream_stats(heard.stream, &stats));
		g_assert_cmpuint(stats.sent, <=, 500 + 10 * i);
		g_assert_cmpuint(stats.sent, >=, 500 + 10 * i - 100);
	}
	/* What comes in has no limit. */
	send_all(pair.b, data, 5000);
	test_drain(test);
	g_assert_cmpuint(heard.got->len, ==, 5000);
	heard_fini(&heard);
	pair_fini(&pair);
	fend_rate_free(rate);
	start_clock();
}

/* Three bytes in a second, asked for every millisecond: no fraction is lost, none is given. */
static void
test_fractions_add_up(struct test *test)
{
	struct flooded flooded, again;
	struct fend_rate *rate;
	int i;

	stop_clock();
	rate = rate_new(test, 3, 1, NULL);
	flooded_init(&flooded, test, rate);
	flooded_init(&again, test, rate);
	test_drain(test);
	for (i = 1; i <= 10000; i++) {
		test_ok(fend_stream_set_rate(again.heard.stream, rate, NULL));
		pass(test, FEND_MS(1));
		g_assert_cmpuint(got(&flooded) + got(&again), <=, 1 + 3 * i / 1000);
	}
	g_assert_cmpuint(got(&flooded) + got(&again), >=, 30);
	flooded_fini(&flooded);
	flooded_fini(&again);
	fend_rate_free(rate);
	start_clock();
}

/* Whoever comes when enough has just gathered stands behind those who wait. */
static void
test_newcomers_do_not_jump_the_queue(struct test *test)
{
	struct flooded flooded, newcomer;
	struct fend_rate *rate;
	int i;

	stop_clock();
	rate = rate_new(test, 1000, 10, NULL);
	flooded_init(&flooded, test, rate);
	test_drain(test);
	for (i = 1; i <= 50; i++) {
		present += FEND_MS(10);
		flooded_init(&newcomer, test, rate);
		test_drain(test);
		g_assert_cmpuint(got(&flooded), ==, 10 + 10 * i);
		flooded_fini(&newcomer);
	}
	flooded_fini(&flooded);
	fend_rate_free(rate);
	start_clock();
}

static void
test_what_gathers_is_divided(struct test *test)
{
	enum { N = 4 };
	struct flooded flooded[N];
	struct fend_rate *rate;
	int i;

	stop_clock();
	rate = rate_new(test, 4000000, 40000, NULL);
	for (i = 0; i < N; i++)
		flooded_init(&flooded[i], test, rate);
	test_drain(test);
	for (i = 0; i < N; i++)
		g_byte_array_set_size(flooded[i].heard.got, 0);
	pass(test, FEND_MS(10));
	for (i = 0; i < N; i++)
		g_assert_cmpuint(got(&flooded[i]), ==, 10000);
	for (i = 0; i < N; i++)
		flooded_fini(&flooded[i]);
	fend_rate_free(rate);
	start_clock();
}

static void
test_who_shares_a_rate_takes_turns(struct test *test)
{
	enum { N = 7 };
	struct flooded flooded[N];
	struct fend_rate *rate;
	guint sum = 0;
	int i;

	stop_clock();
	rate = rate_new(test, 100000, 0, NULL);
	for (i = 0; i < N; i++)
		flooded_init(&flooded[i], test, rate);
	for (i = 0; i < 300; i++)
		pass(test, FEND_MS(10));
	for (i = 0; i < N; i++) {
		sum += got(&flooded[i]);
		g_assert_cmpuint(got(&flooded[i]), >=, 300000 / N - 10000);
	}
	g_assert_cmpuint(sum, <=, 310000);
	g_assert_cmpuint(sum, >=, 300000);
	for (i = 0; i < N; i++)
		flooded_fini(&flooded[i]);
	fend_rate_free(rate);
	start_clock();
}

static void
test_a_group_limits_all_and_each_has_its_own(struct test *test)
{
	struct fend_rate_stats stats = { .size = sizeof(stats) };
	struct fend_rate *group, *slow, *fast;
	struct flooded few, many;
	int i;

	stop_clock();
	group = rate_new(test, 10000, 100, NULL);
	slow = rate_new(test, 2000, 100, group);
	fast = rate_new(test, 50000, 100, group);
	flooded_init(&few, test, slow);
	flooded_init(&many, test, fast);
	for (i = 0; i < 4000; i++)
		pass(test, FEND_MS(1));
	g_assert_cmpuint(got(&few), <=, 8100);
	g_assert_cmpuint(got(&few), >=, 7000);
	g_assert_cmpuint(got(&few) + got(&many), <=, 40100);
	g_assert_cmpuint(got(&few) + got(&many), >=, 39000);
	test_ok(fend_rate_stats(group, &stats));
	g_assert_cmpuint(stats.bytes, ==, got(&few) + got(&many));
	/* Without the group each has what is its own. */
	fend_rate_free(group);
	for (i = 0; i < 1000; i++)
		pass(test, FEND_MS(1));
	g_assert_cmpuint(got(&many), >=, 31000 + 49000);
	g_assert_cmpuint(got(&few), <=, 10300);
	fend_rate_free(slow);
	fend_rate_free(fast);
	flooded_fini(&few);
	flooded_fini(&many);
	start_clock();
}

static void
test_without_its_rate_a_stream_goes_on(struct test *test)
{
	struct fend_rate *rate;
	struct flooded flooded;
	int how;

	for (how = 0; how < 3; how++) {
		stop_clock();
		rate = rate_new(test, 10, 10, NULL);
		flooded_init(&flooded, test, rate);
		test_drain(test);
		g_assert_cmpuint(got(&flooded), ==, 10);
		if (how == 0)
			rate = fend_rate_free(rate);
		else if (how == 1)
			test_ok(fend_rate_set(rate, 0, 0));
		else
			test_ok(fend_stream_set_rate(flooded.heard.stream, NULL, NULL));
		g_assert_cmpuint(got(&flooded), ==, 10);
		test_drain(test);
		g_assert_cmpuint(got(&flooded), ==, 100000);
		flooded_fini(&flooded);
		fend_rate_free(rate);
		start_clock();
	}
}

static void
test_a_rate_can_be_changed(struct test *test)
{
	struct fend_rate *rate;
	struct flooded flooded;

	stop_clock();
	rate = rate_new(test, 10, 10, NULL);
	flooded_init(&flooded, test, rate);
	test_drain(test);
	test_ok(fend_rate_set(rate, 1000, 50));
	test_drain(test);
	g_assert_cmpuint(got(&flooded), ==, 10);
	pass(test, FEND_MS(50));
	g_assert_cmpuint(got(&flooded), ==, 60);
	test_error(fend_rate_set(rate, FEND_RATE_MAX + 1, 0), -EINVAL);
	pass(test, FEND_MS(50));
	g_assert_cmpuint(got(&flooded), ==, 110);
	flooded_fini(&flooded);
	fend_rate_free(rate);
	start_clock();
}

/* Those behind one that leaves, in line or with something to its credit, get its share. */
static void
test_who_leaves_holds_nobody_up(struct test *test)
{
	struct fend_rate *group, *rate;
	struct flooded flooded[4];
	int i;

	stop_clock();
	group = rate_new(test, 1000, 100, NULL);
	rate = rate_new(test, 0, 0, group);
	flooded_init(&flooded[3], test, rate);
	test_drain(test);
	for (i = 0; i < 3; i++) {
		flooded_init(&flooded[i], test, rate);
		test_drain(test);
	}
	/* Closed is as good as freed. */
	fend_stream_abort(flooded[3].heard.stream, -EIO);
	test_drain(test);
	flooded_fini(&flooded[0]);
	/* Its credit is granted, but it does not get to use it. */
	fend_stream_pause(flooded[1].heard.stream);
	pass(test, FEND_MS(10));
	flooded_fini(&flooded[1]);
	for (i = 0; i < 1000; i++)
		pass(test, FEND_MS(1));
	g_assert_cmpuint(got(&flooded[2]), ==, 1010);
	/* Credit with a rate that goes is gone. */
	fend_stream_pause(flooded[2].heard.stream);
	pass(test, FEND_MS(10));
	fend_rate_free(group);
	fend_stream_resume(flooded[2].heard.stream);
	test_drain(test);
	g_assert_cmpuint(got(&flooded[2]), ==, 100000);
	flooded_fini(&flooded[2]);
	flooded_fini(&flooded[3]);
	fend_rate_free(rate);
	start_clock();
}

/* Through layers, and from one stream to another. */
static void
test_pipes_and_layers_keep_to_the_rate(struct test *test)
{
	static char data[20000];
	struct fend_stream_stats stats = { .size = sizeof(stats) };
	struct heard from, to;
	struct pair one, two;
	struct fend_rate *rate;
	int i;

	stop_clock();
	rate = rate_new(test, 10000, 500, NULL);
	pair_init(&one);
	pair_init(&two);
	rot13_push(two.a, NULL);
	heard_init(&from, test, &one.a, NULL);
	heard_init(&to, test, &two.a, NULL);
	test_ok(fend_stream_set_rate(to.stream, rate, rate));
	test_ok(fend_stream_pipe(from.stream, to.stream));
	send_all(one.b, data, sizeof(data));
	test_drain(test);
	for (i = 1; i <= 1000; i++) {
		pass(test, FEND_MS(1));
		test_ok(fend_stream_stats(to.stream, &stats));
		g_assert_cmpuint(stats.sent, <=, 500 + 10 * i);
		g_assert_cmpuint(stats.sent, >=, 500 + 10 * i - 100);
		/* Of so small pieces the socket holds few. */
		while (fend_socket_recv(two.b, data, sizeof(data), 0) > 0)
			continue;
	}
	heard_fini(&from);
	heard_fini(&to);
	pair_fini(&one);
	pair_fini(&two);
	fend_rate_free(rate);
	start_clock();
}

/* What the peer had said before is received nevertheless, no faster than it may be. */
static void
test_a_failed_send_does_not_cut_slow_input(struct test *test)
{
	struct flooded flooded;
	struct fend_rate *rate;
	int i;

	stop_clock();
	rate = rate_new(test, 10000, 500, NULL);
	flooded_init(&flooded, test, rate);
	test_drain(test);
	/* On a Unix socket nothing is lost by closing. */
	flooded.pair.b = fend_socket_free(flooded.pair.b);
	test_ok(fend_stream_write(flooded.heard.stream, "x", 1));
	for (i = 1; i <= 203 && !flooded.heard.closed; i++) {
		pass(test, FEND_MS(50));
		g_assert_cmpuint(got(&flooded), <=, 500 + 500 * i);
	}
	g_assert_cmpint(flooded.heard.closed, ==, 1);
	g_assert_cmpint(i, >, 199);
	test_error(flooded.heard.err, -EPIPE);
	g_assert_cmpuint(got(&flooded), ==, 100000);
	flooded_fini(&flooded);
	fend_rate_free(rate);
	start_clock();
}

static void
test_a_rate_is_inert_after_its_loop(struct test *test)
{
	struct fend_rate *rate, *group, *late;
	struct flooded flooded;
	struct test own = { 0 };

	stop_clock();
	test_ok(fend_loop_new(NULL, &own.loop));
	group = rate_new(&own, 1000, 0, NULL);
	rate = rate_new(&own, 10, 0, group);
	flooded_init(&flooded, &own, rate);
	test_drain(&own);
	fend_loop_ref(own.loop);
	fend_loop_free(own.loop);
	test_error(fend_rate_set(rate, 1, 1), -ESHUTDOWN);
	test_error(fend_rate_new(own.loop, NULL, &late), -ESHUTDOWN);
	test_error(fend_stream_set_rate(flooded.heard.stream, NULL, rate), -ESHUTDOWN);
	fend_loop_unref(own.loop);
	fend_rate_free(rate);
	flooded_fini(&flooded);
	fend_rate_free(group);
	start_clock();
}

static void
test_rates_name_their_errors(struct test *test)
{
	struct fend_rate_options options = { .size = sizeof(options) };
	struct fend_rate_stats stats = { .size = sizeof(stats) };
	struct fend_rate *rate = NULL, *foreign;
	struct test own = { 0 };
	struct heard heard;
	struct pair pair;

	test_error(fend_rate_new(NULL, NULL, &rate), -EINVAL);
	test_error(fend_rate_new(test->loop, NULL, NULL), -EINVAL);
	options.burst = FEND_RATE_MAX + 1;
	test_error(fend_rate_new(test->loop, &options, &rate), -EINVAL);
	options.burst = 0;
	options.bytes_per_second = FEND_RATE_MAX + 1;
	test_error(fend_rate_new(test->loop, &options, &rate), -EINVAL);
	options.bytes_per_second = FEND_RATE_MAX;
	options.size = 1;
	test_error(fend_rate_new(test->loop, &options, &rate), -EINVAL);
	options.size = sizeof(options);
	test_ok(fend_loop_new(NULL, &own.loop));
	foreign = rate_new(&own, 0, 0, NULL);
	options.group = foreign;
	test_error(fend_rate_new(test->loop, &options, &rate), -EINVAL);
	pair_init(&pair);
	heard_init(&heard, test, &pair.a, NULL);
	test_error(fend_stream_set_rate(heard.stream, foreign, NULL), -EINVAL);
	test_error(fend_stream_set_rate(heard.stream, NULL, foreign), -EINVAL);
	test_error(fend_stream_set_rate(NULL, NULL, NULL), -EINVAL);
	test_error(fend_rate_set(NULL, 0, 0), -EINVAL);
	test_error(fend_rate_stats(NULL, &stats), -EINVAL);
	test_error(fend_rate_stats(foreign, NULL), -EINVAL);
	g_assert_null(fend_rate_free(NULL));
	g_assert_null(rate);
	fend_rate_free(foreign);
	fend_loop_free(own.loop);
	heard_fini(&heard);
	pair_fini(&pair);
}

static void
test_no_memory_is_told(struct test *test)
{
	struct fend_rate *rate = NULL;
	struct test own = { 0 };
	struct heard heard;
	struct pair pair;
	unsigned n;

	fault_install();
	test_ok(fend_loop_new(NULL, &own.loop));
	for (n = 1; !rate; n++) {
		fault_set(FAULT_ALLOCATE, n, -ENOMEM, 0);
		if (fend_rate_new(own.loop, NULL, &rate) < 0)
			g_assert_null(rate);
	}
	fault_clear();
	g_assert_cmpuint(n, >, 3);
	pair_init(&pair);
	heard_init(&heard, &own, &pair.a, NULL);
	fault_set(FAULT_ALLOCATE, 1, -ENOMEM, 0);
	test_error(fend_stream_set_rate(heard.stream, rate, NULL), -ENOMEM);
	test_ok(fend_stream_set_rate(heard.stream, rate, rate));
	heard_fini(&heard);
	pair_fini(&pair);
	fend_rate_free(rate);
	fend_loop_free(own.loop);
	fault_remove();
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
#define ADD(path, fn) streams_add("/rate/" path, fn)
	ADD("input-keeps-to-the-rate", test_input_keeps_to_the_rate);
	ADD("output-keeps-to-the-rate", test_output_keeps_to_the_rate);
	ADD("fractions-add-up", test_fractions_add_up);
	ADD("newcomers-do-not-jump-the-queue", test_newcomers_do_not_jump_the_queue);
	ADD("what-gathers-is-divided", test_what_gathers_is_divided);
	ADD("who-shares-a-rate-takes-turns", test_who_shares_a_rate_takes_turns);
	ADD("a-group-limits-all-and-each-has-its-own",
	    test_a_group_limits_all_and_each_has_its_own);
	ADD("without-its-rate-a-stream-goes-on", test_without_its_rate_a_stream_goes_on);
	ADD("a-rate-can-be-changed", test_a_rate_can_be_changed);
	ADD("who-leaves-holds-nobody-up", test_who_leaves_holds_nobody_up);
	ADD("pipes-and-layers-keep-to-the-rate", test_pipes_and_layers_keep_to_the_rate);
	ADD("a-failed-send-does-not-cut-slow-input", test_a_failed_send_does_not_cut_slow_input);
	ADD("a-rate-is-inert-after-its-loop", test_a_rate_is_inert_after_its_loop);
	ADD("rates-name-their-errors", test_rates_name_their_errors);
	ADD("no-memory-is-told", test_no_memory_is_told);
	return g_test_run();
}
