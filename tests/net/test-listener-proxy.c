/* SPDX-License-Identifier: MIT */
/* Connections that begin with a PROXY header. What counts as one is the parser's test. */
#include <fend/listener.h>

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "listeners.h"
#include "pair.h"
#include "process.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define V2_INET             \
	V2 "\x21\x11\0\x0c" \
	   "\xc0\0\2\1"     \
	   "\xc6\x33\x64\2" \
	   "\xdc\4\1\xbb"
#define V1_INET "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"

static const struct {
	const char *header;
	size_t size;
	const char *peer; /* NULL: unknown */
} headers[] = {
	{ V1_INET, sizeof(V1_INET) - 1, "192.0.2.1:56324" },
	{ "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", 32, "[2001:db8::1]:1" },
	{ "PROXY UNKNOWN\r\n", 15, NULL },
	{ V2_INET, sizeof(V2_INET) - 1, "192.0.2.1:56324" },
	{ V2 "\x20\0\0\0", 16, NULL },
};

/* What comes behind the header: every byte of it is the user's. */
static const char payload[] = "PROXY UNKNOWN\r\nhello";

static void
assert_handed_over(struct service *service, int n, const char *peer)
{
	char buffer[sizeof(payload)];
	struct fend_address expected;

	g_assert_cmpint(service->accepted, ==, n + 1);
	g_assert_cmpint(service->known[n], ==, peer != NULL);
	if (peer) {
		test_ok(fend_address_parse(peer, &expected));
		g_assert_true(fend_address_equal(&service->peers[n], &expected));
	}
	recv_all(service->sockets[n], buffer, sizeof(payload));
	g_assert_cmpstr(buffer, ==, payload);
	test_error(fend_socket_recv(service->sockets[n], buffer, 1, 0), -EAGAIN);
}

static void
test_headers_and_payload(struct test *test)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	struct service service;
	size_t i;

	service_init(&service, test, NULL, &options);
	for (i = 0; i < G_N_ELEMENTS(headers); i++) {
		struct fend_socket *client = client_new(&service.address);
		g_autoptr(GByteArray) bytes = g_byte_array_new();

		g_byte_array_append(bytes, (const guint8 *)headers[i].header,
				    (guint)headers[i].size);
		g_byte_array_append(bytes, (const guint8 *)payload, sizeof(payload));
		send_all(client, bytes->data, bytes->len);
		while (service.accepted == (int)i)
			test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
		assert_handed_over(&service, (int)i, headers[i].peer);
		fend_socket_free(client);
	}
	service_fini(&service);
}

/* On a Unix socket, where each byte is there at once: no iteration may run without need. */
static void
test_byte_by_byte(struct test *test)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	g_autofree char *text = g_strdup_printf("unix:%s/bytes", test_directory());
	struct service service;
	size_t i, n;

	service_init(&service, test, text, &options);
	for (i = 0; i < G_N_ELEMENTS(headers); i++) {
		struct fend_socket *client = client_new(&service.address);

		for (n = 0; n < headers[i].size; n++) {
			g_assert_cmpint(service.accepted, ==, i);
			send_all(client, headers[i].header + n, 1);
			test_drain(test);
			test_error(fend_loop_dispatch(test->loop, 0), 0);
		}
		send_all(client, payload, sizeof(payload));
		assert_handed_over(&service, (int)i, headers[i].peer);
		fend_socket_free(client);
	}
	service_fini(&service);
}

static void
test_long_extensions_are_skipped(struct test *test)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	struct service service;
	struct fend_socket *client;
	g_autofree char *rest = g_malloc0(65535);

	service_init(&service, test, NULL, &options);
	client = client_new(&service.address);
	send_all(client, V2 "\x21\x11\xff\xff", 16);
	memcpy(rest,
	       "\xc0\0\2\1"
	       "\xc6\x33\x64\2"
	       "\xdc\4\1\xbb",
	       12);
	send_all(client, rest, 65535);
	send_all(client, payload, sizeof(payload));
	test_wait(test, &service.accepted);
	assert_handed_over(&service, 0, "192.0.2.1:56324");
	fend_socket_free(client);
	service_fini(&service);
}

static void
wait_refused(struct service *service, unsigned n)
{
	while (service_stats(service).refused < n)
		test_ok(fend_loop_dispatch(service->test->loop, FEND_SEC(20)));
	g_assert_cmpuint(service_stats(service).refused, ==, n);
}

static void
test_one_bad_connection_is_closed(struct test *test)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	struct fend_socket *bad, *good, *gone;
	struct service service;

	service_init(&service, test, NULL, &options);
	good = client_new(&service.address);
	bad = client_new(&service.address);
	gone = client_new(&service.address);
	send_all(good, V1_INET, 10);
	send_all(bad, "GET / HTTP/1.1\r\n\r\n", 18);
	wait_refused(&service, 1);
	assert_closed(bad);
	send_all(gone, V1_INET, 10);
	fend_socket_free(gone);
	wait_refused(&service, 2);
	g_assert_cmpint(service.accepted, ==, 0);
	g_assert_cmpuint(service_stats(&service).connections, ==, 1);
	send_all(good, &V1_INET[10], sizeof(V1_INET) - 11);
	send_all(good, payload, sizeof(payload));
	test_wait(test, &service.accepted);
	assert_handed_over(&service, 0, "192.0.2.1:56324");
	g_assert_cmpuint(service_stats(&service).refused, ==, 2);
	fend_socket_free(good);
	fend_socket_free(bad);
	service_fini(&service);
}

