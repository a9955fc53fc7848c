/* SPDX-License-Identifier: MIT */
#include <fend/listener.h>

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "listeners.h"
#include "pair.h"

/* When accept(2) was called, on top of the door that was there. */
#define ATTEMPTS_MAX 64

static const struct fend__kernel *below;
static struct fend__kernel door;
static fend_time attempts[ATTEMPTS_MAX];
static int n_attempts;

static int
note_accept(int fd, struct sockaddr *address, socklen_t *size)
{
	g_assert_cmpint(n_attempts, <, ATTEMPTS_MAX);
	attempts[n_attempts++] = fend__kernel->now();
	return below->accept(fd, address, size);
}

static void
note_attempts(void)
{
	below = fend__kernel;
	door = *below;
	door.accept = note_accept;
	n_attempts = 0;
	fend__kernel = &door;
}

/*
 * There is a client for each attempt, since valgrind lets the kernel accept and then closes what is
 * beyond the limit.
 */
static void
be_without_descriptors(void)
{
	struct fend_listener_options options = service_options(0);
	struct rlimit limit;
	struct test own = { 0 };
	struct service service;
	struct fend_socket *clients[8];
	int fds[64], n = 0, calls = 0;
	fend_time begun;

	test_ok(fend_loop_new(NULL, &own.loop));
	service_init(&service, &own, NULL, &options);
	clients_init(clients, 8, &service.address);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	limit.rlim_cur = G_N_ELEMENTS(fds);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	while ((fds[n] = dup(0)) >= 0)
		n++;
	note_attempts();
	begun = fend_now();
	while (fend_now() - begun < FEND_SEC(1)) {
		test_ok(fend_loop_dispatch(own.loop, FEND_MS(100)));
		calls++;
	}
	/* At once, and after 100, 200 and 400 ms. */
	g_assert_cmpint(n_attempts, >=, 1);
	g_assert_cmpint(n_attempts, <=, 4);
	g_assert_cmpint(calls, <=, 24);
	g_assert_cmpint(service.accepted, ==, 0);
	g_assert_cmpint(service.paused, ==, n_attempts);
	test_error(service.pause_error, -EMFILE);
	while (n > 0)
		close(fds[--n]);
	test_wait(&own, &service.accepted);
	clients_fini(clients, 8);
	service_fini(&service);
	fend_loop_free(own.loop);
}

/* A process that has no descriptor left asks a few times a second, and recovers. */
static void
test_no_descriptors(struct test *test)
{
	int status;
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		alarm(60 * (unsigned)test_slowness());
		be_without_descriptors();
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

/* Each attempt came so many milliseconds after the one before it. */
static void
assert_pauses(const int *milliseconds, int n)
{
	int i;

	g_assert_cmpint(n_attempts, ==, n + 1);
	for (i = 0; i < n; i++)
		g_assert_cmpint(attempts[i + 1] - attempts[i], ==, FEND_MS(milliseconds[i]));
}

/* A listener on a clock that is only moved by waiting, with a client, and accept failing. */
static void
scarcity_init(struct service *service, struct test *own, struct fend_socket **client, int error)
{
	struct fend_listener_options options = service_options(0);

	fault_install();
	clock_install();
	note_attempts();
	*own = (struct test){ 0 };
	test_ok(fend_loop_new(NULL, &own->loop));
	service_init(service, own, NULL, &options);
	*client = client_new(&service->address);
	fault_set(FAULT_ACCEPT, 1, error, 1);
}

static void
scarcity_fini(struct service *service, struct test *own, struct fend_socket *client)
{
	fend_socket_free(client);
	service_fini(service);
	fend_loop_free(own->loop);
	fend__kernel = below;
	clock_remove();
	fault_remove();
}

static void
test_pauses_get_longer_until_one_helps(struct test *test)
{
	struct fend_socket *client, *second;
	struct service service;
	struct test own;

	scarcity_init(&service, &own, &client, -EMFILE);
	while (service.paused < 7)
		test_ok(fend_loop_dispatch(own.loop, FEND_FOREVER));
	assert_pauses((const int[]){ 100, 200, 400, 800, 1000, 1000 }, 6);
	g_assert_cmpuint(service_stats(&service).paused, ==, 7);
	fault_clear();
	test_wait(&own, &service.accepted);
	g_assert_cmpint(attempts[7] - attempts[6], ==, FEND_SEC(1));

	/* After that it begins anew. */
	test_drain(&own);
	n_attempts = 0;
	fault_set(FAULT_ACCEPT, 1, -EMFILE, 1);
	second = client_new(&service.address);
	while (service.paused < 9)
		test_ok(fend_loop_dispatch(own.loop, FEND_FOREVER));
	assert_pauses((const int[]){ 100 }, 1);
	fend_socket_free(second);
	scarcity_fini(&service, &own, client);
}

static void
test_any_error_is_a_reason_to_pause(struct test *test)
{
	static const int errors[] = { -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM, -EPERM, -EIO };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(errors); i++) {
		struct fend_socket *client;
		struct service service;
		struct test own;

		scarcity_init(&service, &own, &client, errors[i]);
		test_wait(&own, &service.paused);
		test_error(service.pause_error, errors[i]);
		fault_clear();
		test_wait(&own, &service.accepted);
		/* The last finds no more connection. */
		assert_pauses((const int[]){ 100, 0 }, 2);
		g_assert_cmpint(service.paused, ==, 1);
		scarcity_fini(&service, &own, client);
	}
}

