/* SPDX-License-Identifier: MIT */
/*
 * A thread that accepts, reads, writes and closes, in this order. It ends when its listener is shut
 * down, which makes accept(2) fail; a connection that is open then is shut down as well. All that
 * both threads touch is under the lock.
 */
#include "fake-server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fake_server {
	GThread *thread;
	GMutex lock;
	GPtrArray *requests; /* of GString, one per connection */
	struct fake_reply *replies;
	size_t count;
	int listener, port;
	int connection; /* -1: none */
	int target;     /* port to pass everything on to, 0: none */
	size_t limit;
};

static int
listen_on_loopback(int *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
	g_assert_cmpint(listen(fd, 16), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

/* True: there may be more. */
static gboolean
read_some(struct fake_server *server, int fd, GString *request)
{
	char buffer[4096];
	ssize_t size = recv(fd, buffer, sizeof(buffer), 0);

	if (size <= 0)
		return FALSE;
	g_mutex_lock(&server->lock);
	g_string_append_len(request, buffer, size);
	g_mutex_unlock(&server->lock);
	return TRUE;
}

static gboolean
is_complete(const GString *request)
{
	const char *end = strstr(request->str, "\r\n\r\n");
	const char *length = strstr(request->str, "Content-Length: ");
	size_t body = 0;

	if (!end)
		return FALSE;
	if (length && length < end)
		body = g_ascii_strtoull(length + strlen("Content-Length: "), NULL, 10);
	return request->len >= (size_t)(end + 4 - request->str) + body;
}

static void
send_all(int fd, const char *bytes, size_t size, size_t piece)
{
	while (size > 0) {
		ssize_t sent = send(fd, bytes, MIN(size, piece), MSG_NOSIGNAL);

		if (sent < 0)
			return;
		bytes += sent;
		size -= sent;
	}
}

static void
reply(struct fake_server *server, int fd, const struct fake_reply *reply, GString *request)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	const int on = 1;
	size_t size = reply->size < 0 ? strlen(reply->text) : (size_t)reply->size;

	while (!reply->deaf && !is_complete(request) && read_some(server, fd, request))
		;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	send_all(fd, reply->text, size, reply->bytewise ? 1 : size);
	if (reply->reset) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		return;
	}
	if (!reply->stall)
		shutdown(fd, SHUT_WR);
	while (read_some(server, fd, request))
		;
}

/* True: there may be more to come this way. */
static gboolean
pass_on(int from, int to, size_t *limit)
{
	char buffer[4096];
	ssize_t size = recv(from, buffer, MIN(sizeof(buffer), *limit), 0);

	if (size <= 0)
		return FALSE;
	*limit -= size;
	send_all(to, buffer, size, size);
	return *limit > 0;
}

static void
cut(struct fake_server *server, int client)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons(server->target) };
	size_t unlimited = G_MAXSSIZE, limit = server->limit;
	int target = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd fds[] = { { .fd = client, .events = POLLIN },
				{ .fd = target, .events = POLLIN } };
	gboolean more = TRUE;

	g_assert_cmpint(connect(target, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	while (more && poll(fds, 2, -1) > 0) {
		if (fds[0].revents)
			more = pass_on(client, target, &unlimited);
		if (more && fds[1].revents)
			more = pass_on(target, client, &limit);
	}
	close(target);
}

static void
serve(struct fake_server *server, int fd, unsigned n)
{
	GString *request = g_string_new(NULL);

	g_mutex_lock(&server->lock);
	server->connection = fd;
	g_ptr_array_add(server->requests, request);
	g_mutex_unlock(&server->lock);
	if (server->target)
		cut(server, fd);
	else
		reply(server, fd, &server->replies[MIN(n, server->count - 1)], request);
	g_mutex_lock(&server->lock);
	server->connection = -1;
	close(fd);
	g_mutex_unlock(&server->lock);
}

static gpointer
run(gpointer data)
{
	struct fake_server *server = data;

	for (unsigned n = 0;; n++) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		serve(server, fd, n);
	}
}

static void
free_request(gpointer request)
{
	g_string_free(request, TRUE);
}

static struct fake_server *
start(struct fake_server *server)
{
	g_mutex_init(&server->lock);
	server->requests = g_ptr_array_new_with_free_func(free_request);
	server->connection = -1;
	server->listener = listen_on_loopback(&server->port);
	server->thread = g_thread_new("fake-server", run, server);
	return server;
}

struct fake_server *
fake_server_new(const struct fake_reply *replies, size_t n)
{
	struct fake_server *server = g_new0(struct fake_server, 1);

	start(server);
	fake_server_set_replies(server, replies, n);
	return server;
}

void
fake_server_set_replies(struct fake_server *server, const struct fake_reply *replies, size_t n)
{
	g_mutex_lock(&server->lock);
	g_assert_cmpuint(server->requests->len, ==, 0);
	g_free(server->replies);
	server->replies = g_memdup2(replies, n * sizeof(*replies));
	server->count = n;
	g_mutex_unlock(&server->lock);
}

struct fake_server *
fake_server_new_cut(int port, size_t limit)
{
	struct fake_server *server = g_new0(struct fake_server, 1);

	server->target = port;
	server->limit = limit;
	return start(server);
}

struct fake_server *
fake_server_free(struct fake_server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	g_mutex_lock(&server->lock);
	if (server->connection >= 0)
		shutdown(server->connection, SHUT_RDWR);
	g_mutex_unlock(&server->lock);
	g_thread_join(server->thread);
	close(server->listener);
	g_ptr_array_unref(server->requests);
	g_mutex_clear(&server->lock);
	g_free(server->replies);
	g_free(server);
	return NULL;
}

int
fake_server_port(const struct fake_server *server)
{
	return server->port;
}

unsigned
fake_server_count(struct fake_server *server)
{
	unsigned count;

	g_mutex_lock(&server->lock);
	count = server->requests->len;
	g_mutex_unlock(&server->lock);
	return count;
}

char *
fake_server_request(struct fake_server *server, unsigned n)
{
	char *copy;

	g_mutex_lock(&server->lock);
	g_assert_cmpuint(n, <, server->requests->len);
	copy = g_strdup(((GString *)g_ptr_array_index(server->requests, n))->str);
	g_mutex_unlock(&server->lock);
	return copy;
}
