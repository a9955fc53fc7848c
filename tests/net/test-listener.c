/* SPDX-License-Identifier: MIT */
#include <fend/listener.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "listeners.h"
#include "pair.h"
#include "process.h"

static void
test_connections_are_handed_over(struct test *test)
{
	struct fend_listener_stats stats;
	struct fend_socket *client;
	struct fend_address own;
	struct service service;

	service_init(&service, test, NULL, NULL);
	g_assert_cmpint(((struct sockaddr_in *)&service.address.storage)->sin_port, !=, 0);
	client = client_new(&service.address);
	test_wait(test, &service.accepted);
	test_ok(fend_socket_getsockname(client, &own));
	g_assert_true(service.known[0]);
	g_assert_true(fend_address_equal(&service.peers[0], &own));
	send_all(service.sockets[0], "x", 1);
	recv_all(client, &(char){ 0 }, 1);
	stats = service_stats(&service);
	g_assert_cmpuint(stats.accepted, ==, 1);
	g_assert_cmpuint(stats.connections, ==, 1);
	g_assert_cmpuint(stats.refused + stats.paused, ==, 0);
	service.sockets[0] = fend_socket_free(service.sockets[0]);
	g_assert_cmpuint(service_stats(&service).connections, ==, 0);
	fend_socket_free(client);
	service_fini(&service);
}

static void
clients_init(struct fend_socket **clients, int n, const struct fend_address *address)
{
	int i;

	for (i = 0; i < n; i++)
		clients[i] = client_new(address);
}

static void
clients_fini(struct fend_socket **clients, int n)
{
	int i;

	for (i = 0; i < n; i++)
		fend_socket_free(clients[i]);
}

static void
test_a_batch_per_iteration(struct test *test)
{
	struct fend_listener_options options = service_options(0);
	struct fend_socket *clients[5];
	struct service service;

	options.batch = 2;
	service_init(&service, test, NULL, &options);
	clients_init(clients, 5, &service.address);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(service.accepted, ==, 2);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(service.accepted, ==, 4);
	test_error(fend_loop_dispatch(test->loop, 0), 1);
	g_assert_cmpint(service.accepted, ==, 5);
	test_error(fend_loop_dispatch(test->loop, 0), 0);
	clients_fini(clients, 5);
	service_fini(&service);
}

/*
 * A process that has no descriptor left asks a few times a second, and recovers. There is a client
 * for each time, since valgrind lets the kernel accept and then closes what is beyond the limit.
 */
static void
test_no_descriptors(struct test *test)
{
	struct fend_listener_options options = service_options(0);
	struct rlimit before, none;
	struct service service;
	struct fend_socket *clients[8];
	int fds[64], n = 0, calls = 0;
	fend_time begun;

	service_init(&service, test, NULL, &options);
	clients_init(clients, 8, &service.address);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	none = before;
	none.rlim_cur = G_N_ELEMENTS(fds);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	while ((fds[n] = dup(0)) >= 0)
		n++;
	begun = fend_now();
	while (service.paused < 4) {
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
		calls++;
	}
	/* After 100, 200 and 400 ms. */
	g_assert_cmpint(fend_now() - begun, >=, FEND_MS(700));
	while (n > 0)
		close(fds[--n]);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
	g_assert_cmpint(service.accepted, ==, 0);
	test_error(service.pause_error, -EMFILE);
	g_assert_cmpint(calls, <=, 12);
	g_assert_cmpuint(service_stats(&service).paused, ==, 4);
	test_wait(test, &service.accepted);
	clients_fini(clients, 8);
	service_fini(&service);
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

static void
test_two_loops_share_a_port(struct test *test)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_REUSEPORT);
	char text[FEND_ADDRESS_TEXT_MAX];
	struct service service, second;
	struct fend_socket *clients[48];
	struct test other = { 0 };

	test_ok(fend_loop_new(NULL, &other.loop));
	service_init(&service, test, NULL, &options);
	test_ok(fend_address_format(&service.address, text, sizeof(text)));
	service_init(&second, &other, text, &options);
	clients_init(clients, 48, &service.address);
	test_drain(test);
	test_drain(&other);
	g_assert_cmpint(service.accepted + second.accepted, ==, 48);
	g_assert_cmpint(service.accepted, >, 0);
	g_assert_cmpint(second.accepted, >, 0);
	clients_fini(clients, 48);
	service_fini(&second);
	options.flags = 0;
	test_error(service_try(&second, &other, text, &options), -EADDRINUSE);
	service_fini(&service);
	fend_loop_free(other.loop);
}

