/* SPDX-License-Identifier: MIT */
/*
 * New keys (RFC 8446, section 4.6.3), from programs that can be told to ask for them: curl, nginx
 * and gnutls-serv cannot.
 */
#include "interop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "pair.h"

enum { AS_OFTEN_AS_ALLOWED = 8, TOO_OFTEN = 20 };

/* What updates its own keys, or ours as well, and what makes it listen to that. */
static const struct commands {
	const char *program, *own, *both, *more;
	int sndbuf; /* for one that writes byte by byte, and takes long over some MiB */
} commands[] = {
	{ "s_client", "k\n", "K\n", NULL, 0 },
	{ "s_server", "k\n", "K\n", NULL, 0 },
	{ "gnutls-cli", "^rekey1^\n", "^rekey^\n", " --inline-commands", 64 * 1024 },
};

static const struct commands *
commands_of(void)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(commands); i++)
		if (g_str_equal(commands[i].program, variant.program))
			return &commands[i];
	g_assert_not_reached();
}

/* With a text each way, so that tickets are out of the way. */
static void
meet(struct meeting *meeting, struct test *test, const char *more)
{
	interop_meet(meeting, test, NULL, &(struct wish){ .quiet = true, .more = more });
	test_error(meeting->side.err, 0);
	interop_talk(meeting);
}

/*
 * The program is stopped, the connection filled, and new keys are asked for before what is left
 * over could go out. GnuTLS' own state in the middle of a record would send some of it twice.
 */
static void
test_while_output_is_blocked(struct test *test)
{
	const struct commands *keys = commands_of();
	struct meeting meeting;
	size_t lines = 0;
	int round;

	meet(&meeting, test, keys->more);
	if (keys->sndbuf)
		test_ok(fend_socket_set_option_int(meeting.side.socket, SOL_SOCKET, SO_SNDBUF,
						   keys->sndbuf));
	for (round = 0; round < 4; round++) {
		g_assert_cmpint(kill(process_pid(meeting.process), SIGSTOP), ==, 0);
		lines = meeting_fill_with_lines(&meeting, lines);
		process_write(meeting.process, round % 2 ? keys->own : keys->both);
		g_assert_cmpint(kill(process_pid(meeting.process), SIGCONT), ==, 0);
		/* its request comes in while ours are still going out */
		meeting_take_record_without_data(&meeting);
		lines = meeting_send_lines(&meeting, lines, 5000);
	}
	meeting_check_lines(&meeting, lines);
	meeting_converse(&meeting, "still there\n", "here\n");
	meeting_part(&meeting);
}

static int
queued(const struct meeting *meeting)
{
	int n;

	g_assert_cmpint(ioctl(fend_socket_fd(meeting->side.socket), FIONREAD, &n), ==, 0);
	return n;
}

static void
wait_queued(const struct meeting *meeting, int n)
{
	gint64 deadline = g_get_monotonic_time() + 20 * G_USEC_PER_SEC * test_slowness();

	while (queued(meeting) < n) {
		g_assert_cmpint(g_get_monotonic_time(), <, deadline);
		g_usleep(1000);
	}
}

/* All of them are there before the first is looked at, so that no machine is too slow for them. */
static void
update(struct meeting *meeting, const char *command, int n)
{
	int before;

	while (n--) {
		before = queued(meeting);
		process_write(meeting->process, command);
		wait_queued(meeting, before + 1);
	}
}

/* New keys amid what it sends, all of which is there before fend takes the first. */
static void
test_amid_their_data(struct test *test)
{
	GString *data = g_string_new(NULL), *sent = g_string_new(NULL);
	struct meeting meeting;
	int round, before, i;
	char *received;

	meet(&meeting, test, commands_of()->more);
	for (round = 0; round < AS_OFTEN_AS_ALLOWED; round++) {
		g_string_truncate(data, 0);
		for (i = 0; i < 100; i++)
			g_string_append_printf(data, "line %d of round %d\n", i, round);
		before = queued(&meeting);
		process_write(meeting.process, data->str);
		wait_queued(&meeting, before + (int)data->len);
		update(&meeting, round % 2 ? commands_of()->own : commands_of()->both, 1);
		g_string_append_len(sent, data->str, (gssize)data->len);
	}
	received = g_malloc(sent->len);
	tls_recv(test, meeting.side.socket, received, sent->len);
	g_assert_cmpmem(received, sent->len, sent->str, sent->len);
	meeting_converse(&meeting, "still there\n", "here\n");
	meeting_part(&meeting);
	g_free(received);
	g_string_free(sent, TRUE);
	g_string_free(data, TRUE);
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	((struct test *)data)->done = 1;
}

