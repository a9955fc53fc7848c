/* SPDX-License-Identifier: MIT */
/*
 * Connections that go on where another one was: by tickets of TLS 1.2 and 1.3. By session ids alone
 * fend resumes nothing, on either side, whatever the programs offer.
 */
#include "interop.h"

#include <errno.h>
#include <string.h>

#include <fend/memory.h>

/* What s_client keeps of one connection another process of it takes to the next. */
static void
test_s_client(struct test *test)
{
	struct fend_tls_params params = server_params();
	struct fend_tls_context *context = context_new(&params);
	char *file = test_path("session"), *in = g_strdup_printf(" -sess_in %s", file);
	char *out = g_strdup_printf(" -sess_out %s", file);
	const char *const more[] = { out, in };
	struct meeting meeting;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(more); i++) {
		interop_start(&meeting, test, &(struct wish){ .more = more[i] });
		interop_join(&meeting, context, NULL, NULL, 0);
		test_error(meeting.side.err, 0);
		g_assert_cmpint(fend_tls_is_resumed(meeting.side.socket), ==, i == 1);
		process_expect(meeting.process, i == 1 ? "Reused, TLSv1" : "New, TLSv1");
		interop_talk(&meeting);
		process_write(meeting.process, "Q\n");
		process_wait(meeting.process);
		meeting_part(&meeting);
	}
	g_free(out);
	g_free(in);
	g_free(file);
	fend_tls_context_unref(context);
}

/* One process that leaves and comes back by itself; does fend resume the connection? */
static void
come_back(struct test *test, const struct wish *wish, bool expected)
{
	struct fend_tls_params params = server_params();
	struct fend_tls_context *context = context_new(&params);
	struct meeting meeting;

	interop_start(&meeting, test, wish);
	interop_join(&meeting, context, NULL, NULL, 0);
	test_error(meeting.side.err, 0);
	g_assert_false(fend_tls_is_resumed(meeting.side.socket));
	if (g_str_equal(variant.program, "curl"))
		interop_talk(&meeting);
	test_error(tls_recv_some(test, meeting.side.socket, &(char){ 0 }, 1), 0);
	interop_join(&meeting, context, NULL, NULL, 0);
	test_error(meeting.side.err, 0);
	g_assert_cmpint(fend_tls_is_resumed(meeting.side.socket), ==, expected);
	interop_talk(&meeting);
	meeting_part(&meeting);
	fend_tls_context_unref(context);
}

static void
test_gnutls_cli(struct test *test)
{
	come_back(test, &(struct wish){ .more = " --resume --waitresumption" }, true);
}

/* It asks for no ticket in TLS 1.2, and comes back with a session id. */
static void
test_curl(struct test *test)
{
	come_back(test, &(struct wish){ .more = " https://localhost:@port/again" },
		  variant.version == FEND_TLS_1_3);
}

/* It has a session id to come back with, of which fend knows nothing. */
static void
test_gnutls_cli_without_tickets(struct test *test)
{
	come_back(test, &(struct wish){ .more = " --resume", .no_tickets = true }, false);
}

static void
test_a_server(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct fend_tls_context *context = context_new(&params);
	void *data[3] = { NULL };
	size_t size = 0, i;
	struct meeting meeting;

	interop_start(&meeting, test, &(struct wish){ 0 });
	for (i = 0; i < 3; i++) {
		interop_join(&meeting, context, NULL, i ? data[i - 1] : NULL, size);
		test_error(meeting.side.err, 0);
		g_assert_cmpint(fend_tls_is_resumed(meeting.side.socket), ==, i > 0);
		interop_talk(&meeting);
		test_ok(fend_tls_session(meeting.side.socket, &data[i], &size));
	}
	meeting_part(&meeting);
	for (i = 0; i < 3; i++)
		fend_free(data[i]);
	fend_tls_context_unref(context);
}

static void
test_a_server_without_tickets(struct test *test)
{
	struct meeting meeting;
	size_t size;
	void *data;

	interop_meet(&meeting, test, NULL, &(struct wish){ .no_tickets = true });
	test_error(meeting.side.err, 0);
	interop_talk(&meeting);
	test_error(fend_tls_session(meeting.side.socket, &data, &size), -ENOENT);
	meeting_part(&meeting);
}

int
main(int argc, char **argv)
{
	static const char *const s_client[] = { "s_client", NULL }, *const curl[] = { "curl",
										      NULL };
	static const char *const gnutls_cli[] = { "gnutls-cli", NULL };

	test_init(&argc, &argv);
	variant_add_programs("/interop/resume", s_client, FEND_TLS_VERSION_DEFAULT, test_s_client);
	variant_add_programs("/interop/resume", gnutls_cli, FEND_TLS_VERSION_DEFAULT,
			     test_gnutls_cli);
	variant_add_programs("/interop/resume", curl, FEND_TLS_VERSION_DEFAULT, test_curl);
	variant_add_programs("/interop/resume", interop_servers, FEND_TLS_VERSION_DEFAULT,
			     test_a_server);
	variant_add_programs("/interop/resume-without-tickets", gnutls_cli, FEND_TLS_1_2,
			     test_gnutls_cli_without_tickets);
	variant_add_programs("/interop/resume-without-tickets", interop_servers, FEND_TLS_1_2,
			     test_a_server_without_tickets);
	return g_test_run();
}
