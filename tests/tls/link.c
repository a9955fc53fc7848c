/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"
#include "layers.h"
#include "pair.h"

struct fend_tls_params
client_params(void)
{
	return (struct fend_tls_params){
		.size = sizeof(struct fend_tls_params),
		.mode = FEND_TLS_CLIENT,
		.cafile = certificate_ca(),
		.protocol_min = variant.version,
		.protocol_max = variant.version,
	};
}

struct fend_tls_params
server_params(void)
{
	return (struct fend_tls_params){
		.size = sizeof(struct fend_tls_params),
		.mode = FEND_TLS_SERVER,
		.certificates = keypair_of(variant.rsa ? certificate_rsa() : certificate_ec()),
		.certificates_count = 1,
	};
}

struct fend_tls_context *
context_new(const struct fend_tls_params *params)
{
	struct fend_tls_context *context = NULL;
	char *reason = NULL;

	if (fend_tls_context_new(params, &reason, &context) < 0)
		g_error("%s", reason);
	return context;
}

unsigned
context_fail_each_allocation(struct test *test, const struct fend_tls_params *params)
{
	struct fend_tls_context *context;
	char *reason;
	unsigned n;
	int r;

	test->loop = fend_loop_free(test->loop);
	fault_install();
	for (n = 1;; n++) {
		reason = NULL;
		fault_set(FAULT_ALLOCATE, n, -ENOMEM, FALSE);
		r = fend_tls_context_new(params, &reason, &context);
		fault_clear();
		if (!fault_struck())
			break;
		test_error(r, -ENOMEM);
		fend_free(reason);
	}
	test_ok(r);
	fend_tls_context_unref(context);
	fault_remove();
	return n;
}

const struct fend_tls_keypair *
keypair_of(const struct certificate *certificate)
{
	static GHashTable *all;
	struct fend_tls_keypair *pair;

	if (!all)
		all = g_hash_table_new(NULL, NULL);
	pair = g_hash_table_lookup(all, certificate);
	if (!pair) {
		pair = g_new0(struct fend_tls_keypair, 1);
		g_hash_table_insert(all, (gpointer)certificate, pair);
	}
	/* another may be where one was freed; several threads share one that is not */
	if (pair->certificate != certificate->certificate || pair->key != certificate->key) {
		pair->certificate = certificate->certificate;
		pair->key = certificate->key;
	}
	return pair;
}

const struct certificate *
certificate_ec(void)
{
	static const struct certificate *certificate;

	if (!certificate)
		certificate = certificate_new("ec", NULL);
	return certificate;
}

const struct certificate *
certificate_rsa(void)
{
	static const struct certificate *certificate;

	if (!certificate)
		certificate = certificate_new("rsa", &(struct certificate_options){ .rsa = 1 });
	return certificate;
}

void
on_done(struct fend_socket *socket, int err, void *data)
{
	struct side *side = data;

	g_assert_true(socket == side->socket);
	side->err = err;
	side->called++;
	side->test->done = 1;
}

static void
init(struct link *link, struct test *test, const struct pair *pair)
{
	struct fend_socket *const sockets[] = { pair->a, pair->b };
	int i;

	*link = (struct link){ .test = test };
	link->client.test = link->server.test = test;
	link->client.socket = pair->a;
	link->server.socket = pair->b;
	for (i = 0; i < 2; i++) {
		/* else each small piece waits for the acknowledgement of the one before */
		if (variant.way != DIRECT)
			fend_socket_set_option_int(sockets[i], IPPROTO_TCP, TCP_NODELAY, 1);
		if (variant.way == DRIBBLED)
			dribbler_push(sockets[i]);
		else if (variant.way == STALLED)
			faulty_push(sockets[i])->stall = 2;
	}
}

void
link_init(struct link *link, struct test *test)
{
	struct pair pair;

	pair_init_tcp(&pair);
	init(link, test, &pair);
}

void
link_init_unix(struct link *link, struct test *test)
{
	struct pair pair;

	pair_init(&pair);
	init(link, test, &pair);
}

static void
wrap(struct side *side, const struct fend_tls_params *params, const char *name)
{
	struct fend_tls_context *context = context_new(params);

	test_ok(fend_tls_wrap(side->socket, context, name));
	fend_tls_context_unref(context);
}

