/* SPDX-License-Identifier: MIT */
/*
 * The load of bench-echo, a program of its own so that neither valgrind nor strace follows from the
 * server's process: bare epoll, and the same for every server.
 *
 *	bench-load PORT echo|churn|idle CONNECTIONS SIZE DEPTH REQUESTS MILLISECONDS
 *
 * A connection sends DEPTH messages of SIZE bytes at once, waits until all have come back, and goes
 * to the end of the line. So many take part at a time that about 16 MiB are on the way at most. It
 * ends after so many requests or milliseconds, whichever comes first, when all are answered. Before
 * that each connection has had a turn of 4 KiB at most, uncounted.
 *
 * churn: each turn has a connection of its own, closed at its end by this side first.
 * idle: the server is asked for notes before and after they are made, and after each one's turn.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "echo.h"

#define ON_THE_WAY (16UL << 20)
#define NEVER INT64_MAX

/* Connections made before they have their turn: fewer than the server's backlog. */
enum { AT_ONCE = 1000, BEFORE_IDLE = 100, GREETING = 4096 };

struct connection {
	int fd;
	size_t unsent, unanswered;
	struct connection *next;
};

static struct {
	int epoll;
	struct sockaddr_in server;
	bool churn;
	size_t bytes;                     /* of a turn */
	struct connection *first, **last; /* the line */
	size_t window;
} load;

static char message[1 << 20], sink[256 << 10];

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static int64_t
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void
join(struct connection *connection)
{
	connection->next = NULL;
	*load.last = connection;
	load.last = &connection->next;
}

/* A connection that is not churned ends with a reset, for thousands would stay in TIME-WAIT. */
static void
dial(struct connection *connection)
{
	static const int one = 1;
	static const struct linger reset = { 1, 0 };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&load.server, sizeof(load.server)) < 0)
		die("bench-load: connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!load.churn)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	connection->fd = fd;
	epoll_ctl(load.epoll, EPOLL_CTL_ADD, fd, &event);
}

static void
want(struct connection *connection, unsigned events)
{
	struct epoll_event event = { .events = events, .data.ptr = connection };

	epoll_ctl(load.epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

static void
send_more(struct connection *connection)
{
	while (connection->unsent > 0) {
		size_t size = connection->unsent;
		ssize_t n;

		if (size > sizeof(message))
			size = sizeof(message);
		n = send(connection->fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			die("bench-load: send");
		connection->unsent -= (size_t)n;
	}
}

/* The first of the line has its turn. */
static void
start(void)
{
	struct connection *connection = load.first;

	load.first = connection->next;
	if (!load.first)
		load.last = &load.first;
	if (load.churn)
		dial(connection);
	connection->unsent = connection->unanswered = load.bytes;
	send_more(connection);
	if (connection->unsent > 0)
		want(connection, EPOLLIN | EPOLLOUT);
}

/* Returns whether its turn is over. */
static bool
on_event(struct connection *connection, unsigned events)
{
	ssize_t n;

	if ((events & EPOLLOUT) && connection->unsent > 0) {
		send_more(connection);
		if (connection->unsent == 0)
			want(connection, EPOLLIN);
	}
	if (!(events & ~(unsigned)EPOLLOUT))
		return false;
	n = recv(connection->fd, sink, sizeof(sink), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0 || (size_t)n > connection->unanswered - connection->unsent)
		die("bench-load: not an echo");
	connection->unanswered -= (size_t)n;
	if (connection->unanswered > 0)
		return false;
	if (load.churn)
		close(connection->fd);
	join(connection);
	return true;
}

/* Returns how many turns there were. */
static uint64_t
run(uint64_t turns, int64_t deadline)
{
	struct epoll_event events[256];
	uint64_t started = 0, ended = 0;

	while (started < turns && started < load.window && load.first) {
		start();
		started++;
	}
	while (ended < started) {
		int i, n = epoll_wait(load.epoll, events, 256, -1);
		bool late = deadline != NEVER && now() >= deadline;

		for (i = 0; i < n; i++) {
			if (!on_event(events[i].data.ptr, events[i].events))
				continue;
			ended++;
			if (started < turns && !late) {
				start();
				started++;
			}
		}
	}
	return ended;
}

static void
note(void)
{
	char byte = 0;

	if (send(ECHO_CONTROL, &byte, 1, MSG_NOSIGNAL) != 1 || recv(ECHO_CONTROL, &byte, 1, 0) != 1)
		die("bench-load: the server");
}

static void
set_turn(size_t connections, size_t bytes)
{
	load.bytes = bytes;
	load.window = ON_THE_WAY / load.bytes;
	if (load.window > connections)
		load.window = connections;
	if (load.window == 0)
		load.window = 1;
}

static void
greet(struct connection *connections, size_t n)
{
	size_t i, since = 0;

	set_turn(n, load.bytes < GREETING ? load.bytes : GREETING);
	for (i = 0; i < n; i++) {
		if (!load.churn)
			dial(&connections[i]);
		join(&connections[i]);
		if (++since == AT_ONCE || i + 1 == n) {
			run(since, NEVER);
			since = 0;
		}
	}
}

/* The server accepts in order: when the last one is answered, all have been accepted. */
static void
idle(struct connection *connections, size_t n)
{
	size_t i;

	greet(connections, BEFORE_IDLE);
	note();
	load.first = NULL;
	load.last = &load.first;
	connections += BEFORE_IDLE;
	for (i = 0; i + 1 < n; i++)
		dial(&connections[i]);
	greet(&connections[n - 1], 1);
	note();
	for (i = 0; i + 1 < n; i++)
		join(&connections[i]);
	set_turn(n, load.bytes);
	run(n, NEVER);
	note();
}

int
main(int argc, char **argv)
{
	struct load_result result = { 0 };
	struct connection *connections;
	uint64_t turns;
	int64_t start_time, limit;
	size_t n, size, depth;

	if (argc != 8)
		return 2;
	load.server = (struct sockaddr_in){ .sin_family = AF_INET,
					    .sin_port = htons((uint16_t)atoi(argv[1])),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.last = &load.first;
	load.churn = strcmp(argv[2], "churn") == 0;
	n = strtoul(argv[3], NULL, 10);
	size = strtoul(argv[4], NULL, 10);
	depth = strtoul(argv[5], NULL, 10);
	turns = strtoull(argv[6], NULL, 10) / depth;
	limit = strtoll(argv[7], NULL, 10) * 1000000;
	connections = calloc(n + BEFORE_IDLE, sizeof(*connections));
	load.bytes = size * depth;
	if (strcmp(argv[2], "idle") == 0) {
		idle(connections, n);
	} else {
		greet(connections, n);
		note();
		set_turn(n, size * depth);
		start_time = now();
		result.requests = depth * run(turns, limit ? start_time + limit : NEVER);
		result.took_ns = now() - start_time;
	}
	if (send(ECHO_CONTROL, &result, sizeof(result), MSG_NOSIGNAL) != sizeof(result))
		die("bench-load: the server");
	return 0;
}
