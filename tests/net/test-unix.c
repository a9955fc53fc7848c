/* SPDX-License-Identifier: MIT */
#include <fend/unix.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "layers.h"
#include "pair.h"

#define MANY 4

static struct iovec
bytes(const char *text)
{
	return (struct iovec){ .iov_base = (char *)text, .iov_len = strlen(text) };
}

/* The read ends of pipes; the write ends are closed. */
static void
open_many(int fds[MANY])
{
	int i, ends[2];

	for (i = 0; i < MANY; i++) {
		g_assert_cmpint(pipe(ends), ==, 0);
		close(ends[1]);
		fds[i] = ends[0];
	}
}

static void
close_many(const int *fds, size_t n)
{
	while (n > 0)
		g_assert_cmpint(close(fds[--n]), ==, 0);
}

static void
assert_same_file(int a, int b)
{
	struct stat x, y;

	g_assert_cmpint(fstat(a, &x), ==, 0);
	g_assert_cmpint(fstat(b, &y), ==, 0);
	g_assert_cmpuint(x.st_ino, ==, y.st_ino);
	g_assert_cmpint(a, !=, b);
}

static void
pair_init_type(struct pair *pair, int type)
{
	int fds[2];

	g_assert_cmpint(socketpair(AF_UNIX, type, 0, fds), ==, 0);
	test_ok(fend_socket_wrap(fds[0], &pair->a));
	test_ok(fend_socket_wrap(fds[1], &pair->b));
}

static void
test_descriptors_are_passed(struct test *test)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	struct iovec out[3] = { bytes("he"), { 0 }, bytes("llo") };
	char buffer[8];
	struct iovec in[2] = { { buffer, 1 }, { buffer + 1, 7 } };
	int fds[MANY], got[FEND_FDS_MAX];
	struct pair pair;
	size_t i, j;

	open_many(fds);
	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		struct fend_fds received = { .fds = got, .max = FEND_FDS_MAX };

		pair_init_type(&pair, types[i]);
		test_error(fend_socket_recv_fds(pair.b, in, 2, &received), -EAGAIN);
		test_error(fend_socket_send_fds(pair.a, out, 3, fds, MANY), 5);
		test_error(fend_socket_recv_fds(pair.b, in, 2, &received), 5);
		g_assert_cmpmem(buffer, 5, "hello", 5);
		g_assert_cmpuint(received.n, ==, MANY);
		g_assert_false(received.lost);
		for (j = 0; j < MANY; j++) {
			assert_same_file(got[j], fds[j]);
			g_assert_cmpint(fcntl(got[j], F_GETFD), ==, FD_CLOEXEC);
		}
		close_many(got, MANY);
		pair_fini(&pair);
	}
	close_many(fds, MANY);
}

static void
test_bytes_may_come_alone(struct test *test)
{
	struct iovec out = bytes("hello");
	char buffer[8];
	struct iovec in = { buffer, sizeof(buffer) };
	struct fend_fds received = { .n = 7, .lost = true };
	struct pair pair;

	pair_init(&pair);
	test_error(fend_socket_send_fds(pair.a, &out, 1, NULL, 0), 5);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), 5);
	g_assert_cmpuint(received.n, ==, 0);
	g_assert_false(received.lost);
	received.n = 7;
	pair.a = fend_socket_free(pair.a);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), 0);
	g_assert_cmpuint(received.n, ==, 0);
	pair_fini(&pair);
}

/* A send that takes a part of the bytes has sent the descriptors; bytes that follow are without. */
static void
test_descriptors_go_with_the_first_byte(struct test *test)
{
	size_t size = 16 << 20;
	char *data = g_malloc0(size);
	struct iovec out = { data, size }, in = { data, size };
	int fds[MANY], got[MANY];
	struct fend_fds received = { .fds = got, .max = MANY };
	struct pair pair;
	ssize_t sent, n;

	open_many(fds);
	pair_init(&pair);
	sent = fend_socket_send_fds(pair.a, &out, 1, fds, MANY);
	g_assert_cmpint(sent, >, 0);
	g_assert_cmpint(sent, <, (ssize_t)size);
	in.iov_len = 1;
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), 1);
	g_assert_cmpuint(received.n, ==, MANY);
	close_many(got, MANY);
	in.iov_len = size;
	while (--sent > 0) {
		n = fend_socket_recv_fds(pair.b, &in, 1, &received);
		g_assert_cmpint(n, >, 0);
		g_assert_cmpuint(received.n, ==, 0);
		sent -= n - 1;
	}
	pair_fini(&pair);
	close_many(fds, MANY);
	g_free(data);
}

