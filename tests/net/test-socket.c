/* SPDX-License-Identifier: MIT */
#include <fend/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fault.h"
#include "pair.h"
#include "process.h"

static void
assert_nonblocking_and_cloexec(int fd)
{
	g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, O_NONBLOCK);
	g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
}

static void
test_new_is_nonblocking_and_cloexec(struct test *test)
{
	static const int domains[] = { AF_INET, AF_INET6 };
	struct fend_socket *socket;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(domains); i++) {
		socklen_t size = sizeof(int);
		int domain, fd;

		test_error(fend_socket_new_tcp(domains[i], &socket), 0);
		fd = fend_socket_fd(socket);
		assert_nonblocking_and_cloexec(fd);
		g_assert_cmpint(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size), ==, 0);
		g_assert_cmpint(domain, ==, domains[i]);
		g_assert_cmpint(fend_file_fd(fend_socket_file(socket)), ==, fd);
		g_assert_null(fend_socket_free(socket));
		g_assert_cmpint(fcntl(fd, F_GETFD), ==, -1);
	}
	g_assert_null(fend_socket_free(NULL));
}

static int
int_of(const struct fend_socket *socket, int option)
{
	socklen_t size = sizeof(int);
	int value = -1;

	g_assert_cmpint(getsockopt(fend_socket_fd(socket), SOL_SOCKET, option, &value, &size), ==,
			0);
	return value;
}

static void
assert_kind(struct fend_socket *socket, int domain, int type, int protocol)
{
	assert_nonblocking_and_cloexec(fend_socket_fd(socket));
	g_assert_cmpint(int_of(socket, SO_DOMAIN), ==, domain);
	g_assert_cmpint(int_of(socket, SO_TYPE), ==, type);
	g_assert_cmpint(int_of(socket, SO_PROTOCOL), ==, protocol);
	fend_socket_free(socket);
}

static void
test_new_makes_what_it_is_called(struct test *test)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	struct fend_socket *socket;
	size_t i;

	test_error(fend_socket_new_udp(AF_INET, &socket), 0);
	assert_kind(socket, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	test_error(fend_socket_new_udp(AF_INET6, &socket), 0);
	assert_kind(socket, AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		test_error(fend_socket_new_unix(types[i], &socket), 0);
		assert_kind(socket, AF_UNIX, types[i], 0);
	}
	test_error(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &socket), 0);
	assert_kind(socket, AF_UNIX, SOCK_STREAM, 0);
}

static void
test_new_names_its_errors(struct test *test)
{
	struct fend_socket *socket;

	test_error(fend_socket_new_udp(AF_UNIX, &socket), -EAFNOSUPPORT);
	test_error(fend_socket_new_udp(AF_INET, NULL), -EINVAL);
	test_error(fend_socket_new_unix(SOCK_RAW, &socket), -ESOCKTNOSUPPORT);
	test_error(fend_socket_new_unix(SOCK_STREAM, NULL), -EINVAL);

	test_error(fend_socket_new_tcp(AF_UNIX, &socket), -EAFNOSUPPORT);
	test_error(fend_socket_new_tcp(AF_INET, NULL), -EINVAL);
	test_error(fend_socket_new(AF_MAX + 1, SOCK_STREAM, 0, &socket), -EAFNOSUPPORT);
	test_error(fend_socket_new(AF_INET, SOCK_STREAM, IPPROTO_UDP, &socket), -EPROTONOSUPPORT);
	test_error(fend_socket_new(AF_UNIX, SOCK_RDM, 0, &socket), -ESOCKTNOSUPPORT);
	test_error(fend_socket_new(AF_INET, SOCK_STREAM, 0, NULL), -EINVAL);
}