static void
test_wrapping_a_socket(struct test *test)
{
	struct fend_address address;
	struct fend_socket *socket = listener_new(&address), *client;
	struct told told = { 0 };
	struct service service = { .test = test };

	test_ok(fend_socket_watch(socket, test->loop, FEND_IN, on_told, &told));
	test_error(fend_listener_wrap(test->loop, socket, NULL, service_on_accept, &service,
				      &service.listener), -EBUSY);
	fend_socket_unwatch(socket);
	test_error(fend_listener_wrap(test->loop, socket, NULL, service_on_accept, &service,
				      &service.listener), 0);
	client = client_new(&address);
	test_wait(test, &service.accepted);
	fend_socket_free(client);
	service_fini(&service);
}

static char *
socket_path(const char *name)
{
	return g_strdup_printf("unix:%s/%s", test_directory(), name);
}

static void
test_a_unix_socket_has_a_file(struct test *test)
{
	struct fend_listener_options options = service_options(0);
	g_autofree char *text = socket_path("file");
	const char *path = text + strlen("unix:");
	struct service service, second;
	struct fend_socket *client;
	struct stat info;

	options.mode = 0622;
	service_init(&service, test, text, &options);
	g_assert_cmpint(lstat(path, &info), ==, 0);
	g_assert_cmpint(info.st_mode & 07777, ==, 0622);
	client = client_new(&service.address);
	test_wait(test, &service.accepted);
	test_error(service_try(&second, test, text, NULL), -EADDRINUSE);
	g_assert_cmpint(lstat(path, &info), ==, 0);
	fend_socket_free(client);
	service_fini(&service);
	g_assert_cmpint(lstat(path, &info), ==, -1);
}

static void
test_files_that_are_in_the_way(struct test *test)
{
	g_autofree char *text = socket_path("way");
	const char *path = text + strlen("unix:");
	struct fend_address address;
	struct fend_socket *stale;
	struct service service;
	struct stat info;

	test_ok(fend_address_parse(text, &address));
	test_ok(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &stale));
	test_ok(fend_socket_bind(stale, &address));
	fend_socket_free(stale);
	service_init(&service, test, text, NULL);
	fend_socket_free(client_new(&address));

	/* Somebody else has taken the path; that one stays. */
	g_assert_cmpint(unlink(path), ==, 0);
	test_ok(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &stale));
	test_ok(fend_socket_bind(stale, &address));
	service_fini(&service);
	g_assert_cmpint(lstat(path, &info), ==, 0);
	fend_socket_free(stale);
	g_assert_cmpint(unlink(path), ==, 0);

	g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
	test_error(service_try(&service, test, text, NULL), -EADDRINUSE);
	g_assert_cmpint(lstat(path, &info), ==, 0);
	g_assert_cmpint(info.st_size, ==, 8);
	g_assert_cmpint(unlink(path), ==, 0);
	test_error(service_try(&service, test, "unix:/no such directory/x", NULL), -ENOENT);
}

static void
test_abstract_unix_names(struct test *test)
{
	g_autofree char *text = g_strdup_printf("unix:@fend-test-%d", (int)getpid());
	struct service service, second;

	service_init(&service, test, text, NULL);
	test_error(service_try(&second, test, text, NULL), -EADDRINUSE);
	fend_socket_free(client_new(&service.address));
	service_fini(&service);
}

