/* SPDX-License-Identifier: MIT */
#include <fend/listener.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listeners.h"
#include "pair.h"

static void
test_a_drain_waits_for_connections(struct test *test)
{
	struct fend_socket *clients[2], *late;
	struct service service;

	service_init(&service, test, NULL, NULL);
	clients_init(clients, 2, &service.address);
	while (service.accepted < 2)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
	service_drain(&service, FEND_FOREVER);
	test_ok(fend_socket_new(AF_INET, SOCK_STREAM, 0, &late));
	test_error(fend_socket_connect(late, &service.address), -EINPROGRESS);
	test_error(fend_socket_error(late), -ECONNREFUSED);
	test_drain(test);
	g_assert_cmpint(service.drained, ==, 0);
	service.sockets[0] = fend_socket_free(service.sockets[0]);
	test_drain(test);
	g_assert_cmpint(service.drained, ==, 0);
	service.sockets[1] = fend_socket_free(service.sockets[1]);
	g_assert_cmpint(service.drained, ==, 0);
	test_wait(test, &service.drained);
	g_assert_cmpuint(service.left, ==, 0);
	test_drain(test);
	g_assert_cmpint(service.drained, ==, 1);
	fend_listener_resume(service.listener);
	clients_fini(clients, 2);
	fend_socket_free(late);
	service_fini(&service);
}

static void
test_a_drain_ends(struct test *test)
{
	struct service service;
	struct fend_socket *client;
	fend_time begun;

	service_init(&service, test, NULL, NULL);
	service_drain(&service, FEND_FOREVER);
	test_wait(test, &service.drained);
	g_assert_cmpuint(service.left, ==, 0);
	service_fini(&service);

	service_init(&service, test, NULL, NULL);
	client = client_new(&service.address);
	test_wait(test, &service.accepted);
	begun = fend_now();
	service_drain(&service, FEND_MS(30));
	test_wait(test, &service.drained);
	g_assert_cmpint(fend_now() - begun, >=, FEND_MS(30));
	g_assert_cmpuint(service.left, ==, 1);
	service.sockets[0] = fend_socket_free(service.sockets[0]);
	test_drain(test);
	g_assert_cmpint(service.drained, ==, 1);
	fend_socket_free(client);
	service_fini(&service);
}

static void
free_listener(struct service *service)
{
	service->listener = fend_listener_free(service->listener);
}

static void
free_loop(struct service *service)
{
	service->test->loop = fend_loop_free(service->test->loop);
}

static void
free_listener_then_loop(struct service *service)
{
	free_listener(service);
	free_loop(service);
}

static void
free_all(struct service *service)
{
	free_loop(service);
	service_fini(service);
}

static void
test_callbacks_may_free_everything(struct test *test)
{
	static void (*const frees[])(struct service *) = { free_listener, free_loop,
							   free_listener_then_loop, free_all };
	struct fend_listener_options options = service_options(0);
	struct fend_socket *clients[2];
	size_t i;
	int where;

	options.connections_max = 1;
	for (i = 0; i < G_N_ELEMENTS(frees); i++) {
		for (where = 0; where < 3; where++) {
			struct service service;
			int r = 0;

			if (!test->loop)
				test_ok(fend_loop_new(NULL, &test->loop));
			service_init(&service, test, NULL, &options);
			clients_init(clients, 2, &service.address);
			if (where == 0)
				service.on_accept = frees[i];
			else if (where == 1)
				service.on_paused = frees[i];
			else
				service.on_drained = frees[i];
			if (where == 2)
				service_drain(&service, 0);
			while (r >= 0 && test->loop && service.listener)
				r = fend_loop_dispatch(test->loop, FEND_SEC(20));
			g_assert_cmpint(service.accepted, ==, where < 2);
			g_assert_cmpint(service.paused, ==, where == 1);
			clients_fini(clients, 2);
			service_fini(&service);
		}
	}
}

static void
test_a_freed_loop_leaves_it_inert(struct test *test)
{
	g_autofree char *text = socket_path("inert");
	struct fend_socket *client;
	struct fend_address address;
	struct service service;
	struct stat info;

	service_init(&service, test, text, NULL);
	client = client_new(&service.address);
	test->loop = fend_loop_free(test->loop);
	fend_listener_pause(service.listener);
	fend_listener_resume(service.listener);
	test_error(fend_listener_address(service.listener, &address), 0);
	test_error(fend_listener_drain(service.listener, 0, NULL, NULL), -ESHUTDOWN);
	g_assert_cmpuint(service_stats(&service).connections, ==, 0);
	service_fini(&service);
	g_assert_cmpint(lstat(text + strlen("unix:"), &info), ==, -1);
	fend_socket_free(client);
}

static void
test_a_child_removes_nothing(struct test *test)
{
	g_autofree char *text = socket_path("fork");
	struct fend_listener_options options = service_options(0);
	struct fend_socket *clients[2];
	struct service service;
	int status, i;

	options.connections_max = 1;
	service_init(&service, test, text, &options);
	clients_init(clients, 2, &service.address);
	test_wait(test, &service.accepted);
	for (i = 0; i < 2; i++) {
		pid_t pid = fork();

		g_assert_cmpint(pid, >=, 0);
		if (pid == 0) {
			test_error(fend_listener_drain(service.listener, 0, NULL, NULL), -ECHILD);
			fend_listener_pause(service.listener);
			if (i)
				free_loop(&service);
			service_fini(&service);
			if (!i)
				free_loop(&service);
			_exit(0);
		}
		g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
		g_assert_cmpint(status, ==, 0);
	}
	service.sockets[0] = fend_socket_free(service.sockets[0]);
	test_drain(test);
	g_assert_cmpint(service.accepted, ==, 2);
	fend_socket_free(client_new(&service.address));
	clients_fini(clients, 2);
	service_fini(&service);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/listener-end/a-drain-waits-for-connections", test_a_drain_waits_for_connections);
	test_add("/listener-end/a-drain-ends", test_a_drain_ends);
	test_add("/listener-end/callbacks-may-free-everything", test_callbacks_may_free_everything);
	test_add("/listener-end/a-freed-loop-leaves-it-inert", test_a_freed_loop_leaves_it_inert);
	test_add("/listener-end/a-child-removes-nothing", test_a_child_removes_nothing);
	return g_test_run();
}