static void
test_wrap_makes_nonblocking_and_cloexec(struct test *test)
{
	struct fend_socket *socket;
	int fds[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	test_error(fend_socket_wrap(fds[0], &socket), 0);
	g_assert_cmpint(fend_socket_fd(socket), ==, fds[0]);
	assert_nonblocking_and_cloexec(fds[0]);
	fend_socket_free(socket);
	g_assert_cmpint(fcntl(fds[0], F_GETFD), ==, -1);
	close(fds[1]);
}

static void
test_wrap_takes_nothing_on_failure(struct test *test)
{
	struct fend_socket *socket;
	int fds[2];

	g_assert_cmpint(pipe(fds), ==, 0);
	test_error(fend_socket_wrap(fds[0], &socket), -ENOTSOCK);
	g_assert_cmpint(fcntl(fds[0], F_GETFD), ==, 0);
	g_assert_cmpint(fcntl(fds[0], F_GETFL) & O_NONBLOCK, ==, 0);
	close(fds[0]);
	close(fds[1]);
	test_error(fend_socket_wrap(fds[0], &socket), -EBADF);
	test_error(fend_socket_wrap(-1, &socket), -EBADF);
	test_error(fend_socket_wrap(0, NULL), -EINVAL);
}

static void
test_null_is_invalid(struct test *test)
{
	struct fend_address address = { 0 };
	struct fend_socket *other;
	char byte;

	test_error(fend_socket_fd(NULL), -EINVAL);
	g_assert_null(fend_socket_file(NULL));
	test_error(fend_socket_error(NULL), -EINVAL);
	test_error(fend_socket_bind(NULL, &address), -EINVAL);
	test_error(fend_socket_bind_addrinfo(NULL, NULL), -EINVAL);
	test_error(fend_socket_listen(NULL, 1), -EINVAL);
	test_error(fend_socket_accept(NULL, NULL, &other), -EINVAL);
	test_error(fend_socket_connect(NULL, &address), -EINVAL);
	test_error(fend_socket_recv(NULL, &byte, 1, 0), -EINVAL);
	test_error(fend_socket_peek(NULL, &byte, 1), -EINVAL);
	test_error(fend_socket_send(NULL, &byte, 1, 0), -EINVAL);
	test_error(fend_socket_shutdown(NULL, SHUT_WR), -EINVAL);
	test_error(fend_socket_getpeername(NULL, &address), -EINVAL);
	test_error(fend_socket_getsockname(NULL, &address), -EINVAL);
}

static void
test_null_arguments_are_invalid(struct test *test)
{
	struct fend_address address = { .size = sizeof(address.storage) + 1 };
	struct pair pair;

	pair_init(&pair);
	test_error(fend_socket_bind(pair.a, NULL), -EINVAL);
	test_error(fend_socket_bind(pair.a, &address), -EINVAL);
	test_error(fend_socket_bind_addrinfo(pair.a, NULL), -EINVAL);
	test_error(fend_socket_accept(pair.a, NULL, NULL), -EINVAL);
	test_error(fend_socket_connect(pair.a, NULL), -EINVAL);
	test_error(fend_socket_connect(pair.a, &address), -EINVAL);
	test_error(fend_socket_recv(pair.a, NULL, 1, 0), -EINVAL);
	test_error(fend_socket_send(pair.a, NULL, 1, 0), -EINVAL);
	test_error(fend_socket_getpeername(pair.a, NULL), -EINVAL);
	test_error(fend_socket_getsockname(pair.a, NULL), -EINVAL);
	test_error(fend_socket_shutdown(pair.a, 3), -EINVAL);
	test_error(fend_socket_shutdown(pair.a, -1), -EINVAL);
	pair_fini(&pair);
}

static void
test_bind_and_names(struct test *test)
{
	struct fend_address wanted, bound;
	struct fend_socket *first, *second;
	char text[FEND_ADDRESS_TEXT_MAX];

	test_ok(fend_address_parse("127.0.0.1:0", &wanted));
	test_ok(fend_socket_new_tcp(AF_INET, &first));
	test_error(fend_socket_bind(first, &wanted), 0);
	test_error(fend_socket_getsockname(first, &bound), 0);
	test_ok(fend_address_format(&bound, text, sizeof(text)));
	g_assert_true(g_str_has_prefix(text, "127.0.0.1:"));
	g_assert_false(fend_address_equal(&bound, &wanted));
	test_error(fend_socket_getpeername(first, &wanted), -ENOTCONN);

	test_ok(fend_socket_listen(first, 1));
	test_ok(fend_socket_new_tcp(AF_INET, &second));
	test_error(fend_socket_bind(second, &bound), -EADDRINUSE);
	test_ok(fend_address_parse("[::1]:0", &wanted));
	test_error(fend_socket_bind(second, &wanted), -EAFNOSUPPORT);
	fend_socket_free(first);
	fend_socket_free(second);
}

static void
test_bind_addrinfo_takes_the_first_of_its_family(struct test *test)
{
	struct fend_address v6, v4, other_v4, bound;
	struct addrinfo list[3] = { { 0 } };
	struct fend_socket *socket;

	test_ok(fend_address_parse("[::1]:0", &v6));
	test_ok(fend_address_parse("127.0.0.2:0", &v4));
	test_ok(fend_address_parse("127.0.0.3:0", &other_v4));
	list[0].ai_family = AF_INET6;
	list[0].ai_addr = (struct sockaddr *)&v6.storage;
	list[0].ai_addrlen = v6.size;
	list[0].ai_next = &list[1];
	list[1].ai_family = AF_INET;
	list[1].ai_addr = (struct sockaddr *)&v4.storage;
	list[1].ai_addrlen = v4.size;
	list[1].ai_next = &list[2];
	list[2].ai_family = AF_INET;
	list[2].ai_addr = (struct sockaddr *)&other_v4.storage;
	list[2].ai_addrlen = other_v4.size;

	test_ok(fend_socket_new_tcp(AF_INET, &socket));
	test_error(fend_socket_bind_addrinfo(socket, list), 0);
	test_ok(fend_socket_getsockname(socket, &bound));
	memcpy((char *)&v4.storage + offsetof(struct sockaddr_in, sin_port),
	       (char *)&bound.storage + offsetof(struct sockaddr_in, sin_port), 2);
	g_assert_true(fend_address_equal(&bound, &v4));
	fend_socket_free(socket);

	list[0].ai_next = NULL;
	test_ok(fend_socket_new_tcp(AF_INET, &socket));
	test_error(fend_socket_bind_addrinfo(socket, list), -EAFNOSUPPORT);
	fend_socket_free(socket);
}

/* TCP_INFO of a listener has the backlog in tcpi_sacked. */
static unsigned
backlog_of(const struct fend_socket *listener)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	g_assert_cmpint(getsockopt(fend_socket_fd(listener), IPPROTO_TCP, TCP_INFO, &info, &size),
			==, 0);
	return info.tcpi_sacked;
}