static void
test_a_drain_waits_for_connections(struct test *test)
{
	struct fend_socket *client, *late;
	struct service service;

	service_init(&service, test, NULL, NULL);
	client = client_new(&service.address);
	test_wait(test, &service.accepted);
	service_drain(&service, FEND_FOREVER);
	test_ok(fend_socket_new(AF_INET, SOCK_STREAM, 0, &late));
	test_error(fend_socket_connect(late, &service.address), -EINPROGRESS);
	test_error(fend_socket_error(late), -ECONNREFUSED);
	test_drain(test);
	g_assert_cmpint(service.drained, ==, 0);
	service.sockets[0] = fend_socket_free(service.sockets[0]);
	g_assert_cmpint(service.drained, ==, 0);
	test_wait(test, &service.drained);
	g_assert_cmpuint(service.left, ==, 0);
	test_drain(test);
	g_assert_cmpint(service.drained, ==, 1);
	fend_listener_resume(service.listener);
	fend_socket_free(client);
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
	static void (*const frees[])(struct service *) = {
		free_listener, free_loop, free_listener_then_loop, free_all
	};
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

/* The path of this program, which /proc/self/exe is not under valgrind. */
static const char *program;

/* What the program does when it is started again with a listening socket. */
static int
be_activated(void)
{
	struct fend_socket *socket;
	struct test test = { 0 };
	struct service service = { .test = &test };
	char *name;

	test_error(fend_listener_activated(2, &name, &socket), -ENOENT);
	test_error(fend_listener_activated(0, &name, NULL), -EINVAL);
	test_error(fend_listener_activated(1, &name, &socket), -ENOTSOCK);
	test_error(fend_listener_activated(0, &name, &socket), 0);
	g_assert_cmpstr(name, ==, "web");
	fend_free(name);
	g_assert_cmpint(fend_socket_fd(socket), ==, 3);
	test_ok(fend_loop_new(NULL, &test.loop));
	test_ok(fend_listener_wrap(test.loop, socket, NULL, service_on_accept, &service,
				   &service.listener));
	test_wait(&test, &service.accepted);
	send_all(service.sockets[0], "hello", 5);
	service_fini(&service);
	fend_loop_free(test.loop);
	g_setenv("LISTEN_PID", "1", TRUE);
	test_error(fend_listener_activated(0, NULL, &socket), -ENOENT);
	return 0;
}

static void
test_activation(struct test *test)
{
	struct fend_socket *client, *listener;
	struct fend_address address;
	char buffer[5];
	int status;
	pid_t pid;

	test_error(fend_listener_activated(0, NULL, &client), -ENOENT);
	listener = listener_new(&address);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		g_autofree char *own = g_strdup_printf("%d", (int)getpid());

		alarm(60);
		if (dup2(fend_socket_fd(listener), 5) < 0 || dup2(5, 3) < 0 || dup2(1, 4) < 0)
			_exit(2);
		g_setenv("LISTEN_PID", own, TRUE);
		g_setenv("LISTEN_FDS", "2", TRUE);
		g_setenv("LISTEN_FDNAMES", "web:other", TRUE);
		execl(program, program, "--activated", NULL);
		_exit(3);
	}
	client = client_new(&address);
	recv_all(client, buffer, 5);
	g_assert_cmpmem(buffer, 5, "hello", 5);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	fend_socket_free(client);
	fend_socket_free(listener);
}

static void
test_bad_arguments(struct test *test)
{
	struct fend_listener_stats stats = { 0 };
	struct fend_listener_options options = service_options(1 << 20);
	struct fend_address address;
	struct service service;

	test_error(service_try(&service, test, NULL, &options), -EINVAL);
	options = service_options(0);
	options.proxy_timeout = -2;
	test_error(service_try(&service, test, NULL, &options), -EINVAL);
	test_ok(fend_address_parse("127.0.0.1:0", &address));
	test_error(fend_listener_new(test->loop, NULL, NULL, service_on_accept, NULL,
				     &service.listener), -EINVAL);
	test_error(fend_listener_new(test->loop, &address, NULL, NULL, NULL, &service.listener),
		   -EINVAL);
	test_error(fend_listener_new(NULL, &address, NULL, service_on_accept, NULL,
				     &service.listener), -EINVAL);
	test_error(fend_listener_wrap(test->loop, NULL, NULL, service_on_accept, NULL,
				      &service.listener), -EINVAL);
	test_error(fend_listener_address(NULL, &address), -EINVAL);
	test_error(fend_listener_stats(NULL, &stats), -EINVAL);
	test_error(fend_listener_drain(NULL, 0, NULL, NULL), -EINVAL);
	g_assert_null(service.listener);
	g_assert_null(fend_listener_free(NULL));
	service_init(&service, test, "[::1]:0", &(struct fend_listener_options){
		.size = sizeof(struct fend_listener_options), .flags = FEND_LISTENER_V6ONLY });
	test_error(fend_listener_stats(service.listener, &stats), -EINVAL);
	test_error(fend_listener_drain(service.listener, -2, NULL, NULL), -EINVAL);
	service_fini(&service);
}

