/* SPDX-License-Identifier: MIT */
/* A server that chooses a context for each client, at once or later. */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <fend/memory.h>

/* What a hello finds: the answer, unless it is to come later. */
struct doorman {
	struct test *test;
	struct fend_tls_context *answer;
	bool later, refuse, free_socket, free_loop;
	int called;
	char *name;
	struct link *link;
};

static void
on_hello(struct fend_socket *socket, const char *name, void *data)
{
	struct doorman *doorman = data;

	g_assert_true(socket == doorman->link->server.socket);
	doorman->called++;
	g_free(doorman->name);
	doorman->name = g_strdup(name);
	g_assert_null(fend_tls_get(socket, FEND_TLS_PROTOCOL));
	test_error(fend_socket_recv(socket, &(char){ 0 }, 1, 0), -EAGAIN);
	if (doorman->free_socket) {
		doorman->link->server.socket = fend_socket_free(socket);
		doorman->test->done = 1;
	}
	if (doorman->free_loop)
		doorman->test->loop = fend_loop_free(doorman->test->loop);
	if (doorman->refuse)
		test_ok(fend_tls_answer(socket, NULL));
	else if (doorman->answer)
		test_ok(fend_tls_answer(socket, doorman->answer));
}

static struct fend_tls_params
asking_params(struct doorman *doorman)
{
	struct fend_tls_params params = server_params();

	params.hello = on_hello;
	params.hello_data = doorman;
	return params;
}

static struct fend_tls_params
other_params(void)
{
	const struct certificate *other =
		certificate_new("hello-other", &(struct certificate_options){
						       .san = "DNS:other.example",
						       .rsa = variant.rsa,
					       });
	struct fend_tls_params params = server_params();

	params.certificates = keypair_of(other);
	return params;
}

/* The client asks for name; who is answered with is the doorman's choice. */
static void
meet(struct link *link, struct doorman *doorman, const struct fend_tls_params *client,
     const char *name)
{
	struct fend_tls_params server = asking_params(doorman);

	doorman->link = link;
	link_init(link, doorman->test);
	link_wrap(link, client, &server, name);
	link_handshake(link);
}

static void
test_choice(struct test *test)
{
	struct fend_tls_params other = other_params(), own = server_params();
	struct doorman doorman = { .test = test, .answer = context_new(&other) };
	struct link link;

	meet(&link, &doorman, NULL, "other.example");
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);
	g_assert_cmpint(doorman.called, ==, 1);
	g_assert_cmpstr(doorman.name, ==, "other.example");
	g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_SNI), ==, "other.example");
	link_exchange(&link);
	link_fini(&link);

	meet(&link, &doorman, NULL, "localhost");
	test_error(link.client.err, -EKEYREJECTED);
	link_fini(&link);
	fend_tls_context_unref(doorman.answer);

	doorman.answer = context_new(&own);
	meet(&link, &doorman, NULL, "localhost");
	test_error(link.client.err, 0);
	link_exchange(&link);
	link_fini(&link);
	meet(&link, &doorman, NULL, "127.0.0.1");
	test_error(link.client.err, 0);
	g_assert_cmpint(doorman.called, ==, 4);
	g_assert_null(doorman.name);
	link_fini(&link);
	fend_tls_context_unref(doorman.answer);
}

static void
start_waiting(struct link *link, struct doorman *doorman, fend_time timeout)
{
	struct test *test = doorman->test;
	struct fend_tls_params server = asking_params(doorman);

	doorman->link = link;
	link_init(link, test);
	link_wrap(link, NULL, &server, "other.example");
	test_ok(fend_tls_handshake(link->client.socket, test->loop, FEND_FOREVER, on_done,
				   &link->client));
	test_ok(fend_tls_handshake(link->server.socket, test->loop, timeout, on_done,
				   &link->server));
	test_wait(test, &doorman->called);
}

static void
test_later(struct test *test)
{
	struct fend_tls_params other = other_params();
	struct fend_tls_context *context = context_new(&other);
	struct doorman doorman = { .test = test };
	struct link link;

	start_waiting(&link, &doorman, FEND_FOREVER);
	test_drain(test);
	g_assert_cmpint(fend_loop_dispatch(test->loop, 0), ==, 0);
	g_assert_cmpint(link.client.called + link.server.called, ==, 0);
	test_ok(fend_tls_answer(link.server.socket, context));
	fend_tls_context_unref(context); /* the session has a reference of its own */
	g_assert_cmpint(link.client.called + link.server.called, ==, 0);
	while (link.client.called + link.server.called < 2)
		test_run(test);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);
	g_assert_cmpint(doorman.called, ==, 1);
	link_exchange(&link);
	link_fini(&link);
	g_free(doorman.name);
}