static void
test_listen_has_a_backlog_of_128_unless_told(struct test *test)
{
	struct fend_address address;
	struct fend_socket *listener = listener_new(&address);

	g_assert_cmpuint(backlog_of(listener), ==, 128);
	test_ok(fend_socket_listen(listener, 5));
	g_assert_cmpuint(backlog_of(listener), ==, 5);
	test_ok(fend_socket_listen(listener, -1));
	g_assert_cmpuint(backlog_of(listener), ==, 128);
	fend_socket_free(listener);
}

static void
test_accept_hands_over_a_socket_and_its_peer(struct test *test)
{
	struct fend_address address, peer, name;
	struct fend_socket *listener = listener_new(&address);
	struct fend_socket *client, *server = NULL;

	test_error(fend_socket_accept(listener, &peer, &server), -EAGAIN);
	g_assert_null(server);
	test_ok(fend_socket_new_tcp(AF_INET, &client));
	fend_socket_connect(client, &address);
	wait_fd(fend_socket_fd(listener), POLLIN);
	test_error(fend_socket_accept(listener, &peer, &server), 0);
	assert_nonblocking_and_cloexec(fend_socket_fd(server));
	test_ok(fend_socket_getsockname(client, &name));
	g_assert_true(fend_address_equal(&peer, &name));
	test_error(fend_socket_getpeername(server, &peer), 0);
	g_assert_true(fend_address_equal(&peer, &name));
	test_ok(fend_socket_getpeername(client, &peer));
	g_assert_true(fend_address_equal(&peer, &address));
	fend_socket_free(client);
	fend_socket_free(server);
	fend_socket_free(listener);
}