static void
test_surplus_descriptors_are_closed(struct test *test)
{
	struct iovec out = bytes("x");
	char buffer[8];
	struct iovec in = { buffer, sizeof(buffer) };
	int fds[MANY], got[MANY] = { -1, -1, -1, -1 };
	struct pair pair;
	size_t max;

	open_many(fds);
	pair_init(&pair);
	for (max = 0; max < MANY; max++) {
		struct fend_fds received = { .fds = max ? got : NULL, .max = max };
		int before = test_count_fds();

		test_error(fend_socket_send_fds(pair.a, &out, 1, fds, MANY), 1);
		test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), 1);
		g_assert_cmpuint(received.n, ==, max);
		g_assert_true(received.lost);
		g_assert_cmpint(test_count_fds(), ==, before + (int)max);
		g_assert_cmpint(got[max], ==, -1);
		close_many(got, max);
	}
	pair_fini(&pair);
	close_many(fds, MANY);
}

/* Whoever expects none does not get any. */
static void
test_plain_recv_closes_what_comes(struct test *test)
{
	struct iovec out = bytes("x");
	char buffer[8];
	struct iovec in[2] = { { buffer, 4 }, { buffer + 4, 4 } };
	int fds[MANY], before;
	struct pair pair;

	open_many(fds);
	pair_init(&pair);
	before = test_count_fds();
	test_error(fend_socket_send_fds(pair.a, &out, 1, fds, MANY), 1);
	test_error(fend_socket_recv(pair.b, buffer, 8, 0), 1);
	test_error(fend_socket_send_fds(pair.a, &out, 1, fds, MANY), 1);
	test_error(fend_socket_recvv(pair.b, in, 2, 0), 1);
	g_assert_cmpint(test_count_fds(), ==, before);
	pair_fini(&pair);
	close_many(fds, MANY);
}

static void
test_descriptors_that_may_not_be_opened_are_lost(struct test *test)
{
	struct rlimit limit, less;
	struct iovec out = bytes("x");
	char buffer[8];
	struct iovec in = { buffer, sizeof(buffer) };
	int fds[MANY], got[MANY], lowest, before;
	struct fend_fds received = { .fds = got, .max = MANY };
	struct pair pair;

	open_many(fds);
	pair_init(&pair);
	before = test_count_fds();
	test_error(fend_socket_send_fds(pair.a, &out, 1, fds, MANY), 1);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	less = limit;
	lowest = dup(0);
	close(lowest);
	less.rlim_cur = (rlim_t)lowest + 1;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &less), ==, 0);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), 1);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	g_assert_cmpuint(received.n, ==, 1);
	g_assert_true(received.lost);
	g_assert_cmpint(test_count_fds(), ==, before + 1);
	close_many(got, received.n);
	pair_fini(&pair);
	close_many(fds, MANY);
}

static void
test_other_messages_do_not_disturb(struct test *test)
{
	struct iovec out = bytes("x");
	char buffer[8];
	struct iovec in = { buffer, sizeof(buffer) };
	int fds[FEND_FDS_MAX], got[FEND_FDS_MAX], before;
	struct fend_fds received = { .fds = got, .max = FEND_FDS_MAX };
	struct pair pair;
	size_t i;

	for (i = 0; i < FEND_FDS_MAX; i++)
		fds[i] = 0;
	pair_init(&pair);
	test_ok(fend_socket_set_option_name(pair.b, "PASSCRED", 1));
	/* SO_PASSPIDFD, a pidfd with each message (Linux 6.5), which C libraries may not know yet. */
	fend_socket_set_option_int(pair.b, SOL_SOCKET, 76, 1);
	before = test_count_fds();
	test_error(fend_socket_send_fds(pair.a, &out, 1, fds, FEND_FDS_MAX), 1);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), 1);
	g_assert_cmpuint(received.n, ==, FEND_FDS_MAX);
	g_assert_false(received.lost);
	close_many(got, FEND_FDS_MAX);
	g_assert_cmpint(test_count_fds(), ==, before);
	pair_fini(&pair);
}