/* One connection through a listener on a Unix socket. 0, or how it failed. */
static int
play(const char *text)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	struct test own = { 0 };
	struct service service = { 0 };
	struct fend_socket *client = NULL;
	struct fend_address address;
	int r;

	options.mode = 0600;
	r = fend_loop_new(NULL, &own.loop);
	if (r >= 0)
		r = service_try(&service, &own, text, &options);
	if (r >= 0) {
		test_ok(fend_address_parse(text, &address));
		r = fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &client);
	}
	if (r >= 0)
		r = fend_socket_connect(client, &address);
	if (r >= 0)
		r = (int)fend_socket_send(client, "PROXY UNKNOWN\r\n", 15, 0);
	/* Without descriptors it is tried again; without memory the connection is lost. */
	while (r >= 0 && !service.accepted && !service_stats(&service).refused &&
	       (!service.paused || service.pause_error == -EMFILE))
		r = fend_loop_dispatch(own.loop, FEND_SEC(20));
	if (r >= 0 && !service.accepted)
		r = service.pause_error ? service.pause_error : -ECONNRESET;
	fend_socket_free(client);
	service_fini(&service);
	fend_loop_free(own.loop);
	return r < 0 ? r : 0;
}

static void
test_each_failure_becomes_an_error(struct test *test)
{
	static const struct {
		enum fault_op op;
		int error;
	} faults[] = {
		{ FAULT_ALLOCATE, -ENOMEM },  { FAULT_WAKEUP, -EMFILE },
		{ FAULT_EPOLL_CREATE, -EMFILE }, { FAULT_EPOLL_CTL, -EIO },
		{ FAULT_EPOLL_WAIT, -EIO },   { FAULT_POLL, -EIO },
		{ FAULT_SOCKET, -EMFILE },    { FAULT_BIND, -EACCES },
		{ FAULT_LISTEN, -EADDRINUSE }, { FAULT_ACCEPT, -EMFILE },
		{ FAULT_RECVMSG, -ECONNRESET },
	};
	g_autofree char *text = socket_path("fault");
	unsigned failed = 0, n;
	struct stat info;
	size_t i;
	int fds;

	fault_install();
	fds = test_count_fds();
	for (i = 0; i < G_N_ELEMENTS(faults); i++) {
		for (n = 1;; n++) {
			int r;

			fault_set(faults[i].op, n, faults[i].error, 0);
			r = play(text);
			if (!fault_struck()) {
				test_error(r, 0);
				break;
			}
			failed += r != 0;
			g_assert_cmpint(test_count_fds(), ==, fds);
			g_assert_cmpint(lstat(text + strlen("unix:"), &info), ==, -1);
		}
	}
	fault_remove();
	g_assert_cmpint(failed, >, 12);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--activated") == 0)
		return be_activated();
	program = argv[0];
	test_init(&argc, &argv);
	test_add("/listener/connections-are-handed-over", test_connections_are_handed_over);
	test_add("/listener/a-batch-per-iteration", test_a_batch_per_iteration);
	test_add("/listener/no-descriptors", test_no_descriptors);
	test_add("/listener/the-limit-of-connections", test_the_limit_of_connections);
	test_add("/listener/a-connection-may-end-on-another-thread",
		 test_a_connection_may_end_on_another_thread);
	test_add("/listener/pause-and-resume", test_pause_and_resume);
	test_add("/listener/two-loops-share-a-port", test_two_loops_share_a_port);
	test_add("/listener/wrapping-a-socket", test_wrapping_a_socket);
	test_add("/listener/a-unix-socket-has-a-file", test_a_unix_socket_has_a_file);
	test_add("/listener/files-that-are-in-the-way", test_files_that_are_in_the_way);
	test_add("/listener/abstract-unix-names", test_abstract_unix_names);
	test_add("/listener/a-drain-waits-for-connections", test_a_drain_waits_for_connections);
	test_add("/listener/a-drain-ends", test_a_drain_ends);
	test_add("/listener/callbacks-may-free-everything", test_callbacks_may_free_everything);
	test_add("/listener/a-freed-loop-leaves-it-inert", test_a_freed_loop_leaves_it_inert);
	test_add("/listener/a-child-removes-nothing", test_a_child_removes_nothing);
	test_add("/listener/activation", test_activation);
	test_add("/listener/bad-arguments", test_bad_arguments);
	test_add("/listener/each-failure-becomes-an-error", test_each_failure_becomes_an_error);
	return g_test_run();
}