/* Who waits for an answer takes none of the time that handshakes have, and gets some after it. */
static void
test_later_beside_others(struct test *test)
{
	struct fend_tls_params other = other_params();
	struct fend_tls_context *context = context_new(&other);
	struct doorman doormen[3];
	struct link links[3];
	size_t i;

	test_ok(fend_tls_set_handshake_time(test->loop, 1));
	for (i = 0; i < G_N_ELEMENTS(links); i++) {
		doormen[i] = (struct doorman){ .test = test };
		start_waiting(&links[i], &doormen[i], FEND_FOREVER);
	}
	for (i = G_N_ELEMENTS(links); i-- > 0;)
		test_ok(fend_tls_answer(links[i].server.socket, context));
	for (i = 0; i < G_N_ELEMENTS(links); i++) {
		while (links[i].client.called + links[i].server.called < 2)
			test_run(test);
		test_error(links[i].client.err, 0);
		test_error(links[i].server.err, 0);
		g_assert_cmpint(doormen[i].called, ==, 1);
		link_exchange(&links[i]);
		link_fini(&links[i]);
		g_free(doormen[i].name);
	}
	fend_tls_context_unref(context);
}

static void
test_refusal(struct test *test)
{
	struct doorman doorman = { .test = test, .refuse = true };
	struct link link;

	meet(&link, &doorman, NULL, "unknown.example");
	test_error(link.server.err, -EPROTO);
	assert_text(&link.server, "refused by the name it asked for");
	g_assert_cmpint(fend_tls_error(link.server.socket)->alert, ==, 112);
	test_error(link.client.err, -EPROTO);
	assert_text(&link.client, "peer sent alert unrecognized_name");
	link_fini(&link);
	g_free(doorman.name);
}

static void
test_deadline(struct test *test)
{
	struct fend_tls_params other = other_params();
	struct fend_tls_context *context = context_new(&other);
	struct doorman doorman = { .test = test };
	struct link link;

	start_waiting(&link, &doorman, FEND_MS(300) * test_slowness());
	while (!link.server.called)
		test_run(test);
	test_error(link.server.err, -ETIMEDOUT);
	test_error(fend_tls_answer(link.server.socket, context), -EINVAL);
	link_fini(&link);
	fend_tls_context_unref(context);
	g_free(doorman.name);
}

static void
test_bad_answers(struct test *test)
{
	struct fend_tls_params client = client_params(), other = other_params();
	struct fend_tls_context *bad = context_new(&client), *good = context_new(&other);
	struct doorman doorman = { .test = test };
	struct link link;

	start_waiting(&link, &doorman, FEND_FOREVER);
	test_error(fend_tls_answer(link.client.socket, NULL), -EINVAL);
	test_error(fend_tls_answer(NULL, NULL), -EINVAL);
	test_error(fend_tls_answer(link.server.socket, bad), -EINVAL);
	test_ok(fend_tls_answer(link.server.socket, good));
	test_error(fend_tls_answer(link.server.socket, good), -EINVAL);
	while (link.client.called + link.server.called < 2)
		test_run(test);
	test_error(link.client.err, 0);
	test_error(fend_tls_answer(link.server.socket, good), -EINVAL);
	link_fini(&link);
	fend_tls_context_unref(good);
	fend_tls_context_unref(bad);
	g_free(doorman.name);
}

/* Everything is: nothing has been negotiated when the doorman is asked. */
static void
test_chosen_protocols(struct test *test)
{
	static const char *const alpn[] = { "h2", "http/1.1" };
	struct fend_tls_params client = client_params(), other = other_params();
	struct doorman doorman = { .test = test };
	struct link link;

	client.alpn = alpn;
	client.alpn_count = 2;
	other.alpn = alpn + 1;
	other.alpn_count = 1;
	other.ciphers = "AES-128-GCM";
	other.groups = "P-384";
	client.protocol_min = client.protocol_max = 0;
	other.protocol_min = other.protocol_max = FEND_TLS_1_2;
	doorman.answer = context_new(&other);
	meet(&link, &doorman, &client, "other.example");
	test_error(link.client.err, 0);
	g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_PROTOCOL), ==, "TLSv1.2");
	g_assert_cmpstr(fend_tls_get(link.client.socket, FEND_TLS_ALPN), ==, "http/1.1");
	g_assert_nonnull(strstr(fend_tls_get(link.client.socket, FEND_TLS_CIPHER), "AES_128_GCM"));
	link_fini(&link);
	fend_tls_context_unref(doorman.answer);
	g_free(doorman.name);
}

