/* SPDX-License-Identifier: MIT */
/* Certificates of clients: a good one, none, and one that nobody has issued. */
#include "interop.h"

#include <errno.h>
#include <string.h>

static const struct certificate *
by_itself(void)
{
	return certificate_new("interop-by-itself",
			       &(struct certificate_options){ .self_signed = 1 });
}

static void
meet_client(struct meeting *meeting, struct test *test, const struct certificate *certificate)
{
	struct fend_tls_params params = server_params();

	params.verify = FEND_TLS_VERIFY_REQUIRE;
	params.cafile = certificate_ca();
	interop_meet(meeting, test, &params, &(struct wish){ .certificate = certificate });
}

static void
test_of_a_client(struct test *test)
{
	struct meeting meeting;
	const void *der;
	size_t size;

	meet_client(&meeting, test, certificate_rsa());
	test_error(meeting.side.err, 0);
	test_ok(fend_tls_peer_certificate(meeting.side.socket, 0, &der, &size));
	interop_talk(&meeting);
	meeting_part(&meeting);
}

static void
expect_refusal(struct meeting *meeting, unsigned faults)
{
	test_error(meeting->side.err, -EKEYREJECTED);
	g_assert_cmpuint(fend_tls_error(meeting->side.socket)->faults, ==, faults);
	g_assert_cmpint(fend_tls_error(meeting->side.socket)->alert, >=, 0);
	process_expect(meeting->process, "alert");
	meeting_part(meeting);
}

static void
test_of_a_client_that_has_none(struct test *test)
{
	struct meeting meeting;

	meet_client(&meeting, test, NULL);
	expect_refusal(&meeting, FEND_TLS_FAULT_MISSING);
}

static void
test_of_a_client_that_made_its_own(struct test *test)
{
	struct meeting meeting;

	meet_client(&meeting, test, by_itself());
	expect_refusal(&meeting, FEND_TLS_FAULT_UNKNOWN_ISSUER);
}

static void
meet_server(struct meeting *meeting, struct test *test, const struct certificate *certificate)
{
	struct fend_tls_params params = client_params();

	if (certificate)
		params.certificates = keypair_of(certificate);
	params.certificates_count = certificate ? 1 : 0;
	interop_meet(meeting, test, &params, &(struct wish){ .demand = true });
}

static void
test_for_a_server(struct test *test)
{
	struct meeting meeting;

	meet_server(&meeting, test, certificate_rsa());
	test_error(meeting.side.err, 0);
	interop_talk(&meeting);
	meeting_part(&meeting);
}

/* nginx refuses in the words of HTTP, over TLS that is in order. */
static void
expect_bad_request(struct meeting *meeting)
{
	char text[4096];

	test_error(meeting->side.err, 0);
	tls_send(meeting->test, meeting->side.socket, "GET / HTTP/1.0\r\n\r\n", 18);
	tls_recv(meeting->test, meeting->side.socket, text, 12);
	g_assert_cmpmem(text, 12, "HTTP/1.1 400", 12);
}

static void
expect_alert(struct meeting *meeting, const char *alert12, const char *alert13)
{
	bool tls13 = variant.version == FEND_TLS_1_3;
	char *text = g_strconcat("peer sent alert ", tls13 ? alert13 : alert12, NULL);

	/* the client is done in TLS 1.3 before the server has looked at its certificate */
	test_error(meeting->side.err, tls13 ? 0 : -EPROTO);
	if (tls13)
		test_error(tls_recv_some(meeting->test, meeting->side.socket, &(char){ 0 }, 1),
			   -EPROTO);
	assert_text(&meeting->side, text);
	g_free(text);
}

static void
test_for_a_server_from_one_who_has_none(struct test *test)
{
	struct meeting meeting;

	meet_server(&meeting, test, NULL);
	if (g_str_equal(variant.program, "nginx"))
		expect_bad_request(&meeting);
	else if (g_str_equal(variant.program, "gnutls-serv"))
		expect_alert(&meeting, "", "certificate_required");
	else
		expect_alert(&meeting, "handshake_failure", "certificate_required");
	meeting_part(&meeting);
}

static void
test_for_a_server_from_one_who_made_its_own(struct test *test)
{
	struct meeting meeting;

	meet_server(&meeting, test, by_itself());
	if (g_str_equal(variant.program, "nginx"))
		expect_bad_request(&meeting);
	else
		expect_alert(&meeting, "", "");
	meeting_part(&meeting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_programs("/interop/certificate/of-a-client", interop_clients,
			     FEND_TLS_VERSION_DEFAULT, test_of_a_client);
	variant_add_programs("/interop/certificate/of-a-client-that-has-none", interop_clients,
			     FEND_TLS_VERSION_DEFAULT, test_of_a_client_that_has_none);
	variant_add_programs("/interop/certificate/of-a-client-that-made-its-own", interop_clients,
			     FEND_TLS_VERSION_DEFAULT, test_of_a_client_that_made_its_own);
	variant_add_programs("/interop/certificate/for-a-server", interop_servers,
			     FEND_TLS_VERSION_DEFAULT, test_for_a_server);
	variant_add_programs("/interop/certificate/for-a-server-from-one-who-has-none",
			     interop_servers, FEND_TLS_VERSION_DEFAULT,
			     test_for_a_server_from_one_who_has_none);
	variant_add_programs("/interop/certificate/for-a-server-from-one-who-made-its-own",
			     interop_servers, FEND_TLS_VERSION_DEFAULT,
			     test_for_a_server_from_one_who_made_its_own);
	return g_test_run();
}