static void
test_accept_names_its_errors(struct test *test)
{
	struct fend_socket *socket, *none = NULL;

	test_ok(fend_socket_new_tcp(AF_INET, &socket));
	test_error(fend_socket_accept(socket, NULL, &none), -EINVAL);
	fend_socket_free(socket);
	test_ok(fend_socket_new(AF_INET, SOCK_DGRAM, 0, &socket));
	test_error(fend_socket_accept(socket, NULL, &none), -EOPNOTSUPP);
	fend_socket_free(socket);
	g_assert_null(none);
}

static void
test_accept_takes_what_is_gone_for_nothing(struct test *test)
{
	static const int gone[] = { ECONNABORTED, EPROTO, EINTR,        ENETDOWN,   ENOPROTOOPT,
				    EHOSTDOWN,    ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH };
	static const int kept[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, EBADF };
	struct fend_address address;
	struct fend_socket *listener = listener_new(&address);
	struct fend_socket *none = NULL;
	size_t i;

	fault_install();
	for (i = 0; i < G_N_ELEMENTS(gone); i++) {
		fault_set(FAULT_ACCEPT, 1, -gone[i], 0);
		test_error(fend_socket_accept(listener, NULL, &none), -EAGAIN);
	}
	for (i = 0; i < G_N_ELEMENTS(kept); i++) {
		fault_set(FAULT_ACCEPT, 1, -kept[i], 0);
		test_error(fend_socket_accept(listener, NULL, &none), -kept[i]);
	}
	fault_remove();
	g_assert_null(none);
	fend_socket_free(listener);
}

/*
 * Accept without a descriptor to be had. Valgrind plays the limit itself and throws away what the
 * kernel has accepted, so there the door has to say it.
 */
static int
accept_without_descriptors(struct fend_socket *listener, struct fend_socket **ret_socket)
{
	const char *preload = g_getenv("LD_PRELOAD");
	struct rlimit limit, none;
	int r;

	if (preload && strstr(preload, "vgpreload")) {
		fault_install();
		fault_set(FAULT_ACCEPT, 1, -EMFILE, 0);
		r = fend_socket_accept(listener, NULL, ret_socket);
		fault_remove();
		return r;
	}
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	none = limit;
	none.rlim_cur = 0;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	r = fend_socket_accept(listener, NULL, ret_socket);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	return r;
}

static void
test_accept_without_descriptors_leaves_the_connection(struct test *test)
{
	struct fend_address address;
	struct fend_socket *listener = listener_new(&address);
	struct fend_socket *client, *server = NULL;
	struct told told = { 0 };

	test_ok(fend_socket_new_tcp(AF_INET, &client));
	fend_socket_connect(client, &address);
	test_ok(fend_socket_watch(listener, test->loop, FEND_IN, on_told, &told));
	test_wait(test, &told.calls);
	test_error(accept_without_descriptors(listener, &server), -EMFILE);
	told.calls = 0;
	test_wait(test, &told.calls);
	g_assert_cmpuint(told.events, ==, FEND_IN);
	test_error(fend_socket_accept(listener, NULL, &server), 0);
	fend_socket_free(server);
	fend_socket_free(client);
	fend_socket_free(listener);
}

static void
test_connect_that_is_refused_leaves_its_error(struct test *test)
{
	struct fend_address address;
	struct fend_socket *listener = listener_new(&address);
	struct fend_socket *client;
	struct told told = { 0 };
	int r;

	fend_socket_free(listener);
	test_ok(fend_socket_new_tcp(AF_INET, &client));
	r = fend_socket_connect(client, &address);
	if (r == -EINPROGRESS) {
		test_ok(fend_socket_watch(client, test->loop, FEND_OUT, on_told, &told));
		test_wait(test, &told.calls);
		g_assert_cmpuint(told.events & FEND_OUT, ==, FEND_OUT);
		r = fend_socket_error(client);
		test_error(fend_socket_error(client), 0);
	}
	test_error(r, -ECONNREFUSED);
	g_assert_cmpstr(fend_strerror(r), ==, fend_strerror(-ECONNREFUSED));
	fend_socket_free(client);
}