static void
test_descriptors_name_their_errors(struct test *test)
{
	struct iovec out = bytes("x");
	char byte;
	struct iovec in = { &byte, 1 };
	int fds[FEND_FDS_MAX + 1] = { 0 };
	struct fend_fds none = { .max = 1 }, received = { .fds = fds, .max = 1, .n = 7 };
	struct pair pair;

	pair_init(&pair);
	test_error(fend_socket_send_fds(NULL, &out, 1, fds, 1), -EINVAL);
	test_error(fend_socket_send_fds(pair.a, NULL, 1, fds, 1), -EINVAL);
	test_error(fend_socket_send_fds(pair.a, &out, -1, fds, 1), -EINVAL);
	test_error(fend_socket_send_fds(pair.a, &out, 0, fds, 1), -EINVAL);
	test_error(fend_socket_send_fds(pair.a, &out, 1, NULL, 1), -EINVAL);
	test_error(fend_socket_send_fds(pair.a, &out, 1, fds, FEND_FDS_MAX + 1), -EINVAL);
	test_error(fend_socket_send_fds(pair.a, &out, 1, (int[]){ -1 }, 1), -EBADF);
	test_error(fend_socket_recv_fds(NULL, &in, 1, &received), -EINVAL);
	test_error(fend_socket_recv_fds(pair.b, NULL, 1, &received), -EINVAL);
	test_error(fend_socket_recv_fds(pair.b, &in, 0, &received), -EINVAL);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, NULL), -EINVAL);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &none), -EINVAL);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), -EAGAIN);
	g_assert_cmpuint(received.n, ==, 7);
	pair.b = fend_socket_free(pair.b);
	test_error(fend_socket_send_fds(pair.a, &out, 1, fds, 1), -EPIPE);
	pair_fini(&pair);
}

static void
test_only_unix_sockets_without_layers_pass_descriptors(struct test *test)
{
	struct iovec out = bytes("x");
	char byte;
	struct iovec in = { &byte, 1 };
	int fds[1] = { 0 };
	struct fend_fds received = { .fds = fds, .max = 1 };
	struct pair pair;

	pair_init_tcp(&pair);
	test_error(fend_socket_send_fds(pair.a, &out, 1, fds, 1), -EOPNOTSUPP);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), -EOPNOTSUPP);
	pair_fini(&pair);
	pair_init(&pair);
	dribbler_push(pair.a);
	dribbler_push(pair.b);
	test_error(fend_socket_send_fds(pair.a, &out, 1, fds, 1), -EOPNOTSUPP);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), -EOPNOTSUPP);
	test_error(fend_socket_recv(pair.b, &byte, 1, 0), -EAGAIN);
	pair_fini(&pair);
}

static void
test_calls_that_fail_change_nothing(struct test *test)
{
	struct iovec out = bytes("x");
	char byte;
	struct iovec in = { &byte, 1 };
	int fds[MANY], got[MANY];
	struct fend_fds received = { .fds = got, .max = MANY, .n = 7 };
	struct fend_credentials credentials = { .pid = 77 };
	struct pair pair;

	open_many(fds);
	pair_init(&pair);
	fault_install();
	fault_set(FAULT_SENDMSG, 1, -ENOBUFS, 0);
	test_error(fend_socket_send_fds(pair.a, &out, 1, fds, MANY), -ENOBUFS);
	test_error(fend_socket_send_fds(pair.a, &out, 1, fds, MANY), 1);
	fault_set(FAULT_RECVMSG, 1, -ENOMEM, 0);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), -ENOMEM);
	g_assert_cmpuint(received.n, ==, 7);
	test_error(fend_socket_recv_fds(pair.b, &in, 1, &received), 1);
	g_assert_cmpuint(received.n, ==, MANY);
	fault_set(FAULT_GETSOCKOPT, 1, -ENOBUFS, 0);
	test_error(fend_socket_peer_credentials(pair.a, &credentials), -ENOBUFS);
	g_assert_cmpint(credentials.pid, ==, 77);
	fault_remove();
	close_many(got, MANY);
	close_many(fds, MANY);
	pair_fini(&pair);
}