/* What is no hello is not asked about. */
static void
meet_bytes(struct test *test, const void *bytes, size_t size, int error, const char *text)
{
	struct doorman doorman = { .test = test };
	struct fend_tls_params server = asking_params(&doorman);
	struct fend_tls_context *context = context_new(&server);
	struct link link;

	doorman.link = &link;
	link_init(&link, test);
	test_ok(fend_tls_wrap(link.server.socket, context, NULL));
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_SEC(60), on_done,
				   &link.server));
	g_assert_cmpint(fend_socket_send(link.client.socket, bytes, size, 0), ==, size);
	test_ok(fend_socket_shutdown(link.client.socket, SHUT_WR));
	test_run(test);
	test_error(link.server.err, error);
	assert_text(&link.server, text);
	g_assert_cmpint(doorman.called, ==, 0);
	link_fini(&link);
	fend_tls_context_unref(context);
}

static void
test_no_hello(struct test *test)
{
	static const unsigned char part[] = { 22, 3, 1, 0, 100, 1, 0, 0, 96, 3, 3 };
	static const unsigned char other[] = { 22, 3, 3, 0, 4, 2, 0, 0, 0 };
	static const unsigned char alert[] = { 21, 3, 3, 0, 2, 2, 40 };
	static const unsigned char strange[] = { 22, 9, 9, 0, 6, 1, 0, 0, 2, 3, 3 };

	meet_bytes(test, "GET / HTTP/1.0\r\n\r\n", 18, -EPROTO, "peer does not speak TLS");
	meet_bytes(test, strange, sizeof(strange), -EPROTO, "peer does not speak TLS");
	meet_bytes(test, part, sizeof(part), -EBADMSG, "peer closed the connection");
	meet_bytes(test, other, sizeof(other), -EPROTO, "");
	meet_bytes(test, alert, sizeof(alert), -EPROTO, "");
}

/* The part of a hello that has come is of no use before the rest, for which the descriptor waits. */
static void
test_half_a_hello_costs_nothing(struct test *test)
{
	static const unsigned char part[] = { 22, 3, 1, 0, 100, 1, 0, 0, 96, 3, 3 };
	struct doorman doorman = { .test = test };
	struct fend_tls_params server = asking_params(&doorman);
	struct fend_tls_context *context = context_new(&server);
	struct link link;

	doorman.link = &link;
	link_init_unix(&link, test);
	test_ok(fend_tls_wrap(link.server.socket, context, NULL));
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_FOREVER, on_done,
				   &link.server));
	g_assert_cmpint(fend_loop_dispatch(test->loop, 0), ==, 0);
	g_assert_cmpint(send(fend_socket_fd(link.client.socket), part, sizeof(part), 0), ==,
			sizeof(part));
	g_assert_cmpint(fend_loop_dispatch(test->loop, FEND_SEC(20)), >, 0);
	g_assert_cmpint(fend_loop_dispatch(test->loop, 0), ==, 0);
	g_assert_cmpint(fend_loop_dispatch(test->loop, 0), ==, 0);
	g_assert_cmpint(link.server.called + doorman.called, ==, 0);
	link_fini(&link);
	fend_tls_context_unref(context);
}

/* What is demanded of clients is the chosen context's affair. */
static void
test_chosen_demands(struct test *test)
{
	struct fend_tls_params client = client_params(), other = other_params();
	struct doorman doorman = { .test = test };
	struct link link;

	other.verify = FEND_TLS_VERIFY_REQUIRE;
	other.cafile = certificate_ca();
	doorman.answer = context_new(&other);
	meet(&link, &doorman, &client, "other.example");
	test_error(link.server.err, -EKEYREJECTED);
	link_fini(&link);
	client.certificates = keypair_of(certificate_ec());
	client.certificates_count = 1;
	meet(&link, &doorman, &client, "other.example");
	test_error(link.server.err, 0);
	test_error(link.client.err, 0);
	link_exchange(&link);
	link_fini(&link);
	fend_tls_context_unref(doorman.answer);
	g_free(doorman.name);
}

