/* SPDX-License-Identifier: MIT */
/* Connections that go on where another one was, and those that must not. */
#include "link.h"

#include <errno.h>
#include <string.h>

#include <fend/memory.h>

static const unsigned char secret[32] = "thirty-two bytes of some secret";

/* What a client keeps of one connection. */
struct kept {
	void *data;
	size_t size;
};

/*
 * Connect, with what was kept if that is not NULL, to the server of that context; *ret_kept (NULL:
 * not wanted) is what is kept of it. Was it resumed?
 */
static bool
connect_with(struct test *test, const struct fend_tls_params *params,
	     struct fend_tls_context *server, const struct kept *kept, struct kept *ret_kept)
{
	struct fend_tls_context *client = context_new(params);
	struct link link;
	bool resumed;

	link_init(&link, test);
	test_ok(fend_tls_wrap(link.client.socket, client, "localhost"));
	test_ok(fend_tls_wrap(link.server.socket, server, NULL));
	if (kept)
		test_ok(fend_tls_set_session(link.client.socket, kept->data, kept->size));
	link_handshake(&link);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);
	link_exchange(&link);
	resumed = fend_tls_is_resumed(link.client.socket);
	g_assert_cmpint(fend_tls_is_resumed(link.server.socket), ==, resumed);
	if (ret_kept)
		test_ok(fend_tls_session(link.client.socket, &ret_kept->data, &ret_kept->size));
	link_fini(&link);
	fend_tls_context_unref(client);
	return resumed;
}

static void
test_resumption(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();
	struct fend_tls_context *context = context_new(&server);
	struct kept kept, again;

	g_assert_false(connect_with(test, &client, context, NULL, &kept));
	g_assert_true(connect_with(test, &client, context, &kept, &again));
	g_assert_true(connect_with(test, &client, context, &again, NULL));
	fend_free(again.data);
	fend_free(kept.data);
	fend_tls_context_unref(context);
}

/* Resumed by another server, whose parameters differ in this way. */
static bool
resumed_by_other(struct test *test, const struct fend_tls_params *first,
		 const struct fend_tls_params *second)
{
	struct fend_tls_params client = client_params();
	struct fend_tls_context *one = context_new(first), *other = context_new(second);
	struct kept kept;
	bool resumed;

	client.certificates = keypair_of(certificate_ec());
	client.certificates_count = 1;
	connect_with(test, &client, one, NULL, &kept);
	resumed = connect_with(test, &client, other, &kept, NULL);
	fend_free(kept.data);
	fend_tls_context_unref(other);
	fend_tls_context_unref(one);
	return resumed;
}

static void
test_servers_share_a_secret(struct test *test)
{
	unsigned char changed[32];
	struct fend_tls_params first = server_params(), second = server_params();

	memcpy(changed, secret, sizeof(changed));
	changed[31] ^= 1;
	g_assert_false(resumed_by_other(test, &first, &second));
	first.ticket_secret = second.ticket_secret = secret;
	g_assert_true(resumed_by_other(test, &first, &second));
	second.ticket_secret = changed;
	g_assert_false(resumed_by_other(test, &first, &second));
	second.ticket_secret = secret;
	second.flags = FEND_TLS_NO_TICKETS;
	g_assert_false(resumed_by_other(test, &first, &second));
}

/* A connection for which no certificate was asked is not one of a server that needs one. */
static void
test_servers_that_demand_more(struct test *test)
{
	struct fend_tls_params first = server_params(), second = server_params();

	first.ticket_secret = second.ticket_secret = secret;
	second.verify = FEND_TLS_VERIFY_REQUIRE;
	second.cafile = certificate_ca();
	g_assert_false(resumed_by_other(test, &first, &second));
	first.verify = FEND_TLS_VERIFY_OPTIONAL;
	first.cafile = certificate_ca();
	g_assert_false(resumed_by_other(test, &first, &second));
	first.verify = FEND_TLS_VERIFY_REQUIRE;
	g_assert_true(resumed_by_other(test, &first, &second));
	second.depth = 3;
	g_assert_false(resumed_by_other(test, &first, &second));
}

/* What was kept of a connection to localhost with params: what does this other client say to it? */
static int
try_with(struct test *test, const struct fend_tls_params *params, const char *name,
	 const struct kept *kept)
{
	struct fend_tls_context *context = context_new(params);
	struct link link;
	int r;

	link_init(&link, test);
	test_ok(fend_tls_wrap(link.client.socket, context, name));
	r = fend_tls_set_session(link.client.socket, kept->data, kept->size);
	link_fini(&link);
	fend_tls_context_unref(context);
	return r;
}

