/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "fault.h"
#include "pair.h"
#include "races.h"

static void
test_without_descriptors_the_running_attempt_goes_on(struct test *test)
{
	struct fend_connect_options given = race_options(0, FEND_MS(20));
	struct fend_address addresses[2];
	struct fend_socket *listener;
	struct hole hole;
	struct race race;

	hole_init(&hole, AF_INET);
	addresses[0] = hole.address;
	listener = listen_on(AF_INET, 8, &addresses[1]);

	/* The second attempt is made as soon as there is a descriptor for it. */
	fend_loop_free(test->loop);
	fault_install();
	test_ok(fend_loop_new(NULL, &test->loop));
	fault_set(FAULT_SOCKET, 2, -EMFILE, 0);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	assert_peer(&race, &addresses[1]);
	g_assert_true(fault_struck());
	g_assert_cmpint(start_of(&race, 1) - start_of(&race, 0), >=, 2 * FEND_MS(20) - EARLY);
	race_fini(&race);

	/* There never is one: the first attempt wins when it is answered at last. */
	fault_set(FAULT_SOCKET, 2, -EMFILE, 1);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	while (!fault_struck())
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	hole_drain(&hole);
	race_run(&race);
	assert_peer(&race, &addresses[0]);
	race_fini(&race);

	/* Nobody runs who could give one back. */
	fault_set(FAULT_SOCKET, 1, -EMFILE, 1);
	race_begin(&race, test, &given);
	race_add(&race, addresses, 2);
	race_run(&race);
	test_error(race.err, -EMFILE);
	race_fini(&race);
	test->loop = fend_loop_free(test->loop);
	fault_remove();
	hole_fini(&hole);
	fend_socket_free(listener);
}

/* One race against two addresses, the second of which works. 0 or how it failed. */
static int
play(const struct fend_address *addresses)
{
	struct fend_connect_options given = race_options(0, FEND_MS(10));
	struct test own = { 0 };
	struct race race = { .test = &own };
	int r;

	r = fend_loop_new(NULL, &own.loop);
	if (r >= 0)
		r = fend_connect_new(own.loop, &given, race_on_end, &race, &race.connect);
	if (r >= 0)
		r = fend_connect_set_feeder(race.connect, race_on_stop, &race);
	if (r >= 0)
		r = fend_connect_add(race.connect, &addresses[0]);
	if (r >= 0)
		r = fend_connect_add(race.connect, &addresses[1]);
	if (r >= 0)
		r = fend_connect_last(race.connect);
	while (r >= 0 && !race.calls)
		r = fend_loop_dispatch(own.loop, FEND_SEC(20));
	if (race.calls)
		r = race.err;
	race_fini(&race);
	fend_loop_free(own.loop);
	return r;
}

static void
test_each_failure_becomes_an_error(struct test *test)
{
	static const struct {
		enum fault_op op;
		int error;
	} faults[] = {
		{ FAULT_ALLOCATE, -ENOMEM },     { FAULT_WAKEUP, -EMFILE },
		{ FAULT_EPOLL_CREATE, -EMFILE }, { FAULT_EPOLL_CTL, -EIO },
		{ FAULT_EPOLL_WAIT, -EIO },      { FAULT_POLL, -EIO },
		{ FAULT_SOCKET, -EMFILE },       { FAULT_CONNECT, -ENETUNREACH },
		{ FAULT_GETSOCKOPT, -ENOBUFS },  { FAULT_SETSOCKOPT, -ENOBUFS },
		{ FAULT_GET_FLAGS, -EIO },       { FAULT_SET_FLAGS, -EIO },
	};
	struct fend_address addresses[2];
	struct fend_socket *listener;
	unsigned failed = 0, n;
	int fds, sticky;
	size_t i;

	refused_address(AF_INET, &addresses[0]);
	listener = listen_on(AF_INET, 128, &addresses[1]);
	fault_install();
	fds = test_count_fds();
	for (i = 0; i < G_N_ELEMENTS(faults); i++) {
		for (sticky = 0; sticky < 2; sticky++) {
			for (n = 1;; n++) {
				int r;

				fault_set(faults[i].op, n, faults[i].error, sticky);
				r = play(addresses);
				if (!fault_struck()) {
					test_error(r, 0);
					break;
				}
				/* The other address may succeed, or tell more. */
				if (r != 0 && r != -ECONNREFUSED)
					test_error(r, faults[i].error);
				failed += r != 0;
				g_assert_cmpint(test_count_fds(), ==, fds);
			}
		}
	}
	fault_remove();
	g_assert_cmpint(failed, >, 20);
	fend_socket_free(listener);
}

/* The socket's first interest is accepted, and that of the attempt will be refused. */
static int
prepare_to_be_refused(struct fend_socket *socket, const struct fend_address *address, void *data)
{
	struct race *race = data;
	struct told told;

	test_error(fend_socket_watch(socket, race->test->loop, FEND_IN, on_told, &told), 0);
	fend_socket_unwatch(socket);
	fault_set(FAULT_EPOLL_CTL, 1, -ENOMEM, 0);
	return 0;
}

/* FEND_ERR is all that comes; it is no error of the connection, which is not there yet. */
static void
test_an_attempt_that_cannot_be_watched_has_failed(struct test *test)
{
	struct fend_connect_options given = race_options(0, 0);
	struct test own = { 0 };
	struct hole hole;
	struct race race;

	hole_init(&hole, AF_INET);
	fault_install();
	test_ok(fend_loop_new(NULL, &own.loop));
	given.prepare = prepare_to_be_refused;
	race_begin(&race, &own, &given);
	race_add(&race, &hole.address, 1);
	race_run(&race);
	g_assert_true(fault_struck());
	test_error(race.err, -ENOTCONN);
	race_fini(&race);
	fend_loop_free(own.loop);
	fault_remove();
	hole_fini(&hole);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/connect-fault/without-descriptors-the-running-attempt-goes-on",
		 test_without_descriptors_the_running_attempt_goes_on);
	/* poll has nothing that could refuse. */
	if (g_strcmp0(g_getenv("FEND_DISPATCHER"), "poll") != 0)
		test_add("/connect-fault/an-attempt-that-cannot-be-watched-has-failed",
			 test_an_attempt_that_cannot_be_watched_has_failed);
	test_add("/connect-fault/each-failure-becomes-an-error",
		 test_each_failure_becomes_an_error);
	return g_test_run();
}