void
link_wrap(struct link *link, const struct fend_tls_params *client,
	  const struct fend_tls_params *server, const char *name)
{
	struct fend_tls_params for_client = client_params(), for_server = server_params();

	wrap(&link->client, client ? client : &for_client, name ? name : "localhost");
	wrap(&link->server, server ? server : &for_server, NULL);
}

void
link_handshake(struct link *link)
{
	struct test *test = link->test;
	int before = link->client.called + link->server.called;

	test_ok(fend_tls_handshake(link->client.socket, test->loop, FEND_FOREVER, on_done,
				   &link->client));
	test_ok(fend_tls_handshake(link->server.socket, test->loop, FEND_FOREVER, on_done,
				   &link->server));
	g_assert_cmpint(link->client.called + link->server.called, ==, before);
	while (link->client.called + link->server.called < before + 2)
		test_run(test);
}

void
link_open(struct link *link, struct test *test, const struct fend_tls_params *client,
	  const struct fend_tls_params *server)
{
	link_init(link, test);
	link_wrap(link, client, server, NULL);
	link_handshake(link);
	test_error(link->client.err, 0);
	test_error(link->server.err, 0);
}

void
link_open_unix(struct link *link, struct test *test)
{
	link_init_unix(link, test);
	link_wrap(link, NULL, NULL, NULL);
	link_handshake(link);
	test_error(link->client.err, 0);
	test_error(link->server.err, 0);
}

void
link_fini(struct link *link)
{
	link->client.socket = fend_socket_free(link->client.socket);
	link->server.socket = fend_socket_free(link->server.socket);
}

static void
on_ready(struct fend_socket *socket, unsigned events, void *data)
{
	*(unsigned *)data |= events;
}

/* One dispatch, so that whatever is to happen on either side goes on. */
static void
wait_for(struct test *test, struct fend_socket *socket, unsigned events)
{
	unsigned ready = 0;

	test_ok(fend_socket_watch(socket, test->loop, events, on_ready, &ready));
	while (!ready)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(20)));
	fend_socket_unwatch(socket);
}

ssize_t
tls_recv_some(struct test *test, struct fend_socket *socket, void *data, size_t size)
{
	ssize_t n;

	while ((n = fend_socket_recv(socket, data, size, 0)) == -EAGAIN)
		wait_for(test, socket, FEND_IN);
	return n;
}

void
tls_recv(struct test *test, struct fend_socket *socket, void *data, size_t size)
{
	ssize_t n;

	while (size) {
		n = tls_recv_some(test, socket, data, size);
		g_assert_cmpint(n, >, 0);
		data = (char *)data + n;
		size -= (size_t)n;
	}
}

void
tls_send(struct test *test, struct fend_socket *socket, const void *data, size_t size)
{
	ssize_t n;

	while (size) {
		n = fend_socket_send(socket, data, size, 0);
		if (n == -EAGAIN) {
			wait_for(test, socket, FEND_OUT);
			continue;
		}
		g_assert_cmpint(n, >, 0);
		data = (const char *)data + n;
		size -= (size_t)n;
	}
}

unsigned char
pattern(size_t at, unsigned salt)
{
	return (unsigned char)((at * 2654435761u + salt) >> 13);
}

size_t
link_fill(struct link *link)
{
	unsigned char data[50000];
	size_t total = 0, i;
	ssize_t n;

	for (;;) {
		for (i = 0; i < sizeof(data); i++)
			data[i] = pattern(total + i, 0);
		n = fend_socket_send(link->server.socket, data, sizeof(data), 0);
		if (n == -EAGAIN)
			return total;
		g_assert_cmpint(n, >, 0);
		total += (size_t)n;
	}
}

void
link_exchange(struct link *link)
{
	char data[4];

	tls_send(link->test, link->client.socket, "ping", 4);
	tls_recv(link->test, link->server.socket, data, 4);
	g_assert_cmpmem(data, 4, "ping", 4);
	tls_send(link->test, link->server.socket, "pong", 4);
	tls_recv(link->test, link->client.socket, data, 4);
	g_assert_cmpmem(data, 4, "pong", 4);
}

void
assert_text(const struct side *side, const char *part)
{
	const struct fend_tls_error *error = fend_tls_error(side->socket);

	if (!strstr(error->text, part))
		g_error("\"%s\" instead of \"%s\"", error->text, part);
}
