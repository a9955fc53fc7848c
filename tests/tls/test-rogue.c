/* SPDX-License-Identifier: MIT */
/* A client, or a server, that does after the handshake what one of fend would not do. */
#include "link.h"
#include "rogue.h"

#include <errno.h>
#include <sys/socket.h>

#include <session.h>

#define FEW 4    /* updates of keys, which are fine within a second */
#define MANY 200 /* which are not */

/* What a peer may send that is no data is less than so many times ten tickets. */
#define TICKETS_MAX 2000

static struct fend__tls_session *
rogue_of(const struct link *link)
{
	return fend__tls_session_of(link->client.socket);
}

static void
update_keys(struct link *link, int times, bool both)
{
	struct fend__tls_session *session = rogue_of(link);

	while (times--) {
		if (session->context->provider == &fend__tls_gnutls)
			rogue_gnutls_update_keys(session->implementation, both);
		else
			rogue_openssl_update_keys(session->implementation, both);
	}
	g_assert_cmpint(fend__tls_flush(session), ==, 0);
}

static void
open_with(struct link *link, struct test *test, enum fend_tls_version version)
{
	struct fend_tls_params client = client_params();

	client.protocol_min = client.protocol_max = version;
	link_open(link, test, &client, NULL);
	link_exchange(link);
}

static void
expect(struct link *link, const char *text)
{
	struct test *test = link->test;

	test_error((int)tls_recv_some(test, link->server.socket, &(char){ 0 }, 1), -EPROTO);
	assert_text(&link->server, text);
	g_assert_cmpint(fend_tls_error(link->server.socket)->alert, >, 0);
	g_assert_false(fend_tls_error(link->server.socket)->from_peer);
	test_error((int)fend_socket_send(link->server.socket, "x", 1, 0), -EPROTO);
}

static void
test_few_updates_of_keys(struct test *test)
{
	struct link link;

	open_with(&link, test, FEND_TLS_1_3);
	update_keys(&link, FEW, false);
	link_exchange(&link);
	update_keys(&link, FEW / 2, true);
	link_exchange(&link);
	link_fini(&link);
}

static void
test_updates_of_keys_without_end(struct test *test)
{
	struct link link;

	open_with(&link, test, FEND_TLS_1_3);
	update_keys(&link, MANY, false);
	expect(&link, "peer updates its keys too often");
	test_error((int)tls_recv_some(test, link.client.socket, &(char){ 0 }, 1), -EPROTO);
	assert_text(&link.client, "peer sent alert ");
	link_fini(&link);
}

static void
test_tickets_without_end(struct test *test)
{
	struct fend__tls_session *session;
	struct link link;
	int i, r = -EAGAIN;

	open_with(&link, test, FEND_TLS_1_3);
	session = fend__tls_session_of(link.server.socket);
	for (i = 0; i < TICKETS_MAX && r == -EAGAIN; i++) {
		if (session->context->provider == &fend__tls_gnutls)
			rogue_gnutls_send_tickets(session->implementation);
		else
			rogue_openssl_send_tickets(session->implementation);
		fend__tls_flush(session);
		r = (int)fend_socket_recv(link.client.socket, &(char){ 0 }, 1, 0);
	}
	test_error(r, -EPROTO);
	assert_text(&link.client, "peer sends too much that is no data");
	link_fini(&link);
}

/* Who has said close_notify does not fail because he is asked for something once more. */
static void
test_update_of_keys_behind_close_notify(struct test *test)
{
	struct link link;

	link_open_unix(&link, test);
	link_exchange(&link);
	test_ok(fend_tls_shutdown(link.server.socket, test->loop, FEND_FOREVER, on_done,
				  &link.server));
	g_assert_cmpint(tls_recv_some(test, link.client.socket, &(char){ 0 }, 1), ==, 0);
	update_keys(&link, 2, true);
	test_drain(test);
	tls_send(test, link.client.socket, "last words", 10);
	test_ok(fend_socket_shutdown(link.client.socket, SHUT_WR));
	while (link.server.called < 2)
		test_run(test);
	test_error(link.server.err, 0);
	link_fini(&link);
}

static void
test_renegotiation(struct test *test)
{
	struct fend__tls_session *session;
	struct link link;

	open_with(&link, test, FEND_TLS_1_2);
	session = rogue_of(&link);
	if (session->context->provider == &fend__tls_gnutls)
		rogue_gnutls_renegotiate(session->implementation);
	else
		rogue_openssl_renegotiate(session->implementation);
	g_assert_cmpint(fend__tls_flush(session), ==, 0);
	expect(&link, "peer asked for renegotiation");
	link_fini(&link);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/rogue/few-updates-of-keys", test_few_updates_of_keys);
	variant_add("/rogue/updates-of-keys-without-end", test_updates_of_keys_without_end);
	variant_add("/rogue/tickets-without-end", test_tickets_without_end);
	variant_add("/rogue/update-of-keys-behind-close-notify",
		    test_update_of_keys_behind_close_notify);
	variant_add("/rogue/renegotiation", test_renegotiation);
	return g_test_run();
}
