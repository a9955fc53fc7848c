/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

/* A connected pair of stream sockets with a source on the first. */
struct pair {
	struct test *test;
	int fds[2];
	struct fend_io *io;
	unsigned events; /* of the last callback */
	int calls;
	void (*then)(struct pair *pair);
};

static void
on_pair(struct fend_io *io, unsigned events, void *data)
{
	struct pair *pair = data;

	g_assert_true(!pair->io || io == pair->io);
	pair->events = events;
	pair->calls++;
	if (pair->then)
		pair->then(pair);
}

static int
pair_open(struct pair *pair, struct test *test, unsigned events)
{
	memset(pair, 0, sizeof(*pair));
	pair->test = test;
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				   pair->fds),
			==, 0);
	return fend_io_new(test->loop, pair->fds[0], events, on_pair, pair, &pair->io);
}

static void
pair_init(struct pair *pair, struct test *test, unsigned events)
{
	test_ok(pair_open(pair, test, events));
}

static void
pair_fini(struct pair *pair)
{
	fend_io_free(pair->io);
	close(pair->fds[0]);
	close(pair->fds[1]);
}

static void
feed(int fd)
{
	g_assert_cmpint(write(fd, "x", 1), ==, 1);
}

static int
is_epoll(struct test *test)
{
	return strcmp(fend_loop_dispatcher(test->loop), "epoll") == 0;
}

static void
test_in_is_level_triggered(struct test *test)
{
	struct pair pair;
	char byte;

	pair_init(&pair, test, FEND_IN);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	feed(pair.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_IN);
	g_assert_cmpint(read(pair.fds[0], &byte, 1), ==, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	pair_fini(&pair);
}

static void
test_set_changes_the_interest(struct test *test)
{
	struct pair pair;

	pair_init(&pair, test, FEND_IN);
	feed(pair.fds[1]);
	test_ok(fend_io_set(pair.io, FEND_OUT));
	g_assert_cmpuint(fend_io_events(pair.io), ==, FEND_OUT);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_OUT);
	test_ok(fend_io_set(pair.io, FEND_IN | FEND_OUT));
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_IN | FEND_OUT);
	test_ok(fend_io_set(pair.io, 0));
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	pair_fini(&pair);
}

static void
test_to_and_fro_costs_no_system_call(struct test *test)
{
	struct pair pair;

	pair_init(&pair, test, FEND_IN);
	test_ok(fend_loop_dispatch(test->loop, 0));
	fault_install();
	fault_set(FAULT_EPOLL_CTL, 1, -EIO, 1);
	test_ok(fend_io_set(pair.io, FEND_IN | FEND_OUT));
	test_ok(fend_io_set(pair.io, FEND_IN));
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_false(fault_struck());
	fend__kernel = &fend__kernel_real;
	pair_fini(&pair);
}

static void
test_hangup_is_not_folded_into_in(struct test *test)
{
	int fds[2];
	struct pair pair = { .test = test };
	char byte;

	/* A pipe without writer is HUP, and IN only while there is something to read. */
	g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
	test_ok(fend_io_new(test->loop, fds[0], FEND_IN, on_pair, &pair, &pair.io));
	feed(fds[1]);
	close(fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_IN | FEND_HUP);
	g_assert_cmpint(read(fds[0], &byte, 1), ==, 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_HUP);
	fend_io_free(pair.io);
	close(fds[0]);
}

static void
test_error_is_not_folded_into_out(struct test *test)
{
	int fds[2];
	struct pair pair = { .test = test };

	g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
	while (write(fds[1], "0123456789abcdef", 16) > 0)
		;
	test_ok(fend_io_new(test->loop, fds[1], FEND_OUT, on_pair, &pair, &pair.io));
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	close(fds[0]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_ERR);
	fend_io_free(pair.io);
	close(fds[1]);
}

static void
test_rdhup(struct test *test)
{
	struct pair pair;

	pair_init(&pair, test, FEND_RDHUP);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(shutdown(pair.fds[1], SHUT_WR), ==, 0);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_RDHUP);
	pair_fini(&pair);
}

