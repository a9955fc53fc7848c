/* SPDX-License-Identifier: MIT */
/*
 * Every socket gets a time limit for sending and receiving, so that the calls here may block. The
 * pattern has a prime's period, which shows bytes that were lost, doubled or swapped.
 */
#include "peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fend-test.h"

enum {
	PERIOD = 251,
	CHUNK = 64 * 1024,
	NAP = 2000,       /* microseconds between two looks at what sends no event */
	STANDSTILL = 500, /* milliseconds in which nothing is taken; to be wrong would do no harm */
	DEADLINE = 20,    /* seconds */
};

struct process *
server_start(const char *variable, ...)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	const char *sanitizer = g_getenv("ASAN_OPTIONS"), *argument = g_getenv(variable);
	struct process *process;
	va_list args;

	if (!argument)
		g_error("%s is not set: run the tests with meson test", variable);
	/* What the address sanitizer keeps back of freed memory must not look like a leak. */
	g_ptr_array_add(argv, g_strdup("env"));
	g_ptr_array_add(argv, g_strdup_printf("ASAN_OPTIONS=%s:quarantine_size_mb=1",
					      sanitizer ? sanitizer : ""));
	va_start(args, variable);
	for (; argument; argument = va_arg(args, const char *))
		g_ptr_array_add(argv, g_strdup(argument));
	va_end(args);
	g_ptr_array_add(argv, NULL);
	process = process_start((const char *const *)argv->pdata);
	g_ptr_array_unref(argv);
	return process;
}

void
server_end(struct process *server, int signo, int status)
{
	char *output;
	int actual;

	if (signo)
		g_assert_cmpint(kill(process_pid(server), signo), ==, 0);
	actual = process_wait(server);
	output = process_output(server);
	g_assert_cmpstr(output, ==, "");
	g_assert_cmpint(actual, ==, status);
	g_free(output);
	process_stop(server);
}

void
server_check_usage(struct process *server, const char *usage)
{
	char *output;

	g_assert_cmpint(process_wait(server), ==, 2);
	output = process_output(server);
	g_assert_cmpstr(output, ==, usage);
	g_free(output);
	process_stop(server);
}

gsize
server_memory(const struct process *server)
{
	char *path = g_strdup_printf("/proc/%d/status", (int)process_pid(server)), *text;
	const char *line;
	unsigned long kilobytes = 0;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	line = strstr(text, "\nVmRSS:");
	g_assert_nonnull(line);
	g_assert_cmpint(sscanf(line, "\nVmRSS: %lu kB", &kilobytes), ==, 1);
	g_free(text);
	g_free(path);
	return kilobytes * 1024;
}

/* Returns fd. */
static int
limit(int fd)
{
	struct timeval time = { .tv_sec = DEADLINE * test_slowness() };

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)), ==, 0);
	g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)), ==, 0);
	return fd;
}

