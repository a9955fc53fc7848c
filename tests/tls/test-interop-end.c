/* SPDX-License-Identifier: MIT */
/*
 * How connections end: with close_notify, first that of the program or first that of fend; without,
 * when the program is killed; and in a child of fork(2), where fend says nothing.
 */
#include "interop.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool
is(const char *program)
{
	return g_str_equal(variant.program, program);
}

static void
meet(struct meeting *meeting, struct test *test, unsigned flags, bool page)
{
	struct fend_tls_params params = interop_params();

	params.flags = flags;
	interop_meet(meeting, test, &params, &(struct wish){ .page = page });
	test_error(meeting->side.err, 0);
}

static ssize_t
receive_end(struct meeting *meeting)
{
	char data[1000];
	ssize_t n;

	do
		n = tls_recv_some(meeting->test, meeting->side.socket, data, sizeof(data));
	while (n > 0);
	return n;
}

static void
have_it_close(struct meeting *meeting)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";

	if (!interop_is_client()) {
		tls_send(meeting->test, meeting->side.socket, request, strlen(request));
		interop_receive_until(meeting, "\r\n\r\n");
		return;
	}
	interop_talk(meeting); /* after which curl leaves */
	if (is("s_client"))
		process_write(meeting->process, "Q\n");
	else if (is("gnutls-cli"))
		process_write(meeting->process, NULL);
}

static void
test_theirs_first(struct test *test)
{
	struct meeting meeting;

	meet(&meeting, test, 0, true);
	have_it_close(&meeting);
	test_error(receive_end(&meeting), 0);
	meeting_part(&meeting);
}

/* gnutls-cli and nginx, which was not asked to leave, do not answer it. */
static void
test_ours_first(struct test *test)
{
	struct meeting meeting;

	meet(&meeting, test, 0, false);
	if (!is("curl"))
		interop_talk(&meeting);
	test_ok(fend_tls_shutdown(meeting.side.socket, test->loop, FEND_FOREVER, on_done,
				  &meeting.side));
	test_run(test);
	test_error(meeting.side.err, is("gnutls-cli") || is("nginx") ? -EBADMSG : 0);
	meeting_part(&meeting);
}

/* The kernel resets the connection of one who is killed before he has read all. */
static void
be_cut_off(struct meeting *meeting, ssize_t expected)
{
	if (is("curl")) {
		interop_answer(meeting, "world\n", 1000);
		process_expect(meeting->process, "world\n");
	} else {
		interop_talk(meeting);
	}
	g_assert_cmpint(kill(-process_pid(meeting->process), SIGKILL), ==, 0);
	test_error(receive_end(meeting), expected);
}

static void
test_killed(struct test *test)
{
	struct meeting meeting;

	meet(&meeting, test, 0, false);
	be_cut_off(&meeting, -EBADMSG);
	assert_text(&meeting.side, "peer closed the connection without close_notify");
	test_error(fend_socket_send(meeting.side.socket, "x", 1, 0), -EBADMSG);
	meeting_part(&meeting);
	meet(&meeting, test, FEND_TLS_ALLOW_TRUNCATION, false);
	be_cut_off(&meeting, 0);
	meeting_part(&meeting);
}

/* All bytes that were ever written to this connection, by whomever, sent or not. */
static guint64
bytes_written(const struct meeting *meeting)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	g_assert_cmpint(getsockopt(fend_socket_fd(meeting->side.socket), IPPROTO_TCP, TCP_INFO,
				   &info, &size),
			==, 0);
	g_assert_cmpuint(size, >=, offsetof(struct tcp_info, tcpi_bytes_retrans) + 8);
	return info.tcpi_bytes_sent - info.tcpi_bytes_retrans + info.tcpi_notsent_bytes;
}

/* One byte more would be one record too many, which the next could not be decrypted after. */
static void
test_fork(struct test *test)
{
	struct meeting meeting;
	guint64 before;
	int status;
	pid_t pid;

	meet(&meeting, test, 0, false);
	if (!is("curl"))
		interop_talk(&meeting);
	before = bytes_written(&meeting);
	g_assert_cmpuint(before, >, 0);
	pid = fork();
	if (pid == 0) {
		fend_socket_free(meeting.side.socket);
		fend_loop_free(test->loop);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpuint(bytes_written(&meeting), ==, before);
	interop_talk(&meeting);
	g_assert_cmpuint(bytes_written(&meeting), >, before);
	meeting_part(&meeting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_programs("/interop/end/theirs-first", interop_programs,
			     FEND_TLS_VERSION_DEFAULT, test_theirs_first);
	variant_add_programs("/interop/end/ours-first", interop_programs, FEND_TLS_VERSION_DEFAULT,
			     test_ours_first);
	variant_add_programs("/interop/end/killed", interop_programs, FEND_TLS_VERSION_DEFAULT,
			     test_killed);
	variant_add_programs("/interop/end/fork", interop_programs, FEND_TLS_VERSION_DEFAULT,
			     test_fork);
	return g_test_run();
}
