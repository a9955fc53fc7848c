/* SPDX-License-Identifier: MIT */
/* A client, or a server, that does what one of fend would not do. */
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

static void
wait_for_server(void *data)
{
	struct link *link = data;

	if (!link->server.called)
		test_ok(fend_loop_dispatch(link->test->loop, FEND_MS(1)));
}

/* Returns the alert. */
static int
introduce(struct link *link, struct test *test, const void *identity, size_t size, unsigned minor)
{
	static const struct fend_tls_psk psk = { "client", "a key of 24 random bytes", 24 };
	const struct fend_tls_params params = {
		.size = sizeof(struct fend_tls_params),
		.mode = FEND_TLS_SERVER,
		.psks = &psk,
		.psks_count = 1,
	};
	const struct rogue_client client = {
		identity, psk.key, size, psk.key_size, minor, wait_for_server, link,
	};
	struct fend_tls_context *context = context_new(&params);
	int alert;

	link_init(link, test);
	test_ok(fend_tls_wrap(link->server.socket, context, NULL));
	fend_tls_context_unref(context);
	test_ok(fend_tls_handshake(link->server.socket, test->loop, FEND_FOREVER, on_done,
				   &link->server));
	alert = rogue_gnutls_introduce(fend_socket_fd(link->client.socket), &client);
	test_wait(test, &link->server.called);
	return alert;
}

/* What is in front of the NUL is an identity that there is. */
static void
test_identity_with_a_nul(struct test *test)
{
	struct link link;
	unsigned minor;

	for (minor = 2; minor <= 3; minor++) {
		g_assert_cmpint(introduce(&link, test, "client", 6, minor), ==, 0);
		test_error(link.server.err, 0);
		g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_IDENTITY), ==, "client");
		link_fini(&link);
		g_assert_cmpint(introduce(&link, test, "client\0s", 8, minor), ==,
				minor == 2 ? 20 : 47);
		test_error(link.server.err, -EKEYREJECTED);
		assert_text(&link.server, "the peer's pre-shared key is unknown or wrong");
		link_fini(&link);
		introduce(&link, test, "client", 7, minor);
		test_error(link.server.err, -EKEYREJECTED);
		link_fini(&link);
	}
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
	variant_add_single("/rogue/identity-with-a-nul", test_identity_with_a_nul);
	return g_test_run();
}
