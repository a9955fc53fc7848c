/* SPDX-License-Identifier: MIT */
#include <fend/listener.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listeners.h"
#include "pair.h"

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

/* The same port, of a family that the listener's own is not of. */
static void
set_port(struct fend_address *address, const struct fend_address *from)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&from->storage;

	((struct sockaddr_in *)&address->storage)->sin_port = in6->sin6_port;
}

static void
test_a_wildcard_takes_ipv4_along_unless_told(struct test *test)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_V6ONLY);
	struct fend_address address;
	struct fend_socket *socket;
	struct service service;
	int r, n = 0;

	/* The port may be in use for IPv4, but not again and again. */
	test_ok(fend_address_parse("127.0.0.1:0", &address));
	do {
		service_init(&service, test, "[::]:0", &options);
		set_port(&address, &service.address);
		test_ok(fend_socket_new_tcp(AF_INET, &socket));
		r = fend_socket_bind(socket, &address);
		fend_socket_free(socket);
		service_fini(&service);
	} while (r == -EADDRINUSE && ++n < 20);
	test_error(r, 0);

	service_init(&service, test, "[::]:0", NULL);
	set_port(&address, &service.address);
	socket = client_new(&address);
	test_wait(test, &service.accepted);
	fend_socket_free(socket);
	service_fini(&service);
}

/* Although the kernel keeps a connection that the listener's side has closed (TIME_WAIT). */
static void
test_an_address_can_be_used_again(struct test *test)
{
	char text[FEND_ADDRESS_TEXT_MAX];
	struct fend_socket *client;
	struct service service;

	service_init(&service, test, NULL, NULL);
	client = client_new(&service.address);
	test_wait(test, &service.accepted);
	service.sockets[0] = fend_socket_free(service.sockets[0]);
	assert_closed(client);
	fend_socket_free(client);
	test_ok(fend_address_format(&service.address, text, sizeof(text)));
	service_fini(&service);
	service_init(&service, test, text, NULL);
	service_fini(&service);
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
				      &service.listener),
		   -EBUSY);
	fend_socket_unwatch(socket);
	test_error(fend_listener_wrap(test->loop, socket, NULL, service_on_accept, &service,
				      &service.listener),
		   0);
	client = client_new(&address);
	test_wait(test, &service.accepted);
	fend_socket_free(client);
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
				     &service.listener),
		   -EINVAL);
	test_error(fend_listener_new(test->loop, &address, NULL, NULL, NULL, &service.listener),
		   -EINVAL);
	test_error(fend_listener_new(NULL, &address, NULL, service_on_accept, NULL,
				     &service.listener),
		   -EINVAL);
	test_error(fend_listener_wrap(test->loop, NULL, NULL, service_on_accept, NULL,
				      &service.listener),
		   -EINVAL);
	test_error(fend_listener_address(NULL, &address), -EINVAL);
	test_error(fend_listener_stats(NULL, &stats), -EINVAL);
	test_error(fend_listener_drain(NULL, 0, NULL, NULL), -EINVAL);
	g_assert_null(service.listener);
	g_assert_null(fend_listener_free(NULL));
	service_init(&service, test, "[::1]:0",
		     &(struct fend_listener_options){
			     .size = sizeof(struct fend_listener_options),
			     .flags = FEND_LISTENER_V6ONLY,
		     });
	test_error(fend_listener_stats(service.listener, &stats), -EINVAL);
	test_error(fend_listener_drain(service.listener, -2, NULL, NULL), -EINVAL);
	service_fini(&service);
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
	test_add("/listener/two-loops-share-a-port", test_two_loops_share_a_port);
	test_add("/listener/a-wildcard-takes-ipv4-along-unless-told",
		 test_a_wildcard_takes_ipv4_along_unless_told);
	test_add("/listener/an-address-can-be-used-again", test_an_address_can_be_used_again);
	test_add("/listener/wrapping-a-socket", test_wrapping_a_socket);
	test_add("/listener/activation", test_activation);
	test_add("/listener/bad-arguments", test_bad_arguments);
	return g_test_run();
}