static void
test_connect_that_succeeds_has_no_error(struct test *test)
{
	struct fend_address address;
	struct fend_socket *listener = listener_new(&address);
	struct fend_socket *client;
	struct told told = { 0 };
	int r;

	test_ok(fend_socket_new_tcp(AF_INET, &client));
	r = fend_socket_connect(client, &address);
	g_assert_true(r == 0 || r == -EINPROGRESS);
	test_ok(fend_socket_watch(client, test->loop, FEND_OUT, on_told, &told));
	test_wait(test, &told.calls);
	g_assert_cmpuint(told.events, ==, FEND_OUT);
	test_error(fend_socket_error(client), 0);
	test_error(fend_socket_connect(client, &address), 0);
	test_error(fend_socket_connect(client, &address), -EISCONN);
	fend_socket_free(client);
	fend_socket_free(listener);
}

static void
test_connect_fails_at_once_on_a_path_that_is_missing(struct test *test)
{
	struct fend_address address;
	struct fend_socket *client;

	test_ok(fend_address_parse("unix:/nonexistent/socket", &address));
	test_ok(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &client));
	test_error(fend_socket_connect(client, &address), -ENOENT);
	fend_socket_free(client);
}

static void
test_recv_peek_and_send_move_bytes(struct test *test)
{
	struct pair pair;
	char buffer[8];

	pair_init_tcp(&pair);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), -EAGAIN);
	test_error(fend_socket_peek(pair.b, buffer, sizeof(buffer)), -EAGAIN);
	test_error(fend_socket_send(pair.a, "hello", 5, 0), 5);
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	test_error(fend_socket_peek(pair.b, buffer, 2), 2);
	test_error(fend_socket_recv(pair.b, buffer, 2, MSG_PEEK | MSG_DONTWAIT), 2);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 5);
	g_assert_cmpmem(buffer, 5, "hello", 5);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), -EAGAIN);
	fend_socket_free(pair.a);
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	test_error(fend_socket_peek(pair.b, buffer, sizeof(buffer)), 0);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 0);
	fend_socket_free(pair.b);
}

static void
test_flags_reach_the_kernel(struct test *test)
{
	struct pair pair;
	char buffer[8];

	pair_init_tcp(&pair);
	test_error(fend_socket_send(pair.a, "!", 1, MSG_OOB), 1);
	wait_fd(fend_socket_fd(pair.b), POLLPRI);
	test_error(fend_socket_recv(pair.b, buffer, 1, MSG_OOB), 1);
	test_error(fend_socket_send(pair.a, "hello", 5, MSG_MORE | MSG_NOSIGNAL), 5);
	test_error(fend_socket_send(pair.a, "x", 1, 0), 1);
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	test_error(fend_socket_recv(pair.b, buffer, 6, MSG_WAITALL), 6);
	pair_fini(&pair);
}

static void
test_sizes_of_nothing_move_nothing(struct test *test)
{
	struct pair pair;
	char byte;

	pair_init(&pair);
	test_error(fend_socket_recv(pair.a, NULL, 0, 0), 0);
	test_error(fend_socket_peek(pair.a, &byte, 0), 0);
	test_error(fend_socket_send(pair.a, NULL, 0, 0), 0);
	test_error(fend_socket_recv(pair.b, &byte, 1, 0), -EAGAIN);
	pair_fini(&pair);
}

static ssize_t
assert_possible_size(size_t size)
{
	g_assert_cmpuint(size, >, INT_MAX / 2);
	g_assert_cmpuint(size, <=, SSIZE_MAX);
	return 1;
}

static ssize_t
recv_of_possible_size(int fd, void *buffer, size_t size, int flags)
{
	return assert_possible_size(size);
}

static ssize_t
send_of_possible_size(int fd, const void *buffer, size_t size, int flags)
{
	return assert_possible_size(size);
}

static void
test_sizes_of_too_much_are_cut(struct test *test)
{
	struct fend__kernel kernel = fend__kernel_real;
	struct pair pair;
	char byte;

	pair_init(&pair);
	kernel.recv = recv_of_possible_size;
	kernel.send = send_of_possible_size;
	fend__kernel = &kernel;
	test_error(fend_socket_recv(pair.a, &byte, (size_t)-1, 0), 1);
	test_error(fend_socket_send(pair.a, &byte, (size_t)-1, 0), 1);
	fend__kernel = &fend__kernel_real;
	pair_fini(&pair);
}