static struct sockaddr_in
loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((guint16)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int
peer_listen(int *ret_port)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	int fd = limit(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
	g_assert_cmpint(listen(fd, 16), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

int
peer_accept(int listener)
{
	return limit(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}

/* Returns 0 or -errno; *ret_fd is -1 then. */
static int
try(const struct sockaddr *address, socklen_t size, int *ret_fd)
{
	int err = 0;

	*ret_fd = limit(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
	if (connect(*ret_fd, address, size) < 0) {
		err = -errno;
		close(*ret_fd);
		*ret_fd = -1;
	}
	return err;
}

/* Try until the result is as wanted, 0 or -ECONNREFUSED. */
static int
try_until(int wanted, const struct sockaddr *address, socklen_t size)
{
	gint64 deadline = g_get_monotonic_time() + DEADLINE * G_USEC_PER_SEC * test_slowness();
	int err, fd;

	while ((err = try(address, size, &fd)) != wanted) {
		if (fd >= 0)
			close(fd);
		if (g_get_monotonic_time() > deadline)
			g_error("connecting goes on with: %s", g_strerror(-err));
		g_usleep(NAP);
	}
	return fd;
}

int
peer_connect(int port)
{
	struct sockaddr_in address = loopback(port);

	return try_until(0, (struct sockaddr *)&address, sizeof(address));
}

int
peer_connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	g_assert_cmpuint(g_strlcpy(address.sun_path, path, sizeof(address.sun_path)), <,
			 sizeof(address.sun_path));
	return try_until(0, (struct sockaddr *)&address, sizeof(address));
}

void
peer_wait_refused(int port)
{
	struct sockaddr_in address = loopback(port);

	try_until(-ECONNREFUSED, (struct sockaddr *)&address, sizeof(address));
}

void
peer_send(int fd, const void *data, gsize size)
{
	const char *bytes = data;
	ssize_t sent;

	for (; size > 0; size -= (gsize)sent, bytes += sent) {
		sent = send(fd, bytes, size, MSG_NOSIGNAL);
		if (sent < 0)
			g_error("send: %s", g_strerror(errno));
	}
}

void
peer_say(int fd, const char *text)
{
	peer_send(fd, text, strlen(text));
}

static void
receive(int fd, void *data, gsize size)
{
	ssize_t received = recv(fd, data, size, MSG_WAITALL);

	if (received < 0)
		g_error("recv: %s", g_strerror(errno));
	g_assert_cmpint(received, ==, size);
}

void
peer_expect(int fd, const char *text)
{
	gsize size = strlen(text);
	char *actual = g_malloc0(size + 1);

	receive(fd, actual, size);
	g_assert_cmpstr(actual, ==, text);
	g_free(actual);
}

void
peer_expect_end(int fd)
{
	char byte;

	g_assert_cmpint(recv(fd, &byte, 1, 0), ==, 0);
}

void
peer_expect_reset(int fd)
{
	char byte;

	g_assert_cmpint(recv(fd, &byte, 1, 0), ==, -1);
	g_assert_cmpint(errno, ==, ECONNRESET);
}

static gpointer
pattern_make(gpointer data)
{
	unsigned char *bytes = g_malloc(PERIOD + CHUNK);

	for (gsize i = 0; i < PERIOD + CHUNK; i++)
		bytes[i] = (unsigned char)(i % PERIOD);
	return bytes;
}

/* CHUNK bytes of it. */
static const unsigned char *
pattern_at(gsize offset)
{
	static GOnce once = G_ONCE_INIT;
	const unsigned char *bytes = g_once(&once, pattern_make, NULL);

	return bytes + offset % PERIOD;
}

void
pattern_send(int fd, gsize offset, gsize size)
{
	gsize end = offset + size;

	for (; offset < end; offset += size) {
		size = MIN(CHUNK, end - offset);
		peer_send(fd, pattern_at(offset), size);
	}
}

void
pattern_expect(int fd, gsize offset, gsize size)
{
	unsigned char bytes[CHUNK];
	gsize end = offset + size;

	for (; offset < end; offset += size) {
		size = MIN(CHUNK, end - offset);
		receive(fd, bytes, size);
		g_assert_cmpmem(bytes, size, pattern_at(offset), size);
	}
}

gsize
pattern_stuff(int fd, gsize max)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
	gsize offset = 0;
	ssize_t sent;

	while (offset < max && poll(&pollfd, 1, STANDSTILL) > 0) {
		sent = send(fd, pattern_at(offset), MIN(CHUNK, max - offset),
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			g_assert_cmpint(errno, ==, EAGAIN);
		else
			offset += (gsize)sent;
	}
	return offset;
}

struct sending {
	int fd;
	gsize offset, size;
	gboolean finish;
};

static gpointer
send_on_thread(gpointer data)
{
	struct sending sending = *(struct sending *)data;

	g_free(data);
	pattern_send(sending.fd, sending.offset, sending.size);
	if (sending.finish)
		g_assert_cmpint(shutdown(sending.fd, SHUT_WR), ==, 0);
	return NULL;
}

GThread *
pattern_send_meanwhile(int fd, gsize offset, gsize size, gboolean finish)
{
	struct sending *sending = g_new(struct sending, 1);

	*sending = (struct sending){ fd, offset, size, finish };
	return g_thread_new("sender", send_on_thread, sending);
}