/* Else a connection that verified nothing would vouch for one that verifies. */
static void
test_clients_that_demand_something_else(struct test *test)
{
	struct fend_tls_params careless = client_params(), client = client_params();
	struct fend_tls_params server = server_params();
	struct fend_tls_context *context = context_new(&server);
	struct kept kept, none = { (char[40]){ 0 }, 40 };

	careless.verify = FEND_TLS_VERIFY_NONE;
	connect_with(test, &careless, context, NULL, &kept);
	test_error(try_with(test, &careless, "localhost", &kept), 0);
	test_error(try_with(test, &client, "localhost", &kept), -ESTALE);
	fend_free(kept.data);

	connect_with(test, &client, context, NULL, &kept);
	test_error(try_with(test, &client, "localhost", &kept), 0);
	test_error(try_with(test, &client, "example.org", &kept), -ESTALE);
	test_error(try_with(test, &client, "127.0.0.1", &kept), -ESTALE);
	test_error(try_with(test, &client, "localhost", &none), -ESTALE);
	kept.size = 32;
	test_error(try_with(test, &client, "localhost", &kept), -ESTALE);
	kept.size = 50;
	test_error(try_with(test, &client, "localhost", &kept), -ESTALE);
	client.cafile = certificate_other_ca();
	test_error(try_with(test, &client, "localhost", &kept), -ESTALE);
	fend_free(kept.data);
	fend_tls_context_unref(context);
}

static void
test_no_tickets(struct test *test)
{
	struct fend_tls_params client = client_params(), server = server_params();
	void *data = test;
	struct link link;
	size_t size;

	client.flags = FEND_TLS_NO_TICKETS;
	link_open(&link, test, &client, &server);
	link_exchange(&link);
	test_error(fend_tls_session(link.client.socket, &data, &size), -ENOENT);
	link_fini(&link);
	client.flags = 0;
	server.flags = FEND_TLS_NO_TICKETS;
	link_open(&link, test, &client, &server);
	link_exchange(&link);
	test_error(fend_tls_session(link.client.socket, &data, &size), -ENOENT);
	g_assert_true(data == test);
	link_fini(&link);
}

static void
test_bad_calls(struct test *test)
{
	struct link link;
	void *data;
	size_t size;

	link_init(&link, test);
	test_error(fend_tls_session(link.client.socket, &data, &size), -EINVAL);
	test_error(fend_tls_set_session(link.client.socket, "x", 1), -EINVAL);
	g_assert_false(fend_tls_is_resumed(link.client.socket));
	g_assert_false(fend_tls_is_resumed(NULL));
	link_wrap(&link, NULL, NULL, NULL);
	test_error(fend_tls_session(link.client.socket, &data, &size), -ENOTCONN);
	test_error(fend_tls_set_session(link.client.socket, NULL, 1), -EINVAL);
	test_error(fend_tls_set_session(link.client.socket, "x", 0), -EINVAL);
	test_error(fend_tls_set_session(link.server.socket, "x", 1), -EINVAL);
	link_handshake(&link);
	test_error(fend_tls_set_session(link.client.socket, "x", 1), -EALREADY);
	test_error(fend_tls_session(link.server.socket, &data, &size), -EINVAL);
	test_error(fend_tls_session(link.client.socket, NULL, &size), -EINVAL);
	link_fini(&link);
}

/* A client that sends all and goes, without ever having read its ticket: nothing is lost. */
static void
test_unread_tickets(struct test *test)
{
	struct link link;
	char data[5];

	link_open(&link, test, NULL, NULL);
	tls_send(test, link.client.socket, "bye", 3);
	link.client.socket = fend_socket_free(link.client.socket);
	tls_recv(test, link.server.socket, data, 3);
	g_assert_cmpmem(data, 3, "bye", 3);
	test_error(tls_recv_some(test, link.server.socket, data, 1), 0);
	link_fini(&link);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_ways("/resume/resumption", test_resumption);
	variant_add_ways("/resume/servers-share-a-secret", test_servers_share_a_secret);
	variant_add_ways("/resume/servers-that-demand-more", test_servers_that_demand_more);
	variant_add_ways("/resume/clients-that-demand-something-else",
			 test_clients_that_demand_something_else);
	variant_add_ways("/resume/no-tickets", test_no_tickets);
	variant_add("/resume/bad-calls", test_bad_calls);
	variant_add_all("/resume/unread-tickets", test_unread_tickets);
	return g_test_run();
}