static void
test_send_takes_what_there_is_room_for(struct test *test)
{
	size_t size = 16 << 20;
	char *data = g_malloc0(size);
	struct pair pair;
	ssize_t n;

	pair_init_tcp(&pair);
	n = fend_socket_send(pair.a, data, size, 0);
	g_assert_cmpint(n, >, 0);
	g_assert_cmpint(n, <, (gint64)size);
	do
		n = fend_socket_send(pair.a, data, size, 0);
	while (n > 0);
	test_error(n, -EAGAIN);
	pair_fini(&pair);
	g_free(data);
}

/* O_NONBLOCK belongs to the open file: somebody else may switch it off. */
static void
test_recv_and_send_never_wait(struct test *test)
{
	size_t size = 16 << 20;
	char *data = g_malloc0(size);
	struct iovec iov[2] = { { data, size / 2 }, { data + size / 2, size / 2 } };
	struct pair pair;
	ssize_t n;
	int pieces;

	pair_init(&pair);
	test_ok(fend_file_set_blocking(fend_socket_file(pair.a), true));
	test_error(fend_socket_recv(pair.a, data, 1, 0), -EAGAIN);
	for (pieces = 1; pieces <= 2; pieces++)
		test_error(fend_socket_recvv(pair.a, iov, pieces, 0), -EAGAIN);
	do
		n = fend_socket_send(pair.a, data, size, 0);
	while (n > 0);
	test_error(n, -EAGAIN);
	for (pieces = 1; pieces <= 2; pieces++)
		test_error(fend_socket_sendv(pair.a, iov, pieces, 0), -EAGAIN);
	pair_fini(&pair);
	g_free(data);
}

static void
test_send_raises_no_sigpipe(struct test *test)
{
	struct sigaction action;
	struct pair pair;

	g_assert_cmpint(sigaction(SIGPIPE, NULL, &action), ==, 0);
	g_assert_true(action.sa_handler == SIG_DFL);
	pair_init(&pair);
	pair.b = fend_socket_free(pair.b);
	test_error(fend_socket_send(pair.a, "x", 1, 0), -EPIPE);
	pair_fini(&pair);
	pair_init_tcp(&pair);
	test_ok(fend_socket_shutdown(pair.a, SHUT_WR));
	test_error(fend_socket_send(pair.a, "x", 1, 0), -EPIPE);
	pair_fini(&pair);
}

static void
test_shutdown_ends_one_direction(struct test *test)
{
	struct fend_socket *socket;
	struct pair pair;
	char byte;

	pair_init_tcp(&pair);
	test_error(fend_socket_shutdown(pair.a, SHUT_WR), 0);
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	test_error(fend_socket_recv(pair.b, &byte, 1, 0), 0);
	send_all(pair.b, "x", 1);
	recv_all(pair.a, &byte, 1);
	test_error(fend_socket_shutdown(pair.b, SHUT_RDWR), 0);
	test_error(fend_socket_send(pair.b, "x", 1, 0), -EPIPE);
	pair_fini(&pair);
	test_ok(fend_socket_new_tcp(AF_INET, &socket));
	test_error(fend_socket_shutdown(socket, SHUT_RD), -ENOTCONN);
	fend_socket_free(socket);
}

static void
test_datagrams_keep_their_bounds(struct test *test)
{
	struct fend_address address;
	struct pair pair;
	char buffer[8];

	test_ok(fend_socket_new(AF_INET6, SOCK_DGRAM, 0, &pair.a));
	test_ok(fend_socket_new(AF_INET6, SOCK_DGRAM, 0, &pair.b));
	test_ok(fend_address_parse("[::1]:0", &address));
	test_ok(fend_socket_bind(pair.b, &address));
	test_ok(fend_socket_getsockname(pair.b, &address));
	test_error(fend_socket_connect(pair.a, &address), 0);
	test_error(fend_socket_send(pair.a, "one", 3, 0), 3);
	test_error(fend_socket_send(pair.a, "three", 5, 0), 5);
	wait_fd(fend_socket_fd(pair.b), POLLIN);
	test_error(fend_socket_recv(pair.b, buffer, sizeof(buffer), 0), 3);
	test_error(fend_socket_recv(pair.b, buffer, 2, MSG_TRUNC), 5);
	pair_fini(&pair);
}