/* A connection that is gone again when it is accepted is none of the listener's troubles. */
static void
test_a_connection_that_is_gone_is_no_reason(struct test *test)
{
	static const int errors[] = { -ECONNABORTED, -EPROTO, -EHOSTUNREACH, -ENETDOWN };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(errors); i++) {
		struct fend_socket *client;
		struct service service;
		struct test own;

		scarcity_init(&service, &own, &client, errors[i]);
		test_error(fend_loop_dispatch(own.loop, 0), 1);
		fault_clear();
		test_error(fend_loop_dispatch(own.loop, 0), 1);
		g_assert_cmpint(service.accepted, ==, 1);
		g_assert_cmpint(service.paused, ==, 0);
		assert_pauses((const int[]){ 0, 0 }, 2);
		scarcity_fini(&service, &own, client);
	}
}

static void
test_the_limit_of_connections(struct test *test)
{
	struct fend_listener_options options = service_options(0);
	struct fend_socket *clients[4];
	struct service service;

	options.connections_max = 2;
	service_init(&service, test, NULL, &options);
	clients_init(clients, 4, &service.address);
	test_drain(test);
	g_assert_cmpint(service.accepted, ==, 2);
	g_assert_cmpint(service.paused, ==, 1);
	test_error(service.pause_error, 0);
	service.sockets[0] = fend_socket_free(service.sockets[0]);
	test_drain(test);
	g_assert_cmpint(service.accepted, ==, 3);
	g_assert_cmpint(service.paused, ==, 2);
	service.sockets[1] = fend_socket_free(service.sockets[1]);
	service.sockets[2] = fend_socket_free(service.sockets[2]);
	test_drain(test);
	g_assert_cmpint(service.accepted, ==, 4);
	g_assert_cmpint(service.paused, ==, 2);
	clients_fini(clients, 4);
	service_fini(&service);
}

static void *
free_socket(void *socket)
{
	fend_socket_free(socket);
	return NULL;
}

/* A socket without a loop may go to another thread, and still counts until it is freed there. */
static void
test_a_connection_may_end_on_another_thread(struct test *test)
{
	struct fend_listener_options options = service_options(0);
	struct fend_socket *clients[2];
	struct service service;
	pthread_t thread;

	options.connections_max = 1;
	service_init(&service, test, NULL, &options);
	clients_init(clients, 2, &service.address);
	test_drain(test);
	g_assert_cmpint(service.accepted, ==, 1);
	g_assert_cmpint(pthread_create(&thread, NULL, free_socket, service.sockets[0]), ==, 0);
	service.sockets[0] = NULL;
	while (service.accepted < 2)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
	g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
	clients_fini(clients, 2);
	service_fini(&service);
}

static void
pause_listener(struct service *service)
{
	fend_listener_pause(service->listener);
}

static void
test_pause_and_resume(struct test *test)
{
	struct fend_socket *clients[2];
	struct service service;

	service_init(&service, test, NULL, NULL);
	fend_listener_pause(service.listener);
	clients_init(clients, 2, &service.address);
	test_drain(test);
	g_assert_cmpint(service.accepted, ==, 0);
	/* One in the callback holds within the batch. */
	service.on_accept = pause_listener;
	fend_listener_resume(service.listener);
	test_drain(test);
	g_assert_cmpint(service.accepted, ==, 1);
	fend_listener_resume(service.listener);
	test_drain(test);
	g_assert_cmpint(service.accepted, ==, 2);
	fend_listener_pause(NULL);
	fend_listener_resume(NULL);
	clients_fini(clients, 2);
	service_fini(&service);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/listener-pause/no-descriptors", test_no_descriptors);
	test_add("/listener-pause/pauses-get-longer-until-one-helps",
		 test_pauses_get_longer_until_one_helps);
	test_add("/listener-pause/any-error-is-a-reason-to-pause",
		 test_any_error_is_a_reason_to_pause);
	test_add("/listener-pause/a-connection-that-is-gone-is-no-reason",
		 test_a_connection_that_is_gone_is_no_reason);
	test_add("/listener-pause/the-limit-of-connections", test_the_limit_of_connections);
	test_add("/listener-pause/a-connection-may-end-on-another-thread",
		 test_a_connection_may_end_on_another_thread);
	test_add("/listener-pause/pause-and-resume", test_pause_and_resume);
	return g_test_run();
}