static void
test_urgent_data_is_pri(struct test *test)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	struct pair pair = { .test = test };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	g_assert_cmpint(bind(listener, (struct sockaddr *)&address, size), ==, 0);
	g_assert_cmpint(listen(listener, 1), ==, 0);
	g_assert_cmpint(getsockname(listener, (struct sockaddr *)&address, &size), ==, 0);
	pair.fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(pair.fds[1], (struct sockaddr *)&address, size), ==, 0);
	pair.fds[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	test_ok(pair.fds[0]);
	test_ok(fend_io_new(test->loop, pair.fds[0], FEND_PRI, on_pair, &pair, &pair.io));
	feed(pair.fds[1]);
	test_error(fend_loop_dispatch(test->loop, FEND_MS(5)), 0);
	g_assert_cmpint(send(pair.fds[1], "!", 1, MSG_OOB), ==, 1);
	test_wait(test, &pair.calls);
	g_assert_cmpuint(pair.events, ==, FEND_PRI);
	pair_fini(&pair);
	close(listener);
}

/* Each loop has a source of its own, and -EEXIST is about one loop. */
static void
test_one_descriptor_in_two_loops(struct test *test)
{
	struct test second = { 0 };
	struct pair pair, again = { 0 };

	pair_init(&pair, test, FEND_IN);
	test_ok(fend_loop_new(NULL, &second.loop));
	test_ok(fend_io_new(second.loop, pair.fds[0], FEND_IN, on_pair, &again, &again.io));
	feed(pair.fds[1]);
	test_error(fend_loop_dispatch(second.loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	fend_io_free(again.io);
	fend_loop_free(second.loop);
	pair_fini(&pair);
}

static void
test_hangup_without_interest_is_parked(struct test *test)
{
	struct pair pair;
	int i;

	pair_init(&pair, test, FEND_IN);
	test_ok(fend_io_set(pair.io, 0));
	close(pair.fds[1]);
	/* Were it not parked, each of these would return at once with nothing done. */
	for (i = 0; i < 3; i++)
		test_error(fend_loop_dispatch(test->loop, 0), 0);
	{
		fend_time start = fend_now();

		test_error(fend_loop_dispatch(test->loop, FEND_MS(20)), 0);
		test_error(fend_loop_dispatch(test->loop, FEND_MS(20)), 0);
		g_assert_cmpint(fend_now() - start, >=, FEND_MS(20));
	}
	test_ok(fend_io_set(pair.io, FEND_OUT));
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_true(pair.events & FEND_HUP);
	pair.fds[1] = -1;
	pair_fini(&pair);
}

static struct pair *victims[3];

static void
test_oneshot_fires_once_until_set(struct test *test)
{
	struct pair pair;
	fend_time start;

	pair_init(&pair, test, FEND_IN | FEND_ONESHOT);
	g_assert_cmpuint(fend_io_events(pair.io), ==, FEND_IN | FEND_ONESHOT);
	feed(pair.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	close(pair.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	test_ok(fend_io_set(pair.io, FEND_IN));
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	g_assert_cmpint(pair.calls, ==, 2);
	/* It is silent in the kernel as well, or this would return at once. */
	start = fend_now();
	test_error(fend_loop_dispatch(test->loop, FEND_MS(20)), 0);
	g_assert_cmpint(fend_now() - start, >=, FEND_MS(20));
	pair.fds[1] = -1;
	pair_fini(&pair);
}

static void
rearm(struct pair *pair)
{
	test_ok(fend_io_set(pair->io, FEND_IN));
}

static void
test_oneshot_rearmed_inside_its_callback(struct test *test)
{
	struct pair pair;

	pair_init(&pair, test, FEND_IN | FEND_ONESHOT);
	pair.then = rearm;
	feed(pair.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	pair_fini(&pair);
}

static void
test_edge_reports_changes_only(struct test *test)
{
	struct pair pair;

	if (!(fend_loop_features(test->loop) & FEND_LOOP_EDGE)) {
		test_error(pair_open(&pair, test, FEND_IN | FEND_EDGE), -ENOTSUP);
		pair_fini(&pair);
		return;
	}
	pair_init(&pair, test, FEND_IN | FEND_EDGE);
	feed(pair.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	feed(pair.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	pair_fini(&pair);
}

/* The one that is reported first silences the other, whose edge then meets no interest. */
static void
silence_both(struct pair *pair)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		test_ok(fend_io_set(victims[i]->io, 0));
		victims[i]->then = NULL;
	}
}

static void
rouse_both(struct fend_timer *timer, uint64_t expirations, void *data)
{
	unsigned i;

	for (i = 0; i < 2; i++)
		test_ok(fend_io_set(victims[i]->io, FEND_IN));
}

static void
set_the_same(struct pair *pair)
{
	test_ok(fend_io_set(pair->io, FEND_IN));
}

static void
test_edge_is_not_repeated_by_setting_the_same(struct test *test)
{
	struct pair pair;

	if (!(fend_loop_features(test->loop) & FEND_LOOP_EDGE))
		return;
	pair_init(&pair, test, FEND_IN | FEND_EDGE);
	pair.then = set_the_same;
	feed(pair.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	pair_fini(&pair);
}

/* An edge that is reported while a callback has the interest off for a moment is not lost. */
static void
test_edge_survives_a_change_to_and_fro(struct test *test)
{
	struct fend_timer *timer;
	struct pair pairs[2];
	int i;

	if (!(fend_loop_features(test->loop) & FEND_LOOP_EDGE))
		return;
	for (i = 0; i < 2; i++) {
		pair_init(&pairs[i], test, FEND_IN | FEND_EDGE);
		pairs[i].then = silence_both;
		victims[i] = &pairs[i];
		feed(pairs[i].fds[1]);
	}
	test_ok(fend_timer_new(test->loop, rouse_both, NULL, &timer));
	fend_timer_after(timer, 0);
	/* One callback, and the timer, in the same iteration. */
	test_error(fend_loop_dispatch(test->loop, 0), 2);
	g_assert_cmpint(pairs[0].calls + pairs[1].calls, ==, 1);
	test_ok(fend_loop_dispatch(test->loop, 0));
	g_assert_cmpint(pairs[0].calls, >=, 1);
	g_assert_cmpint(pairs[1].calls, >=, 1);
	fend_timer_free(timer);
	for (i = 0; i < 2; i++)
		pair_fini(&pairs[i]);
}

static void
test_exclusive_after_a_refused_change(struct test *test)
{
	struct pair pair;

	if (!(fend_loop_features(test->loop) & FEND_LOOP_EXCLUSIVE))
		return;
	pair_init(&pair, test, FEND_IN | FEND_EXCLUSIVE);
	feed(pair.fds[1]);
	fault_install();
	fault_set(FAULT_EPOLL_CTL, 2, -ENOMEM,
		  0); /* the deletion succeeds, the addition does not */
	test_ok(fend_io_set(pair.io, FEND_IN | FEND_OUT));
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_ERR);
	fend__kernel = &fend__kernel_real;
	test_ok(fend_io_set(pair.io, FEND_IN));
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_IN);
	pair_fini(&pair);
}

static void
test_exclusive(struct test *test)
{
	struct pair pair;

	if (!(fend_loop_features(test->loop) & FEND_LOOP_EXCLUSIVE)) {
		test_error(pair_open(&pair, test, FEND_IN | FEND_EXCLUSIVE), -ENOTSUP);
		pair_fini(&pair);
		return;
	}
	pair_init(&pair, test, FEND_IN | FEND_EXCLUSIVE);
	feed(pair.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_ok(fend_io_set(pair.io, 0));
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	test_ok(fend_io_set(pair.io, FEND_IN | FEND_OUT));
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_IN | FEND_OUT);
	test_error(fend_io_set(pair.io, FEND_RDHUP), -EINVAL);
	pair_fini(&pair);
}

static void
test_bad_arguments(struct test *test)
{
	struct pair pair;
	struct fend_io *io = NULL;
	int fd = eventfd(0, EFD_CLOEXEC);
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int dir = open("/", O_RDONLY | O_CLOEXEC);
	unsigned exclusive = FEND_IN | FEND_EXCLUSIVE;

	test_error(fend_io_new(NULL, fd, FEND_IN, on_pair, &pair, &io), -EINVAL);
	test_error(fend_io_new(test->loop, fd, FEND_IN, NULL, NULL, &io), -EINVAL);
	test_error(fend_io_new(test->loop, fd, FEND_IN, on_pair, &pair, NULL), -EINVAL);
	test_error(fend_io_new(test->loop, fd, FEND_ERR, on_pair, &pair, &io), -EINVAL);
	test_error(fend_io_new(test->loop, fd, 1u << 30, on_pair, &pair, &io), -EINVAL);
	test_error(fend_io_new(test->loop, fd, exclusive | FEND_ONESHOT, on_pair, &pair, &io),
		   -EINVAL);
	test_error(fend_io_new(test->loop, fd, exclusive | FEND_RDHUP, on_pair, &pair, &io),
		   -EINVAL);
	test_error(fend_io_new(test->loop, fd, exclusive | FEND_PRI, on_pair, &pair, &io), -EINVAL);
	test_error(fend_io_new(test->loop, -1, FEND_IN, on_pair, &pair, &io), -EBADF);
	test_error(fend_io_new(test->loop, G_MAXINT, FEND_IN, on_pair, &pair, &io), -EBADF);
	test_error(fend_io_new(test->loop, 1000000, FEND_IN, on_pair, &pair, &io), -EBADF);
	test_error(fend_io_new(test->loop, file, FEND_IN, on_pair, &pair, &io), -EPERM);
	test_error(fend_io_new(test->loop, dir, FEND_IN, on_pair, &pair, &io), -EPERM);
	g_assert_null(io);
	test_error(fend_io_set(NULL, 0), -EINVAL);
	test_error(fend_io_fd(NULL), -EINVAL);
	g_assert_cmpuint(fend_io_events(NULL), ==, 0);
	g_assert_null(fend_io_free(NULL));
	pair_init(&pair, test, FEND_IN);
	test_error(fend_io_set(pair.io, FEND_EDGE), -EINVAL);
	test_error(fend_io_new(test->loop, pair.fds[0], FEND_IN, on_pair, &pair, &io), -EEXIST);
	pair_fini(&pair);
	close(fd);
	close(file);
	close(dir);
}

static void
test_null_device(struct test *test)
{
	struct pair pair = { .test = test };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int r = fend_io_new(test->loop, fd, FEND_IN, on_pair, &pair, &pair.io);

	if (is_epoll(test)) {
		test_error(r, -EPERM);
	} else {
		test_error(r, 0);
		test_error(fend_loop_dispatch(test->loop, 0), 1);
		fend_io_free(pair.io);
	}
	close(fd);
}

static void
free_all(struct pair *pair)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		victims[i]->io = fend_io_free(victims[i]->io);
}

static void
test_free_all_of_a_batch_in_the_first_callback(struct test *test)
{
	struct pair pairs[3];
	unsigned i;

	for (i = 0; i < 3; i++) {
		pair_init(&pairs[i], test, FEND_IN);
		pairs[i].then = free_all;
		victims[i] = &pairs[i];
		feed(pairs[i].fds[1]);
	}
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	for (i = 0; i < 3; i++)
		pair_fini(&pairs[i]);
}

static void
silence_others(struct pair *pair)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		test_ok(fend_io_set(victims[i]->io, 0));
}

static void
test_interest_is_that_of_delivery(struct test *test)
{
	struct pair pairs[3];
	unsigned i;

	for (i = 0; i < 3; i++) {
		pair_init(&pairs[i], test, FEND_IN);
		pairs[i].then = silence_others;
		victims[i] = &pairs[i];
		feed(pairs[i].fds[1]);
	}
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	for (i = 0; i < 3; i++)
		pair_fini(&pairs[i]);
}

static struct pair reborn;

/* Close another of the batch and open one that gets its number and its slot. */
static void
replace_other(struct pair *pair)
{
	struct pair *other = victims[0] == pair ? victims[1] : victims[0];
	int number = other->fds[0];

	pair->then = NULL;
	other->then = NULL;
	other->io = fend_io_free(other->io);
	close(other->fds[0]);
	close(other->fds[1]);
	pair_init(&reborn, pair->test, FEND_IN);
	g_assert_true(reborn.fds[0] == number || reborn.fds[1] == number);
	other->fds[0] = other->fds[1] = -1;
}

static void
test_number_reused_inside_a_batch(struct test *test)
{
	struct pair pairs[2];
	unsigned i;

	for (i = 0; i < 2; i++) {
		pair_init(&pairs[i], test, FEND_IN);
		pairs[i].then = replace_other;
		victims[i] = &pairs[i];
		feed(pairs[i].fds[1]);
	}
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(reborn.calls, ==, 0);
	feed(reborn.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 2);
	g_assert_cmpint(reborn.calls, ==, 1);
	for (i = 0; i < 2; i++)
		pair_fini(&pairs[i]);
	pair_fini(&reborn);
}

/* The order the header forbids, with a duplicate that keeps the registration alive in the kernel. */
static void
test_closed_first_while_duplicated(struct test *test)
{
	struct pair pair, other;
	int copy, rounds, calls = 0;
	fend_time start;

	pair_init(&pair, test, FEND_IN);
	pair_init(&other, test, FEND_IN);
	copy = fcntl(pair.fds[0], F_DUPFD_CLOEXEC, 0);
	test_ok(copy);
	close(pair.fds[0]);
	pair.io = fend_io_free(pair.io);
	feed(pair.fds[1]);
	/* The first wait may find the orphan; after that the loop must be able to sleep. */
	for (rounds = 0; rounds < 3; rounds++)
		calls += fend_loop_dispatch(test->loop, 0);
	g_assert_cmpint(calls, ==, 0);
	start = fend_now();
	test_error(fend_loop_dispatch(test->loop, FEND_MS(20)), 0);
	g_assert_cmpint(fend_now() - start, >=, FEND_MS(20));
	/* The other source lives on, and so does the wake-up. */
	feed(other.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(other.calls, ==, 1);
	g_assert_cmpint(pair.calls, ==, 0);
	close(copy);
	pair.fds[0] = -1;
	pair_fini(&pair);
	pair_fini(&other);
}

/* The orphan's number is given to the same file again, and watched again. */
static void
test_closed_first_and_back_under_its_number(struct test *test)
{
	const unsigned exclusive =
		fend_loop_features(test->loop) & FEND_LOOP_EXCLUSIVE ? FEND_EXCLUSIVE : 0;
	unsigned i;

	for (i = 0; i < 4; i++) {
		unsigned old = FEND_IN | (i & 1 ? exclusive : 0);
		unsigned new = FEND_IN | (i & 2 ? exclusive : 0);
		struct pair pair;
		int copy;

		pair_init(&pair, test, old);
		copy = fcntl(pair.fds[0], F_DUPFD_CLOEXEC, 0);
		close(pair.fds[0]);
		pair.io = fend_io_free(pair.io);
		g_assert_cmpint(dup3(copy, pair.fds[0], O_CLOEXEC), ==, pair.fds[0]);
		close(copy);
		test_ok(fend_io_new(test->loop, pair.fds[0], new, on_pair, &pair, &pair.io));
		feed(pair.fds[1]);
		test_error(fend_loop_dispatch(test->loop, 0), 1);
		g_assert_cmpuint(pair.events, ==, FEND_IN);
		pair_fini(&pair);
		test_error(fend_loop_dispatch(test->loop, 0), 0);
	}
}

/* Silenced instead of freed: a change the kernel refuses, and then nothing. */
static void
test_closed_first_and_silenced(struct test *test)
{
	struct pair pair;
	int copy, rounds;
	fend_time start;

	pair_init(&pair, test, FEND_IN);
	copy = fcntl(pair.fds[0], F_DUPFD_CLOEXEC, 0);
	close(pair.fds[0]);
	feed(pair.fds[1]);
	test_ok(fend_io_set(pair.io, 0));
	for (rounds = 0; rounds < 3; rounds++)
		test_error(fend_loop_dispatch(test->loop, 0), 0);
	start = fend_now();
	test_error(fend_loop_dispatch(test->loop, FEND_MS(20)), 0);
	g_assert_cmpint(fend_now() - start, >=, FEND_MS(20));
	close(copy);
	pair.fds[0] = -1;
	pair_fini(&pair);
}

/* While the loop moves to a new epoll, a number under a source that was closed is somebody else's. */
static void
test_stranger_under_a_closed_number(struct test *test)
{
	struct pair pair, orphan, stranger = { 0 };
	int copy, rounds;

	if (!is_epoll(test))
		return;
	pair_init(&pair, test, FEND_IN);
	pair_init(&orphan, test, FEND_IN);
	copy = fcntl(orphan.fds[0], F_DUPFD_CLOEXEC, 0);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stranger.fds), ==, 0);
	g_assert_cmpint(dup3(stranger.fds[0], pair.fds[0], O_CLOEXEC), ==, pair.fds[0]);
	feed(stranger.fds[1]);
	close(orphan.fds[0]);
	orphan.io = fend_io_free(orphan.io);
	feed(orphan.fds[1]);
	for (rounds = 0; rounds < 4; rounds++)
		test_error(fend_loop_dispatch(test->loop, 0), 0);
	close(copy);
	close(stranger.fds[0]);
	close(stranger.fds[1]);
	orphan.fds[0] = -1;
	pair_fini(&pair);
	pair_fini(&orphan);
}

static void
test_orphan_when_no_new_epoll_can_be_made(struct test *test)
{
	struct pair pair, other;
	int copy, rounds;

	pair_init(&pair, test, FEND_IN);
	pair_init(&other, test, FEND_IN);
	copy = fcntl(pair.fds[0], F_DUPFD_CLOEXEC, 0);
	close(pair.fds[0]);
	pair.io = fend_io_free(pair.io);
	feed(pair.fds[1]);
	fault_install();
	fault_set(FAULT_EPOLL_CREATE, 1, -EMFILE, 1);
	for (rounds = 0; rounds < 3; rounds++)
		test_error(fend_loop_dispatch(test->loop, 0), 0);
	feed(other.fds[1]);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	fend__kernel = &fend__kernel_real;
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	close(copy);
	pair.fds[0] = -1;
	pair_fini(&pair);
	pair_fini(&other);
}

static void
test_refused_change_comes_as_err(struct test *test)
{
	struct pair pair;

	if (!is_epoll(test))
		return;
	pair_init(&pair, test, FEND_IN);
	test_ok(fend_loop_dispatch(test->loop, 0));
	fault_install();
	fault_set(FAULT_EPOLL_CTL, 1, -ENOMEM, 0);
	test_ok(fend_io_set(pair.io, FEND_OUT));
	test_error(fend_loop_dispatch(test->loop, FEND_FOREVER), 1);
	g_assert_true(fault_struck());
	fend__kernel = &fend__kernel_real;
	g_assert_cmpuint(pair.events, ==, FEND_ERR);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	test_ok(fend_io_set(pair.io, FEND_OUT));
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpuint(pair.events, ==, FEND_OUT);
	pair_fini(&pair);
}

static void
test_closed_number_does_not_spin(struct test *test)
{
	struct pair pair;
	fend_time start;

	pair_init(&pair, test, FEND_IN);
	close(pair.fds[0]);
	close(pair.fds[1]);
	pair.fds[0] = pair.fds[1] = -1;
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	start = fend_now();
	test_error(fend_loop_dispatch(test->loop, FEND_MS(20)), 0);
	g_assert_cmpint(fend_now() - start, >=, FEND_MS(20));
	pair_fini(&pair);
}

/* More sources than a batch holds: each is served once per round of ceil(n / batch) iterations. */
static void
test_every_ready_source_is_served(struct test *test)
{
	enum { N = 600, BATCH = 256 };
	struct pair *pairs = g_new0(struct pair, N);
	int rounds = is_epoll(test) ? (N + BATCH - 1) / BATCH : 1;
	int i;

	for (i = 0; i < N; i++) {
		pairs[i].fds[0] = eventfd(1, EFD_CLOEXEC);
		pairs[i].fds[1] = -1;
		test_ok(pairs[i].fds[0]);
		test_ok(fend_io_new(test->loop, pairs[i].fds[0], FEND_IN, on_pair, &pairs[i],
				    &pairs[i].io));
	}
	for (i = 0; i < rounds; i++)
		test_ok(fend_loop_dispatch(test->loop, 0));
	for (i = 0; i < N; i++) {
		g_assert_cmpint(pairs[i].calls, >=, 1);
		g_assert_cmpint(pairs[i].calls, <=, rounds);
		pair_fini(&pairs[i]);
	}
	g_free(pairs);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/io/in-is-level-triggered", test_in_is_level_triggered);
	test_add("/io/set-changes-the-interest", test_set_changes_the_interest);
	test_add("/io/to-and-fro-costs-no-system-call", test_to_and_fro_costs_no_system_call);
	test_add("/io/hangup-is-not-folded-into-in", test_hangup_is_not_folded_into_in);
	test_add("/io/error-is-not-folded-into-out", test_error_is_not_folded_into_out);
	test_add("/io/rdhup", test_rdhup);
	test_add("/io/urgent-data-is-pri", test_urgent_data_is_pri);
	test_add("/io/one-descriptor-in-two-loops", test_one_descriptor_in_two_loops);
	test_add("/io/hangup-without-interest-is-parked", test_hangup_without_interest_is_parked);
	test_add("/io/oneshot-fires-once-until-set", test_oneshot_fires_once_until_set);
	test_add("/io/oneshot-rearmed-inside-its-callback",
		 test_oneshot_rearmed_inside_its_callback);
	test_add("/io/edge-reports-changes-only", test_edge_reports_changes_only);
	test_add("/io/edge-is-not-repeated-by-setting-the-same",
		 test_edge_is_not_repeated_by_setting_the_same);
	test_add("/io/edge-survives-a-change-to-and-fro", test_edge_survives_a_change_to_and_fro);
	test_add("/io/exclusive", test_exclusive);
	test_add("/io/exclusive-after-a-refused-change", test_exclusive_after_a_refused_change);
	test_add("/io/bad-arguments", test_bad_arguments);
	test_add("/io/null-device", test_null_device);
	test_add("/io/free-all-of-a-batch-in-the-first-callback",
		 test_free_all_of_a_batch_in_the_first_callback);
	test_add("/io/interest-is-that-of-delivery", test_interest_is_that_of_delivery);
	test_add("/io/number-reused-inside-a-batch", test_number_reused_inside_a_batch);
	test_add("/io/closed-first-while-duplicated", test_closed_first_while_duplicated);
	test_add("/io/closed-first-and-back-under-its-number",
		 test_closed_first_and_back_under_its_number);
	test_add("/io/closed-first-and-silenced", test_closed_first_and_silenced);
	test_add("/io/stranger-under-a-closed-number", test_stranger_under_a_closed_number);
	test_add("/io/orphan-when-no-new-epoll-can-be-made",
		 test_orphan_when_no_new_epoll_can_be_made);
	test_add("/io/refused-change-comes-as-err", test_refused_change_comes_as_err);
	test_add("/io/closed-number-does-not-spin", test_closed_number_does_not_spin);
	test_add("/io/every-ready-source-is-served", test_every_ready_source_is_served);
	return g_test_run();
}
