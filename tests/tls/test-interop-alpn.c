/* SPDX-License-Identifier: MIT */
/* Application protocols: one in common, none in common, and programs that have none at all. */
#include "interop.h"

#include <errno.h>
#include <string.h>

static const char *const http[] = { "http/1.1" }, *const mail[] = { "imap" };

/* fend has one protocol, the program HTTP or none at all. */
static void
meet(struct meeting *meeting, struct test *test, const char *const *alpn, unsigned flags,
     const char *theirs)
{
	struct fend_tls_params params = interop_params();

	params.alpn = alpn;
	params.alpn_count = 1;
	params.flags = flags;
	interop_meet(meeting, test, &params, &(struct wish){ .alpn = theirs });
}

static void
test_in_common(struct test *test)
{
	struct meeting meeting;

	meet(&meeting, test, http, 0, "http/1.1");
	test_error(meeting.side.err, 0);
	g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_ALPN), ==, "http/1.1");
	interop_talk(&meeting);
	meeting_part(&meeting);
}

/* gnutls-serv goes on without one, unless told otherwise, and it is the client that minds. */
static void
test_none_in_common(struct test *test)
{
	struct meeting meeting;
	const char *text = "peer sent alert no_application_protocol";

	meet(&meeting, test, mail, 0, "http/1.1");
	test_error(meeting.side.err, -EPROTO);
	if (interop_is_client())
		text = "no application protocol in common";
	else if (g_str_equal(variant.program, "gnutls-serv"))
		text = "peer agreed on no application protocol";
	assert_text(&meeting.side, text);
	meeting_part(&meeting);
}

static void
test_none_in_common_where_that_is_optional(struct test *test)
{
	struct meeting meeting;

	meet(&meeting, test, mail, FEND_TLS_ALPN_OPTIONAL, "http/1.1");
	test_error(meeting.side.err, 0);
	g_assert_null(fend_tls_get(meeting.side.socket, FEND_TLS_ALPN));
	interop_talk(&meeting);
	meeting_part(&meeting);
}

static void
test_theirs_is_none(struct test *test)
{
	struct meeting meeting;

	meet(&meeting, test, http, 0, NULL);
	test_error(meeting.side.err, -EPROTO);
	assert_text(&meeting.side, "peer agreed on no application protocol");
	meeting_part(&meeting);
	meet(&meeting, test, http, FEND_TLS_ALPN_OPTIONAL, NULL);
	test_error(meeting.side.err, 0);
	g_assert_null(fend_tls_get(meeting.side.socket, FEND_TLS_ALPN));
	interop_talk(&meeting);
	meeting_part(&meeting);
}

/* nginx always has one. It and s_server refuse a client that has another. */
static const char *const that_go_on[] = { "s_client", "gnutls-cli", "curl", "gnutls-serv", NULL };
static const char *const that_may_have_none[] = { "s_client", "gnutls-cli",  "curl",
						  "s_server", "gnutls-serv", NULL };

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_programs("/interop/alpn/in-common", interop_programs, FEND_TLS_VERSION_DEFAULT,
			     test_in_common);
	variant_add_programs("/interop/alpn/none-in-common", interop_programs,
			     FEND_TLS_VERSION_DEFAULT, test_none_in_common);
	variant_add_programs("/interop/alpn/none-in-common-where-that-is-optional", that_go_on,
			     FEND_TLS_VERSION_DEFAULT, test_none_in_common_where_that_is_optional);
	variant_add_programs("/interop/alpn/theirs-is-none", that_may_have_none,
			     FEND_TLS_VERSION_DEFAULT, test_theirs_is_none);
	return g_test_run();
}