static void
test_the_peer_has_credentials(struct test *test)
{
	g_autofree char *name = g_strdup_printf("unix:@fend-test-unix-%d", getpid());
	struct fend_socket *listener, *client, *server;
	struct fend_credentials peer;
	struct fend_address address;
	int status;
	pid_t pid;

	test_ok(fend_address_parse(name, &address));
	test_ok(fend_socket_new_unix(SOCK_STREAM, &listener));
	test_ok(fend_socket_bind(listener, &address));
	test_ok(fend_socket_listen(listener, 0));
	pid = fork();
	if (pid == 0) {
		test_ok(fend_socket_new_unix(SOCK_STREAM, &client));
		test_ok(fend_socket_connect(client, &address));
		test_error(fend_socket_peer_credentials(client, &peer), 0);
		g_assert_cmpint(peer.pid, ==, getppid());
		_exit(0);
	}
	wait_fd(fend_socket_fd(listener), POLLIN);
	test_ok(fend_socket_accept(listener, NULL, &server));
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	test_error(fend_socket_peer_credentials(server, &peer), 0);
	g_assert_cmpint(peer.pid, ==, pid);
	g_assert_cmpuint(peer.uid, ==, geteuid());
	g_assert_cmpuint(peer.gid, ==, getegid());
	fend_socket_free(server);
	fend_socket_free(listener);
}

static void
test_credentials_name_their_errors(struct test *test)
{
	struct fend_credentials peer = { .pid = 77 };
	struct fend_socket *socket;
	struct pair pair;

	test_ok(fend_socket_new_unix(SOCK_STREAM, &socket));
	test_error(fend_socket_peer_credentials(socket, &peer), -ENOTCONN);
	test_error(fend_socket_peer_credentials(socket, NULL), -EINVAL);
	test_error(fend_socket_peer_credentials(NULL, &peer), -EINVAL);
	fend_socket_free(socket);
	pair_init_tcp(&pair);
	test_error(fend_socket_peer_credentials(pair.a, &peer), -EOPNOTSUPP);
	pair_fini(&pair);
	g_assert_cmpint(peer.pid, ==, 77);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/unix/descriptors-are-passed", test_descriptors_are_passed);
	test_add("/unix/bytes-may-come-alone", test_bytes_may_come_alone);
	test_add("/unix/descriptors-go-with-the-first-byte",
		 test_descriptors_go_with_the_first_byte);
	test_add("/unix/surplus-descriptors-are-closed", test_surplus_descriptors_are_closed);
	test_add("/unix/plain-recv-closes-what-comes", test_plain_recv_closes_what_comes);
	test_add("/unix/descriptors-that-may-not-be-opened-are-lost",
		 test_descriptors_that_may_not_be_opened_are_lost);
	test_add("/unix/other-messages-do-not-disturb", test_other_messages_do_not_disturb);
	test_add("/unix/descriptors-name-their-errors", test_descriptors_name_their_errors);
	test_add("/unix/only-unix-sockets-without-layers-pass-descriptors",
		 test_only_unix_sockets_without_layers_pass_descriptors);
	test_add("/unix/calls-that-fail-change-nothing", test_calls_that_fail_change_nothing);
	test_add("/unix/the-peer-has-credentials", test_the_peer_has_credentials);
	test_add("/unix/credentials-name-their-errors", test_credentials_name_their_errors);
	return g_test_run();
}