static void
wait_for_another_second(struct test *test)
{
	struct fend_timer *timer;

	test_ok(fend_timer_new(test->loop, on_timer, test, &timer));
	fend_timer_after(timer, FEND_MS(1100));
	test_run(test);
	fend_timer_free(timer);
}

static void
test_as_often_as_allowed(struct test *test)
{
	const struct commands *keys = commands_of();
	struct meeting meeting;
	size_t lines = 0;

	meet(&meeting, test, keys->more);
	update(&meeting, keys->own, AS_OFTEN_AS_ALLOWED);
	test_error(fend_socket_recv(meeting.side.socket, &(char){ 0 }, 1, 0), -EAGAIN);
	lines = meeting_send_lines(&meeting, lines, 5000);
	meeting_converse(&meeting, "still there\n", "");
	wait_for_another_second(test);
	update(&meeting, keys->both, AS_OFTEN_AS_ALLOWED);
	test_error(fend_socket_recv(meeting.side.socket, &(char){ 0 }, 1, 0), -EAGAIN);
	lines = meeting_send_lines(&meeting, lines, 5000);
	meeting_check_lines(&meeting, lines);
	meeting_converse(&meeting, "still there\n", "here\n");
	meeting_part(&meeting);
}

static void
check_too_often(struct test *test, const char *command)
{
	struct meeting meeting;

	meet(&meeting, test, commands_of()->more);
	update(&meeting, command, TOO_OFTEN);
	test_error(fend_socket_recv(meeting.side.socket, &(char){ 0 }, 1, 0), -EPROTO);
	assert_text(&meeting.side, "peer updates its keys too often");
	g_assert_cmpint(fend_tls_error(meeting.side.socket)->alert, ==, 10);
	test_error(fend_socket_send(meeting.side.socket, "x", 1, 0), -EPROTO);
	process_expect(meeting.process, "alert");
	meeting_part(&meeting);
}

static void
test_too_often(struct test *test)
{
	check_too_often(test, commands_of()->own);
	check_too_often(test, commands_of()->both);
}

/* fend's own may come as late as before its next data. */
static void
test_asked_for(struct test *test)
{
	struct meeting meeting;

	interop_meet(&meeting, test, NULL, &(struct wish){ .more = " -msg" });
	test_error(meeting.side.err, 0);
	meeting_converse(&meeting, "hello\n", "world\n");
	process_write(meeting.process, commands_of()->both);
	meeting_take_record_without_data(&meeting);
	tls_send(test, meeting.side.socket, "new keys\n", 9);
	process_expect(meeting.process, "<<< TLS 1.3, Handshake [length 0005], KeyUpdate");
	process_expect(meeting.process, "new keys\n");
	meeting_part(&meeting);
}

int
main(int argc, char **argv)
{
	static const char *const programs[] = { "s_client", "gnutls-cli", "s_server", NULL };
	static const char *const talkative[] = { "s_client", "s_server", NULL };

	test_init(&argc, &argv);
	variant_add_programs("/interop/rekey/while-output-is-blocked", programs, FEND_TLS_1_3,
			     test_while_output_is_blocked);
	variant_add_programs("/interop/rekey/amid-their-data", programs, FEND_TLS_1_3,
			     test_amid_their_data);
	variant_add_programs("/interop/rekey/as-often-as-allowed", programs, FEND_TLS_1_3,
			     test_as_often_as_allowed);
	variant_add_programs("/interop/rekey/too-often", programs, FEND_TLS_1_3, test_too_often);
	variant_add_programs("/interop/rekey/asked-for", talkative, FEND_TLS_1_3, test_asked_for);
	return g_test_run();
}
