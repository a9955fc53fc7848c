/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand connections between two processes, as many of them at a time as descriptors allow:
 * each is opened, used and closed, and afterwards neither process has anything left of them.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "pair.h"

#define CONNECTIONS 10000
/* Descriptors that a process needs besides. */
#define SPARE 64
/* Unanswered at a time: fewer than the backlog, beyond which a SYN is lost and sent anew. */
#define BUSY_MAX 100
#define MESSAGE 64
/*
 * What a visitor says at last. Then the server closes first: it is its one port that the kernel
 * keeps for a while (TIME_WAIT), and not ten thousand, which other programs may need.
 */
#define GOODBYE '\0'

static int
connections(void)
{
	return CONNECTIONS / test_slowness();
}

/* As many as may be open in a process at once. */
static int
connections_at_once(void)
{
	struct rlimit limit;
	int n = connections();

	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	limit.rlim_cur = limit.rlim_max;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	g_assert_cmpuint(limit.rlim_cur, >, 2 * SPARE);
	return limit.rlim_cur - SPARE < (rlim_t)n ? (int)(limit.rlim_cur - SPARE) : n;
}

/* What one process has before, and must have after. */
static int fds;

static void
begin(struct test *own)
{
	fds = test_count_fds();
	fault_install();
	*own = (struct test){ 0 };
	test_ok(fend_loop_new(NULL, &own->loop));
}

/* As long as it takes, which is more than other tests have. */
static void
run_until(struct test *own, const int *done)
{
	while (!*done)
		test_ok(fend_loop_dispatch(own->loop, FEND_FOREVER));
}

static void
end(struct test *own)
{
	fend_loop_free(own->loop);
	fault_remove();
	g_assert_cmpint(test_count_fds(), ==, fds);
}

struct server {
	struct test own;
	struct fend_listener *listener;
	int left, drained; /* left: to be accepted */
};

static void
echo(struct fend_socket *socket, unsigned events, void *data)
{
	char message[MESSAGE];
	ssize_t n = fend_socket_recv(socket, message, sizeof(message), 0);

	g_assert_cmpint(n, >, 0);
	if (message[n - 1] == GOODBYE)
		fend_socket_free(socket);
	else
		test_error(fend_socket_send(socket, message, (size_t)n, 0), n);
}

static void
on_drained(struct fend_listener *listener, unsigned left, void *data)
{
	struct server *server = data;

	g_assert_cmpuint(left, ==, 0);
	server->drained = 1;
}

static void
on_accept(struct fend_listener *listener, struct fend_socket *socket,
	  const struct fend_address *peer, void *data)
{
	struct server *server = data;

	test_error(fend_socket_watch(socket, server->own.loop, FEND_IN, echo, NULL), 0);
	if (--server->left == 0)
		test_error(fend_listener_drain(listener, FEND_FOREVER, on_drained, server), 0);
}

/* The whole life of the server's process; fd listens. */
static void
serve(int fd)
{
	struct server server = { .left = connections() };
	struct fend_socket *socket;

	begin(&server.own);
	test_error(fend_socket_wrap(fd, &socket), 0);
	test_error(fend_listener_wrap(server.own.loop, socket, NULL, on_accept, &server,
				      &server.listener),
		   0);
	run_until(&server.own, &server.drained);
	fend_listener_free(server.listener);
	fds--; /* fd was there before */
	end(&server.own);
}

struct visitor {
	struct crowd *crowd;
	struct fend_connect *connect;
	struct fend_socket *socket;
	char message[MESSAGE];
	size_t got;
};

struct crowd {
	struct test own;
	struct fend_address address;
	struct visitor *visitors;
	int at_once, to_come; /* to_come: connections that nobody has begun yet */
	int begun, busy;      /* of the visitors of now; busy: still without their answer */
};

static void visit(struct crowd *crowd);

static void
on_end(struct fend_socket *socket, unsigned events, void *data)
{
	struct visitor *visitor = data;
	struct crowd *crowd = visitor->crowd;
	char byte;

	test_error(fend_socket_recv(socket, &byte, 1, 0), 0);
	visitor->socket = fend_socket_free(socket);
	if (--crowd->begun > 0)
		return;
	if (crowd->to_come == 0)
		crowd->own.done = 1;
	else
		visit(crowd);
}

/* All have been answered: they go, and then others come. */
static void
leave(struct crowd *crowd)
{
	int i;

	for (i = 0; i < crowd->begun; i++) {
		struct visitor *visitor = &crowd->visitors[i];

		test_error(fend_socket_watch(visitor->socket, crowd->own.loop, FEND_IN, on_end,
					     visitor),
			   0);
		test_error(fend_socket_send(visitor->socket, &(char){ GOODBYE }, 1, 0), 1);
	}
}

static void
on_answer(struct fend_socket *socket, unsigned events, void *data)
{
	struct visitor *visitor = data;
	struct crowd *crowd = visitor->crowd;
	char answer[MESSAGE];
	ssize_t n = fend_socket_recv(socket, answer, sizeof(answer) - visitor->got, 0);

	g_assert_cmpint(n, >, 0);
	g_assert_cmpmem(answer, n, visitor->message + visitor->got, n);
	visitor->got += (size_t)n;
	if (visitor->got < MESSAGE)
		return;
	fend_socket_unwatch(socket);
	crowd->busy--;
	visit(crowd);
	if (crowd->busy == 0)
		leave(crowd);
}

static void
on_connected(struct fend_connect *connect, int err, struct fend_socket *socket, void *data)
{
	struct visitor *visitor = data;
	struct crowd *crowd = visitor->crowd;

	test_error(err, 0);
	visitor->connect = fend_connect_free(connect);
	visitor->socket = socket;
	test_error(fend_socket_watch(socket, crowd->own.loop, FEND_IN, on_answer, visitor), 0);
	test_error(fend_socket_send(socket, visitor->message, MESSAGE, 0), MESSAGE);
}

static void
visit(struct crowd *crowd)
{
	while (crowd->busy < BUSY_MAX && crowd->begun < crowd->at_once && crowd->to_come > 0) {
		struct visitor *visitor = &crowd->visitors[crowd->begun++];

		visitor->crowd = crowd;
		visitor->got = 0;
		memset(visitor->message, 1 + crowd->to_come % 255, MESSAGE);
		test_error(fend_connect_new(crowd->own.loop, NULL, on_connected, visitor,
					    &visitor->connect),
			   0);
		test_error(fend_connect_add(visitor->connect, &crowd->address), 0);
		test_error(fend_connect_last(visitor->connect), 0);
		crowd->to_come--;
		crowd->busy++;
	}
}

static void
test_nothing_is_left_of_many_connections(struct test *test)
{
	struct crowd crowd = { .at_once = connections_at_once(), .to_come = connections() };
	struct fend_socket *socket = listener_new(&crowd.address);
	int status;
	pid_t pid;

	test_error(fend_socket_listen(socket, 2 * BUSY_MAX), 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		int fd = dup(fend_socket_fd(socket));

		alarm(60 * (unsigned)test_slowness());
		fend_socket_free(socket);
		serve(fd);
		_exit(0);
	}
	fend_socket_free(socket);
	crowd.visitors = g_new0(struct visitor, crowd.at_once);
	begin(&crowd.own);
	visit(&crowd);
	run_until(&crowd.own, &crowd.own.done);
	g_assert_cmpint(crowd.to_come, ==, 0);
	end(&crowd.own);
	g_free(crowd.visitors);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/crowd/nothing-is-left-of-many-connections",
		 test_nothing_is_left_of_many_connections);
	return g_test_run();
}
