/* SPDX-License-Identifier: MIT */
/* Servers with two names and a certificate for each, and clients that insist on one of them. */
#include "interop.h"

#include <errno.h>
#include <string.h>

static const struct certificate *
other_certificate(void)
{
	return certificate_new("interop-other", &(struct certificate_options){
							.common_name = "other.example",
							.san = "DNS:other.example",
						});
}

/* Between contexts of the two. */
struct choice {
	struct fend_tls_context *here, *other;
};

static void
on_hello(struct fend_socket *socket, const char *name, void *data)
{
	const struct choice *choice = data;

	test_ok(fend_tls_answer(socket,
				g_strcmp0(name, "other.example") ? choice->here : choice->other));
}

static void
test_two_names_of_fend(struct test *test)
{
	static const char *const names[] = { "localhost", "other.example" };
	struct fend_tls_params params = server_params(), other = server_params();
	struct choice choice = { .here = context_new(&params) };
	struct meeting meeting;
	size_t i;

	other.certificates = keypair_of(other_certificate());
	choice.other = context_new(&other);
	params.hello = on_hello;
	params.hello_data = &choice;
	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		interop_meet(&meeting, test, &params, &(struct wish){ .name = names[i] });
		test_error(meeting.side.err, 0);
		g_assert_cmpstr(fend_tls_get(meeting.side.socket, FEND_TLS_SNI), ==, names[i]);
		interop_talk(&meeting);
		meeting_part(&meeting);
	}
	fend_tls_context_unref(choice.other);
	fend_tls_context_unref(choice.here);
}

/*
 * It insists on a name that fend's only certificate does not have. curl looks at it only after a
 * handshake that was good, and takes leave.
 */
static void
test_no_such_name(struct test *test)
{
	struct meeting meeting;
	ssize_t r;

	interop_meet(&meeting, test, NULL, &(struct wish){ .name = "other.example" });
	r = meeting.side.err;
	if (!r)
		r = tls_recv_some(test, meeting.side.socket, &(char){ 0 }, 1);
	if (g_str_equal(variant.program, "curl")) {
		test_error(r, 0);
		process_expect(meeting.process, "SSL: no alternative certificate subject name");
	} else {
		test_error(r, -EPROTO);
		assert_text(&meeting.side, "peer sent alert ");
	}
	meeting_part(&meeting);
}

static void
test_two_names_of_theirs(struct test *test)
{
	struct fend_tls_params params = client_params();
	struct fend_tls_context *context = context_new(&params);
	struct meeting meeting;

	interop_start(&meeting, test, &(struct wish){ .other = other_certificate() });
	interop_join(&meeting, context, "localhost", NULL, 0);
	test_error(meeting.side.err, 0);
	interop_talk(&meeting);
	interop_join(&meeting, context, "other.example", NULL, 0);
	test_error(meeting.side.err, 0);
	interop_talk(&meeting);
	interop_join(&meeting, context, "third.example", NULL, 0);
	test_error(meeting.side.err, -EKEYREJECTED);
	g_assert_cmpuint(fend_tls_error(meeting.side.socket)->faults, ==, FEND_TLS_FAULT_NAME);
	meeting_part(&meeting);
	fend_tls_context_unref(context);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_programs("/interop/name/two-of-fend", interop_clients, FEND_TLS_VERSION_DEFAULT,
			     test_two_names_of_fend);
	variant_add_programs("/interop/name/no-such", interop_clients, FEND_TLS_VERSION_DEFAULT,
			     test_no_such_name);
	variant_add_programs("/interop/name/two-of-theirs", interop_servers,
			     FEND_TLS_VERSION_DEFAULT, test_two_names_of_theirs);
	return g_test_run();
}