/* The client resumes what it has of an earlier connection to this doorman; did it? */
static bool
resume(struct doorman *doorman, void *data, size_t size)
{
	struct fend_tls_params server = asking_params(doorman);
	struct link link;
	bool resumed;

	doorman->link = &link;
	link_init(&link, doorman->test);
	link_wrap(&link, NULL, &server, "other.example");
	test_ok(fend_tls_set_session(link.client.socket, data, size));
	link_handshake(&link);
	test_error(link.client.err, 0);
	resumed = fend_tls_is_resumed(link.client.socket);
	link_fini(&link);
	return resumed;
}

static void
test_chosen_tickets(struct test *test)
{
	struct fend_tls_params other = other_params();
	struct doorman doorman = { .test = test, .answer = context_new(&other) };
	struct link link;
	void *data;
	size_t size;

	meet(&link, &doorman, NULL, "other.example");
	link_exchange(&link);
	test_ok(fend_tls_session(link.client.socket, &data, &size));
	link_fini(&link);
	g_assert_true(resume(&doorman, data, size));
	fend_tls_context_unref(doorman.answer);
	doorman.answer = context_new(&other); /* it has a secret of its own */
	g_assert_false(resume(&doorman, data, size));
	fend_tls_context_unref(doorman.answer);
	fend_free(data);
	g_free(doorman.name);
}

/* With a key share of the wrong group the client has to say hello twice. */
static void
test_two_hellos(struct test *test)
{
	struct fend_tls_params client = client_params(), server, other = other_params();
	struct doorman doorman = { .test = test };
	struct link link;

	client.protocol_min = client.protocol_max = FEND_TLS_1_3;
	other.protocol_min = other.protocol_max = FEND_TLS_1_3;
	client.groups = "X25519:P-384";
	other.groups = "P-384";
	doorman.answer = context_new(&other);
	server = asking_params(&doorman);
	doorman.link = &link;
	link_init(&link, test);
	link_wrap(&link, &client, &server, "other.example");
	link_handshake(&link);
	test_error(link.client.err, 0);
	test_error(link.server.err, 0);
	g_assert_cmpint(doorman.called, ==, 1);
	g_assert_cmpstr(fend_tls_get(link.server.socket, FEND_TLS_GROUP), ==, "P-384");
	link_fini(&link);
	fend_tls_context_unref(doorman.answer);
	g_free(doorman.name);
}

static void
test_free_in_the_callback(struct test *test)
{
	struct doorman doorman = { .test = test, .free_socket = true };
	struct link link;

	start_waiting(&link, &doorman, FEND_FOREVER);
	while (!link.client.called)
		test_run(test);
	g_assert_true(link.client.err < 0);
	g_assert_cmpint(link.server.called, ==, 0);
	link_fini(&link);
	g_free(doorman.name);
}

static void
test_free_loop_in_the_callback(struct test *test)
{
	struct doorman doorman = { .test = test, .free_loop = true };
	struct fend_tls_params server = asking_params(&doorman);
	struct link link;

	doorman.link = &link;
	link_init(&link, test);
	link_wrap(&link, NULL, &server, NULL);
	test_ok(fend_tls_handshake(link.client.socket, test->loop, FEND_FOREVER, on_done,
				   &link.client));
	test_ok(fend_tls_handshake(link.server.socket, test->loop, FEND_FOREVER, on_done,
				   &link.server));
	while (test->loop)
		fend_loop_dispatch(test->loop, FEND_SEC(20));
	test_error(fend_tls_answer(link.server.socket, NULL), -ESHUTDOWN);
	link_fini(&link);
	g_free(doorman.name);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_ways("/hello/choice", test_choice);
	variant_add_ways("/hello/later", test_later);
	variant_add_ways("/hello/later-beside-others", test_later_beside_others);
	variant_add_ways("/hello/refusal", test_refusal);
	variant_add("/hello/deadline", test_deadline);
	variant_add_ways("/hello/bad-answers", test_bad_answers);
	variant_add_ways("/hello/chosen-protocols", test_chosen_protocols);
	variant_add("/hello/no-hello", test_no_hello);
	variant_add("/hello/half-a-hello-costs-nothing", test_half_a_hello_costs_nothing);
	variant_add_ways("/hello/chosen-demands", test_chosen_demands);
	variant_add_ways("/hello/chosen-tickets", test_chosen_tickets);
	variant_add_ways("/hello/two-hellos", test_two_hellos);
	variant_add_ways("/hello/free-in-the-callback", test_free_in_the_callback);
	variant_add_ways("/hello/free-loop-in-the-callback", test_free_loop_in_the_callback);
	return g_test_run();
}