static void
test_unix_sockets_have_names(struct test *test)
{
	g_autofree char *path = g_strdup_printf("unix:%s/socket", test_directory());
	g_autofree char *name = g_strdup_printf("unix:@fend-test-%d", getpid());
	const char *const texts[] = { path, name };
	struct fend_address address, peer;
	struct fend_socket *listener, *client, *server;
	char text[FEND_ADDRESS_TEXT_MAX];
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(texts); i++) {
		test_ok(fend_address_parse(texts[i], &address));
		test_ok(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &listener));
		test_ok(fend_socket_bind(listener, &address));
		test_ok(fend_socket_listen(listener, 0));
		test_ok(fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &client));
		test_error(fend_socket_connect(client, &address), 0);
		test_error(fend_socket_accept(listener, &peer, &server), 0);
		test_ok(fend_address_format(&peer, text, sizeof(text)));
		g_assert_cmpstr(text, ==, "unix:");
		test_ok(fend_socket_getpeername(client, &peer));
		g_assert_true(fend_address_equal(&peer, &address));
		test_ok(fend_address_format(&peer, text, sizeof(text)));
		g_assert_cmpstr(text, ==, texts[i]);
		fend_socket_free(server);
		fend_socket_free(client);
		fend_socket_free(listener);
	}
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/socket/new-is-nonblocking-and-cloexec", test_new_is_nonblocking_and_cloexec);
	test_add("/socket/new-makes-what-it-is-called", test_new_makes_what_it_is_called);
	test_add("/socket/new-names-its-errors", test_new_names_its_errors);
	test_add("/socket/wrap-makes-nonblocking-and-cloexec",
		 test_wrap_makes_nonblocking_and_cloexec);
	test_add("/socket/wrap-takes-nothing-on-failure", test_wrap_takes_nothing_on_failure);
	test_add("/socket/null-is-invalid", test_null_is_invalid);
	test_add("/socket/null-arguments-are-invalid", test_null_arguments_are_invalid);
	test_add("/socket/bind-and-names", test_bind_and_names);
	test_add("/socket/bind-addrinfo-takes-the-first-of-its-family",
		 test_bind_addrinfo_takes_the_first_of_its_family);
	test_add("/socket/listen-has-a-backlog-of-128-unless-told",
		 test_listen_has_a_backlog_of_128_unless_told);
	test_add("/socket/accept-hands-over-a-socket-and-its-peer",
		 test_accept_hands_over_a_socket_and_its_peer);
	test_add("/socket/accept-names-its-errors", test_accept_names_its_errors);
	test_add("/socket/accept-takes-what-is-gone-for-nothing",
		 test_accept_takes_what_is_gone_for_nothing);
	test_add("/socket/accept-without-descriptors-leaves-the-connection",
		 test_accept_without_descriptors_leaves_the_connection);
	test_add("/socket/connect-that-is-refused-leaves-its-error",
		 test_connect_that_is_refused_leaves_its_error);
	test_add("/socket/connect-that-succeeds-has-no-error",
		 test_connect_that_succeeds_has_no_error);
	test_add("/socket/connect-fails-at-once-on-a-path-that-is-missing",
		 test_connect_fails_at_once_on_a_path_that_is_missing);
	test_add("/socket/recv-peek-and-send-move-bytes", test_recv_peek_and_send_move_bytes);
	test_add("/socket/flags-reach-the-kernel", test_flags_reach_the_kernel);
	test_add("/socket/sizes-of-nothing-move-nothing", test_sizes_of_nothing_move_nothing);
	test_add("/socket/sizes-of-too-much-are-cut", test_sizes_of_too_much_are_cut);
	test_add("/socket/send-takes-what-there-is-room-for",
		 test_send_takes_what_there_is_room_for);
	test_add("/socket/recv-and-send-never-wait", test_recv_and_send_never_wait);
	test_add("/socket/send-raises-no-sigpipe", test_send_raises_no_sigpipe);
	test_add("/socket/shutdown-ends-one-direction", test_shutdown_ends_one_direction);
	test_add("/socket/datagrams-keep-their-bounds", test_datagrams_keep_their_bounds);
	test_add("/socket/unix-sockets-have-names", test_unix_sockets_have_names);
	return g_test_run();
}
