/* SPDX-License-Identifier: MIT */
/* A full handshake with each program, and some words. */
#include "interop.h"

static void
test_full(struct test *test)
{
	struct meeting meeting;

	interop_meet(&meeting, test, NULL, &(struct wish){ 0 });
	test_error(meeting.side.err, 0);
	g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_PROTOCOL), ==,
			variant.version == FEND_TLS_1_2 ? "TLSv1.2" : "TLSv1.3");
	g_assert_false(fend_tls_is_resumed(meeting.side.socket));
	interop_talk(&meeting);
	meeting_part(&meeting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_programs("/interop/full", interop_programs, FEND_TLS_VERSION_DEFAULT,
			     test_full);
	return g_test_run();
}