static void
test_the_header_has_to_come_in_time(struct test *test)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	struct fend_socket *silent, *slow;
	struct service service;
	fend_time begun = fend_now();

	options.proxy_timeout = FEND_MS(40);
	service_init(&service, test, NULL, &options);
	silent = client_new(&service.address);
	slow = client_new(&service.address);
	send_all(slow, V1_INET, 10);
	wait_refused(&service, 2);
	g_assert_cmpint(fend_now() - begun, >=, FEND_MS(40));
	assert_closed(silent);
	assert_closed(slow);
	g_assert_cmpuint(service_stats(&service).connections, ==, 0);
	fend_socket_free(silent);
	fend_socket_free(slow);
	service_fini(&service);
}

/* Five seconds unless told, in all: a byte now and then does not renew them. */
static void
test_the_time_for_a_header_is_not_renewed(struct test *test)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	struct test own = { 0 };
	struct fend_socket *slow;
	struct service service;
	fend_time begun;
	int i;

	clock_install();
	test_ok(fend_loop_new(NULL, &own.loop));
	service_init(&service, &own, NULL, &options);
	slow = client_new(&service.address);
	test_drain(&own);
	begun = fend_now();
	for (i = 0; i < 2; i++) {
		send_all(slow, &V1_INET[i], 1);
		test_drain(&own);
		clock_pass(FEND_SEC(2));
	}
	test_drain(&own);
	g_assert_cmpuint(service_stats(&service).refused, ==, 0);
	wait_refused(&service, 1);
	g_assert_cmpint(fend_now() - begun, ==, FEND_SEC(5));
	assert_closed(slow);
	fend_socket_free(slow);
	service_fini(&service);
	fend_loop_free(own.loop);
	clock_remove();
}

static void
test_few_may_wait(struct test *test)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	struct fend_socket *clients[3];
	struct service service;
	int i;

	options.proxy_waiting_max = 2;
	service_init(&service, test, NULL, &options);
	for (i = 0; i < 3; i++)
		clients[i] = client_new(&service.address);
	send_all(clients[2], V1_INET, sizeof(V1_INET) - 1);
	test_drain(test);
	g_assert_cmpuint(service_stats(&service).connections, ==, 2);
	g_assert_cmpint(service.accepted, ==, 0);
	/* One that ends makes room. */
	clients[0] = fend_socket_free(clients[0]);
	test_wait(test, &service.accepted);
	g_assert_cmpuint(service_stats(&service).refused, ==, 1);
	for (i = 0; i < 3; i++)
		fend_socket_free(clients[i]);
	service_fini(&service);
}

static void
free_listener(struct service *service)
{
	service->listener = fend_listener_free(service->listener);
}

static void
free_loop(struct service *service)
{
	service->test->loop = fend_loop_free(service->test->loop);
}

static void
test_the_callback_may_free_everything(struct test *test)
{
	static void (*const frees[])(struct service *) = { free_listener, free_loop };
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	struct fend_socket *clients[3];
	size_t i, n;

	for (i = 0; i < G_N_ELEMENTS(frees); i++) {
		struct service service;
		int r = 0;

		if (!test->loop)
			test_ok(fend_loop_new(NULL, &test->loop));
		service_init(&service, test, NULL, &options);
		service.on_accept = frees[i];
		for (n = 0; n < 3; n++) {
			clients[n] = client_new(&service.address);
			send_all(clients[n], V1_INET, n == 1 ? 5 : sizeof(V1_INET) - 1);
		}
		while (r >= 0 && !service.accepted)
			r = fend_loop_dispatch(test->loop, FEND_SEC(20));
		if (test->loop)
			test_drain(test);
		g_assert_cmpint(service.accepted, ==, 1);
		for (n = 0; n < 3; n++)
			fend_socket_free(clients[n]);
		service_fini(&service);
	}
}

/* Who was accepted before a drain still gets through. */
static void
test_a_drain_lets_headers_complete(struct test *test)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	struct fend_socket *client;
	struct service service;

	service_init(&service, test, NULL, &options);
	client = client_new(&service.address);
	test_drain(test);
	service_drain(&service, FEND_FOREVER);
	send_all(client, V1_INET, sizeof(V1_INET) - 1);
	test_wait(test, &service.accepted);
	g_assert_cmpint(service.drained, ==, 0);
	service.sockets[0] = fend_socket_free(service.sockets[0]);
	test_wait(test, &service.drained);
	fend_socket_free(client);
	service_fini(&service);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/listener-proxy/headers-and-payload", test_headers_and_payload);
	test_add("/listener-proxy/byte-by-byte", test_byte_by_byte);
	test_add("/listener-proxy/long-extensions-are-skipped", test_long_extensions_are_skipped);
	test_add("/listener-proxy/one-bad-connection-is-closed", test_one_bad_connection_is_closed);
	test_add("/listener-proxy/the-header-has-to-come-in-time",
		 test_the_header_has_to_come_in_time);
	test_add("/listener-proxy/the-time-for-a-header-is-not-renewed",
		 test_the_time_for_a_header_is_not_renewed);
	test_add("/listener-proxy/few-may-wait", test_few_may_wait);
	test_add("/listener-proxy/the-callback-may-free-everything",
		 test_the_callback_may_free_everything);
	test_add("/listener-proxy/a-drain-lets-headers-complete",
		 test_a_drain_lets_headers_complete);
	return g_test_run();
}
